-- Whose a client's certificate is, in one statement: a front end asks at each request.
SET search_path = siegel;

-- The certificate of that issuer key and serial, with the account that speaks with it. former: one of its tenant did, and may not any more.
DROP FUNCTION auth_by_certificate;
CREATE FUNCTION auth_by_certificate(p_ski bytea, p_serial bytea)
RETURNS TABLE (certificate_id bigint, tenant_id int, der bytea, status smallint, ca_status text, ca_id int,
               account_tenant int, account_id bigint, account text, role text, rights text[], former boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.id, x.tenant_id, x.der, x.status, CASE WHEN t.enabled THEN k.status ELSE 'disabled' END, k.id,
                      a.tenant_id, a.id, a.name, a.role, CASE WHEN a.id IS NOT NULL THEN siegel.account_rights(a.id) END,
                      a.id IS NULL AND c.tenant_id IS NOT DISTINCT FROM x.tenant_id
    FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial JOIN siegel.tenant t ON t.id = x.tenant_id
    LEFT JOIN siegel.credential c ON c.kind = 'certificate' AND c.hash = sha256(x.der)
    LEFT JOIN siegel.account a ON a.id = c.account_id AND a.enabled AND c.revoked_at IS NULL AND c.used_at IS NULL
                                  AND (c.expires_at IS NULL OR c.expires_at > now())
   WHERE k.ski = p_ski AND k.key_ref <> '';
END $$;
REVOKE ALL ON FUNCTION auth_by_certificate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth_by_certificate TO siegel_api, siegel_est, siegel_scep;
-- What that says of a credential, no front end has to read.
REVOKE SELECT (kind, hash) ON credential FROM siegel_est, siegel_scep;
DROP POLICY own_tenant_scep ON credential;

-- Whether a CA is the other one or an older key under its name. In PL/pgSQL, which keeps the plan.
CREATE OR REPLACE FUNCTION ca_is_of(p_ca int, p_other int) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN (WITH RECURSIVE line(id, n) AS (
            SELECT p_ca, 1 UNION ALL
            SELECT c.successor_id, line.n + 1 FROM siegel.ca c JOIN line ON line.id = c.id
             WHERE c.successor_id IS NOT NULL AND c.status = 'superseded' AND line.n < 32
          ) SELECT EXISTS (SELECT FROM line WHERE line.id = p_other));
END $$;
