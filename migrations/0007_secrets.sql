-- Secrets: symmetric keys, passwords and other octets, wrapped by the key store, in versions; handed out once or under right.
SET search_path = siegel;

CREATE TABLE secret (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  name           text NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('symmetric', 'password', 'data')),
  delivery       text NOT NULL CHECK (delivery IN ('once', 'many')), -- once: a version is destroyed as it is handed out
  alphabet       text CHECK (alphabet IN ('readable', 'letters', 'all', 'digits')), -- of a password that is made here
  device         text,                         -- whose it is, in the words of the user: a meter's number
  certificate_id bigint,
  expires_at     timestamptz,
  current        int NOT NULL DEFAULT 1,       -- version
  owner          text,
  metadata       jsonb,
  version        int NOT NULL DEFAULT 1,       -- of this row
  requestor      text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, name)
);
CREATE INDEX secret_device ON secret (tenant_id, device) WHERE device IS NOT NULL; -- the keys of a device
CREATE TABLE secret_version (
  secret_id       bigint NOT NULL REFERENCES secret ON DELETE CASCADE,
  tenant_id       int NOT NULL,
  n               int NOT NULL,
  made            text NOT NULL CHECK (made IN ('generated', 'imported')),
  length          int NOT NULL,                -- octets
  wrapped         bytea,                       -- null: destroyed
  fetched         int NOT NULL DEFAULT 0,
  last_fetched_at timestamptz,
  destroyed_at    timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (secret_id, n)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON secret, secret_version TO siegel_ca;
GRANT SELECT ON secret TO siegel_api;
GRANT SELECT (secret_id, tenant_id, n, made, length, fetched, last_fetched_at, destroyed_at, created_at) ON secret_version TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['secret', 'secret_version']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
