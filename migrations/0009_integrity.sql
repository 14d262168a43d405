-- Integrity: the heads of the audit chains are signed by a key of the key store, so that what was cut off or written anew is noticed by whoever
-- has the public key.
SET search_path = siegel;

-- A line of a seal is name, number and hash of a chain: a name holds neither blanks nor lines.
ALTER TABLE audit ADD CONSTRAINT audit_chain_check CHECK (chain COLLATE "C" ~ '^[a-z0-9._-]{1,63}$');

CREATE TABLE audit_key (
  id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_ref    text NOT NULL,
  key_type   text NOT NULL,
  public_key bytea NOT NULL,                   -- SubjectPublicKeyInfo, DER
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz
);
-- What was signed is the text of the heads, as it stands here.
CREATE TABLE audit_seal (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id     int NOT NULL REFERENCES audit_key,
  at_us      bigint NOT NULL,
  heads      text NOT NULL,                    -- a line for each chain: its name, sequence number and hash
  signature  bytea NOT NULL
);

GRANT SELECT, INSERT ON audit_key, audit_seal TO siegel_ca;
GRANT UPDATE (retired_at) ON audit_key TO siegel_ca;
GRANT SELECT (id, key_type, public_key, created_at, retired_at) ON audit_key TO siegel_api, siegel_sched, siegel_setup;
GRANT SELECT ON audit_seal TO siegel_api, siegel_sched, siegel_setup;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['audit_key', 'audit_seal']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca, siegel_api, siegel_sched, siegel_setup USING (true)', t);
  END LOOP;
END $$;
