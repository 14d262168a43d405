-- Passkeys (WebAuthn), sign-in by a client certificate on a host name of its own, and how lately somebody proved who he is.
SET search_path = siegel;

-- What an authenticator is told about whose its passkey is: random, so that it names nobody.
ALTER TABLE account ADD COLUMN handle uuid NOT NULL DEFAULT gen_random_uuid();
GRANT SELECT (handle) ON account TO siegel_api;

CREATE TABLE passkey (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id     int NOT NULL REFERENCES tenant,
  account_id    bigint NOT NULL REFERENCES account,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
  credential_id bytea NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 16 AND 1023), -- WebAuthn 2, 4: at least 100 bits of entropy
  public_key    bytea NOT NULL,                -- SubjectPublicKeyInfo
  sign_count    bigint NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295), -- 0: the authenticator doesn't count
  user_verified boolean NOT NULL,              -- it asked for a PIN or a finger when it was made
  created_at    timestamptz NOT NULL DEFAULT now(),
  used_at       timestamptz,
  UNIQUE (account_id, name)
);
CREATE INDEX passkey_tenant ON passkey (tenant_id, id); -- pages over REST

-- A challenge is a time, randomness and a MAC: one that nobody answers costs nothing. One that was answered is kept until its time is over, so that
-- nobody answers it again.
CREATE TABLE passkey_challenge (
  hash       bytea PRIMARY KEY CHECK (length(hash) = 32),
  expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_challenge_expires ON passkey_challenge (expires_at); -- what is over is deleted

-- From the host name that asks browsers for a certificate to the console: a code that is good once, for a minute, and for the browser alone that
-- has the verifier of the challenge.
CREATE TABLE card_handoff (
  hash           bytea PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the code
  challenge      bytea NOT NULL CHECK (length(challenge) = 32), -- SHA-256 of the verifier
  tenant_id      int NOT NULL REFERENCES tenant,
  account_id     bigint NOT NULL REFERENCES account,
  credential_id  bigint NOT NULL REFERENCES credential ON DELETE CASCADE,
  certificate_id bigint NOT NULL,
  client         text NOT NULL,
  expires_at     timestamptz NOT NULL
);
CREATE INDEX card_handoff_expires ON card_handoff (expires_at);
CREATE INDEX card_handoff_credential ON card_handoff (credential_id); -- credentials are deleted in the end

ALTER TABLE session DROP CONSTRAINT session_evidence_check,
  ADD CONSTRAINT session_evidence_check CHECK (evidence IN ('password', 'one_time', 'passkey', 'certificate')),
  ADD COLUMN proved_at timestamptz,            -- when a second factor or a passkey was last shown
  ADD COLUMN passkey_id bigint REFERENCES passkey ON DELETE CASCADE, -- what it was made by: it ends with that
  ADD COLUMN credential_id bigint REFERENCES credential ON DELETE CASCADE,
  ADD COLUMN certificate_id bigint,
  ADD CONSTRAINT session_certificate_check CHECK ((evidence = 'certificate') = (credential_id IS NOT NULL) AND
                                                  (credential_id IS NULL) = (certificate_id IS NULL));
CREATE INDEX session_passkey ON session (passkey_id) WHERE passkey_id IS NOT NULL;
CREATE INDEX session_credential ON session (credential_id) WHERE credential_id IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['passkey', 'card_handoff']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca, siegel_setup USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)
                      WITH CHECK (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
GRANT SELECT (id, tenant_id, account_id, name, credential_id, user_verified, created_at, used_at) ON passkey TO siegel_api;
GRANT SELECT (id, tenant_id, account_id, name), DELETE ON passkey TO siegel_ca;
GRANT INSERT (tenant_id, account_id, name, credential_id, public_key, sign_count, user_verified), UPDATE (name) ON passkey TO siegel_ca;
GRANT SELECT (account_id), DELETE ON passkey TO siegel_setup;
GRANT INSERT (hash, challenge, tenant_id, account_id, credential_id, certificate_id, client, expires_at) ON card_handoff TO siegel_api;
GRANT SELECT (credential_id) ON card_handoff TO siegel_api; -- whether one was made
GRANT SELECT (proved_at, passkey_id) ON session TO siegel_api;
GRANT INSERT (proved_at, passkey_id, credential_id, certificate_id) ON session TO siegel_api;
GRANT SELECT (proved_at), UPDATE (proved_at) ON session TO siegel_ca;

-- Whether what a session by certificate rests on still holds.
CREATE FUNCTION card_good(p_tenant int, p_credential bigint, p_certificate bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT EXISTS (SELECT FROM siegel.credential c JOIN siegel.certificate x ON x.tenant_id = p_tenant AND x.id = p_certificate
                   JOIN siegel.ca k ON k.id = x.ca_id
                  WHERE c.id = p_credential AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
                    AND x.status = 1 AND x.not_after > now() AND k.status NOT IN ('disabled', 'revoked', 'retired'))
$$;

-- As before, and a session by certificate is good as long as the certificate is.
CREATE OR REPLACE FUNCTION session_find(p_hash bytea)
RETURNS TABLE (session_id bigint, missing text, tenant_id int, account_id bigint, name text, role text, rights text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE s siegel.session;
BEGIN
  SELECT * INTO s FROM siegel.session x WHERE x.hash = p_hash AND x.expires_at > now() AND x.used_at > now() - interval '30 minutes';
  IF NOT FOUND OR (s.credential_id IS NOT NULL AND NOT siegel.card_good(s.tenant_id, s.credential_id, s.certificate_id)) THEN
    RETURN;
  END IF;
  IF s.used_at < now() - interval '1 minute' THEN
    UPDATE siegel.session x SET used_at = now() WHERE x.id = s.id;
  END IF;
  RETURN QUERY SELECT s.id, array_to_string(s.missing, ','), a.tenant_id, a.id, a.name, a.role, siegel.account_rights(a.id)::text
    FROM siegel.account a WHERE a.id = s.account_id AND a.enabled;
END $$;

-- A second factor was proved: of a session that lacks it, or of a complete one, to show that the right person still sits there.
CREATE OR REPLACE FUNCTION session_proved(p_session bigint, p_account bigint, p_hash bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.session SET hash = p_hash, missing = array_remove(missing, 'second_factor'), proved_at = now(),
         expires_at = CASE WHEN missing = '{second_factor}' THEN now() + interval '12 hours' ELSE expires_at END
   WHERE id = p_session AND account_id = p_account AND expires_at > now() AND ('second_factor' = ANY (missing) OR missing = '{}');
  RETURN FOUND;
END $$;

-- Whose a passkey is. Nobody: no row.
CREATE FUNCTION passkey_find(p_credential bytea)
RETURNS TABLE (passkey_id bigint, handle bytea, public_key bytea, tenant_id int, account_id bigint, name text, role text, rights text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT p.id, uuid_send(a.handle), p.public_key, a.tenant_id, a.id, a.name, a.role, siegel.account_rights(a.id)::text
    FROM siegel.passkey p JOIN siegel.account a ON a.id = p.account_id WHERE p.credential_id = p_credential AND a.enabled;
END $$;
-- It signed with this count. False: the count went back, or stands still, so that there are two of it (WebAuthn 2, 7.2 step 21).
CREATE FUNCTION passkey_used(p_passkey bigint, p_count bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.passkey SET sign_count = p_count, used_at = now() WHERE id = p_passkey AND (p_count > sign_count OR (p_count = 0 AND sign_count = 0));
  RETURN FOUND;
END $$;
-- True for exactly one who answers a challenge.
CREATE FUNCTION passkey_challenge_use(p_hash bytea, p_expires timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  DELETE FROM siegel.passkey_challenge WHERE expires_at < now();
  INSERT INTO siegel.passkey_challenge (hash, expires_at) VALUES (p_hash, p_expires) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;
-- Codes that nobody took are deleted when another is made.
CREATE FUNCTION card_handoff_sweep() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  DELETE FROM siegel.card_handoff WHERE expires_at < now()
$$;
-- The code of a hand-off, which is used up by that. No row: unknown, over, for another verifier, or what it rests on doesn't hold.
CREATE FUNCTION card_handoff_take(p_hash bytea, p_challenge bytea)
RETURNS TABLE (credential_id bigint, certificate_id bigint, not_after timestamptz, tenant_id int, account_id bigint, name text, role text, rights text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE h siegel.card_handoff;
BEGIN
  DELETE FROM siegel.card_handoff x WHERE x.expires_at < now();
  DELETE FROM siegel.card_handoff x WHERE x.hash = p_hash AND x.challenge = p_challenge RETURNING * INTO h;
  IF NOT FOUND OR NOT siegel.card_good(h.tenant_id, h.credential_id, h.certificate_id) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT h.credential_id, h.certificate_id, x.not_after, a.tenant_id, a.id, a.name, a.role, siegel.account_rights(a.id)::text
    FROM siegel.account a JOIN siegel.certificate x ON x.tenant_id = h.tenant_id AND x.id = h.certificate_id
   WHERE a.id = h.account_id AND a.enabled;
END $$;
-- Whether an account has a second factor: then a one-time code alone opens nothing.
CREATE FUNCTION has_second_factor(p_account bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT EXISTS (SELECT FROM siegel.second_factor WHERE account_id = p_account AND confirmed_at IS NOT NULL)
      OR EXISTS (SELECT FROM siegel.passkey WHERE account_id = p_account)
$$;
REVOKE ALL ON FUNCTION card_good, passkey_find, passkey_used, passkey_challenge_use, card_handoff_sweep, card_handoff_take, has_second_factor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION passkey_find, passkey_used, passkey_challenge_use, card_handoff_sweep, card_handoff_take TO siegel_api;
GRANT EXECUTE ON FUNCTION has_second_factor TO siegel_api, siegel_ca;
