-- A seal on each certificate's status (D05): who changes a row without the engine's key leaves one that doesn't fit, and siegel-va answers
-- internalError for it in place of what somebody wrote. lib/status_mac.h says what is sealed.
SET search_path = siegel;

ALTER TABLE certificate ADD mac bytea;

-- The engine's sessions set siegel.status_inner and siegel.status_outer: HMAC's pads (RFC 2104 2), for PostgreSQL knows SHA-256 and no HMAC.
-- Without them there is no seal.
CREATE FUNCTION certificate_mac() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  k_inner text := current_setting('siegel.status_inner', true);
BEGIN
  IF k_inner IS NULL OR k_inner = '' THEN
    NEW.mac := NULL;
  ELSE
    NEW.mac := substring(sha256(decode(current_setting('siegel.status_outer'), 'hex') || sha256(decode(k_inner, 'hex') || int4send(NEW.ca_id) ||
      int2send(length(NEW.serial)::smallint) || NEW.serial || int2send(NEW.status) ||
      int8send(coalesce(floor(extract(epoch FROM NEW.revoked_at))::bigint, 0)) || int2send(coalesce(NEW.reason, 0::smallint)))) FROM 1 FOR 16);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER certificate_mac BEFORE INSERT OR UPDATE OF ca_id, serial, status, revoked_at, reason, mac ON certificate
  FOR EACH ROW EXECUTE FUNCTION certificate_mac();
REVOKE ALL ON FUNCTION certificate_mac FROM PUBLIC;
GRANT SELECT (mac) ON certificate TO siegel_va;
