-- Management: tenants, roles made of single rights, owners and metadata, approvals, jobs. All of it is changed by the engine alone
-- (siegel_ca: its manager and its runner); siegel-api reads.
SET search_path = siegel;

-- The first tenant is the house: its administrators manage tenants.
ALTER TABLE tenant
  ADD title text NOT NULL DEFAULT '',
  ADD is_house boolean NOT NULL DEFAULT false,
  ADD enabled boolean NOT NULL DEFAULT true,
  ADD owner text,
  ADD metadata jsonb,
  ADD version int NOT NULL DEFAULT 1;
UPDATE tenant SET is_house = true WHERE id = (SELECT min(id) FROM tenant);
CREATE UNIQUE INDEX tenant_house ON tenant (is_house) WHERE is_house;
CREATE FUNCTION tenant_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM siegel.tenant) THEN
    NEW.is_house := true;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tenant_first BEFORE INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION tenant_first();

-- A role is a set of rights (lib/rights.def). tenant_id null: one of the ready ones, which all tenants have and nobody changes.
CREATE TABLE role (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  int REFERENCES tenant,
  name       text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  title      text NOT NULL DEFAULT '',
  rights     text[] NOT NULL,
  owner      text,
  metadata   jsonb,
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (tenant_id, name)
);
INSERT INTO role (name, title, rights) VALUES
  ('administrator', 'Administrator', '{read,certificates.issue,certificates.revoke,certificates.import,metadata.write,cas.manage,key_stores.manage,profiles.manage,policies.manage,secrets.manage,secrets.fetch,keys.recover,approvals.decide,accounts.manage,tenants.manage,jobs.manage}'),
  ('operator', 'CA operator', '{read,certificates.issue,certificates.revoke,certificates.import,metadata.write,secrets.manage,keys.recover,approvals.decide,jobs.manage}'),
  ('registration_authority', 'Registration authority', '{read,certificates.issue,certificates.revoke,metadata.write,approvals.decide}'),
  ('requestor', 'Requestor', '{read,certificates.issue}'),
  ('line', 'Production line', '{certificates.issue,secrets.fetch}'),
  ('auditor', 'Auditor', '{read,audit.read}');

ALTER TABLE account DROP CONSTRAINT account_role_check;
ALTER TABLE account
  ADD title text NOT NULL DEFAULT '', -- the person's name
  ADD email text,
  ADD owner text,
  ADD metadata jsonb,
  ADD version int NOT NULL DEFAULT 1;
-- A role that an account has is there: of its tenant, or a ready one. (A foreign key can't say "or".)
CREATE FUNCTION account_role_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM siegel.role r WHERE r.name = NEW.role AND (r.tenant_id IS NULL OR r.tenant_id = NEW.tenant_id)) THEN
    RAISE EXCEPTION 'there is no such role' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account_role BEFORE INSERT OR UPDATE OF role ON account FOR EACH ROW EXECUTE FUNCTION account_role_check();

ALTER TABLE ca ADD owner text, ADD metadata jsonb, ADD version int NOT NULL DEFAULT 1;
ALTER TABLE profile ADD owner text, ADD metadata jsonb;
ALTER TABLE certificate
  ADD owner text,
  ADD metadata jsonb,
  ADD key_type text,         -- lib/x509/keytype.c; null: issued before this column was there
  ADD replaces_id bigint;    -- the certificate that this one renews

-- What waits for n of m people. body is what the engine will do, as it was asked for; a change of it voids the decisions.
CREATE TABLE approval (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  operation    text NOT NULL,                  -- "ca.create", "certificate.issue"
  object_id    bigint,                         -- what it is done to
  body         jsonb NOT NULL,
  request      bytea,                          -- certificate.issue: the Issue message
  request_key  bytea,                          -- the same request again finds this row
  reason       text NOT NULL DEFAULT '',       -- the policy's words
  wanted       int NOT NULL CHECK (wanted BETWEEN 1 AND 10),
  requested_by bigint NOT NULL,                -- account; 0: a device with its own certificate
  requestor    text NOT NULL,                  -- "rest:line1"
  evidence     text NOT NULL DEFAULT '',       -- how he showed who he is: policies are asked again when it is done
  status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'approved', 'rejected', 'withdrawn', 'expired', 'done', 'failed')),
  result       jsonb,
  error        text,
  owner        text,
  metadata     jsonb,
  version      int NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  decided_at   timestamptz
);
CREATE INDEX approval_open ON approval (tenant_id, status, id);
CREATE UNIQUE INDEX approval_request_key ON approval (request_key) WHERE request_key IS NOT NULL;
CREATE TABLE approval_decision (
  approval_id bigint NOT NULL REFERENCES approval ON DELETE CASCADE,
  tenant_id   int NOT NULL,
  account_id  bigint NOT NULL,
  account     text NOT NULL,
  approves    boolean NOT NULL,
  comment     text NOT NULL DEFAULT '',
  version     int NOT NULL,                    -- of the approval that was decided on
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (approval_id, account_id)
);

-- Long work, done by the engine's runner one after the other.
CREATE TABLE job (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  kind         text NOT NULL,                  -- a file of ca/jobs/
  status       text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  cancel       boolean NOT NULL DEFAULT false, -- wished; the runner sees it between two items
  parameters   jsonb NOT NULL DEFAULT '{}',
  state        jsonb NOT NULL DEFAULT '{}',    -- how far it is, for the runner after a crash
  total        bigint,                         -- null: not known yet
  done         bigint NOT NULL DEFAULT 0,
  failed       bigint NOT NULL DEFAULT 0,
  result       jsonb,
  error        text,
  account_id   bigint NOT NULL,
  requestor    text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  started_at   timestamptz,
  ended_at     timestamptz
);
CREATE INDEX job_open ON job (id) WHERE status IN ('queued', 'running'); -- what the runner looks for
-- What became of each thing that a job took in hand, where that is of use.
CREATE TABLE job_item (
  job_id    bigint NOT NULL REFERENCES job ON DELETE CASCADE,
  tenant_id int NOT NULL,
  n         bigint NOT NULL,
  status    text NOT NULL CHECK (status IN ('done', 'repeated', 'skipped', 'failed')),
  object    text NOT NULL,                     -- "certificate/17", "file hierarchy.p12, item 3"
  detail    text NOT NULL DEFAULT '',
  PRIMARY KEY (job_id, n)
);
CREATE FUNCTION job_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('job_added', '');
  RETURN NULL;
END $$;
CREATE TRIGGER job_notify AFTER INSERT ON job FOR EACH STATEMENT EXECUTE FUNCTION job_notify();

REVOKE ALL ON FUNCTION tenant_first, account_role_check, job_notify FROM PUBLIC;
GRANT UPDATE (title, enabled, owner, metadata, version) ON tenant TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON role TO siegel_ca;
GRANT UPDATE (title, rights, owner, metadata, version) ON role TO siegel_ca;
GRANT SELECT, INSERT ON account TO siegel_ca;
GRANT UPDATE (role, enabled, title, email, owner, metadata, version) ON account TO siegel_ca;
GRANT SELECT (id, tenant_id, account_id, kind, expires_at, used_at, revoked_at, created_at), INSERT ON credential TO siegel_ca;
GRANT UPDATE (revoked_at) ON credential TO siegel_ca;
GRANT UPDATE (owner, metadata, version, name, is_default) ON ca TO siegel_ca;
GRANT UPDATE (owner, metadata, kind) ON profile TO siegel_ca;
GRANT DELETE ON profile TO siegel_ca;
GRANT UPDATE (owner, metadata) ON certificate TO siegel_ca;
GRANT SELECT, INSERT, UPDATE ON approval, job TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON approval_decision TO siegel_ca;
GRANT SELECT, INSERT ON job_item TO siegel_ca;
GRANT SELECT ON role TO siegel_setup;

GRANT SELECT (id, name, title, is_house, enabled, owner, metadata, version, created_at) ON tenant TO siegel_api;
GRANT SELECT ON role, approval_decision, job, job_item TO siegel_api;
GRANT SELECT (id, tenant_id, operation, object_id, body, reason, wanted, requested_by, requestor, status, result, error, owner, metadata, version,
              created_at, expires_at, decided_at) ON approval TO siegel_api;
GRANT SELECT (title, email, owner, metadata, version) ON account TO siegel_api;
GRANT SELECT (owner, metadata, version) ON ca TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['role', 'approval', 'approval_decision', 'job', 'job_item']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca, siegel_setup USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
CREATE POLICY ready_roles ON role FOR SELECT TO siegel_api USING (tenant_id IS NULL);

-- What an account may do, for whoever has proved to be it.
CREATE FUNCTION account_rights(p_account bigint) RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN (SELECT r.rights FROM siegel.account a JOIN siegel.tenant t ON t.id = a.tenant_id AND t.enabled
            JOIN siegel.role r ON r.name = a.role AND (r.tenant_id = a.tenant_id OR r.tenant_id IS NULL)
           WHERE a.id = p_account AND a.enabled ORDER BY r.tenant_id NULLS LAST LIMIT 1);
END $$;
REVOKE ALL ON FUNCTION account_rights FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_rights TO siegel_api, siegel_est, siegel_ca;

-- Who works for a tenant sees that one; who works for the house sees all.
CREATE FUNCTION works_for_house() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM siegel.tenant WHERE is_house AND id = nullif(current_setting('siegel.tenant', true), '')::int);
END $$;
REVOKE ALL ON FUNCTION works_for_house FROM PUBLIC;
GRANT EXECUTE ON FUNCTION works_for_house TO siegel_api;
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON tenant TO siegel_owner, siegel_ca, siegel_sched, siegel_setup, siegel_va, siegel_est USING (true);
CREATE POLICY own_tenant ON tenant FOR SELECT TO siegel_api
  USING (id = nullif(current_setting('siegel.tenant', true), '')::int OR works_for_house());
