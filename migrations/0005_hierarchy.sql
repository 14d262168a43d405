-- Hierarchies: CAs that wait for a certificate from elsewhere, roll-over to a new key, cross-certificates. One row in ca for each key.
-- Who keeps CAs in memory reads what changed alone, and CAs that never issued cost nothing.
SET search_path = siegel;

ALTER TABLE ca DROP CONSTRAINT ca_status_check;
ALTER TABLE ca
  -- pending: key and CSR are there, the certificate isn't. superseded: a newer key has its name; it issues nothing, and its CRL and OCSP go on.
  -- revoked: by its issuer; as superseded. retired: nothing of it is served any more.
  ADD CONSTRAINT ca_status_check CHECK (status IN ('pending', 'active', 'offline', 'disabled', 'superseded', 'revoked', 'retired')),
  ALTER certificate DROP NOT NULL,
  ALTER not_before DROP NOT NULL,
  ALTER not_after DROP NOT NULL,
  ADD CONSTRAINT ca_certified CHECK (status = 'pending' OR (certificate IS NOT NULL AND not_before IS NOT NULL AND not_after IS NOT NULL)),
  ADD generation int NOT NULL DEFAULT 1,       -- of the key: 2 after the first roll-over
  ADD successor_id int REFERENCES ca,          -- the newer key; for one that is still pending as well
  ADD external boolean NOT NULL DEFAULT false, -- its certificate comes from elsewhere
  ADD above bytea,                             -- of an external one: the certificates over it in DER, lowest first, up to the root
  ADD csr bytea,                               -- DER, of an external one
  ADD profile_id int REFERENCES profile,       -- what its own certificates are made by; null: made by the bootstrap, or external
  ADD key_type text,                           -- lib/x509/keytype.c
  ADD signature text,                          -- lib/x509/sigalg.c; null: the default of its key type
  -- Until then somebody may ask for the status of a certificate of its; up to a week late, so that not each certificate changes it. Null:
  -- it never issued.
  ADD serves_until timestamptz,
  ADD changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(); -- the transaction that changed what processes keep of it
UPDATE ca SET serves_until = (SELECT max(not_after) FROM certificate x WHERE x.ca_id = ca.id);
CREATE INDEX ca_changed ON ca (changed_xid);
CREATE INDEX ca_spki ON ca (spki_hash);
CREATE INDEX ca_parent ON ca (parent_id);
CREATE INDEX ca_serves ON ca (serves_until) WHERE serves_until IS NOT NULL; -- what the scheduler looks at
CREATE INDEX ca_wanted ON ca (id) WHERE crl_wanted_at IS NOT NULL;

-- Transactions don't commit in the order of their numbers. A reader that keeps the oldest one that was under way when it read asks next
-- time for rows of that one and later ones, and so misses none.
CREATE FUNCTION ca_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_xid := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER ca_changed BEFORE UPDATE OF tenant_id, name, status, parent_id, is_default, certificate, ski, spki_hash, key_ref, ocsp_url, crl_url,
  ca_url, crl_interval_sec, crl_overlap_sec, signature, generation, successor_id, external, above ON ca FOR EACH ROW EXECUTE FUNCTION ca_changed();
CREATE FUNCTION rules_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('rules_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER rules_notify AFTER INSERT OR DELETE OR UPDATE OF name, status, parent_id, is_default, certificate, key_ref, ocsp_url, crl_url, ca_url,
  crl_interval_sec, crl_overlap_sec, signature, above ON ca FOR EACH STATEMENT EXECUTE FUNCTION rules_notify();
CREATE TRIGGER rules_notify AFTER INSERT OR DELETE OR UPDATE ON profile FOR EACH STATEMENT EXECUTE FUNCTION rules_notify();

-- Certificates for the keys of CAs: each CA's own and former ones, link certificates (RFC 9810 4.4) and cross-certificates, and what
-- stands above a CA whose issuer isn't one of ours.
CREATE TABLE ca_certificate (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  ca_id          int NOT NULL REFERENCES ca,   -- whose key it certifies; for cross-certificates of foreign CAs and kind chain: with whom it is kept
  issuer_id      int REFERENCES ca,            -- who signed it, if one of ours
  kind           text NOT NULL CHECK (kind IN ('own', 'previous', 'link_new_with_old', 'link_old_with_new', 'cross', 'chain')),
  subject        text NOT NULL,
  issuer         text NOT NULL,
  serial         bytea NOT NULL,
  spki_hash      bytea NOT NULL,
  not_before     timestamptz NOT NULL,
  not_after      timestamptz NOT NULL,
  certificate    bytea NOT NULL,               -- DER
  created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ca_certificate_once ON ca_certificate (ca_id, kind, sha256(certificate)); -- a certificate may be too long for an index
CREATE UNIQUE INDEX ca_certificate_own ON ca_certificate (ca_id) WHERE kind = 'own';
CREATE INDEX ca_certificate_issuer ON ca_certificate (issuer_id);

-- Until when a CA has certificates whose status is asked for. Its OCSP signers aren't such: they carry id-pkix-ocsp-nocheck.
CREATE FUNCTION certificate_serves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.ca c SET serves_until = n.until + interval '7 days',
         crl_wanted_at = CASE WHEN c.serves_until > now() THEN c.crl_wanted_at ELSE clock_timestamp() END -- its list wasn't kept fresh
    FROM (SELECT a.ca_id, max(a.not_after) AS until FROM added a JOIN siegel.profile p ON p.id = a.profile_id
           WHERE coalesce(p.definition ->> 'ocsp_nocheck', 'false') <> 'true' GROUP BY a.ca_id) n
   WHERE c.id = n.ca_id AND (c.serves_until IS NULL OR c.serves_until < n.until);
  IF FOUND THEN
    PERFORM pg_notify('ca_serves', '');
  END IF;
  RETURN NULL;
END $$;
-- One that has certificates comes into service, as after an import: its OCSP signer is wanted at once.
CREATE FUNCTION ca_serves_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('ca_serves', '');
  RETURN NULL;
END $$;
CREATE TRIGGER ca_serves_notify AFTER UPDATE OF status ON ca FOR EACH ROW WHEN (NEW.status <> OLD.status AND NEW.serves_until IS NOT NULL)
  EXECUTE FUNCTION ca_serves_notify();
CREATE FUNCTION signer_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('signers_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER signer_notify AFTER INSERT ON ocsp_signer FOR EACH STATEMENT EXECUTE FUNCTION signer_notify();
CREATE TRIGGER certificate_serves AFTER INSERT ON certificate REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION certificate_serves();

REVOKE ALL ON FUNCTION ca_changed, rules_notify, signer_notify, ca_serves_notify, certificate_serves FROM PUBLIC;
GRANT UPDATE (parent_id, serves_until, successor_id, external, above, ski, csr, profile_id, key_type, signature, certificate, not_before, not_after, generation, ocsp_url, crl_url,
              ca_url, crl_interval_sec, crl_overlap_sec) ON ca TO siegel_ca;
GRANT DELETE ON ca TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON ca_certificate TO siegel_ca;
GRANT UPDATE (kind) ON ca_certificate TO siegel_ca;
GRANT SELECT ON ca_certificate TO siegel_api, siegel_est;
GRANT SELECT (generation, successor_id, external, csr, profile_id, key_type, signature, serves_until, crl_overlap_sec) ON ca TO siegel_api;
GRANT SELECT (successor_id, external) ON ca TO siegel_est;
GRANT SELECT (serves_until) ON ca TO siegel_va;
GRANT SELECT (serves_until, not_before, successor_id) ON ca TO siegel_sched;

ALTER TABLE ca_certificate ENABLE ROW LEVEL SECURITY;
ALTER TABLE ca_certificate FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON ca_certificate TO siegel_owner, siegel_ca, siegel_setup USING (true);
CREATE POLICY own_tenant ON ca_certificate FOR SELECT TO siegel_api, siegel_est
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
