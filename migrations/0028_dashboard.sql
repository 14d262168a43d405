-- Refused requests among the counts of dashboards; what siegel-api is told for those who look after the machine.
SET search_path = siegel;

-- Requests for certificates that were refused, by UTC's day: a row for each reason of a way on a day, however many come. Front ends count in memory and
-- add up what they have every few seconds (lib/db/tally.h). Whose tenant isn't known isn't counted, so that a stranger makes no rows.
CREATE TABLE refusal_day (
  tenant_id int NOT NULL REFERENCES tenant,
  day       date NOT NULL,
  source    text NOT NULL CHECK (source IN ('rest', 'est', 'scep', 'acme')),
  reason    text NOT NULL CHECK (reason ~ '^[a-z_]{1,40}$'), -- error_name()
  n         bigint NOT NULL CHECK (n > 0),
  PRIMARY KEY (tenant_id, day, source, reason)
);

-- Adds these up for today; which way they came is who calls. Those of more than a year ago, which no dashboard shows, go.
CREATE FUNCTION refusals_add(p_tenants int[], p_reasons text[], p_counts bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  INSERT INTO siegel.refusal_day AS d (tenant_id, day, source, reason, n)
  SELECT u.tenant, day_utc(now()), CASE session_user WHEN 'siegel_api' THEN 'rest' ELSE substr(session_user, 8) END, u.reason, sum(u.n)
    FROM unnest(p_tenants, p_reasons, p_counts) AS u(tenant, reason, n)
   WHERE EXISTS (SELECT FROM siegel.tenant t WHERE t.id = u.tenant)
   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (tenant_id, day, source, reason) DO UPDATE SET n = d.n + excluded.n;
  DELETE FROM siegel.refusal_day WHERE tenant_id = ANY (p_tenants) AND day < day_utc(now()) - 400
$$;

-- The dashboard of the tenant that is set: one document, exact to the last commit, from the kept counts alone. Days of p_days back; CAs,
-- profiles and sources by count, at most 50 each. Refusals are those of these days, to
-- some seconds.
CREATE OR REPLACE FUNCTION dashboard(p_days int) RETURNS jsonb LANGUAGE sql STABLE SET search_path = siegel, pg_temp AS $$
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
  ), refused AS MATERIALIZED (
    SELECT r.day, r.source, r.reason, r.n FROM siegel.refusal_day r, today WHERE r.day > today.day - p_days
  ), by_day AS (
    SELECT span.day, coalesce(sum(n) FILTER (WHERE event = 'issued'), 0) AS issued, coalesce(sum(n) FILTER (WHERE event = 'revoked'), 0) AS revoked,
           coalesce(sum(n) FILTER (WHERE event = 'refused'), 0) AS refused
      FROM span LEFT JOIN (SELECT event, day, n FROM days WHERE event IN ('issued', 'revoked')
                           UNION ALL SELECT 'refused', day, n FROM refused) e ON e.day = span.day GROUP BY 1
  )
  SELECT jsonb_build_object(
    'total', (SELECT coalesce(sum(n), 0) FROM total),
    'by_status', (SELECT jsonb_build_object('issued', coalesce(sum(n) FILTER (WHERE status = 1), 0),
        'revoked', coalesce(sum(n) FILTER (WHERE status = 2), 0), 'held', coalesce(sum(n) FILTER (WHERE status = 3), 0)) FROM total),
    'expired', (SELECT coalesce(expired, 0) FROM expiry),
    'expiring', (SELECT jsonb_build_object('7_days', coalesce(d7, 0), '30_days', coalesce(d30, 0), '90_days', coalesce(d90, 0)) FROM expiry),
    'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', day, 'issued', issued, 'revoked', revoked, 'refused', refused) ORDER BY day), '[]') FROM by_day),
    'refused', jsonb_build_object(
        'total', (SELECT coalesce(sum(n), 0) FROM refused),
        'by_reason', (SELECT coalesce(jsonb_agg(jsonb_build_object('reason', reason, 'count', n) ORDER BY n DESC, reason), '[]')
            FROM (SELECT reason, sum(n) AS n FROM refused GROUP BY 1 ORDER BY 2 DESC LIMIT 50) b),
        'by_source', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'count', n) ORDER BY n DESC, source), '[]')
            FROM (SELECT source, sum(n) AS n FROM refused GROUP BY 1) b)),
    'by_ca', (SELECT coalesce(jsonb_agg(jsonb_build_object('ca', name, 'count', n) ORDER BY n DESC, name), '[]')
        FROM (SELECT k.name, a.n FROM (SELECT ca_id, sum(n) AS n FROM total GROUP BY 1 ORDER BY 2 DESC LIMIT 50) a
                JOIN siegel.ca k ON k.id = a.ca_id WHERE a.n > 0) b),
    'by_profile', (SELECT coalesce(jsonb_agg(jsonb_build_object('profile', name, 'count', n) ORDER BY n DESC, name), '[]')
        FROM (SELECT p.name, a.n FROM (SELECT profile_id, sum(n) AS n FROM total GROUP BY 1 ORDER BY 2 DESC LIMIT 50) a
                JOIN siegel.profile p ON p.id = a.profile_id WHERE a.n > 0) b),
    'by_source', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', source, 'count', n) ORDER BY n DESC, source), '[]')
        FROM (SELECT source, sum(n) AS n FROM total GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC LIMIT 50) b))
$$;

-- For those who look after the machine, in the house tenant alone (null in any other): how large the store is, jobs that wait, CRLs of all CAs in force
-- that are missing or overdue (how many, and those of the house by name).
CREATE FUNCTION machine_store() RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  WITH last_crl AS MATERIALIZED (
    SELECT c.tenant_id, c.name, l.this_update, l.next_update
      FROM siegel.ca c LEFT JOIN LATERAL (SELECT k.this_update, k.next_update FROM siegel.crl k WHERE k.ca_id = c.id ORDER BY k.number DESC LIMIT 1) l ON true
     WHERE c.serves_until > now() AND c.status NOT IN ('retired', 'pending') AND c.not_after > now() -- as siegel-sched looks for them
  )
  SELECT jsonb_build_object(
    'bytes', pg_database_size(current_database()),
    'started_at', to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'jobs', (SELECT jsonb_build_object('waiting', count(*) FILTER (WHERE status = 'queued'), 'running', count(*) FILTER (WHERE status = 'running'),
        'oldest_sec', coalesce(floor(extract(epoch FROM now() - min(created_at))), 0)) FROM siegel.job WHERE status IN ('queued', 'running')),
    'deltas', (SELECT count(*) FROM (SELECT FROM siegel.certificate_delta LIMIT 100000) d),
    'crls', (SELECT jsonb_build_object('cas', count(*), 'overdue', count(*) FILTER (WHERE next_update < now()), 'missing', count(*) FILTER (WHERE next_update IS NULL))
        FROM last_crl),
    'crl_list', (SELECT coalesce(jsonb_agg(x.o ORDER BY x.good, x.name), '[]')
        FROM (SELECT name, coalesce(next_update >= now(), false) AS good, jsonb_build_object('ca', name,
                'this_update', to_char(this_update AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                'next_update', to_char(next_update AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                'state', CASE WHEN next_update IS NULL THEN 'missing' WHEN next_update < now() THEN 'overdue' ELSE 'ok' END) AS o
                FROM last_crl WHERE tenant_id = nullif(current_setting('siegel.tenant', true), '')::int ORDER BY 2, 1 LIMIT 100) x))
   WHERE siegel.works_for_house()
$$;

-- A right of its own: who operates the machine sees how it does, without being able to change anything by it.
UPDATE role SET rights = array_append(rights, 'machine.read') WHERE tenant_id IS NULL AND name IN ('administrator', 'operator');

REVOKE ALL ON FUNCTION refusals_add, machine_store FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refusals_add TO siegel_api, siegel_est, siegel_scep, siegel_acme;
GRANT EXECUTE ON FUNCTION machine_store TO siegel_api;
GRANT SELECT ON refusal_day TO siegel_api;
ALTER TABLE refusal_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE refusal_day FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON refusal_day TO siegel_owner USING (true);
CREATE POLICY own_tenant ON refusal_day TO siegel_api USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
