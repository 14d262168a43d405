-- By what accounts have to sign in, one-time codes that are made on the machine itself, and sessions that end although a page goes on asking.
SET search_path = siegel;

-- any: also by a password with a second factor. passkey: by a passkey or a certificate. certificate: by that alone. The stricter one of account and
-- role holds.
ALTER TABLE account ADD COLUMN sign_in text NOT NULL DEFAULT 'any' CHECK (sign_in IN ('any', 'passkey', 'certificate'));
ALTER TABLE role ADD COLUMN sign_in text NOT NULL DEFAULT 'any' CHECK (sign_in IN ('any', 'passkey', 'certificate'));
-- Made by who is let in as siegel_setup, on the machine: nobody else can say so of his.
ALTER TABLE credential ADD COLUMN on_site boolean NOT NULL DEFAULT false;
CREATE FUNCTION credential_on_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.on_site := current_user = 'siegel_setup';
  RETURN NEW;
END $$;
CREATE TRIGGER credential_on_site BEFORE INSERT ON credential FOR EACH ROW EXECUTE FUNCTION credential_on_site();

-- passkey: the session may register one, and nothing else.
ALTER TABLE session DROP CONSTRAINT session_missing_check,
  ADD CONSTRAINT session_missing_check CHECK (missing <@ ARRAY['second_factor', 'password', 'totp', 'passkey']);

CREATE FUNCTION account_sign_in(p_account bigint) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  -- An account or a role that isn't there asks for what is strictest.
  RETURN coalesce((
    SELECT CASE WHEN 'certificate' IN (a.sign_in, r.sign_in) THEN 'certificate' WHEN 'passkey' IN (a.sign_in, r.sign_in) THEN 'passkey' ELSE 'any' END
      FROM siegel.account a JOIN siegel.role r ON r.name = a.role AND (r.tenant_id = a.tenant_id OR r.tenant_id IS NULL)
     WHERE a.id = p_account ORDER BY r.tenant_id NULLS LAST LIMIT 1), 'certificate');
END $$;
-- Whether that evidence opens the account, for whoever has proved it: yes; no_passkey, no_certificate: what it wants isn't shown; first: a one-time code
-- from the machine itself, over which it may register a passkey.
CREATE FUNCTION account_admits(p_account bigint, p_evidence text, p_credential bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE wanted text := siegel.account_sign_in(p_account);
BEGIN
  RETURN CASE WHEN wanted = 'any' OR p_evidence = 'certificate' OR (wanted = 'passkey' AND p_evidence = 'passkey') THEN 'yes'
              WHEN wanted = 'passkey' AND p_evidence = 'one_time' AND EXISTS (
                     SELECT FROM siegel.credential c WHERE c.id = p_credential AND c.account_id = p_account AND c.on_site) THEN 'first'
              ELSE 'no_' || wanted END;
END $$;
-- Whether it has what it has to sign in by.
CREATE FUNCTION account_opens(p_account bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE wanted text := siegel.account_sign_in(p_account);
BEGIN
  RETURN wanted = 'any'
      OR (wanted = 'passkey' AND EXISTS (SELECT FROM siegel.passkey p WHERE p.account_id = p_account AND p.user_verified))
      OR EXISTS (SELECT FROM siegel.credential c JOIN siegel.certificate x ON x.tenant_id = c.tenant_id AND sha256(x.der) = c.hash
                  WHERE c.account_id = p_account AND c.kind = 'certificate' AND siegel.card_good(c.tenant_id, c.id, x.id));
END $$;

-- Whose the cookie is, while it is good: 30 minutes after somebody last used it (p_used: not a page that asks by itself), and until its end; by a
-- certificate as long as that is good; and as long as the account may be opened by what it was made with.
DROP FUNCTION session_find;
CREATE FUNCTION session_find(p_hash bytea, p_used boolean)
RETURNS TABLE (session_id bigint, missing text, tenant_id int, account_id bigint, name text, role text, rights text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE s siegel.session;
BEGIN
  SELECT * INTO s FROM siegel.session x WHERE x.hash = p_hash AND x.expires_at > now() AND x.used_at > now() - interval '30 minutes';
  IF NOT FOUND OR (s.credential_id IS NOT NULL AND NOT siegel.card_good(s.tenant_id, s.credential_id, s.certificate_id))
     OR NOT ('passkey' = ANY (s.missing) OR siegel.account_admits(s.account_id, s.evidence, NULL) = 'yes') THEN
    RETURN;
  END IF;
  IF p_used AND s.used_at < now() - interval '1 minute' THEN
    UPDATE siegel.session x SET used_at = now() WHERE x.id = s.id;
  END IF;
  RETURN QUERY SELECT s.id, array_to_string(s.missing, ','), a.tenant_id, a.id, a.name, a.role, siegel.account_rights(a.id)::text
    FROM siegel.account a WHERE a.id = s.account_id AND a.enabled;
END $$;

-- Sessions that an account's new rule doesn't allow end with it, whoever sets it.
CREATE FUNCTION account_sign_in_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  DELETE FROM siegel.session s WHERE s.account_id = NEW.id AND siegel.account_admits(s.account_id, s.evidence, NULL) <> 'yes';
  RETURN NULL;
END $$;
CREATE TRIGGER account_sign_in AFTER UPDATE OF sign_in ON account
  FOR EACH ROW WHEN (OLD.sign_in IS DISTINCT FROM NEW.sign_in) EXECUTE FUNCTION account_sign_in_changed();
CREATE FUNCTION role_sign_in_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  DELETE FROM siegel.session s USING siegel.account a
   WHERE a.id = s.account_id AND a.role = NEW.name AND (NEW.tenant_id IS NULL OR a.tenant_id = NEW.tenant_id)
     AND siegel.account_admits(s.account_id, s.evidence, NULL) <> 'yes';
  RETURN NULL;
END $$;
CREATE TRIGGER role_sign_in AFTER UPDATE OF sign_in ON role
  FOR EACH ROW WHEN (OLD.sign_in IS DISTINCT FROM NEW.sign_in) EXECUTE FUNCTION role_sign_in_changed();

REVOKE ALL ON FUNCTION credential_on_site, account_sign_in, account_admits, account_opens, session_find, account_sign_in_changed, role_sign_in_changed
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_sign_in TO siegel_api, siegel_ca, siegel_setup;
GRANT EXECUTE ON FUNCTION account_admits TO siegel_api, siegel_est, siegel_scep;
GRANT EXECUTE ON FUNCTION account_opens TO siegel_api, siegel_ca, siegel_setup;
GRANT EXECUTE ON FUNCTION session_find TO siegel_api;
GRANT SELECT (sign_in) ON account TO siegel_api;
GRANT UPDATE (sign_in) ON account, role TO siegel_ca;
GRANT UPDATE (sign_in, version) ON account, role TO siegel_setup;
-- Over a one-time code from the machine a passkey is registered: the session is that passkey's then. And what a proof is measured by.
GRANT SELECT (evidence, created_at), UPDATE (evidence, passkey_id) ON session TO siegel_ca;
