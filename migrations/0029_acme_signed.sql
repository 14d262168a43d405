-- ACME with fewer statements. Where siegel-acme knows the key of an account already, it verifies a request before the store is asked anything, and the
-- function that does what is asked takes the nonce as well, if the account is valid and its key is still that one: else r_found is 'again', nothing was
-- done, and the request is looked at as any other, by acme_begin() and the functions of 0020 and 0022. What is usual is done here with few statements;
-- what isn't is left to those functions, which do it in full.
SET search_path = siegel;

-- An order's account has the order's directory and tenant, and goes with them: two more foreign keys say nothing, and each new order would lock their rows.
ALTER TABLE acme_order DROP CONSTRAINT acme_order_tenant_id_fkey, DROP CONSTRAINT acme_order_endpoint_id_fkey;

-- As in 0020, but without a setting of their own: a call costs a third, and nothing in them is looked for in a schema.
CREATE OR REPLACE FUNCTION acme_covers(p_names text[], p_identifier text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  n text;
BEGIN
  FOREACH n IN ARRAY p_names LOOP
    IF (CASE
      WHEN n LIKE 'dns:.%' THEN p_identifier LIKE 'dns:%' AND (substr(p_identifier, 5) = substr(n, 6) OR right(p_identifier, length(n) - 4) = substr(n, 5))
      WHEN n LIKE 'ip:%' AND p_identifier LIKE 'ip:%' THEN substr(p_identifier, 4)::inet <<= substr(n, 4)::inet
      ELSE n = p_identifier END)
    THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END $$;
REVOKE ALL ON FUNCTION acme_covers FROM PUBLIC;

-- acme_authz_stands() for statements that have at hand what it asks for: the names that the account may have, and the directory's challenges. They take it in.
CREATE FUNCTION acme_stands(p_status text, p_expires timestamptz, p_method text, p_identifier text, p_wildcard boolean, p_names text[], p_kinds text[])
RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT p_status = 'valid' AND p_expires > now() AND CASE
    WHEN p_method = 'policy' THEN siegel.acme_covers(p_names, CASE WHEN p_wildcard THEN 'dns:*.' || substr(p_identifier, 5) ELSE p_identifier END)
    ELSE coalesce(p_method = ANY (p_kinds), false) END
$$;

-- acme_order_limited(). Here: an order for which all authorizations are there.
CREATE FUNCTION acme_signed_order(p_key bytea, p_nonce bytea, p_thumbprint bytea,
                                  p_endpoint bigint, p_account bigint, p_identifiers text[], p_kinds text[], p_tokens text[], p_profile text,
                                  p_replaces text, p_key_id bytea, p_serial bytea, p_order_hours int, p_authz_hours int,
                                  p_orders int, p_failures int, p_pending int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text, r_caa text, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_tenant int;
  v_profile_id int;
  v_authz bigint[];
  v_failed bigint;
BEGIN
  INSERT INTO siegel.acme_nonce (nonce)
    SELECT p_nonce FROM siegel.acme_account a CROSS JOIN siegel.acme_nonce_key k
     WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid' AND a.thumbprint = p_thumbprint AND k.key = p_key
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    r_found := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_replaces IS NULL THEN
    SELECT a.tenant_id, p.name, p.profile_id, l.authz, l.failed INTO v_tenant, r_profile, v_profile_id, v_authz, v_failed
      FROM siegel.acme_account a
      JOIN siegel.endpoint n ON n.id = a.endpoint_id
      JOIN siegel.directory_profile p ON p.endpoint_id = a.endpoint_id AND CASE WHEN p_profile = '' THEN p.is_default ELSE p.name = p_profile END
      LEFT JOIN siegel.acme_key k ON k.id = a.key_id AND k.revoked_at IS NULL
      CROSS JOIN LATERAL (
        SELECT array_agg(g.id ORDER BY u.i) AS authz, count(c.n) AS failed
          FROM unnest(p_identifiers) WITH ORDINALITY AS u(name, i)
          LEFT JOIN LATERAL (
            SELECT z.id FROM siegel.acme_authz z
             WHERE z.account_id = p_account AND z.wildcard = (u.name LIKE 'dns:*.%')
               AND z.identifier = CASE WHEN u.name LIKE 'dns:*.%' THEN 'dns:' || substr(u.name, 7) ELSE u.name END
               AND z.attested_key IS NULL AND z.expires_at > now() + interval '1 hour'
               AND (z.method = 'policy' OR (p_authz_hours > 0 AND z.validated_at > now() - make_interval(hours => p_authz_hours)))
               AND siegel.acme_stands(z.status, z.expires_at, z.method, z.identifier, z.wildcard, a.names || coalesce(k.names, '{}'), n.auth)
             ORDER BY z.id DESC LIMIT 1) g ON true
          LEFT JOIN siegel.acme_count c ON c.endpoint_id = p_endpoint AND c.what = 'failures'
            AND c.whose = p_account || ' ' || CASE WHEN u.name LIKE 'dns:*.%' THEN 'dns:' || substr(u.name, 7) ELSE u.name END
            AND p_failures > 0 AND c.n >= p_failures) l
     WHERE a.id = p_account;
    IF v_failed = 0 AND array_position(v_authz, NULL) IS NULL THEN
      r_wait := CASE WHEN p_orders > 0 THEN siegel.acme_count_add(p_endpoint, 'orders', p_account::text, 1, p_orders) ELSE 0 END;
      IF r_wait > 0 THEN
        r_found := 'orders';
        RETURN NEXT;
        RETURN;
      END IF;
      PERFORM set_config('synchronous_commit', 'off', true); -- what a crash of the store takes with it, the client orders again
      INSERT INTO siegel.acme_order AS o (tenant_id, endpoint_id, account_id, identifiers, authz_ids, profile, profile_id, expires_at)
        VALUES (v_tenant, p_endpoint, p_account, p_identifiers, v_authz, r_profile, v_profile_id, now() + make_interval(hours => p_order_hours))
        RETURNING o.id, siegel.acme_time(o.expires_at) INTO r_id, r_expires;
      r_found := 'own';
      r_take := false;
      r_status := 'ready';
      r_identifiers := array_to_string(p_identifiers, E'\n');
      r_authz := array_to_string(v_authz, ',');
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;
  RETURN QUERY SELECT g.r_found, g.r_take, g.r_id, g.r_status, g.r_expires, g.r_identifiers, g.r_authz, g.r_profile, g.r_replaces, g.r_error, g.r_certificate,
                      g.r_csr, g.r_profile_name, NULL::text, g.r_wait
                 FROM siegel.acme_order_limited(p_endpoint, p_account, p_identifiers, p_kinds, p_tokens, p_profile, p_replaces, p_key_id, p_serial, p_order_hours,
                                                p_authz_hours, p_orders, p_failures, p_pending) g;
END $$;

-- As in 0020, but its plan is kept.
CREATE OR REPLACE FUNCTION acme_order_caa(p_order bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('late', coalesce(o.caa_since < now() - interval '1 hour', false), 'names', jsonb_agg(jsonb_build_object(
             'authz', z.id, 'identifier', z.identifier, 'wildcard', z.wildcard, 'method', z.method) ORDER BY z.identifier, z.wildcard))::text
      FROM siegel.acme_order o JOIN siegel.directory_profile p ON p.endpoint_id = o.endpoint_id AND p.name = o.profile AND p.caa
      JOIN siegel.acme_authz z ON z.id = ANY (o.authz_ids)
     WHERE o.id = p_order AND z.identifier LIKE 'dns:%' AND coalesce(z.caa_at <= now() - interval '7 hours', true) GROUP BY o.id);
END $$;

-- acme_order_get().
CREATE FUNCTION acme_signed_order_get(p_key bytea, p_nonce bytea, p_thumbprint bytea, p_endpoint bigint, p_account bigint, p_id bigint, p_lease_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text, r_caa text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.acme_nonce (nonce)
    SELECT p_nonce FROM siegel.acme_account a CROSS JOIN siegel.acme_nonce_key k
     WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid' AND a.thumbprint = p_thumbprint AND k.key = p_key
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    r_found := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  RETURN QUERY SELECT g.*, CASE WHEN g.r_take THEN siegel.acme_order_caa(g.r_id) END FROM siegel.acme_order_get(p_account, p_id, p_lease_sec) g;
END $$;

-- acme_order_finalize(). Here: the compare-and-set of an order that takes no other certificate's place.
CREATE FUNCTION acme_signed_finalize(p_key bytea, p_nonce bytea, p_thumbprint bytea, p_endpoint bigint, p_account bigint, p_id bigint, p_csr bytea,
                                     p_names text[], p_spki_hash bytea, p_lease_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text, r_caa text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_pending text := 'pending'; -- said so, no partial index seems to be a quick way to the order
  v_caa boolean;
BEGIN
  INSERT INTO siegel.acme_nonce (nonce)
    SELECT p_nonce FROM siegel.acme_account a CROSS JOIN siegel.acme_nonce_key k
     WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid' AND a.thumbprint = p_thumbprint AND k.key = p_key
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    r_found := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE siegel.acme_order o
     SET status = 'processing', csr = p_csr, claimed_until = now() + make_interval(secs => p_lease_sec), finalized_at = now()
    FROM siegel.acme_account a LEFT JOIN siegel.acme_key k ON k.id = a.key_id AND k.revoked_at IS NULL, siegel.endpoint n,
         siegel.directory_profile p LEFT JOIN siegel.profile q ON q.id = p.profile_id
   WHERE o.id = p_id AND o.account_id = p_account AND o.status = v_pending AND o.expires_at > now() AND o.identifiers = p_names AND o.replaces_id IS NULL
     AND a.id = o.account_id AND a.status = 'valid' AND n.id = o.endpoint_id
     AND p.endpoint_id = o.endpoint_id AND p.name = o.profile AND p.profile_id = o.profile_id
     AND cardinality(o.authz_ids) = (
       SELECT count(*) FROM siegel.acme_authz z
        WHERE z.id = ANY (o.authz_ids) AND coalesce(z.attested_key = p_spki_hash, true)
          AND siegel.acme_stands(z.status, z.expires_at, z.method, z.identifier, z.wildcard, a.names || coalesce(k.names, '{}'), n.auth))
  RETURNING 'own', true, o.id, o.status, siegel.acme_time(o.expires_at), array_to_string(o.identifiers, E'\n'), array_to_string(o.authz_ids, ','), o.profile,
            o.csr, q.name, p.caa
    INTO r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_csr, r_profile_name, v_caa;
  IF NOT FOUND THEN
    RETURN QUERY SELECT g.*, CASE WHEN g.r_take THEN siegel.acme_order_caa(g.r_id) END
                   FROM siegel.acme_order_finalize(p_account, p_id, p_csr, p_names, p_spki_hash, p_lease_sec) g;
    RETURN;
  END IF;
  -- Who asks the engine has this before its certificate in the store's log: where the certificate is, this is.
  PERFORM set_config('synchronous_commit', 'off', true);
  IF v_caa THEN
    r_caa := siegel.acme_order_caa(p_id);
  END IF;
  RETURN NEXT;
END $$;

-- As in 0020. A certificate that may be the order's is taken by one statement.
CREATE OR REPLACE FUNCTION acme_order_done(p_account bigint, p_id bigint, p_certificate bigint, p_error text, p_wait_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_processing text := 'processing';
BEGIN
  IF p_certificate IS NOT NULL THEN
    -- acme_issued_for()
    UPDATE siegel.acme_order o SET status = 'valid', certificate_id = p_certificate, error = NULL, claimed_until = NULL
      FROM siegel.endpoint n, siegel.certificate x
     WHERE o.id = p_id AND o.account_id = p_account AND o.status = v_processing AND n.id = o.endpoint_id
       AND x.tenant_id = o.tenant_id AND x.id = p_certificate AND x.source = 'acme' AND x.requestor = 'acme:' || n.label || '/' || o.account_id
       AND x.created_at >= o.finalized_at AND x.names <@ o.identifiers
    RETURNING 'own', false, o.id, o.status, siegel.acme_time(o.expires_at), array_to_string(o.identifiers, E'\n'), array_to_string(o.authz_ids, ','), o.profile,
              o.replaces, o.certificate_id
      INTO r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_certificate;
    IF FOUND THEN
      RETURN NEXT;
      RETURN;
    END IF;
  ELSE
    UPDATE siegel.acme_order o
       SET status = CASE WHEN p_error IS NOT NULL THEN 'invalid' ELSE o.status END, certificate_id = NULL, error = p_error::jsonb,
           claimed_until = CASE WHEN p_error IS NULL THEN now() + make_interval(secs => p_wait_sec) END
     WHERE o.id = p_id AND o.account_id = p_account AND o.status = v_processing;
  END IF;
  RETURN QUERY SELECT g.* FROM siegel.acme_order_get(p_account, p_id, 0) g;
END $$;

-- An authorization with its challenges; statements take it in.
CREATE FUNCTION acme_authz_row(p_account bigint, p_id bigint)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN z.account_id = p_account THEN 'own' ELSE 'foreign' END, z.id, z.identifier, z.wildcard,
         CASE WHEN z.status IN ('pending', 'valid') AND z.expires_at <= now() THEN 'expired'
              WHEN z.status = 'valid' AND NOT siegel.acme_stands(z.status, z.expires_at, z.method, z.identifier, z.wildcard,
                                                                 a.names || coalesce(k.names, '{}'), n.auth) THEN 'revoked'
              ELSE z.status END, siegel.acme_time(z.expires_at),
         (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', c.id, 'type', c.type, 'token', c.token, 'status', c.status,
                   'validated', siegel.acme_time(c.validated_at), 'error', c.error)) ORDER BY c.id), '[]')::text
            FROM siegel.acme_challenge c WHERE c.authz_id = z.id)
    FROM siegel.acme_authz z JOIN siegel.endpoint n ON n.id = z.endpoint_id JOIN siegel.acme_account a ON a.id = z.account_id
    LEFT JOIN siegel.acme_key k ON k.id = a.key_id AND k.revoked_at IS NULL
   WHERE z.id = p_id AND (z.account_id = p_account OR z.endpoint_id = (SELECT b.endpoint_id FROM siegel.acme_account b WHERE b.id = p_account))
$$;

-- As in 0020, in one statement.
CREATE OR REPLACE FUNCTION acme_authz_get(p_account bigint, p_id bigint, p_challenge boolean)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT g.* FROM siegel.acme_authz_row(p_account, CASE WHEN p_challenge THEN (SELECT c.authz_id FROM siegel.acme_challenge c WHERE c.id = p_id)
                                                                     ELSE p_id END) g;
END $$;

-- acme_authz_get() of an authorization by its number.
CREATE FUNCTION acme_signed_authz(p_key bytea, p_nonce bytea, p_thumbprint bytea, p_endpoint bigint, p_account bigint, p_id bigint)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.acme_nonce (nonce)
    SELECT p_nonce FROM siegel.acme_account a CROSS JOIN siegel.acme_nonce_key k
     WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid' AND a.thumbprint = p_thumbprint AND k.key = p_key
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    r_found := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  RETURN QUERY SELECT g.* FROM siegel.acme_authz_row(p_account, p_id) g;
END $$;

-- The certificate of an order and its CA, whose chains siegel-acme may know already (acme_chains()). Null: there is none (yet).
CREATE FUNCTION acme_certificate_row(p_account bigint, p_order bigint) RETURNS TABLE (r_found text, r_der bytea, r_ca int)
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN o.account_id = p_account THEN 'own' ELSE 'foreign' END, x.der, x.ca_id
    FROM siegel.acme_order o LEFT JOIN siegel.certificate x ON x.tenant_id = o.tenant_id AND x.id = o.certificate_id AND o.account_id = p_account
   WHERE o.id = p_order AND (o.account_id = p_account OR o.endpoint_id = (SELECT a.endpoint_id FROM siegel.acme_account a WHERE a.id = p_account))
$$;
CREATE FUNCTION acme_certificate_get(p_account bigint, p_order bigint) RETURNS TABLE (r_found text, r_der bytea, r_ca int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT g.* FROM siegel.acme_certificate_row(p_account, p_order) g;
END $$;
CREATE FUNCTION acme_signed_certificate(p_key bytea, p_nonce bytea, p_thumbprint bytea, p_endpoint bigint, p_account bigint, p_order bigint)
RETURNS TABLE (r_found text, r_der bytea, r_ca int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.acme_nonce (nonce)
    SELECT p_nonce FROM siegel.acme_account a CROSS JOIN siegel.acme_nonce_key k
     WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid' AND a.thumbprint = p_thumbprint AND k.key = p_key
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    r_found := 'again';
    RETURN NEXT;
    RETURN;
  END IF;
  RETURN QUERY SELECT g.* FROM siegel.acme_certificate_row(p_account, p_order) g;
END $$;

REVOKE ALL ON FUNCTION acme_stands, acme_authz_row, acme_certificate_row, acme_signed_order, acme_signed_order_get, acme_signed_finalize, acme_signed_authz, acme_certificate_get, acme_signed_certificate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme_signed_order, acme_signed_order_get, acme_signed_finalize, acme_signed_authz, acme_certificate_get, acme_signed_certificate TO siegel_acme;
