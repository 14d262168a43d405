-- Who keeps evidence in memory for a moment (siegel-api) is told at once when a credential or an account changes.
SET search_path = siegel;

CREATE FUNCTION credentials_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('credentials_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER credential_notify AFTER UPDATE OR DELETE ON credential FOR EACH STATEMENT EXECUTE FUNCTION credentials_notify();
CREATE TRIGGER account_notify AFTER UPDATE OR DELETE ON account FOR EACH STATEMENT EXECUTE FUNCTION credentials_notify();
REVOKE ALL ON FUNCTION credentials_notify FROM PUBLIC;
