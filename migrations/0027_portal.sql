-- The self-service portal: accounts that see and do only what they are responsible for, and requests for many at once. Who has the right
-- certificates.own without the right read is such an account. siegel-api looks into the store for it as siegel_portal, a role that sees its
-- own rows of the few tables named here and nothing else, so that a table that is added later is closed by itself.
SET search_path = siegel;
GRANT USAGE ON SCHEMA siegel TO siegel_portal;

ALTER TABLE role ADD profiles text[] NOT NULL DEFAULT '{}';            -- what may be asked for with certificates.own
ALTER TABLE account ADD responsible_for text[] NOT NULL DEFAULT '{}';  -- owners of certificates, beside the account's own name
UPDATE role SET rights = rights || '{certificates.own}' WHERE tenant_id IS NULL AND name = 'administrator';
INSERT INTO role (name, title, rights, profiles) VALUES ('portal', 'Self-service portal', '{certificates.own}', '{device}');
GRANT UPDATE (profiles) ON role TO siegel_ca;
GRANT UPDATE (responsible_for) ON account TO siegel_ca;
GRANT SELECT (responsible_for) ON account TO siegel_api;

-- A request for one or many: each item becomes a certificate by itself, is decided on by itself and is asked for again without getting a second
-- one. Keys that were made here are kept, sealed, until results_until, so that nothing is lost with a browser that closes.
CREATE TABLE batch (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id     int NOT NULL REFERENCES tenant,
  account_id    bigint NOT NULL,                -- who asked, and fetches
  requestor     text NOT NULL,                  -- "rest:eva"
  evidence      text NOT NULL,                  -- how he showed who he is: policies see it
  title         text NOT NULL DEFAULT '',
  profile       text NOT NULL,
  format        text NOT NULL CHECK (format IN ('pkcs12', 'pem')),
  password      bytea,                          -- sealed; null: none, or not needed any more
  days          int,                            -- null: the profile's
  owner         text,
  created_at    timestamptz NOT NULL DEFAULT now(),
  results_until timestamptz NOT NULL
);
CREATE INDEX batch_account ON batch (tenant_id, account_id, id);
CREATE INDEX batch_results ON batch (results_until); -- what is swept next
CREATE TABLE batch_item (
  batch_id       bigint NOT NULL REFERENCES batch ON DELETE CASCADE,
  tenant_id      int NOT NULL,
  n              int NOT NULL,
  name           text NOT NULL DEFAULT '',      -- common name; empty: the request's, or that of what is renewed
  csr            bytea,                         -- null: the key is made here, or stays
  replaces_id    bigint,                        -- the certificate that is renewed
  same_key       boolean NOT NULL DEFAULT false,
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'done', 'failed')),
  attempt        int NOT NULL DEFAULT 0,        -- part of the request key: a certificate whose key was lost in a crash is revoked, and made anew
  certificate_id bigint,
  approval_id    bigint,                        -- what it waits for, or waited for
  error          text,
  sealed         bytea,                         -- key or PKCS#12
  fetched_at     timestamptz,
  PRIMARY KEY (batch_id, n)
);
CREATE INDEX batch_item_left ON batch_item (batch_id, n) WHERE status IN ('open', 'waiting');
CREATE INDEX batch_item_approval ON batch_item (approval_id) WHERE status = 'waiting';
CREATE INDEX batch_item_sealed ON batch_item (fetched_at) WHERE sealed IS NOT NULL; -- what is swept next
CREATE INDEX batch_item_certificate ON batch_item (tenant_id, certificate_id) WHERE certificate_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON batch, batch_item TO siegel_ca;
GRANT SELECT (id, tenant_id, account_id, requestor, title, profile, format, days, owner, created_at, results_until) ON batch TO siegel_api, siegel_portal;
GRANT SELECT (batch_id, tenant_id, n, name, replaces_id, status, certificate_id, approval_id, error, fetched_at) ON batch_item
  TO siegel_api, siegel_portal;

-- Who looks, for siegel_portal's policies. As the owner, for they read what that role can't; each gives back what is the account's own.
CREATE FUNCTION portal_account() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('siegel.account', true), '')::int8
$$;
CREATE FUNCTION account_owners(p_account bigint) RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN (SELECT array_append(a.responsible_for, a.name) FROM siegel.account a WHERE a.id = p_account);
END $$;
CREATE FUNCTION portal_owners() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN coalesce(siegel.account_owners(siegel.portal_account()), '{}');
END $$;
CREATE FUNCTION portal_requestor() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN (SELECT a.name FROM siegel.account a WHERE a.id = siegel.portal_account());
END $$;
-- What somebody asked for over REST is his as well: the names of devices that other protocols know are no accounts.
-- The same for the engine, which asks again before it changes anything.
CREATE FUNCTION certificate_is_own(p_account bigint, p_id bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM siegel.account a JOIN siegel.certificate x ON x.tenant_id = a.tenant_id AND x.id = p_id
                  WHERE a.id = p_account AND (x.owner = ANY (siegel.account_owners(a.id)) OR (x.requestor = a.name AND x.source = 'rest')));
END $$;
-- Profiles by whose name an account may ask: with certificates.issue all but the house's own, with certificates.own those of its role.
CREATE FUNCTION account_profiles(p_account bigint) RETURNS int[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  rights text[] := siegel.account_rights(p_account);
BEGIN
  RETURN coalesce((SELECT array_agg(p.id) FROM siegel.account a JOIN siegel.profile p ON p.tenant_id = a.tenant_id
                    WHERE a.id = p_account AND p.definition ->> 'internal' IS DISTINCT FROM 'true'
                      AND ('certificates.issue' = ANY (rights) OR ('certificates.own' = ANY (rights) AND p.name = ANY (
                        SELECT unnest(r.profiles) FROM (SELECT r.profiles FROM siegel.role r WHERE r.name = a.role
                          AND (r.tenant_id = a.tenant_id OR r.tenant_id IS NULL) ORDER BY r.tenant_id NULLS LAST LIMIT 1) r)))), '{}');
END $$;
CREATE FUNCTION portal_profiles() RETURNS int[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN siegel.account_profiles(siegel.portal_account());
END $$;
-- For whom an approval waits: names of up to ten people who may decide on it.
CREATE FUNCTION approval_deciders(p_approval bigint) RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT coalesce(nullif(a.title, ''), a.name) FROM siegel.approval p JOIN siegel.account a ON a.tenant_id = p.tenant_id AND a.enabled
                WHERE p.id = p_approval AND NOT siegel.same_person(a.id, p.requested_by)
                  AND EXISTS (SELECT FROM jsonb_array_elements(p.approvers) d WHERE siegel.approval_eligible(a.id, d)) ORDER BY 1 LIMIT 10);
END $$;

-- What siegel_portal sees: columns, and rows.
GRANT SELECT ON certificate, certificate_label, ca_certificate TO siegel_portal;
GRANT SELECT (id, tenant_id, name, parent_id, external, certificate) ON ca TO siegel_portal;
GRANT SELECT (id, tenant_id, name, kind, title) ON profile TO siegel_portal;
GRANT SELECT (id, tenant_id, operation, object_id, body, reason, wanted, approvers, requested_by, requestor, status, result, error, owner, metadata,
              version, created_at, expires_at, decided_at) ON approval TO siegel_portal;
GRANT SELECT ON approval_decision TO siegel_portal;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['batch', 'batch_item']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
    EXECUTE format('CREATE POLICY own_tenant ON siegel.%I FOR SELECT TO siegel_api
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
  -- Public within the tenant, and needed to show a certificate: names of CAs and profiles, the certificates of CAs. Labels lead to certificates,
  -- and are seen with these alone.
  FOREACH t IN ARRAY ARRAY['ca', 'ca_certificate', 'profile', 'certificate_label']
  LOOP
    EXECUTE format('CREATE POLICY portal ON siegel.%I FOR SELECT TO siegel_portal
                      USING (tenant_id = nullif(current_setting(''siegel.tenant'', true), '''')::int)', t);
  END LOOP;
END $$;
CREATE POLICY portal ON certificate FOR SELECT TO siegel_portal
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
         AND (owner = ANY ((SELECT portal_owners())::text[]) OR (requestor = (SELECT portal_requestor()) AND source = 'rest')));
CREATE POLICY portal ON approval FOR SELECT TO siegel_portal
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int AND requested_by = (SELECT portal_account()));
CREATE POLICY portal ON approval_decision FOR SELECT TO siegel_portal
  USING (EXISTS (SELECT FROM approval a WHERE a.id = approval_id));
CREATE POLICY portal ON batch FOR SELECT TO siegel_portal
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int AND account_id = (SELECT portal_account()));
CREATE POLICY portal ON batch_item FOR SELECT TO siegel_portal USING (EXISTS (SELECT FROM batch b WHERE b.id = batch_id));

-- The issuing CA and what is above it, without the root, each DER: what goes with a key.
CREATE FUNCTION ca_chain(p_ca int) RETURNS bytea[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE up AS (
    SELECT i.id, i.parent_id, i.external, i.certificate, 1 AS n FROM siegel.ca i WHERE i.id = p_ca
    UNION ALL SELECT i.id, i.parent_id, i.external, i.certificate, up.n + 1 FROM siegel.ca i JOIN up ON i.id = up.parent_id WHERE up.n < 32
  ), below_root AS (
    SELECT n, 0::int8 AS place, certificate FROM up WHERE parent_id IS NOT NULL OR external
    UNION ALL SELECT up.n, c.id, c.certificate FROM up JOIN siegel.ca_certificate c ON c.ca_id = up.id AND c.kind = 'chain' AND c.subject <> c.issuer
  )
  SELECT coalesce(array_agg(certificate ORDER BY n, place), '{}') FROM below_root
$$;

-- A job that goes on with a batch, unless one waits to be taken up already.
CREATE FUNCTION batch_resume(p_batch bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.job (tenant_id, kind, parameters, account_id, requestor)
  SELECT b.tenant_id, 'batch', jsonb_build_object('batch', b.id), b.account_id, b.requestor FROM siegel.batch b
   WHERE b.id = p_batch AND NOT EXISTS (SELECT FROM siegel.job j WHERE j.status = 'queued' AND j.kind = 'batch'
                                                                   AND j.parameters @> jsonb_build_object('batch', b.id));
END $$;
-- It was decided on: what waited for that goes on. 'done' is what the batch itself brings about.
CREATE FUNCTION batch_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  PERFORM siegel.batch_resume(i.batch_id) FROM siegel.batch_item i WHERE i.approval_id = NEW.id AND i.status = 'waiting';
  RETURN NULL;
END $$;
CREATE TRIGGER batch_follow AFTER UPDATE OF status ON approval FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status NOT IN ('open', 'done')) EXECUTE FUNCTION batch_follow();
-- Keys whose time is over, or that were fetched a day ago, are destroyed; batches go 90 days after their results, some at a time; and items whose
-- approval was decided on in the instant in which they began to wait go on.
CREATE FUNCTION batch_sweep() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.batch_item i SET sealed = NULL FROM siegel.batch b WHERE b.id = i.batch_id AND b.results_until < now() AND i.sealed IS NOT NULL;
  UPDATE siegel.batch_item SET sealed = NULL WHERE sealed IS NOT NULL AND fetched_at < now() - interval '1 day';
  UPDATE siegel.batch SET password = NULL WHERE results_until < now() AND password IS NOT NULL;
  DELETE FROM siegel.batch_item WHERE (batch_id, n) IN (
    SELECT i.batch_id, i.n FROM siegel.batch b JOIN siegel.batch_item i ON i.batch_id = b.id
     WHERE b.results_until < now() - interval '90 days' ORDER BY b.results_until LIMIT 10000);
  DELETE FROM siegel.batch WHERE id IN (
    SELECT b.id FROM siegel.batch b WHERE b.results_until < now() - interval '90 days'
       AND NOT EXISTS (SELECT FROM siegel.batch_item i WHERE i.batch_id = b.id) ORDER BY b.results_until LIMIT 1000);
  PERFORM siegel.batch_resume(d.batch_id)
     FROM (SELECT DISTINCT i.batch_id FROM siegel.batch_item i JOIN siegel.approval a ON a.id = i.approval_id
            WHERE i.status = 'waiting' AND a.status <> 'open') d;
END $$;

REVOKE ALL ON FUNCTION portal_account, account_owners, portal_owners, portal_requestor, certificate_is_own, account_profiles, portal_profiles,
  approval_deciders, ca_chain, batch_resume, batch_follow, batch_sweep FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal_account TO siegel_api, siegel_portal;
GRANT EXECUTE ON FUNCTION certificate_of_fingerprint TO siegel_portal; -- ids alone: of what isn't the account's own no row is shown
GRANT EXECUTE ON FUNCTION portal_owners, portal_requestor TO siegel_portal;
GRANT EXECUTE ON FUNCTION portal_profiles TO siegel_api;
GRANT EXECUTE ON FUNCTION approval_deciders TO siegel_api, siegel_portal;
GRANT EXECUTE ON FUNCTION account_owners, certificate_is_own, account_profiles, ca_chain, batch_sweep TO siegel_ca;
