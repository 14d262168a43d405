-- Many certificates at once, whatever finding them takes: they are counted by a job, and what is then done is bound to those that it counted. And
-- filters with alternatives.
SET search_path = siegel;

-- What a filter says of a certificate x, as conditions that each begin with AND (0025). p_exact: without the look-ups among labels, which find a few
-- among all by an index and would be made anew for each of many steps, or for each alternative.
CREATE FUNCTION certificate_filter(p_tenant int, p_filter jsonb, p_exact boolean) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := '';
  key text;
  value jsonb;
  op text;
  bound text;
BEGIN
  FOR key, value IN SELECT * FROM jsonb_each(coalesce(p_filter, '{}') - 'any') LOOP
    CASE
      WHEN key IN ('subject', 'common_name', 'requestor', 'source', 'owner', 'key_type') THEN
        said := said || siegel.certificate_said('x.' || key, value);
      WHEN key = 'status' THEN
        said := said || siegel.certificate_said_word('x.status', ARRAY[NULL, 'issued', 'revoked', 'held'], value);
      WHEN key = 'revocation_reason' THEN
        said := said || siegel.certificate_said_word('x.reason', ARRAY['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged',
          'superseded', 'cessationOfOperation', 'certificateHold', NULL, 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise'], value);
      WHEN key IN ('profile', 'issuer') THEN
        -- The ids stand in the text, so that the planner sees how many rows they have.
        EXECUTE format('SELECT coalesce(array_agg(n.id), ''{}'')::text FROM siegel.%I n WHERE n.tenant_id = %s',
                       CASE key WHEN 'profile' THEN 'profile' ELSE 'ca' END, p_tenant) || siegel.certificate_said('n.name', value) INTO bound;
        said := said || format(' AND x.%I = ANY (%L::int[])', CASE key WHEN 'profile' THEN 'profile_id' ELSE 'ca_id' END, bound);
      WHEN key IN ('serial', 'key_sha256') THEN
        said := said || format(' AND x.%I = decode(%L, ''hex'')', CASE key WHEN 'serial' THEN 'serial' ELSE 'spki_hash' END,
                               CASE jsonb_typeof(value) WHEN 'object' THEN value ->> 'eq' ELSE value #>> '{}' END);
      WHEN key = 'fingerprint_sha256' THEN
        said := said || format(' AND sha256(x.der) = decode(%L, ''hex'')', CASE jsonb_typeof(value) WHEN 'object' THEN value ->> 'eq' ELSE value #>> '{}' END);
      WHEN key = 'names' THEN
        IF jsonb_typeof(value) <> 'object' OR value ? 'eq' THEN
          bound := CASE jsonb_typeof(value) WHEN 'object' THEN value ->> 'eq' ELSE value #>> '{}' END;
          said := said || format(' AND %L = ANY (x.names)', bound);
          IF NOT p_exact THEN
            said := said || format(' AND x.id IN (SELECT l.certificate_id FROM siegel.certificate_label l WHERE l.tenant_id = %s AND l.label = left(%L, 512))',
                                   p_tenant, bound);
          END IF;
        END IF;
        IF value ? 'contains' AND jsonb_typeof(value) = 'object' THEN
          said := said || siegel.certificate_said('array_to_string(x.names, '' '')', value - 'eq');
        END IF;
      WHEN key = 'metadata' THEN
        FOR op, value IN SELECT * FROM jsonb_each(value) LOOP
          said := said || siegel.certificate_said(format('(x.metadata ->> %L)', op), value);
          IF NOT p_exact AND (jsonb_typeof(value) <> 'object' OR value ? 'eq') THEN
            bound := 'meta:' || op || '=' || CASE jsonb_typeof(value) WHEN 'object' THEN value ->> 'eq' ELSE value #>> '{}' END;
            said := said || format(' AND x.id IN (SELECT l.certificate_id FROM siegel.certificate_label l WHERE l.tenant_id = %s AND l.label = left(%L, 512))',
                                   p_tenant, bound);
          END IF;
        END LOOP;
      WHEN key IN ('not_before', 'not_after', 'created_at', 'revoked_at') THEN
        FOR op, bound IN SELECT * FROM jsonb_each_text(value) LOOP
          said := said || format(' AND x.%I %s %L::timestamptz', key, CASE op WHEN 'lt' THEN '<' WHEN 'le' THEN '<=' WHEN 'gt' THEN '>' ELSE '>=' END,
                                 bound::timestamptz);
        END LOOP;
    END CASE;
  END LOOP;
  RETURN said;
END $$;

-- As before (0010), with filters that have alternatives: "any", an array of filters of which one has to fit.
CREATE OR REPLACE FUNCTION certificate_choice(p_tenant int, p_choice jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := format('x.tenant_id = %s', p_tenant);
  others text := '';
  one jsonb;
BEGIN
  IF p_choice ? 'ids' THEN
    said := said || format(' AND x.id = ANY (%L::bigint[])', (SELECT array_agg(i::bigint) FROM jsonb_array_elements_text(p_choice -> 'ids') i));
  END IF;
  IF p_choice ? 'condition' THEN
    said := said || format(' AND jsonb_path_match(siegel.certificate_document(x, (SELECT k.name FROM siegel.ca k WHERE k.id = x.ca_id),'
      ' (SELECT p.name FROM siegel.profile p WHERE p.id = x.profile_id), (SELECT p.kind FROM siegel.profile p WHERE p.id = x.profile_id)),'
      ' %L::jsonpath, ''{}'', true)', p_choice ->> 'condition');
  END IF;
  said := said || siegel.certificate_filter(p_tenant, p_choice -> 'filter', p_choice ? 'ids');
  IF p_choice -> 'filter' ? 'any' THEN
    FOR one IN SELECT * FROM jsonb_array_elements(p_choice -> 'filter' -> 'any') LOOP
      others := others || ' OR (true' || siegel.certificate_filter(p_tenant, one, true) || ')';
    END LOOP;
    said := said || ' AND (false' || others || ')';
  END IF;
  RETURN said;
END $$;

-- As before (0025); -2: advice on renewal.
CREATE OR REPLACE FUNCTION certificate_affected(p_tenant int, p_choice jsonb, p_reason int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT siegel.certificate_choice(p_tenant, p_choice)
         || CASE p_reason WHEN -1 THEN '' WHEN -2 THEN ' AND x.status = 1 AND x.not_after > now()' WHEN 6 THEN ' AND x.status = 1' WHEN 8 THEN ' AND x.status = 3'
                          WHEN 1 THEN ' AND (x.status <> 2 OR x.reason IS DISTINCT FROM 1)' ELSE ' AND x.status <> 2' END
         || ' AND NOT EXISTS (SELECT FROM siegel.profile p WHERE p.id = x.profile_id AND p.definition ->> ''internal'' = ''true'')'
$$;

-- What a job counted: the ids, in their order, some thousand in a row. Kept for a week.
CREATE TABLE certificate_counted (
  job_id    bigint NOT NULL REFERENCES job ON DELETE CASCADE,
  tenant_id int NOT NULL,
  last      bigint NOT NULL,  -- the highest of them
  ids       bigint[] NOT NULL,
  PRIMARY KEY (job_id, last)
);
ALTER TABLE certificate_counted ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificate_counted FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON certificate_counted TO siegel_owner, siegel_ca USING (true);
GRANT SELECT, INSERT, DELETE ON certificate_counted TO siegel_ca;

-- Where a count begins: how many certificates are looked through, from the kept counts; the ids between which they lie. What was counted a week ago
-- goes.
CREATE FUNCTION certificate_counted_begin(p_tenant int) RETURNS TABLE (r_total bigint, r_first bigint, r_last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  DELETE FROM siegel.certificate_counted c USING siegel.job j WHERE j.id = c.job_id AND j.created_at < now() - interval '7 days';
  SELECT coalesce(sum(q.n), 0) INTO r_total
    FROM (SELECT t.n FROM siegel.certificate_total t WHERE t.tenant_id = p_tenant
          UNION ALL SELECT d.n FROM siegel.certificate_delta d WHERE d.tenant_id = p_tenant) q;
  SELECT coalesce(min(x.id), 1) - 1, coalesce(max(x.id), 0) INTO r_first, r_last FROM siegel.certificate x WHERE x.tenant_id = p_tenant;
  RETURN NEXT;
END $$;
-- Those of a choice with ids above p_after, up to p_last, are noted; how many they are.
CREATE FUNCTION certificate_counted_add(p_job bigint, p_tenant int, p_choice jsonb, p_reason int, p_after bigint, p_last bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  counted bigint;
BEGIN
  EXECUTE 'WITH found AS MATERIALIZED (SELECT x.id FROM siegel.certificate x WHERE ' || siegel.certificate_affected(p_tenant, p_choice, p_reason)
    || ' AND x.id > $1 AND x.id <= $2), kept AS (INSERT INTO siegel.certificate_counted (job_id, tenant_id, last, ids)'
       ' SELECT $3, $4, max(q.id), array_agg(q.id ORDER BY q.id) FROM (SELECT f.id, (row_number() OVER (ORDER BY f.id) - 1) / 5000 AS part FROM found f) q'
       ' GROUP BY q.part) SELECT count(*) FROM found' INTO counted USING p_after, p_last, p_job, p_tenant;
  RETURN counted;
END $$;
-- Of all that were noted: the highest id, the first 20, and what the policies say of the first p_judged (as certificate_count() does).
CREATE FUNCTION certificate_counted_end(p_job bigint, p_tenant int, p_document jsonb, p_judged int)
RETURNS TABLE (r_last bigint, r_sample text, r_refused bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  first bigint[];
BEGIN
  SELECT coalesce(max(c.last), 0) INTO r_last FROM siegel.certificate_counted c WHERE c.job_id = p_job;
  first := ARRAY(SELECT i FROM (SELECT c.ids FROM siegel.certificate_counted c WHERE c.job_id = p_job ORDER BY c.last LIMIT p_judged) q, unnest(q.ids) i
                  ORDER BY i LIMIT p_judged);
  SELECT coalesce(jsonb_agg(q ORDER BY q.n), '[]')::text INTO r_sample
    FROM (SELECT x.id AS n, x.id::text AS id, x.subject, encode(x.serial, 'hex') AS serial, x.not_after FROM siegel.certificate x
           WHERE x.tenant_id = p_tenant AND x.id = ANY (first[:20])) q;
  SELECT count(*) INTO r_refused FROM siegel.certificate_judge(p_tenant, p_document, first);
  RETURN NEXT;
END $$;
-- The next of them above p_after, as certificate_choice() takes ids, and the highest of these; null: there are none.
CREATE FUNCTION certificate_counted_next(p_job bigint, p_after bigint, p_limit int) RETURNS TABLE (r_ids jsonb, r_last bigint) LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(q.i), max(q.i)
    FROM (SELECT i FROM (SELECT c.ids FROM siegel.certificate_counted c WHERE c.job_id = p_job AND c.last > p_after ORDER BY c.last LIMIT 1) c, unnest(c.ids) i
           WHERE i > p_after ORDER BY i LIMIT p_limit) q
$$;
REVOKE ALL ON FUNCTION certificate_filter, certificate_counted_begin, certificate_counted_add, certificate_counted_end, certificate_counted_next FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_filter, certificate_counted_begin, certificate_counted_add, certificate_counted_end, certificate_counted_next TO siegel_ca;
