-- What the engine and its manager do for ACME beside the tables of 0019.
SET search_path = siegel;

CREATE INDEX renewal_advice_tenant ON renewal_advice (tenant_id, certificate_id); -- pages over REST
CREATE INDEX acme_account_thumbprint ON acme_account (thumbprint); -- an account that somebody holds the key of
CREATE INDEX acme_authz_identifier ON acme_authz (identifier);      -- orders by name: who was asked to prove it

-- Whether an account holds a valid authorization for each of a certificate's names (RFC 8555 7.6). A common name that isn't one of the names is nobody's
-- to prove.
CREATE FUNCTION acme_holds(p_account bigint, p_names text[], p_common_name text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN cardinality(p_names) > 0
    AND (p_common_name = '' OR 'dns:' || lower(p_common_name) = ANY (p_names) OR 'ip:' || p_common_name = ANY (p_names))
    AND NOT EXISTS (SELECT FROM unnest(p_names) AS u(name) WHERE NOT EXISTS (
          SELECT FROM siegel.acme_authz z
           WHERE z.account_id = p_account AND z.wildcard = (u.name LIKE 'dns:*.%')
             AND z.identifier = CASE WHEN u.name LIKE 'dns:*.%' THEN 'dns:' || substr(u.name, 7) ELSE u.name END
             AND siegel.acme_authz_stands(z)));
END $$;

-- What siegel-acme says of who revokes isn't taken from it: the directory is one of the tenant's and enabled, and its CA, or an older or newer key under its
-- name, issued the certificate (SG005); who asks is the certificate's own key, whose message (which the engine has verified) names it octet for octet
-- (p_account null; SG005), or a valid account of the directory that ordered it or holds all its names, which has no say about its key (SG011).
CREATE FUNCTION acme_may_revoke(p_tenant int, p_endpoint bigint, p_account bigint, p_id bigint, p_reason int, p_der bytea) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v record;
BEGIN
  SELECT x.names, x.common_name, x.der INTO v
    FROM siegel.endpoint n JOIN siegel.tenant t ON t.id = n.tenant_id AND t.enabled JOIN siegel.certificate x ON x.tenant_id = n.tenant_id AND x.id = p_id
   WHERE n.id = p_endpoint AND n.tenant_id = p_tenant AND n.protocol = 'acme' AND n.enabled
     AND x.ca_id IN (SELECT l.r_ca FROM siegel.acme_ca_line(p_endpoint) l);
  IF NOT FOUND OR (p_account IS NULL AND p_der IS DISTINCT FROM v.der) THEN
    RAISE EXCEPTION USING ERRCODE = 'SG005', MESSAGE = 'the directory has no such certificate';
  END IF;
  IF p_account IS NOT NULL
     AND NOT (EXISTS (SELECT FROM siegel.acme_account a WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid')
              AND (EXISTS (SELECT FROM siegel.acme_order o WHERE o.certificate_id = p_id AND o.tenant_id = p_tenant AND o.account_id = p_account)
                   OR (p_reason <> 1 AND siegel.acme_holds(p_account, v.names, v.common_name)))) THEN
    RAISE EXCEPTION USING ERRCODE = 'SG011', MESSAGE = 'the account may not revoke it';
  END IF;
END $$;

-- Whether a certificate can be what an order got: by its account over ACME, since it was finalized, for none but its names.
CREATE FUNCTION acme_issued_for(p_order bigint, p_certificate bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM siegel.acme_order o JOIN siegel.endpoint n ON n.id = o.endpoint_id
                   JOIN siegel.certificate x ON x.tenant_id = o.tenant_id AND x.id = p_certificate
                  WHERE o.id = p_order AND x.source = 'acme' AND x.requestor = 'acme:' || n.label || '/' || o.account_id
                    AND x.created_at >= o.finalized_at AND x.names <@ o.identifiers);
END $$;

-- A revocation by somebody for whom no manager asks the policies (ACME): they are asked here, in the same transaction. What they refuse, and what
-- others would have to approve, isn't done: SG010 with what the rule says. p_document: the operation as policies see it, but for the certificate.
CREATE FUNCTION certificate_revoke_judged(
  p_tenant int, p_id bigint, p_reason int, p_release boolean,
  p_chain text, p_seq bigint, p_at bigint, p_actor text, p_object text, p_detail text, p_hash bytea, p_document jsonb,
  p_endpoint bigint, p_account bigint, p_der bytea
) RETURNS TABLE (r_repeated boolean, r_reason int, r_at bigint, r_ca int, r_profile int, r_serial bytea, r_status int, r_subject text,
                 r_cn text, r_names text, r_from bigint, r_to bigint, r_created bigint, r_der bytea, r_key_type text, r_owner text,
                 r_metadata text, r_replaces bigint, r_same_key text) LANGUAGE plpgsql AS $$
DECLARE
  v record;
BEGIN
  PERFORM siegel.acme_may_revoke(p_tenant, p_endpoint, p_account, p_id, p_reason, p_der);
  -- What is so already changes nothing, and nobody is asked.
  IF EXISTS (SELECT FROM siegel.policy_rule r WHERE r.tenant_id = p_tenant AND p_document ->> 'operation' = ANY (r.operations))
     AND EXISTS (SELECT FROM siegel.certificate c WHERE c.tenant_id = p_tenant AND c.id = p_id
                    AND NOT (c.status = 2 AND (p_reason <> 1 OR c.reason IS NOT DISTINCT FROM 1)) FOR UPDATE) THEN
    SELECT * INTO v FROM siegel.certificate_judge(p_tenant, p_document, ARRAY[p_id]);
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'SG010', MESSAGE = CASE v.r_effect WHEN 'approve' THEN 'others have to approve it: ' ELSE '' END
        || left(coalesce(nullif(v.r_message, ''), 'a rule refuses it'), 200) || ' (policy "' || v.r_policy || '")';
    END IF;
  END IF;
  RETURN QUERY SELECT * FROM siegel.certificate_revoke(p_tenant, p_id, p_reason, p_release, p_chain, p_seq, p_at, p_actor, p_object, p_detail, p_hash, true);
END $$;
REVOKE ALL ON FUNCTION certificate_revoke_judged, acme_may_revoke, acme_holds, acme_issued_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_revoke_judged, acme_may_revoke TO siegel_ca;

-- Advice on renewal (RFC 9773). Meant are those of a choice that are good and no house's own: how many, the highest id, and the first ones.
CREATE FUNCTION renewal_count(p_tenant int, p_choice jsonb) RETURNS TABLE (r_count bigint, r_last bigint, r_sample text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := siegel.certificate_affected(p_tenant, p_choice, 6) || ' AND x.not_after > now()';
BEGIN
  EXECUTE 'SELECT count(*), coalesce(max(x.id), 0) FROM siegel.certificate x WHERE ' || said INTO r_count, r_last;
  EXECUTE 'SELECT coalesce(jsonb_agg(q ORDER BY q.n), ''[]'')::text FROM (SELECT x.id AS n, x.id::text AS id, x.subject, encode(x.serial, ''hex'') AS serial,'
          ' x.not_after FROM siegel.certificate x WHERE ' || said || ' ORDER BY x.id LIMIT 20) q' INTO r_sample;
  RETURN NEXT;
END $$;
-- The next of them get it, in the order of their ids; p_begins null: it is taken back. How many there were, and the last id.
CREATE FUNCTION renewal_advise(p_tenant int, p_choice jsonb, p_begins timestamptz, p_ends timestamptz, p_explanation text, p_requestor text,
  p_after bigint, p_last bigint, p_limit int) RETURNS TABLE (r_count bigint, r_last bigint) LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(q.id ORDER BY q.id) FROM (SELECT x.id FROM siegel.certificate x WHERE '
    || siegel.certificate_affected(p_tenant, p_choice, 6) || ' AND x.not_after > now() AND x.id > $1 AND x.id <= $2 ORDER BY x.id LIMIT $3) q' INTO ids USING p_after, p_last, p_limit;
  r_count := coalesce(cardinality(ids), 0);
  r_last := ids[r_count];
  IF p_begins IS NULL THEN
    DELETE FROM siegel.renewal_advice a WHERE a.certificate_id = ANY (ids);
  ELSE
    INSERT INTO siegel.renewal_advice AS a (certificate_id, tenant_id, begins_at, ends_at, expires_at, explanation, requestor)
    SELECT x.id, p_tenant, p_begins, p_ends, x.not_after, p_explanation, p_requestor
      FROM siegel.certificate x WHERE x.tenant_id = p_tenant AND x.id = ANY (ids)
    ON CONFLICT (certificate_id) DO UPDATE SET begins_at = excluded.begins_at, ends_at = excluded.ends_at, explanation = excluded.explanation,
       requestor = excluded.requestor, created_at = now();
  END IF;
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION renewal_count, renewal_advise FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renewal_count, renewal_advise TO siegel_ca;
