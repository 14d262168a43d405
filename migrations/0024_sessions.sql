-- Sessions of browsers, passwords that people choose, second factors.
SET search_path = siegel;

-- A password that somebody chose: hash is SHA-256 of what scrypt makes of it with the salt. It opens sessions and nothing else.
ALTER TABLE credential DROP CONSTRAINT credential_kind_check;
ALTER TABLE credential ADD COLUMN salt bytea,
  ADD CONSTRAINT credential_kind_check CHECK (kind IN ('token', 'password', 'one_time', 'certificate', 'login')),
  ADD CONSTRAINT credential_salt_check CHECK (CASE kind WHEN 'login' THEN coalesce(length(salt), 0) = 16 ELSE salt IS NULL END);
CREATE UNIQUE INDEX credential_login ON credential (account_id) WHERE kind = 'login' AND revoked_at IS NULL; -- one password at a time
GRANT SELECT (hash, salt) ON credential TO siegel_ca; -- to compare the password that is changed

-- What is over is deleted: the audit log keeps it.
CREATE TABLE session (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  int NOT NULL REFERENCES tenant,
  account_id bigint NOT NULL REFERENCES account,
  hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256 of the cookie, which changes with each step of signing in
  evidence   text NOT NULL CHECK (evidence IN ('password', 'one_time')),
  missing    text[] NOT NULL CHECK (missing <@ ARRAY['second_factor', 'password', 'totp']), -- what is to be done before anything else may be
  client     text NOT NULL,                    -- address
  agent      text NOT NULL,                    -- what the browser calls itself
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at    timestamptz NOT NULL DEFAULT now(), -- to the minute
  expires_at timestamptz NOT NULL
);
CREATE INDEX session_account ON session (account_id); -- an account's: counted, ended
CREATE INDEX session_tenant ON session (tenant_id, id); -- pages over REST

-- One for each account. What the app computes with is sealed by the key store; the engine alone checks it.
CREATE TABLE second_factor (
  account_id   bigint PRIMARY KEY REFERENCES account,
  tenant_id    int NOT NULL REFERENCES tenant,
  sealed       bytea,                          -- null: not confirmed yet
  pending      bytea,                          -- shown, and not confirmed yet
  confirmed_at timestamptz,
  last_step    bigint NOT NULL DEFAULT 0,      -- of 30 s: a code is good once (RFC 6238 5.2)
  recovery     bytea[] NOT NULL DEFAULT '{}',  -- SHA-256 of the recovery codes that are left
  failures     int NOT NULL DEFAULT 0,
  failed_at    timestamptz,
  CHECK ((sealed IS NULL) = (confirmed_at IS NULL))
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['session', 'second_factor']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca, siegel_setup USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)
                      WITH CHECK (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
GRANT SELECT (id, tenant_id, account_id, evidence, missing, client, agent, created_at, used_at, expires_at), DELETE ON session TO siegel_api;
GRANT INSERT (tenant_id, account_id, hash, evidence, missing, client, agent, expires_at) ON session TO siegel_api;
GRANT SELECT (id, tenant_id, account_id, missing, used_at, expires_at), DELETE ON session TO siegel_ca;
GRANT UPDATE (hash, missing, expires_at) ON session TO siegel_ca;
GRANT SELECT (account_id, tenant_id, confirmed_at, recovery) ON second_factor TO siegel_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factor TO siegel_ca;
GRANT SELECT (account_id), DELETE ON second_factor, session TO siegel_setup;

-- Whose the cookie is, while it is good: 30 minutes after it was last used, and until its end. Its use is noted once a minute.
CREATE FUNCTION session_find(p_hash bytea)
RETURNS TABLE (session_id bigint, missing text, tenant_id int, account_id bigint, name text, role text, rights text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE s siegel.session;
BEGIN
  SELECT * INTO s FROM siegel.session x WHERE x.hash = p_hash AND x.expires_at > now() AND x.used_at > now() - interval '30 minutes';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF s.used_at < now() - interval '1 minute' THEN
    UPDATE siegel.session x SET used_at = now() WHERE x.id = s.id;
  END IF;
  RETURN QUERY SELECT s.id, array_to_string(s.missing, ','), a.tenant_id, a.id, a.name, a.role, siegel.account_rights(a.id)::text
    FROM siegel.account a WHERE a.id = s.account_id AND a.enabled;
END $$;
-- Who goes away, and whoever has the cookie may go.
CREATE FUNCTION session_leave(p_hash bytea) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  DELETE FROM siegel.session WHERE hash = p_hash
$$;
-- What a password is hashed with, before anybody is known; p_tenant null: the house. One row in any case.
CREATE FUNCTION login_salt(p_tenant text, p_name text)
RETURNS TABLE (tenant_id int, account_id bigint, salt bytea) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT h.id, x.account_id, x.salt FROM siegel.tenant h
    LEFT JOIN (SELECT t.id AS tenant_id, a.id AS account_id, c.salt FROM siegel.tenant t
                 JOIN siegel.account a ON a.tenant_id = t.id AND a.name = p_name
                 LEFT JOIN siegel.credential c ON c.account_id = a.id AND c.kind = 'login' AND c.revoked_at IS NULL
                WHERE CASE WHEN p_tenant IS NULL THEN t.is_house ELSE t.name = p_tenant END) x ON true
   WHERE h.is_house;
END $$;
-- The engine said that the second factor is good: the session has another cookie, and its twelve hours begin when nothing else is missing.
CREATE FUNCTION session_proved(p_session bigint, p_account bigint, p_hash bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.session SET hash = p_hash, missing = array_remove(missing, 'second_factor'),
         expires_at = CASE WHEN missing = '{second_factor}' THEN now() + interval '12 hours' ELSE expires_at END
   WHERE id = p_session AND account_id = p_account AND expires_at > now() AND 'second_factor' = ANY (missing);
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION session_find, session_leave, session_proved, login_salt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION session_find, session_leave, session_proved, login_salt TO siegel_api;

-- An account that is switched off or gets another role has no sessions any more, whoever does it.
CREATE FUNCTION sessions_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  DELETE FROM siegel.session WHERE account_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION sessions_end FROM PUBLIC;
CREATE TRIGGER account_sessions AFTER UPDATE OF role, enabled ON account
  FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role OR NOT NEW.enabled) EXECUTE FUNCTION sessions_end();
-- siegel-api keeps for a moment whose a cookie is.
CREATE TRIGGER session_notify AFTER DELETE OR UPDATE OF hash, missing ON session FOR EACH STATEMENT EXECUTE FUNCTION credentials_notify();
