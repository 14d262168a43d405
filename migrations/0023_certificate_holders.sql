-- What is asked at each request: whose a client's certificate is, in one statement; and what became of a request key, which was planned anew for each
-- batch and cost more than all the rest of one that holds a single request.
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

DROP FUNCTION request_find;
CREATE FUNCTION request_find(p_key bytea[])
RETURNS TABLE (r_key bytea, r_body bytea, r_abandoned boolean, r_id bigint, r_ca int, r_profile int, r_serial bytea, r_status int,
               r_subject text, r_cn text, r_names text, r_from bigint, r_to bigint, r_created bigint, r_der bytea, r_key_type text,
               r_owner text, r_metadata text, r_replaces bigint, r_approval bigint, r_state text, r_request bytea)
LANGUAGE plpgsql STABLE SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT r.request_key, r.body_hash, coalesce(i.abandoned_at IS NOT NULL, x.id IS NULL), x.id, r.ca_id, x.profile_id, r.serial,
           x.status::int, x.subject, x.common_name, array_to_string(x.names, E'\n'), extract(epoch FROM x.not_before)::bigint,
           extract(epoch FROM x.not_after)::bigint, floor(extract(epoch FROM x.created_at))::bigint, x.der, x.key_type, x.owner,
           x.metadata::text, x.replaces_id, NULL::bigint, NULL::text, NULL::bytea
      FROM siegel.request r
      LEFT JOIN siegel.intent i ON i.ca_id = r.ca_id AND i.serial = r.serial
      LEFT JOIN siegel.certificate x ON x.ca_id = r.ca_id AND x.serial = r.serial
     WHERE r.request_key = ANY (p_key) AND r.expires_at >= now()
    UNION ALL
    SELECT a.request_key, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           a.id, a.status, a.request
      FROM siegel.approval a
     WHERE a.request_key = ANY (p_key) AND a.status <> 'done'
       AND (a.status IN ('open', 'approved') OR a.created_at > now() - interval '1 day')
       AND NOT EXISTS (SELECT FROM siegel.approval b WHERE b.request_key = a.request_key AND b.id > a.id)
       AND NOT EXISTS (SELECT FROM siegel.request r WHERE r.request_key = a.request_key AND r.expires_at >= now()
                         AND NOT EXISTS (SELECT FROM siegel.intent i WHERE i.ca_id = r.ca_id AND i.serial = r.serial AND i.abandoned_at IS NOT NULL));
END $$;
REVOKE ALL ON FUNCTION request_find FROM PUBLIC;
GRANT EXECUTE ON FUNCTION request_find TO siegel_ca;
