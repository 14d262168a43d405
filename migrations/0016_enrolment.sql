-- The doors by which devices enrol: labels of EST and profiles of SCEP, and one-time codes. Written by the engine's manager; the front ends
-- find a door by its name, and take a code, by functions that run as the owner, because the tenant is known only then.
SET search_path = siegel;

CREATE TABLE endpoint (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id        int NOT NULL REFERENCES tenant,
  protocol         text NOT NULL CHECK (protocol IN ('est', 'scep')),
  label            text NOT NULL CHECK (label ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  ca_id            int REFERENCES ca,          -- null: the tenant's default CA
  profile_id       int NOT NULL REFERENCES profile,
  enabled          boolean NOT NULL DEFAULT true,
  auth             text[] NOT NULL CHECK (auth <@ ARRAY['password', 'code', 'certificate', 'both', 'challenge', 'webhook'] AND auth <> '{}'),
  settings         jsonb NOT NULL DEFAULT '{}', -- of its protocol: doc/est.md, doc/scep.md
  anchors          bytea[] NOT NULL DEFAULT '{}', -- DER of certificates under which manufacturers' certificates are taken
  challenge_hash   bytea CHECK (length(challenge_hash) = 32), -- SCEP: the static challenge
  challenge_sealed bytea,                      -- the same, sealed by the key store: PasswordRecipientInfo is opened with it
  owner            text,
  metadata         jsonb,
  version          int NOT NULL DEFAULT 1,
  created_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (protocol, label)                     -- a path has one tenant
);
CREATE INDEX endpoint_tenant ON endpoint (tenant_id, id); -- pages over REST
CREATE INDEX endpoint_ca ON endpoint (ca_id) WHERE ca_id IS NOT NULL; -- a roll-over moves them
CREATE INDEX endpoint_profile ON endpoint (profile_id); -- whether a profile is still used

-- A code is random (160 bits), so its SHA-256 is what is kept; sealed when something has to be opened with it. It is good for one request: the
-- first takes it with its request key, and repetitions of that request have it again. takers counts those that wait for their answer or have a
-- certificate: a request that is refused gives the code back.
CREATE TABLE enrollment_code (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id     int NOT NULL REFERENCES tenant,
  endpoint_id   bigint REFERENCES endpoint ON DELETE CASCADE, -- null: all of the tenant's
  hash          bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  sealed        bytea,
  common_name   text,                          -- what the certificate has to have; null: anything that the profile allows
  serial_number text,
  names         text[],                        -- the alternative names that it may have, such as dns:a.example
  expires_at    timestamptz NOT NULL,
  used_at       timestamptz,
  revoked_at    timestamptz,
  request_key   bytea CHECK (length(request_key) = 32), -- of the request that took it
  takers        int NOT NULL DEFAULT 0,
  requestor     text NOT NULL,
  owner         text,
  metadata      jsonb,
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX enrollment_code_tenant ON enrollment_code (tenant_id, id); -- pages over REST
CREATE INDEX enrollment_code_endpoint ON enrollment_code (endpoint_id) WHERE endpoint_id IS NOT NULL; -- a door that is deleted takes them along

CREATE FUNCTION endpoints_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('endpoints_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER endpoint_notify AFTER INSERT OR UPDATE OR DELETE ON endpoint FOR EACH STATEMENT EXECUTE FUNCTION endpoints_notify();
CREATE TRIGGER endpoint_tenant_notify AFTER UPDATE OF enabled ON tenant FOR EACH STATEMENT EXECUTE FUNCTION endpoints_notify();
CREATE TRIGGER endpoint_ca_notify AFTER UPDATE OF name, status, is_default, successor_id ON ca FOR EACH STATEMENT EXECUTE FUNCTION endpoints_notify();

-- The door of that name; no row for one that is closed, or whose tenant is. r_ca: '' for the tenant's default CA, whose id is given all the same.
-- The hash of the challenge is for siegel-scep alone, which compares it.
CREATE FUNCTION endpoint_find(p_protocol text, p_label text)
RETURNS TABLE (r_id bigint, r_tenant int, r_ca_id int, r_ca text, r_profile_id int, r_profile text, r_auth text, r_settings text,
               r_anchors text, r_challenge bytea, r_version int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT n.id, n.tenant_id, coalesce(n.ca_id, d.id), coalesce(c.name, ''), n.profile_id, p.name, array_to_string(n.auth, ','),
         n.settings::text, (SELECT coalesce(string_agg(encode(u.a, 'base64'), ',' ORDER BY u.i), '') FROM unnest(n.anchors) WITH ORDINALITY AS u(a, i)),
         CASE WHEN session_user = 'siegel_scep' THEN n.challenge_hash END, n.version
    FROM siegel.endpoint n JOIN siegel.tenant t ON t.id = n.tenant_id JOIN siegel.profile p ON p.id = n.profile_id
    LEFT JOIN siegel.ca c ON c.id = n.ca_id
    LEFT JOIN siegel.ca d ON n.ca_id IS NULL AND d.tenant_id = n.tenant_id AND d.is_default
   WHERE n.protocol = p_protocol AND n.label = p_label AND n.enabled AND t.enabled;
END $$;

-- The code with that hash, if it may be taken at that door (p_endpoint; 0: the tenant's default path) or was taken by somebody: whose request that
-- was is seen when it is taken.
CREATE FUNCTION enrollment_code_find(p_tenant int, p_endpoint bigint, p_hash bytea)
RETURNS TABLE (r_id bigint, r_common_name text, r_serial_number text, r_names text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT c.id, c.common_name, c.serial_number, array_to_string(c.names, E'\n')
    FROM siegel.enrollment_code c
   WHERE c.hash = p_hash AND c.tenant_id = p_tenant AND (c.endpoint_id IS NULL OR c.endpoint_id = p_endpoint) AND c.revoked_at IS NULL
     AND (c.takers > 0 OR c.expires_at > now());
END $$;

-- Takes a code for a request: true for the first request key, and for that one again for as long as the engine knows which certificate it gave
-- for it (30 days: ENROLL_CODE_WINDOW_SEC).
CREATE FUNCTION enrollment_code_take(p_id bigint, p_key bytea) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  WITH u AS (UPDATE siegel.enrollment_code c
                SET used_at = CASE WHEN c.takers = 0 THEN now() ELSE c.used_at END, request_key = p_key, takers = c.takers + 1
              WHERE c.id = p_id AND c.revoked_at IS NULL
                AND ((c.takers = 0 AND c.expires_at > now())
                     OR (c.takers > 0 AND c.request_key = p_key AND c.used_at > now() - interval '30 days'))
             RETURNING 1)
  SELECT EXISTS (SELECT FROM u)
$$;
-- Gives it back: the request was refused. When nobody else has it, it is good for another request.
CREATE FUNCTION enrollment_code_give(p_id bigint, p_key bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  UPDATE siegel.enrollment_code c
     SET takers = c.takers - 1, used_at = CASE WHEN c.takers = 1 THEN NULL ELSE c.used_at END,
         request_key = CASE WHEN c.takers = 1 THEN NULL ELSE c.request_key END
   WHERE c.id = p_id AND c.request_key = p_key AND c.takers > 0
$$;

-- Which CA issued a client's certificate: a registration authority acts for its own CA alone.
DROP FUNCTION auth_by_certificate;
CREATE FUNCTION auth_by_certificate(p_ski bytea, p_serial bytea)
RETURNS TABLE (certificate_id bigint, tenant_id int, der bytea, status smallint, ca_status text, ca_id int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.id, x.tenant_id, x.der, x.status, CASE WHEN t.enabled THEN k.status ELSE 'disabled' END, k.id
    FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial JOIN siegel.tenant t ON t.id = x.tenant_id
   WHERE k.ski = p_ski AND k.key_ref <> '';
END $$;
-- Whether a CA is the other one or an older key under its name.
CREATE FUNCTION ca_is_of(p_ca int, p_other int) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  WITH RECURSIVE line(id, n) AS (
    SELECT p_ca, 1 UNION ALL
    SELECT c.successor_id, line.n + 1 FROM siegel.ca c JOIN line ON line.id = c.id
     WHERE c.successor_id IS NOT NULL AND c.status = 'superseded' AND line.n < 32
  ) SELECT EXISTS (SELECT FROM line WHERE line.id = p_other)
$$;

REVOKE ALL ON FUNCTION endpoints_notify, endpoint_find, enrollment_code_find, enrollment_code_take, enrollment_code_give, auth_by_certificate,
  ca_is_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION endpoint_find, enrollment_code_find, enrollment_code_take, enrollment_code_give, ca_is_of TO siegel_est, siegel_scep;
GRANT EXECUTE ON FUNCTION auth_by_certificate TO siegel_api, siegel_est, siegel_scep;
GRANT EXECUTE ON FUNCTION auth_by_secret, auth_consume, account_rights TO siegel_scep;

GRANT SELECT, INSERT, UPDATE, DELETE ON endpoint TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON enrollment_code TO siegel_ca;
GRANT UPDATE (revoked_at) ON enrollment_code TO siegel_ca;
GRANT SELECT (id, tenant_id, protocol, label, ca_id, profile_id, enabled, auth, settings, anchors, owner, metadata, version, created_at)
  ON endpoint TO siegel_api;
GRANT SELECT (id, tenant_id, endpoint_id, common_name, serial_number, names, expires_at, used_at, revoked_at, requestor, owner, metadata, created_at)
  ON enrollment_code TO siegel_api;

GRANT USAGE ON SCHEMA siegel TO siegel_scep;
GRANT SELECT (id, name) ON tenant TO siegel_scep;
GRANT SELECT (id, tenant_id, name, status, parent_id, is_default, subject, certificate, not_after, successor_id, external) ON ca TO siegel_scep;
GRANT SELECT (kind, hash) ON credential TO siegel_scep;
GRANT SELECT ON ca_certificate TO siegel_scep;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['endpoint', 'enrollment_code']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['ca', 'credential', 'ca_certificate']
  LOOP
    EXECUTE format('CREATE POLICY own_tenant_scep ON siegel.%I FOR SELECT TO siegel_scep
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
CREATE POLICY all_tenants_scep ON tenant FOR SELECT TO siegel_scep USING (true);

-- Who may set up the doors of the enrolment protocols, and hand out codes for them.
UPDATE role SET rights = rights || '{enrolment.manage,enrolment.codes}' WHERE tenant_id IS NULL AND name = 'administrator';
UPDATE role SET rights = rights || '{enrolment.codes}' WHERE tenant_id IS NULL AND name IN ('operator', 'registration_authority');
