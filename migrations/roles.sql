-- Roles, made once by the database's superuser before the first migration (quickstart and the packages do it).
-- One role for each process, none may log in with a password: peer authentication maps system users to them.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['siegel_owner', 'siegel_ca', 'siegel_est', 'siegel_scep', 'siegel_acme', 'siegel_va', 'siegel_api', 'siegel_sched', 'siegel_setup']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', r);
    END IF;
  END LOOP;
END $$;
-- What siegel-api becomes for accounts that see their own alone: nobody signs in as it, and siegel-api has none of its rights before it says so.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siegel_portal') THEN
    CREATE ROLE siegel_portal NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END $$;
ALTER ROLE siegel_api NOINHERIT;
GRANT siegel_portal TO siegel_api;
-- A list that somebody asks for over REST doesn't hold a connection for ever. COMMIT isn't cut off by it.
ALTER ROLE siegel_api SET statement_timeout = '10s';
