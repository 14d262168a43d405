-- What siegel-scep keeps and reads beside the doors of 0016.
SET search_path = siegel;

-- Requests that wait for people, for CertPoll (RFC 8894 3.3.3): the message that comes then has neither the request nor its challenge. And those that a
-- webhook vouched for. By the key that signed it as well, so that nobody's transaction stands in the way of another's.
CREATE TABLE scep_transaction (
  endpoint_id bigint NOT NULL REFERENCES endpoint ON DELETE CASCADE,
  transaction text NOT NULL CHECK (length(transaction) <= 128),
  spki_hash   bytea NOT NULL CHECK (length(spki_hash) = 32),
  tenant_id   int NOT NULL REFERENCES tenant,
  type        int NOT NULL,                    -- messageType
  csr         bytea NOT NULL,                  -- DER; it has the challenge in it (the request is asked for again as it was signed): siegel-scep alone reads it
  signer      bytea NOT NULL,                  -- DER of the certificate that the message was signed with
  vouched     boolean NOT NULL,                -- a webhook said yes to csr: it isn't asked again
  request_key bytea CHECK (length(request_key) = 32), -- under which the engine let it wait; null: it never did
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (endpoint_id, transaction, spki_hash)
);
CREATE INDEX scep_transaction_expires ON scep_transaction (expires_at); -- sweeping
ALTER TABLE scep_transaction ENABLE ROW LEVEL SECURITY;
ALTER TABLE scep_transaction FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON scep_transaction TO siegel_owner USING (true);
CREATE POLICY own_tenant ON scep_transaction TO siegel_scep USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
GRANT SELECT, INSERT, UPDATE, DELETE ON scep_transaction TO siegel_scep;

-- A certificate by its serial number, whatever its status (RFC 8894 3.3.4).
CREATE FUNCTION scep_certificate(p_tenant int, p_ca int, p_serial bytea) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT c.der FROM siegel.certificate c WHERE c.ca_id = p_ca AND c.serial = p_serial AND c.tenant_id = p_tenant
$$;

-- Whether an endpoint has a sealed challenge (0), and codes that are open there for a device of that name: what a PasswordRecipientInfo may be opened
-- with. A message doesn't say which code it is under, but its signer has a name. p_code: the code that was shown, when that is known.
CREATE FUNCTION scep_sealed(p_tenant int, p_endpoint bigint, p_common_name text, p_code bigint)
RETURNS TABLE (r_code_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  (SELECT 0::bigint FROM siegel.endpoint n
    WHERE n.id = p_endpoint AND n.tenant_id = p_tenant AND n.challenge_sealed IS NOT NULL AND 'challenge' = ANY (n.auth))
  UNION ALL
  (SELECT c.id FROM siegel.enrollment_code c JOIN siegel.endpoint n ON n.id = p_endpoint AND 'code' = ANY (n.auth)
    WHERE c.tenant_id = p_tenant AND (c.endpoint_id IS NULL OR c.endpoint_id = p_endpoint) AND (c.common_name = p_common_name OR c.id = p_code)
      AND c.sealed IS NOT NULL AND c.revoked_at IS NULL AND (c.takers > 0 OR c.expires_at > now())
    ORDER BY c.id = p_code DESC, c.id DESC LIMIT 4)
$$;
-- Whether the request with that key led to a certificate for that public key, or waited or was rejected as one that p_signer_hash signed. What a
-- webhook vouched for alone says nothing about who used the request key.
CREATE FUNCTION scep_same_key(p_tenant int, p_request bytea, p_spki_hash bytea, p_signer_hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT EXISTS (SELECT FROM siegel.request r JOIN siegel.certificate c ON c.ca_id = r.ca_id AND c.serial = r.serial
                  WHERE r.request_key = p_request AND r.tenant_id = p_tenant AND c.spki_hash = p_spki_hash)
      OR EXISTS (SELECT FROM siegel.scep_transaction t
                  WHERE t.request_key = p_request AND t.tenant_id = p_tenant AND t.spki_hash = p_signer_hash)
$$;
CREATE INDEX enrollment_code_name ON enrollment_code (tenant_id, common_name) WHERE common_name IS NOT NULL; -- scep_sealed()
REVOKE ALL ON FUNCTION scep_certificate, scep_sealed, scep_same_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scep_certificate, scep_sealed, scep_same_key TO siegel_scep;
GRANT SELECT (ski, crl_url) ON ca TO siegel_scep;
