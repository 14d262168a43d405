-- Imports: files that are handed in, sealed under a key of their own, and taken apart by a job. What another PKI issued lives on here.
SET search_path = siegel;

CREATE TABLE import (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  int NOT NULL REFERENCES tenant,
  name       text NOT NULL,
  status     text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'started', 'done', 'failed')),
  options    jsonb NOT NULL DEFAULT '{}',      -- profile, key_store, base_url
  wrapped_key bytea,                           -- what the files are sealed under, sealed by the key store; gone when the job is done
  job_id     bigint REFERENCES job ON DELETE SET NULL,
  requestor  text NOT NULL,
  owner      text,
  metadata   jsonb,
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX import_tenant ON import (tenant_id, id); -- pages over REST
CREATE TABLE import_file (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_id  bigint NOT NULL REFERENCES import ON DELETE CASCADE,
  tenant_id  int NOT NULL,
  name       text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('data', 'passwords')),
  size_bytes bigint NOT NULL DEFAULT 0,
  parts      int NOT NULL DEFAULT 0,
  complete   boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX import_file_name ON import_file (import_id, name); -- the same file again takes the place of the first
CREATE TABLE import_part (
  file_id bigint NOT NULL REFERENCES import_file ON DELETE CASCADE,
  n       int NOT NULL,
  data    bytea NOT NULL,                      -- sealed
  PRIMARY KEY (file_id, n)
);
ALTER TABLE import_part ALTER COLUMN data SET STORAGE EXTERNAL;

-- Other PKIs count their serials from 1. Ours have 128 random bits all the same: the engine sees to that.
ALTER TABLE certificate DROP CONSTRAINT certificate_serial_check;
ALTER TABLE certificate ADD CONSTRAINT certificate_serial_check CHECK (length(serial) BETWEEN 1 AND 20);

-- Whether somebody showed to have its private key: by a signature, or because the key was made or kept here. Nobody shows that by importing a
-- certificate, nor by renewing such a one with its key. What is said of a key that wasn't shown counts for the tenant alone who says it.
ALTER TABLE certificate ADD possession boolean NOT NULL DEFAULT true;

-- The certificates of one step. What a CRL that came earlier says of their numbers holds for them; no lock is taken for the keys that it calls
-- compromised, for there may be more of them than PostgreSQL has locks. Gives back what became of each: 'done', 'repeated' (it is there already) or 'failed' (another one has its
-- number: RFC 5280 4.1.2.2).
CREATE FUNCTION import_add(
  p_tenant int, p_ca int[], p_serial bytea[], p_profile int[], p_subject text[], p_cn text[], p_names text[], p_from bigint[], p_to bigint[],
  p_spki bytea[], p_key_type text[], p_der bytea[], p_requestor text, p_owner text, p_metadata jsonb
) RETURNS TABLE (r_place bigint, r_status text, r_id bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  RETURN QUERY
  WITH wanted AS (
    SELECT u.* FROM unnest(p_ca, p_serial, p_profile, p_subject, p_cn, p_names, p_from, p_to, p_spki, p_key_type, p_der)
           WITH ORDINALITY AS u(c, s, p, su, cn, na, f, e, k, kt, d, n)
  ), made AS (
    INSERT INTO siegel.certificate AS x (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der,
                                         requestor, source, owner, metadata, key_type, possession, status, revoked_at, reason)
    SELECT p_tenant, w.c, w.p, w.s, w.su, w.cn, CASE WHEN w.na = '' THEN '{}'::text[] ELSE string_to_array(w.na, E'\n') END,
           to_timestamp(w.f), to_timestamp(w.e), w.k, w.d, p_requestor, 'import', p_owner, p_metadata, w.kt, false,
           CASE WHEN v.reason IS NULL THEN 1 WHEN v.reason = 6 THEN 3 ELSE 2 END, v.revoked_at, v.reason
      FROM wanted w LEFT JOIN siegel.revocation v ON v.ca_id = w.c AND v.serial = w.s ORDER BY w.n
    ON CONFLICT (ca_id, serial) DO NOTHING
    RETURNING x.id, x.ca_id, x.serial, x.spki_hash, x.reason
  ), blocked AS (
    INSERT INTO siegel.blocked_key (spki_hash, reason, tenant_id)
    SELECT DISTINCT m.spki_hash, 'keyCompromise', p_tenant FROM made m WHERE m.reason = 1 ON CONFLICT DO NOTHING
  )
  -- Among twins in one step the first is done and the others are repeated.
  SELECT w.n,
         CASE WHEN m.id IS NOT NULL AND w.n = min(w.n) OVER (PARTITION BY w.c, w.s) THEN 'done'
              WHEN m.id IS NOT NULL OR there.der = w.d THEN 'repeated' ELSE 'failed' END,
         coalesce(m.id, there.id)
    FROM wanted w
    LEFT JOIN made m ON m.ca_id = w.c AND m.serial = w.s
    LEFT JOIN siegel.certificate there ON there.ca_id = w.c AND there.serial = w.s
   ORDER BY w.n;
END $$;

-- What another PKI's CRL says: a revoked certificate that is here is revoked, and a number that isn't here stays in our CRLs. A hold of ours
-- becomes final by it, and a key that was compromised is that also when we said something else; the earlier time counts.
CREATE FUNCTION import_revocations(p_ca int, p_serial bytea[], p_at bigint[], p_reason int[], p_until bigint) RETURNS TABLE (r_revoked bigint, r_unknown bigint)
LANGUAGE plpgsql AS $$
DECLARE revoked bigint; unknown bigint;
BEGIN
  WITH said AS MATERIALIZED ( -- each number once, and what is final before a hold
    SELECT DISTINCT ON (u.s) u.s, u.a, u.r FROM unnest(p_serial, p_at, p_reason) AS u(s, a, r) ORDER BY u.s, u.r = 6, u.r <> 1, u.a
  ), changed AS (
    UPDATE siegel.certificate x SET status = CASE WHEN u.r = 6 THEN 3 ELSE 2 END, revoked_at = least(x.revoked_at, to_timestamp(u.a)), reason = u.r
      FROM said u
     WHERE x.ca_id = p_ca AND x.serial = u.s
       AND (x.status = 1 OR (x.status = 3 AND u.r <> 6) OR (x.status = 2 AND u.r = 1 AND x.reason IS DISTINCT FROM 1))
    RETURNING x.spki_hash, x.reason, x.possession, x.tenant_id
  ), blocked AS (
    INSERT INTO siegel.blocked_key (spki_hash, reason, tenant_id)
    SELECT DISTINCT spki_hash, 'keyCompromise', CASE WHEN NOT possession THEN tenant_id END FROM changed WHERE reason = 1
    ON CONFLICT DO NOTHING
  ), listed AS (
    INSERT INTO siegel.revocation AS v (ca_id, serial, revoked_at, reason, not_after)
    SELECT p_ca, u.s, to_timestamp(u.a), u.r, coalesce(x.not_after, to_timestamp(p_until))
      FROM said u LEFT JOIN siegel.certificate x ON x.ca_id = p_ca AND x.serial = u.s
    ON CONFLICT (ca_id, serial) DO UPDATE SET revoked_at = least(v.revoked_at, excluded.revoked_at), reason = excluded.reason
     WHERE (v.reason = 6 AND excluded.reason <> 6) OR (v.reason <> 1 AND excluded.reason = 1)
  )
  SELECT count(*) INTO revoked FROM changed;
  SELECT count(*) INTO unknown FROM unnest(p_serial) AS u(s)
   WHERE NOT EXISTS (SELECT FROM siegel.certificate x WHERE x.ca_id = p_ca AND x.serial = u.s);
  UPDATE siegel.ca SET crl_wanted_at = clock_timestamp() WHERE id = p_ca;
  RETURN QUERY SELECT revoked, unknown;
END $$;

REVOKE ALL ON FUNCTION import_add, import_revocations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_add, import_revocations TO siegel_ca;
GRANT SELECT, INSERT, UPDATE, DELETE ON import, import_file TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON import_part TO siegel_ca;
GRANT SELECT (id, tenant_id, name, status, options, job_id, requestor, owner, metadata, version, created_at) ON import TO siegel_api;
GRANT SELECT ON import_file TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['import', 'import_file', 'import_part']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
    IF t <> 'import_part' THEN
      EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                        USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
    END IF;
  END LOOP;
END $$;
