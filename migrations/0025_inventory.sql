-- The inventory: queries that people keep, certificates by their fingerprint, and changes of many that mean what a list's filters mean.
SET search_path = siegel;

-- What somebody looks for again and again: the parameters of GET /certificates, and the columns that are shown of what it finds.
CREATE TABLE saved_query (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  int NOT NULL REFERENCES tenant,
  account_id bigint NOT NULL REFERENCES account,
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  query      jsonb NOT NULL CHECK (jsonb_typeof(query) = 'object'),
  columns    text[] NOT NULL DEFAULT '{}',
  shared     boolean NOT NULL DEFAULT false, -- all accounts of the tenant see it
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (account_id, name)                  -- also: an account's, counted
);
CREATE INDEX saved_query_tenant ON saved_query (tenant_id, id); -- pages over REST
ALTER TABLE saved_query ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_query FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON saved_query TO siegel_owner, siegel_ca USING (true);
CREATE POLICY own_tenant ON saved_query TO siegel_api USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_query TO siegel_ca;
GRANT SELECT ON saved_query TO siegel_api;

-- Certificates by the SHA-256 of their DER. A hash, for nobody looks for a range; under row-level security an index of an expression isn't used, so
-- the owner looks, for the tenant that is set.
CREATE INDEX certificate_fingerprint ON certificate USING hash (sha256(der));
CREATE FUNCTION certificate_of_fingerprint(p_sha256 bytea) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT x.id FROM siegel.certificate x
   WHERE sha256(x.der) = p_sha256 AND x.tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
$$;
REVOKE ALL ON FUNCTION certificate_of_fingerprint FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_of_fingerprint TO siegel_api;

-- The engine finds names and metadata of many certificates by their labels, as lists do.
GRANT SELECT ON certificate_label TO siegel_ca;
CREATE POLICY engine ON certificate_label FOR SELECT TO siegel_ca USING (true);

-- What is said of one attribute, as a condition: {"eq": "text", "in": ["text", …], "contains": "text"}; or a text, which is "eq". p_sql is ours.
CREATE FUNCTION certificate_said(p_sql text, p_said jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  said text := '';
BEGIN
  IF jsonb_typeof(p_said) <> 'object' THEN
    RETURN format(' AND %s = %L', p_sql, p_said #>> '{}');
  END IF;
  IF p_said ? 'eq' THEN
    said := said || format(' AND %s = %L', p_sql, p_said ->> 'eq');
  END IF;
  IF p_said ? 'in' THEN
    said := said || format(' AND %s = ANY (%L::text[])', p_sql, ARRAY(SELECT jsonb_array_elements_text(p_said -> 'in')));
  END IF;
  IF p_said ? 'contains' THEN
    said := said || format(' AND position(lower(%L) IN lower(%s)) > 0', p_said ->> 'contains', p_sql);
  END IF;
  RETURN said;
END $$;

-- The same of the numbers of words: statuses and reasons.
CREATE FUNCTION certificate_said_word(p_sql text, p_words text[], p_said jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format(' AND %s = ANY (%L::int[])', p_sql, ARRAY(
    SELECT coalesce(array_position(p_words, w) - 1, -1)
      FROM unnest(CASE WHEN jsonb_typeof(p_said) <> 'object' THEN ARRAY[p_said #>> '{}']
                       WHEN p_said ? 'in' THEN ARRAY(SELECT jsonb_array_elements_text(p_said -> 'in')) ELSE ARRAY[p_said ->> 'eq'] END) w))
$$;

-- As before (0010), and with what the filters of lists have besides: several values, parts of texts, reasons, times of revocation, fingerprints.
CREATE OR REPLACE FUNCTION certificate_choice(p_tenant int, p_choice jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := format('x.tenant_id = %s', p_tenant);
  key text;
  value jsonb;
  op text;
  bound text;
BEGIN
  IF p_choice ? 'ids' THEN
    said := said || format(' AND x.id = ANY (%L::bigint[])', (SELECT array_agg(i::bigint) FROM jsonb_array_elements_text(p_choice -> 'ids') i));
  END IF;
  IF p_choice ? 'condition' THEN
    said := said || format(' AND jsonb_path_match(siegel.certificate_document(x, (SELECT k.name FROM siegel.ca k WHERE k.id = x.ca_id),'
      ' (SELECT p.name FROM siegel.profile p WHERE p.id = x.profile_id), (SELECT p.kind FROM siegel.profile p WHERE p.id = x.profile_id)),'
      ' %L::jsonpath, ''{}'', true)', p_choice ->> 'condition');
  END IF;
  FOR key, value IN SELECT * FROM jsonb_each(coalesce(p_choice -> 'filter', '{}')) LOOP
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
          said := said || format(' AND %L = ANY (x.names) AND x.id IN (SELECT l.certificate_id FROM siegel.certificate_label l'
                                 ' WHERE l.tenant_id = %s AND l.label = left(%L, 512))', bound, p_tenant, bound);
        END IF;
        IF value ? 'contains' AND jsonb_typeof(value) = 'object' THEN
          said := said || siegel.certificate_said('array_to_string(x.names, '' '')', value - 'eq');
        END IF;
      WHEN key = 'metadata' THEN
        FOR op, value IN SELECT * FROM jsonb_each(value) LOOP
          said := said || siegel.certificate_said(format('(x.metadata ->> %L)', op), value);
          IF jsonb_typeof(value) <> 'object' OR value ? 'eq' THEN
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

-- As before (0010); -1: a change of what is noted about them, which all can have.
CREATE OR REPLACE FUNCTION certificate_affected(p_tenant int, p_choice jsonb, p_reason int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT siegel.certificate_choice(p_tenant, p_choice)
         || CASE p_reason WHEN -1 THEN '' WHEN 6 THEN ' AND x.status = 1' WHEN 8 THEN ' AND x.status = 3'
                          WHEN 1 THEN ' AND (x.status <> 2 OR x.reason IS DISTINCT FROM 1)' ELSE ' AND x.status <> 2' END
         || ' AND NOT EXISTS (SELECT FROM siegel.profile p WHERE p.id = x.profile_id AND p.definition ->> ''internal'' = ''true'')'
$$;

-- Metadata with some keys set and others taken away; null: none is left.
CREATE FUNCTION metadata_changed(p_metadata jsonb, p_set jsonb, p_remove text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT nullif((coalesce(p_metadata, '{}') - p_remove) || p_set, '{}')
$$;
-- Owner (unless p_owner is null; '': none) and metadata of many, each with its audit row; the ids are those of certificate_next() in the same
-- transaction.
CREATE FUNCTION certificate_annotate_many(
  p_chain text, p_tenant int, p_owner text, p_set jsonb, p_remove text[], p_id bigint[],
  p_seq bigint[], p_at bigint[], p_actor text[], p_object text[], p_detail text[], p_hash bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE siegel.certificate SET owner = CASE WHEN p_owner IS NULL THEN owner ELSE nullif(p_owner, '') END,
         metadata = siegel.metadata_changed(metadata, p_set, p_remove) WHERE tenant_id = p_tenant AND id = ANY (p_id);
  INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
  SELECT p_chain, q, a, p_tenant, ac, 'certificate.changed', o, d, h FROM unnest(p_seq, p_at, p_actor, p_object, p_detail, p_hash) AS u(q, a, ac, o, d, h);
END $$;
-- The next of them as certificate_next() has them; those that would have more than p_keys keys of metadata are refused.
CREATE FUNCTION certificate_annotate_next(p_tenant int, p_choice jsonb, p_document jsonb, p_set jsonb, p_remove text[], p_keys int, p_after bigint,
  p_last bigint, p_limit int) RETURNS TABLE (r_id bigint, r_effect text, r_message text, r_policy text, r_rule text) LANGUAGE sql AS $$
  SELECT n.r_id, coalesce(n.r_effect, f.effect), coalesce(n.r_message, f.message), n.r_policy, n.r_rule
    FROM siegel.certificate_next(p_tenant, p_choice, -1, p_document, p_after, p_last, p_limit) n
    JOIN siegel.certificate x ON x.tenant_id = p_tenant AND x.id = n.r_id
    LEFT JOIN LATERAL (SELECT 'refuse' AS effect, format('it would have more than %s keys of metadata', p_keys) AS message
                        WHERE (SELECT count(*) FROM jsonb_object_keys(siegel.metadata_changed(x.metadata, p_set, p_remove))) > p_keys) f ON true
   ORDER BY n.r_id
$$;
REVOKE ALL ON FUNCTION certificate_said, certificate_said_word, metadata_changed, certificate_annotate_many, certificate_annotate_next FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_said, certificate_said_word, metadata_changed, certificate_annotate_many, certificate_annotate_next TO siegel_ca;
