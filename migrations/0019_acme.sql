-- ACME (RFC 8555): directories are doors of 0016, with the profiles that they offer; accounts, orders, authorizations and challenges are siegel-acme's own.
-- Any number of its processes may run: all state is here, and every change of a state says which state it comes from.
SET search_path = siegel;

-- A directory's auth are the kinds of challenge that it offers.
ALTER TABLE endpoint DROP CONSTRAINT endpoint_protocol_check, DROP CONSTRAINT endpoint_auth_check;
ALTER TABLE endpoint
  ADD CONSTRAINT endpoint_protocol_check CHECK (protocol IN ('est', 'scep', 'acme')),
  ADD CONSTRAINT endpoint_auth_check CHECK (auth <> '{}' AND
    auth <@ CASE protocol WHEN 'acme' THEN ARRAY['http-01', 'dns-01', 'dns-account-01', 'tls-alpn-01', 'device-attest-01']
                          ELSE ARRAY['password', 'code', 'certificate', 'both', 'challenge', 'webhook'] END);

-- What a directory offers beside its default profile (draft-ietf-acme-profiles): the name that a client says, and the profile of ours that it means.
CREATE TABLE directory_profile (
  endpoint_id bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
  profile_id  int NOT NULL REFERENCES profile,
  is_default  boolean NOT NULL DEFAULT false,  -- of an order that names none
  description text NOT NULL,                   -- shown to clients, in the directory's meta
  caa         boolean NOT NULL DEFAULT false,  -- CAA records are asked for (RFC 8659)
  PRIMARY KEY (endpoint_id, name)
);
CREATE INDEX directory_profile_profile ON directory_profile (profile_id); -- whether a profile is still used
CREATE UNIQUE INDEX directory_profile_default ON directory_profile (endpoint_id) WHERE is_default; -- one at most
CREATE TRIGGER directory_profile_notify AFTER INSERT OR UPDATE OR DELETE ON directory_profile
  FOR EACH STATEMENT EXECUTE FUNCTION endpoints_notify();

-- Keys that bind an account to somebody the house knows (RFC 8555 7.3.4). The MAC key is shown once; siegel-acme never sees it, the engine checks with it.
CREATE TABLE acme_key (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  endpoint_id  bigint REFERENCES endpoint ON DELETE CASCADE, -- null: any directory of the tenant
  kid          text NOT NULL UNIQUE CHECK (length(kid) BETWEEN 8 AND 64),
  sealed       bytea NOT NULL,                 -- the MAC key, sealed by the key store
  names        text[] NOT NULL DEFAULT '{}',   -- what accounts under it are authorised for without a challenge: dns:host, dns:.domain, ip:network
  max_accounts int NOT NULL DEFAULT 1 CHECK (max_accounts BETWEEN 1 AND 1000000),
  accounts     int NOT NULL DEFAULT 0,         -- that were made with it
  expires_at   timestamptz,                    -- for new accounts; null: never
  revoked_at   timestamptz,
  requestor    text NOT NULL,
  owner        text,
  metadata     jsonb,
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acme_key_tenant ON acme_key (tenant_id, id); -- pages over REST
CREATE INDEX acme_key_endpoint ON acme_key (endpoint_id) WHERE endpoint_id IS NOT NULL; -- a directory that is deleted takes them along

CREATE TABLE acme_account (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   int NOT NULL REFERENCES tenant,
  endpoint_id bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  status      text NOT NULL DEFAULT 'valid' CHECK (status IN ('valid', 'deactivated', 'revoked')),
  jwk         jsonb NOT NULL,                  -- the public key, canonical (RFC 7638)
  thumbprint  bytea NOT NULL CHECK (length(thumbprint) = 32),
  contacts    text[] NOT NULL DEFAULT '{}',
  terms_at    timestamptz,                     -- when the terms of service were agreed to
  key_id      bigint REFERENCES acme_key ON DELETE SET NULL,
  names       text[] NOT NULL DEFAULT '{}',    -- as in acme_key: its own; those of its key hold as well
  binding     jsonb,                           -- externalAccountBinding as it was sent (RFC 8555 7.1.2)
  address     text NOT NULL,                   -- of the client that made it
  owner       text,
  metadata    jsonb,
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (endpoint_id, thumbprint)             -- a key has one account (RFC 8555 7.3)
);
CREATE INDEX acme_account_tenant ON acme_account (tenant_id, id); -- pages over REST
CREATE INDEX acme_account_key ON acme_account (key_id) WHERE key_id IS NOT NULL; -- a key that is revoked is shown with its accounts

-- status holds what a client did last; "ready", and "invalid" by an authorization, follow from the authorizations (acme_order_status()).
CREATE TABLE acme_order (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  endpoint_id    bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  account_id     bigint NOT NULL REFERENCES acme_account ON DELETE CASCADE,
  status         text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'valid', 'invalid')),
  identifiers    text[] NOT NULL,              -- "dns:a.example", "dns:*.a.example", "ip:192.0.2.1", "permanent-identifier:…": sorted, each once
  authz_ids      bigint[] NOT NULL,
  profile        text,                         -- the directory's word for it
  profile_id     int NOT NULL,                 -- of a profile that may be deleted since: what is under way holds it (profile.delete)
  replaces       text,                         -- RFC 9773 4.1: certificate identifier
  replaces_id    bigint,                       -- and the certificate
  csr            bytea,                        -- with processing and valid
  certificate_id bigint,                       -- with valid
  error          jsonb,                        -- problem document, with invalid
  expires_at     timestamptz NOT NULL,
  claimed_until  timestamptz,                  -- with processing: somebody asks the engine until then
  finalized_at   timestamptz,
  caa_since      timestamptz,                  -- with processing: since when its CAA records can't be had
  created_at     timestamptz NOT NULL DEFAULT now(),
  CHECK ((status = 'valid') = (certificate_id IS NOT NULL))
);
CREATE INDEX acme_order_account ON acme_order (account_id, id); -- the orders list of an account
CREATE INDEX acme_order_tenant ON acme_order (tenant_id, id); -- pages over REST
CREATE INDEX acme_order_expires ON acme_order (expires_at) WHERE status <> 'valid'; -- sweeping
CREATE INDEX acme_order_processing ON acme_order (finalized_at) WHERE status = 'processing'; -- those that nobody approves
CREATE INDEX acme_order_certificate ON acme_order (certificate_id) WHERE certificate_id IS NOT NULL; -- whose certificate it is
CREATE INDEX acme_order_authz ON acme_order USING gin (authz_ids) WITH (fastupdate = on); -- which orders wait for an authorization
-- One order at a time takes a certificate's place: 'processing' and 'valid' ones have done it.
CREATE UNIQUE INDEX acme_order_replaces ON acme_order (replaces_id) WHERE replaces_id IS NOT NULL AND status IN ('processing', 'valid');

CREATE TABLE acme_authz (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  endpoint_id  bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  account_id   bigint NOT NULL REFERENCES acme_account ON DELETE CASCADE,
  identifier   text NOT NULL,                  -- as in acme_order, without "*."
  wildcard     boolean NOT NULL DEFAULT false,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'valid', 'invalid', 'deactivated', 'revoked')), -- expired: by expires_at
  method       text,                           -- with valid: the challenge, or "policy" for a name that needs none
  validated_at timestamptz,
  caa_at       timestamptz,                    -- when CAA records last allowed it; null: nobody asked
  attested_key bytea,                          -- device-attest-01: SHA-256 of the SubjectPublicKeyInfo that the certificate must have
  expires_at   timestamptz NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX acme_authz_reuse ON acme_authz (account_id, identifier, wildcard, id); -- what an order can use; what goes with an account
CREATE INDEX acme_authz_expires ON acme_authz (expires_at); -- sweeping
CREATE INDEX acme_authz_ended ON acme_authz (created_at) WHERE status IN ('deactivated', 'invalid'); -- sweeping those that no order has

CREATE TABLE acme_challenge (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id     int NOT NULL REFERENCES tenant,
  authz_id      bigint NOT NULL REFERENCES acme_authz ON DELETE CASCADE,
  account_id    bigint NOT NULL,               -- the authorization's
  type          text NOT NULL CHECK (type IN ('http-01', 'dns-01', 'dns-account-01', 'tls-alpn-01', 'device-attest-01')),
  token         text NOT NULL CHECK (token ~ '^[A-Za-z0-9_-]{43}$'),
  status        text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'valid', 'invalid')),
  attempts      int NOT NULL DEFAULT 0,        -- of the validation
  due_at        timestamptz,                   -- with processing: when it is looked at, again after a crash of who had it
  taken         boolean NOT NULL DEFAULT false, -- with processing: somebody looks at it, until due_at
  validated_at  timestamptz,
  error         jsonb,                         -- problem document, with invalid
  log           jsonb NOT NULL DEFAULT '[]',   -- what the validation did and saw, a text for each step
  UNIQUE (authz_id, type)
);
CREATE INDEX acme_challenge_due ON acme_challenge (account_id, due_at) WHERE status = 'processing'; -- the queues, one of each account
CREATE INDEX acme_challenge_taken ON acme_challenge (account_id) WHERE status = 'processing' AND taken;

-- Nonces (RFC 8555 6.5) are a time, randomness and a MAC; only those that were used are kept, until they would have run out. Not logged: a crash of
-- PostgreSQL empties both tables, and with the key go all nonces that were made under it.
CREATE UNLOGGED TABLE acme_nonce_key (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  key bytea NOT NULL CHECK (length(key) = 32)
);
CREATE UNLOGGED TABLE acme_nonce (
  nonce bytea PRIMARY KEY                      -- begins with the time, so that what ran out is at one end
);

-- What is counted for a limit: a window begins with its first.
CREATE TABLE acme_count (
  endpoint_id bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  what        text NOT NULL CHECK (what IN ('accounts', 'orders', 'authz', 'failures')),
  whose       text NOT NULL,                   -- an address, an account, an account and an identifier
  begun_at    timestamptz NOT NULL DEFAULT now(),
  n           int NOT NULL DEFAULT 1,
  PRIMARY KEY (endpoint_id, what, whose)
);
CREATE INDEX acme_count_begun ON acme_count (begun_at); -- sweeping

-- Certificates that are to be renewed earlier than their age says (RFC 9773 4.2), such as before many are revoked.
CREATE TABLE renewal_advice (
  certificate_id bigint PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  begins_at      timestamptz NOT NULL,
  ends_at        timestamptz NOT NULL CHECK (ends_at > begins_at),
  expires_at     timestamptz NOT NULL,         -- the certificate's end: behind it nobody asks any more
  explanation    text,                         -- address of a page for people (RFC 9773 4.2 explanationURL)
  requestor      text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX renewal_advice_expires ON renewal_advice (expires_at); -- sweeping

-- siegel-acme reads and writes by functions alone (0020).
GRANT USAGE ON SCHEMA siegel TO siegel_acme;
GRANT SELECT, INSERT, UPDATE, DELETE ON directory_profile TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON acme_key TO siegel_ca;
GRANT UPDATE (revoked_at, accounts, names, owner, metadata) ON acme_key TO siegel_ca;
GRANT SELECT ON acme_account, acme_order, acme_authz TO siegel_ca;
GRANT UPDATE (status, names, owner, metadata, version) ON acme_account TO siegel_ca;
GRANT SELECT, INSERT, UPDATE, DELETE ON renewal_advice TO siegel_ca;
GRANT SELECT ON directory_profile, acme_account, acme_order, acme_authz, acme_challenge, renewal_advice TO siegel_api;
GRANT SELECT (id, tenant_id, endpoint_id, kid, names, max_accounts, accounts, expires_at, revoked_at, requestor, owner, metadata, created_at)
  ON acme_key TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['directory_profile', 'acme_key', 'acme_account', 'acme_order', 'acme_authz', 'acme_challenge', 'renewal_advice']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
