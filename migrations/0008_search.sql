-- Finding and counting among tens of millions of certificates. Filters of lists go by the indexes below; each ends in the id, so that a page
-- in the order of ids is read off whatever share of the rows the value has, and however old they are. Dashboards read counts that are
-- kept: a batch appends what it changed (certificate_delta), statistics_fold() adds that up from time to time.
SET search_path = siegel;

-- Entries of one batch lie beside each other in all of these but the first, so each costs an insert about one microsecond.
CREATE INDEX certificate_common_name ON certificate (tenant_id, common_name, id); -- also subjects, by the name in them
CREATE INDEX certificate_ca ON certificate (tenant_id, ca_id, id);
CREATE INDEX certificate_ca_not_after ON certificate (tenant_id, ca_id, not_after, id); -- what a CA has to renew next
CREATE INDEX certificate_profile ON certificate (tenant_id, profile_id, id);
CREATE INDEX certificate_requestor ON certificate (tenant_id, requestor, id);
CREATE INDEX certificate_source ON certificate (tenant_id, source, id);
CREATE INDEX certificate_key_type ON certificate (tenant_id, key_type, id) WHERE key_type IS NOT NULL;
CREATE INDEX certificate_owner ON certificate (tenant_id, owner, id) WHERE owner IS NOT NULL;
CREATE INDEX certificate_not_after ON certificate (tenant_id, not_after, id);   -- what expires next
CREATE INDEX certificate_not_before ON certificate (tenant_id, not_before, id);
CREATE INDEX certificate_created_at ON certificate (tenant_id, created_at, id);
-- Those that are revoked or held; issuing doesn't touch these.
CREATE INDEX certificate_status ON certificate (tenant_id, status, id) WHERE status <> 1;
CREATE INDEX certificate_reason ON certificate (tenant_id, reason, id) WHERE reason IS NOT NULL;
CREATE INDEX certificate_revoked_at ON certificate (tenant_id, revoked_at, id) WHERE revoked_at IS NOT NULL;

-- What goes together isn't as rare as the product of its parts, and what doesn't isn't there at all: the planner knows.
CREATE STATISTICS certificate_names (dependencies) ON common_name, subject FROM certificate;
CREATE STATISTICS certificate_kinds (mcv) ON ca_id, profile_id, source FROM certificate;

-- What a certificate has several of: its names ("dns:…"), and its metadata ("meta:key=value"), cut to 512 characters: whoever looks here
-- compares with the certificate itself, too. A B-tree in the order of ids, where a GIN index has none and isn't used under row-level security.
CREATE TABLE certificate_label (
  tenant_id      int NOT NULL,
  label          text NOT NULL,
  certificate_id bigint NOT NULL,
  PRIMARY KEY (tenant_id, label, certificate_id)
);
CREATE FUNCTION certificate_labels(p_names text[], p_metadata jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT left(n, 512) FROM unnest(p_names) n
  UNION SELECT left('meta:' || m.key || '=' || m.value, 512) FROM jsonb_each_text(p_metadata) m
$$;

-- What changed, not yet added up: n rows more (or fewer) of that kind. Days are UTC's.
CREATE TABLE certificate_delta (
  tenant_id   int NOT NULL,
  ca_id       int NOT NULL,
  profile_id  int NOT NULL,
  source      text NOT NULL,
  status      smallint NOT NULL,
  issued_day  date NOT NULL,
  expires_day date NOT NULL,
  revoked_day date,
  n           bigint NOT NULL
);
ALTER TABLE certificate_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
-- The counts, added up.
CREATE TABLE certificate_total (
  tenant_id  int NOT NULL,
  ca_id      int NOT NULL,
  profile_id int NOT NULL,
  source     text NOT NULL,
  status     smallint NOT NULL,
  n          bigint NOT NULL,
  PRIMARY KEY (tenant_id, ca_id, profile_id, source, status)
);
CREATE TABLE certificate_day (
  tenant_id int NOT NULL,
  event     text NOT NULL CHECK (event IN ('issued', 'revoked', 'expires')),
  day       date NOT NULL,
  status    smallint NOT NULL,
  n         bigint NOT NULL,
  PRIMARY KEY (tenant_id, event, day, status)
);

CREATE FUNCTION day_utc(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$ SELECT (($1) AT TIME ZONE 'UTC')::date $$;

-- Once for each statement, for all of its rows. As the owner: nobody else writes these tables.
CREATE FUNCTION certificate_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO siegel.certificate_delta (tenant_id, ca_id, profile_id, source, status, issued_day, expires_day, revoked_day, n)
    SELECT x.tenant_id, x.ca_id, x.profile_id, x.source, x.status, day_utc(x.created_at), day_utc(x.not_after), day_utc(x.revoked_at), count(*)
      FROM new_rows x GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
    INSERT INTO siegel.certificate_label (tenant_id, label, certificate_id)
    SELECT x.tenant_id, l, x.id FROM new_rows x, LATERAL certificate_labels(x.names, x.metadata) l
     WHERE x.names <> '{}' OR x.metadata IS NOT NULL;
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE' THEN
    INSERT INTO siegel.certificate_delta (tenant_id, ca_id, profile_id, source, status, issued_day, expires_day, revoked_day, n)
    SELECT x.tenant_id, x.ca_id, x.profile_id, x.source, x.status, day_utc(x.created_at), day_utc(x.not_after), day_utc(x.revoked_at), -count(*)
      FROM old_rows x GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
    DELETE FROM siegel.certificate_label d USING old_rows o, LATERAL certificate_labels(o.names, o.metadata) l
     WHERE d.tenant_id = o.tenant_id AND d.label = l AND d.certificate_id = o.id;
    RETURN NULL;
  END IF;
  INSERT INTO siegel.certificate_delta (tenant_id, ca_id, profile_id, source, status, issued_day, expires_day, revoked_day, n)
  SELECT x.tenant_id, x.ca_id, x.profile_id, x.source, x.status, day_utc(x.created_at), day_utc(x.not_after), day_utc(x.revoked_at), sum(s)
    FROM (SELECT tenant_id, ca_id, profile_id, source, status, created_at, not_after, revoked_at, 1 AS s FROM new_rows
          UNION ALL SELECT tenant_id, ca_id, profile_id, source, status, created_at, not_after, revoked_at, -1 FROM old_rows) x
   GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(s) <> 0;
  -- Names never change.
  IF EXISTS (SELECT FROM old_rows WHERE metadata IS NOT NULL) OR EXISTS (SELECT FROM new_rows WHERE metadata IS NOT NULL) THEN
    DELETE FROM siegel.certificate_label d USING old_rows o, LATERAL certificate_labels('{}', o.metadata) l
     WHERE d.tenant_id = o.tenant_id AND d.label = l AND d.certificate_id = o.id;
    INSERT INTO siegel.certificate_label (tenant_id, label, certificate_id)
    SELECT x.tenant_id, l, x.id FROM new_rows x, LATERAL certificate_labels('{}', x.metadata) l WHERE x.metadata IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER certificate_inserted AFTER INSERT ON certificate REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION certificate_follow();
CREATE TRIGGER certificate_updated AFTER UPDATE ON certificate REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION certificate_follow();
CREATE TRIGGER certificate_deleted AFTER DELETE ON certificate REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION certificate_follow();

-- Adds up what waits, at most 100,000 rows of it; how many it were. One at a time: siegel-sched calls it every few seconds.
CREATE FUNCTION statistics_fold() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE folded bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('siegel.statistics_fold'));
  WITH gone AS MATERIALIZED (
    DELETE FROM siegel.certificate_delta WHERE ctid = ANY (ARRAY(SELECT ctid FROM siegel.certificate_delta LIMIT 100000))
    RETURNING tenant_id, ca_id, profile_id, source, status, issued_day, expires_day, revoked_day, n
  ), total AS (
    INSERT INTO siegel.certificate_total AS t (tenant_id, ca_id, profile_id, source, status, n)
    SELECT tenant_id, ca_id, profile_id, source, status, sum(n) FROM gone GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
    ON CONFLICT (tenant_id, ca_id, profile_id, source, status) DO UPDATE SET n = t.n + excluded.n
  ), day AS (
    INSERT INTO siegel.certificate_day AS t (tenant_id, event, day, status, n)
    SELECT tenant_id, e, d, status, sum(n)
      FROM gone, LATERAL (VALUES ('issued', issued_day), ('expires', expires_day), ('revoked', revoked_day)) AS u(e, d)
     WHERE d IS NOT NULL GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
    ON CONFLICT (tenant_id, event, day, status) DO UPDATE SET n = t.n + excluded.n
  )
  SELECT count(*) INTO folded FROM gone;
  RETURN folded;
END $$;

-- Counts and labels anew from the certificates themselves: for rows that were there before, or were loaded past the triggers.
CREATE FUNCTION statistics_rebuild() RETURNS void LANGUAGE plpgsql SET search_path = siegel, pg_temp AS $$
BEGIN
  LOCK TABLE siegel.certificate IN SHARE MODE;
  TRUNCATE siegel.certificate_delta, siegel.certificate_total, siegel.certificate_day, siegel.certificate_label;
  INSERT INTO siegel.certificate_total (tenant_id, ca_id, profile_id, source, status, n)
  SELECT tenant_id, ca_id, profile_id, source, status, count(*) FROM siegel.certificate GROUP BY 1, 2, 3, 4, 5;
  INSERT INTO siegel.certificate_day (tenant_id, event, day, status, n)
  SELECT tenant_id, 'issued', day_utc(created_at), status, count(*) FROM siegel.certificate GROUP BY 1, 3, 4
  UNION ALL SELECT tenant_id, 'expires', day_utc(not_after), status, count(*) FROM siegel.certificate GROUP BY 1, 3, 4
  UNION ALL SELECT tenant_id, 'revoked', day_utc(revoked_at), status, count(*) FROM siegel.certificate WHERE revoked_at IS NOT NULL GROUP BY 1, 3, 4;
  INSERT INTO siegel.certificate_label (tenant_id, label, certificate_id)
  SELECT x.tenant_id, l, x.id FROM siegel.certificate x, LATERAL certificate_labels(x.names, x.metadata) l
   WHERE x.names <> '{}' OR x.metadata IS NOT NULL;
END $$;
SELECT statistics_rebuild();

-- Where the kept counts differ from the certificates: no row when all is well. It reads everything: for tests and for doubts.
CREATE FUNCTION statistics_check() RETURNS TABLE (r_what text, r_kept bigint, r_true bigint) LANGUAGE sql STABLE SET search_path = siegel, pg_temp AS $$
  WITH waiting AS (SELECT tenant_id, ca_id, profile_id, source, status, issued_day, expires_day, revoked_day, n FROM siegel.certificate_delta),
  kept AS (
    SELECT concat_ws('/', tenant_id, ca_id, profile_id, source, status) AS what, n FROM siegel.certificate_total
    UNION ALL SELECT concat_ws('/', tenant_id, ca_id, profile_id, source, status), n FROM waiting
    UNION ALL SELECT concat_ws('/', tenant_id, event, day, status), n FROM siegel.certificate_day
    UNION ALL SELECT concat_ws('/', tenant_id, e, d, status), n
      FROM waiting, LATERAL (VALUES ('issued', issued_day), ('expires', expires_day), ('revoked', revoked_day)) AS u(e, d) WHERE d IS NOT NULL
    UNION ALL SELECT concat_ws('/', tenant_id, 'labels'), 1 FROM siegel.certificate_label
  ), truth AS (
    SELECT concat_ws('/', tenant_id, ca_id, profile_id, source, status) AS what, 1 AS n FROM siegel.certificate
    UNION ALL SELECT concat_ws('/', tenant_id, e, d, status), 1
      FROM siegel.certificate, LATERAL (VALUES ('issued', day_utc(created_at)), ('expires', day_utc(not_after)), ('revoked', day_utc(revoked_at))) AS u(e, d)
     WHERE d IS NOT NULL
    UNION ALL SELECT concat_ws('/', x.tenant_id, 'labels'), 1 FROM siegel.certificate x, LATERAL certificate_labels(x.names, x.metadata) l
  )
  SELECT coalesce(k.what, t.what), coalesce(k.n, 0)::bigint, coalesce(t.n, 0)::bigint
    FROM (SELECT what, sum(n) AS n FROM kept GROUP BY what) k FULL JOIN (SELECT what, sum(n) AS n FROM truth GROUP BY what) t USING (what)
   WHERE coalesce(k.n, 0) <> coalesce(t.n, 0)
$$;

-- The dashboard of the tenant that is set: one document, exact to the last commit, from the kept counts alone. Days of p_days back; CAs,
-- profiles and sources by count, at most 50 each.
CREATE FUNCTION dashboard(p_days int) RETURNS jsonb LANGUAGE sql STABLE SET search_path = siegel, pg_temp AS $$
  WITH total AS MATERIALIZED (
    SELECT ca_id, profile_id, source, status, sum(n) AS n
      FROM (SELECT ca_id, profile_id, source, status, n FROM siegel.certificate_total
            UNION ALL SELECT ca_id, profile_id, source, status, n FROM siegel.certificate_delta) a GROUP BY 1, 2, 3, 4
  ), today AS (SELECT day_utc(now()) AS day
  ), days AS MATERIALIZED (
    SELECT event, day, status, sum(n) AS n
      FROM (SELECT event, day, status, n FROM siegel.certificate_day
             WHERE event = 'expires' OR day > (SELECT day - p_days FROM today)
            UNION ALL SELECT e, d, status, n
              FROM siegel.certificate_delta, LATERAL (VALUES ('issued', issued_day), ('expires', expires_day), ('revoked', revoked_day)) AS u(e, d)
             WHERE d IS NOT NULL) a GROUP BY 1, 2, 3
  ), expiry AS (
    SELECT sum(n) FILTER (WHERE days.day < today.day) AS expired,
           sum(n) FILTER (WHERE days.day BETWEEN today.day AND today.day + 7) AS d7,
           sum(n) FILTER (WHERE days.day BETWEEN today.day AND today.day + 30) AS d30,
           sum(n) FILTER (WHERE days.day BETWEEN today.day AND today.day + 90) AS d90
      FROM days, today WHERE event = 'expires' AND status <> 2
  ), span AS (SELECT day - g AS day FROM today, generate_series(0, p_days - 1) g
  ), by_day AS (
    SELECT span.day, coalesce(sum(n) FILTER (WHERE event = 'issued'), 0) AS issued, coalesce(sum(n) FILTER (WHERE event = 'revoked'), 0) AS revoked
      FROM span LEFT JOIN days ON days.day = span.day AND event IN ('issued', 'revoked') GROUP BY 1
  )
  SELECT jsonb_build_object(
    'total', (SELECT coalesce(sum(n), 0) FROM total),
    'by_status', (SELECT jsonb_build_object('issued', coalesce(sum(n) FILTER (WHERE status = 1), 0),
        'revoked', coalesce(sum(n) FILTER (WHERE status = 2), 0), 'held', coalesce(sum(n) FILTER (WHERE status = 3), 0)) FROM total),
    'expired', (SELECT coalesce(expired, 0) FROM expiry),
    'expiring', (SELECT jsonb_build_object('7_days', coalesce(d7, 0), '30_days', coalesce(d30, 0), '90_days', coalesce(d90, 0)) FROM expiry),
    'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', day, 'issued', issued, 'revoked', revoked) ORDER BY day), '[]') FROM by_day),
    'by_ca', (SELECT coalesce(jsonb_agg(jsonb_build_object('ca', name, 'count', n) ORDER BY n DESC, name), '[]')
        FROM (SELECT k.name, a.n FROM (SELECT ca_id, sum(n) AS n FROM total GROUP BY 1 ORDER BY 2 DESC LIMIT 50) a
                JOIN siegel.ca k ON k.id = a.ca_id WHERE a.n > 0) b),
    'by_profile', (SELECT coalesce(jsonb_agg(jsonb_build_object('profile', name, 'count', n) ORDER BY n DESC, name), '[]')
        FROM (SELECT p.name, a.n FROM (SELECT profile_id, sum(n) AS n FROM total GROUP BY 1 ORDER BY 2 DESC LIMIT 50) a
                JOIN siegel.profile p ON p.id = a.profile_id WHERE a.n > 0) b),
    'by_source', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'count', n) ORDER BY n DESC, source), '[]')
        FROM (SELECT source, sum(n) AS n FROM total GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC LIMIT 50) b))
$$;

REVOKE ALL ON FUNCTION certificate_follow, certificate_labels, day_utc, statistics_fold, statistics_rebuild, statistics_check, dashboard FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statistics_fold TO siegel_sched;
GRANT EXECUTE ON FUNCTION dashboard, day_utc TO siegel_api;
GRANT SELECT ON certificate_label, certificate_delta, certificate_total, certificate_day TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['certificate_label', 'certificate_delta', 'certificate_total', 'certificate_day']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
