-- What anybody may do in the database, beyond its tables: run in it by the cluster's superuser after roles.sql, as often as one likes.
-- A process that was taken over finds no temporary tables and no large objects to fill the disk with, and locks are for those who write the audit log.
DO $$
DECLARE
  f record;
  r text;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'siegel\_%'
  LOOP
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), r);
  END LOOP;
  FOR f IN SELECT oid::regprocedure AS name, proname LIKE 'pg\_%' AS locks FROM pg_proc
           WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f.name);
    IF f.locks THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO siegel_owner, siegel_ca, siegel_api, siegel_setup', f.name);
    END IF;
  END LOOP;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
