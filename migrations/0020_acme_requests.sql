-- What siegel-acme does with the tables of 0019: a function for each thing that a request does, so that a request is one statement beside the one that takes
-- its nonce. They run as the owner, since whose the directory is stands in its row; every change says which state it comes from. What is asked about has
-- to be the account's: r_found is 'own', 'foreign' (RFC 8555 7.1: nobody else's), or there is no row.
SET search_path = siegel;

-- The key under which nonces are made; the first who asks makes it.
CREATE FUNCTION acme_nonce_key(p_new bytea) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.acme_nonce_key (key) VALUES (p_new) ON CONFLICT DO NOTHING;
  RETURN (SELECT k.key FROM siegel.acme_nonce_key k);
END $$;

-- What an account may have certificates for without a challenge: its own names, and those of its external key as long as that isn't revoked.
CREATE FUNCTION acme_names(p_account bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN -- not SQL: that would be planned at each call
  RETURN (SELECT a.names || coalesce(k.names, '{}') FROM siegel.acme_account a LEFT JOIN siegel.acme_key k ON k.id = a.key_id AND k.revoked_at IS NULL
           WHERE a.id = p_account);
END $$;
-- Whether an identifier ("dns:*.a.example") is among such names: dns:host is that host; dns:.domain the domain, all below it, and wildcards; ip:network
-- the addresses in it; all others are equal.
CREATE FUNCTION acme_covers(p_names text[], p_identifier text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = siegel, pg_temp AS $$
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

-- The beginning of every request by POST: takes the nonce, and finds who signs, by number or by thumbprint. r_nonce: 'good'; 'used'; 'key' when p_key isn't
-- the key of nonces (any more), so that nothing under it counts.
CREATE FUNCTION acme_begin(p_endpoint bigint, p_key bytea, p_nonce bytea, p_account bigint, p_thumbprint bytea)
RETURNS TABLE (r_nonce text, r_id bigint, r_status text, r_jwk text, r_thumbprint bytea, r_contacts text, r_terms boolean, r_binding text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  r_nonce := 'key';
  IF EXISTS (SELECT FROM siegel.acme_nonce_key k WHERE k.key = p_key) THEN
    INSERT INTO siegel.acme_nonce (nonce) VALUES (p_nonce) ON CONFLICT DO NOTHING;
    r_nonce := CASE WHEN FOUND THEN 'good' ELSE 'used' END;
  END IF;
  IF r_nonce = 'good' AND p_account IS NOT NULL THEN
    SELECT a.id, a.status, a.jwk::text, a.thumbprint, array_to_string(a.contacts, E'\n'), a.terms_at IS NOT NULL, a.binding::text
      INTO r_id, r_status, r_jwk, r_thumbprint, r_contacts, r_terms, r_binding
      FROM siegel.acme_account a WHERE a.id = p_account AND a.endpoint_id = p_endpoint;
  ELSIF r_nonce = 'good' AND p_thumbprint IS NOT NULL THEN
    SELECT a.id, a.status, a.jwk::text, a.thumbprint, array_to_string(a.contacts, E'\n'), a.terms_at IS NOT NULL, a.binding::text
      INTO r_id, r_status, r_jwk, r_thumbprint, r_contacts, r_terms, r_binding
      FROM siegel.acme_account a WHERE a.endpoint_id = p_endpoint AND a.thumbprint = p_thumbprint;
  END IF;
  RETURN NEXT;
END $$;

-- What a directory offers beside what stands in its door (RFC 8555 7.1.1, draft-ietf-acme-profiles 3).
CREATE FUNCTION acme_profiles(p_endpoint bigint) RETURNS TABLE (r_name text, r_description text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT p.name, p.description FROM siegel.directory_profile p WHERE p.endpoint_id = p_endpoint ORDER BY p.name
$$;

-- The external key of that name that binds new accounts of a directory (RFC 8555 7.3.4); its count is looked at when the account is made.
CREATE FUNCTION acme_key_find(p_endpoint bigint, p_kid text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT k.id FROM siegel.acme_key k JOIN siegel.endpoint n ON n.id = p_endpoint AND n.tenant_id = k.tenant_id
   WHERE k.kid = p_kid AND (k.endpoint_id IS NULL OR k.endpoint_id = p_endpoint) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
$$;

-- A new account, or that which has the key already. r_id is null when the external key p_key isn't good any more or has its number of accounts.
CREATE FUNCTION acme_account_new(p_endpoint bigint, p_jwk text, p_thumbprint bytea, p_contacts text[], p_terms boolean, p_key bigint, p_binding text,
                                 p_address text)
RETURNS TABLE (r_id bigint, r_made boolean, r_status text, r_contacts text, r_terms boolean, r_binding text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  r_made := false;
  -- Who makes accounts with one key takes turns from here on.
  PERFORM FROM siegel.acme_key k
   WHERE k.id = p_key AND k.accounts < k.max_accounts AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
     FOR NO KEY UPDATE;
  IF FOUND OR p_key IS NULL THEN
    INSERT INTO siegel.acme_account AS a (tenant_id, endpoint_id, jwk, thumbprint, contacts, terms_at, key_id, binding, address)
      SELECT n.tenant_id, n.id, p_jwk::jsonb, p_thumbprint, p_contacts, CASE WHEN p_terms THEN now() END, p_key, p_binding::jsonb, p_address
        FROM siegel.endpoint n WHERE n.id = p_endpoint
      ON CONFLICT (endpoint_id, thumbprint) DO NOTHING;
    r_made := FOUND;
  END IF;
  IF r_made THEN
    UPDATE siegel.acme_key k SET accounts = k.accounts + 1 WHERE k.id = p_key;
  END IF;
  SELECT a.id, a.status, array_to_string(a.contacts, E'\n'), a.terms_at IS NOT NULL, a.binding::text
    INTO r_id, r_status, r_contacts, r_terms, r_binding
    FROM siegel.acme_account a WHERE a.endpoint_id = p_endpoint AND a.thumbprint = p_thumbprint;
  RETURN NEXT;
END $$;

-- What a client changes of its account (RFC 8555 7.3.2, 7.3.6); null: it stays. No row when it isn't valid any more.
CREATE FUNCTION acme_account_change(p_account bigint, p_contacts text[], p_terms boolean, p_deactivate boolean)
RETURNS TABLE (r_status text, r_contacts text, r_terms boolean, r_binding text)
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  UPDATE siegel.acme_account a
     SET contacts = coalesce(p_contacts, a.contacts), terms_at = CASE WHEN p_terms THEN coalesce(a.terms_at, now()) ELSE a.terms_at END,
         status = CASE WHEN p_deactivate THEN 'deactivated' ELSE a.status END, version = a.version + 1
   WHERE a.id = p_account AND a.status = 'valid'
  RETURNING a.status, array_to_string(a.contacts, E'\n'), a.terms_at IS NOT NULL, a.binding::text
$$;

-- Another key for an account (RFC 8555 7.3.5). r_changed false: the account hasn't the old one any more; r_conflict: the account that has the new one, 0 when
-- a certificate of the house has it (11.1). p_spki_hash: SHA-256 of it.
CREATE FUNCTION acme_key_change(p_account bigint, p_old bytea, p_jwk text, p_new bytea, p_spki_hash bytea) RETURNS TABLE (r_changed boolean, r_conflict bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM siegel.acme_account a JOIN siegel.certificate x ON x.tenant_id = a.tenant_id AND x.spki_hash = p_spki_hash WHERE a.id = p_account) THEN
    RETURN QUERY SELECT false, 0::bigint;
    RETURN;
  END IF;
  UPDATE siegel.acme_account a SET jwk = p_jwk::jsonb, thumbprint = p_new, version = a.version + 1
   WHERE a.id = p_account AND a.thumbprint = p_old AND a.status = 'valid';
  r_changed := FOUND;
  RETURN NEXT;
EXCEPTION WHEN unique_violation THEN
  RETURN QUERY SELECT false, b.id FROM siegel.acme_account a JOIN siegel.acme_account b ON b.endpoint_id = a.endpoint_id AND b.thumbprint = p_new
                WHERE a.id = p_account;
END $$;

-- Orders.

CREATE FUNCTION acme_time(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT pg_catalog.to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- Whether a valid authorization is one still: it hasn't expired, and what made it valid is so today: a kind of challenge that the directory offers, or a name
-- that the account may have.
CREATE FUNCTION acme_authz_stands(z siegel.acme_authz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  IF z.status <> 'valid' OR z.expires_at <= now() THEN
    RETURN false;
  ELSIF z.method = 'policy' THEN
    RETURN siegel.acme_covers(siegel.acme_names(z.account_id), CASE WHEN z.wildcard THEN 'dns:*.' || substr(z.identifier, 5) ELSE z.identifier END);
  END IF;
  RETURN EXISTS (SELECT FROM siegel.endpoint n WHERE n.id = z.endpoint_id AND z.method = ANY (n.auth));
END $$;

-- What no longer allows an order to be issued: 'account', 'profile' (the directory doesn't offer it under that name), 'authz'; '' when all still does.
-- p_spki_hash: SHA-256 of the key that is to be certified; null: it was looked at before.
CREATE FUNCTION acme_order_lacks(o siegel.acme_order, p_spki_hash bytea) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN CASE
    WHEN NOT EXISTS (SELECT FROM siegel.acme_account a WHERE a.id = o.account_id AND a.status = 'valid') THEN 'account'
    WHEN NOT EXISTS (SELECT FROM siegel.directory_profile p
                      WHERE p.endpoint_id = o.endpoint_id AND p.profile_id = o.profile_id AND p.name = o.profile) THEN 'profile'
    WHEN cardinality(o.authz_ids) > (SELECT count(*) FROM siegel.acme_authz z
                                      WHERE z.id = ANY (o.authz_ids) AND siegel.acme_authz_stands(z)
                                        AND coalesce(z.attested_key = p_spki_hash, true)) THEN 'authz'
    ELSE '' END;
END $$;

-- The status of an order as clients see it (RFC 8555 7.1.6): what its authorizations make of it as long as it isn't finalized.
CREATE FUNCTION acme_order_status(p_status text, p_expires timestamptz, p_authz bigint[]) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_good bigint;
  v_open bigint;
BEGIN
  IF p_status <> 'pending' THEN
    RETURN p_status;
  END IF;
  SELECT count(*) FILTER (WHERE g), count(*) FILTER (WHERE g OR z.status = 'pending') INTO v_good, v_open
    FROM siegel.acme_authz z CROSS JOIN LATERAL siegel.acme_authz_stands(z) g WHERE z.id = ANY (p_authz) AND z.expires_at > now();
  RETURN CASE WHEN p_expires <= now() OR v_open < cardinality(p_authz) THEN 'invalid' WHEN v_good = cardinality(p_authz) THEN 'ready' ELSE 'pending' END;
END $$;

-- An order that is processed, and isn't to be issued any more, is over: with a problem document.
CREATE FUNCTION acme_order_end(p_id bigint, p_type text, p_detail text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  UPDATE siegel.acme_order o
     SET status = 'invalid', claimed_until = NULL, expires_at = greatest(o.expires_at, now()),
         error = jsonb_build_object('type', 'urn:ietf:params:acme:error:' || p_type, 'detail', p_detail, 'status', CASE p_type WHEN 'invalidProfile' THEN 400 ELSE 403 END)
   WHERE o.id = p_id AND o.status = 'processing' AND coalesce(o.claimed_until <= now(), true)
$$;

-- An order as it is shown and worked on. r_take: this caller has it to ask the engine for its certificate, and nobody else for p_lease_sec. Before the engine
-- is asked again all that finalizing wanted has to be so still; and the engine remembers for 30 days which certificate an order got.
CREATE FUNCTION acme_order_get(p_account bigint, p_id bigint, p_lease_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_lacks text;
BEGIN
  r_take := false;
  SELECT CASE WHEN o.account_id = p_account THEN 'own' ELSE 'foreign' END, o.id, siegel.acme_order_status(o.status, o.expires_at, o.authz_ids),
         siegel.acme_time(o.expires_at), array_to_string(o.identifiers, E'\n'), array_to_string(o.authz_ids, ','), coalesce(o.profile, ''),
         coalesce(o.replaces, ''), coalesce(o.error::text, ''), o.certificate_id, o.csr, coalesce(p.name, ''), coalesce(o.claimed_until <= now(), true)
    INTO r_found, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_error, r_certificate, r_csr, r_profile_name, r_take
    FROM siegel.acme_order o LEFT JOIN siegel.profile p ON p.id = o.profile_id
   WHERE o.id = p_id AND (o.account_id = p_account OR o.endpoint_id = (SELECT a.endpoint_id FROM siegel.acme_account a WHERE a.id = p_account));
  IF r_found IS NULL THEN
    RETURN;
  END IF;
  r_take := r_take AND r_status = 'processing' AND r_found = 'own' AND p_lease_sec > 0;
  IF r_take THEN -- who had it has died, or was told to come again
    SELECT CASE WHEN o.finalized_at < now() - interval '29 days' THEN 'time' ELSE siegel.acme_order_lacks(o, NULL) END
      INTO v_lacks FROM siegel.acme_order o WHERE o.id = p_id;
    IF v_lacks <> '' THEN
      PERFORM siegel.acme_order_end(p_id, CASE v_lacks WHEN 'profile' THEN 'invalidProfile' ELSE 'unauthorized' END, CASE v_lacks
        WHEN 'time' THEN 'the order was not issued within 29 days'
        WHEN 'account' THEN 'the account is not valid any more'
        WHEN 'profile' THEN 'the directory does not offer the profile of the order any more'
        ELSE 'an authorization of the order ended, or was withdrawn, while it was processed' END);
      RETURN QUERY SELECT g.* FROM siegel.acme_order_get(p_account, p_id, 0) g;
      RETURN;
    END IF;
    UPDATE siegel.acme_order o SET claimed_until = now() + make_interval(secs => p_lease_sec)
     WHERE o.id = p_id AND o.status = 'processing' AND coalesce(o.claimed_until <= now(), true);
    r_take := FOUND;
  END IF;
  RETURN NEXT;
END $$;

-- An authorization that is good by policy or by an earlier validation, or a new one with its challenges. p_kinds: 'http-01,dns-01'.
CREATE FUNCTION acme_authz_make(p_tenant int, p_endpoint bigint, p_account bigint, p_names text[], p_identifier text, p_kinds text, p_token text,
                                p_order_hours int, p_authz_hours int)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_wildcard boolean := p_identifier LIKE 'dns:*.%';
  v_name text := CASE WHEN p_identifier LIKE 'dns:*.%' THEN 'dns:' || substr(p_identifier, 7) ELSE p_identifier END;
  v_policy boolean := siegel.acme_covers(p_names, p_identifier);
  v_good_hours int := CASE WHEN p_authz_hours > 0 THEN p_authz_hours ELSE p_order_hours END;
  v_id bigint;
BEGIN
  IF v_policy OR p_authz_hours > 0 THEN
    SELECT z.id INTO v_id FROM siegel.acme_authz z
     WHERE z.account_id = p_account AND z.identifier = v_name AND z.wildcard = v_wildcard AND z.status = 'valid'
       AND z.attested_key IS NULL -- one key was attested, and the next order has another
       AND z.expires_at > now() + interval '1 hour'
       AND CASE WHEN z.method = 'policy' THEN v_policy
                ELSE z.validated_at > now() - make_interval(hours => p_authz_hours) AND siegel.acme_authz_stands(z) END
     ORDER BY z.id DESC LIMIT 1;
    IF v_id IS NOT NULL THEN
      RETURN v_id;
    END IF;
  END IF;
  INSERT INTO siegel.acme_authz AS z (tenant_id, endpoint_id, account_id, identifier, wildcard, status, method, validated_at, expires_at)
    VALUES (p_tenant, p_endpoint, p_account, v_name, v_wildcard, CASE WHEN v_policy THEN 'valid' ELSE 'pending' END,
            CASE WHEN v_policy THEN 'policy' END, CASE WHEN v_policy THEN now() END,
            now() + make_interval(hours => CASE WHEN v_policy THEN greatest(v_good_hours, 2) ELSE p_order_hours END))
    RETURNING z.id INTO v_id;
  IF NOT v_policy THEN
    INSERT INTO siegel.acme_challenge (tenant_id, authz_id, account_id, type, token)
      SELECT p_tenant, v_id, p_account, k, p_token FROM unnest(string_to_array(p_kinds, ',')) WITH ORDINALITY AS u(k, i) WHERE k <> '' ORDER BY i;
  END IF;
  RETURN v_id;
END $$;

-- A new order. Identifiers are sorted, each once; p_kinds and p_tokens are theirs, in case that a new authorization is needed. r_found is 'own', or what
-- stands in the way: 'account' (it isn't valid any more), 'profile' (there is none of that name), 'replaces', 'replaced' (RFC 9773 5), 'kinds' (an
-- identifier for which there is no challenge: r_identifiers).
CREATE FUNCTION acme_order_new(p_endpoint bigint, p_account bigint, p_identifiers text[], p_kinds text[], p_tokens text[], p_profile text,
                               p_replaces text, p_key_id bytea, p_serial bytea, p_order_hours int, p_authz_hours int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_tenant int;
  v_profile_id int;
  v_replaces bigint;
  v_names text[];
  v_authz bigint[] := '{}';
  v_id bigint;
BEGIN
  r_take := false;
  SELECT a.tenant_id, siegel.acme_names(a.id) INTO v_tenant, v_names
    FROM siegel.acme_account a WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid';
  IF NOT FOUND THEN
    r_found := 'account';
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT p.name, p.profile_id INTO r_profile, v_profile_id FROM siegel.directory_profile p
   WHERE p.endpoint_id = p_endpoint AND CASE WHEN p_profile = '' THEN p.is_default ELSE p.name = p_profile END;
  IF NOT FOUND THEN
    r_found := 'profile';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_replaces IS NOT NULL THEN
    SELECT x.id INTO v_replaces FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial
     WHERE k.ski = p_key_id AND x.tenant_id = v_tenant
       AND EXISTS (SELECT FROM siegel.acme_order o WHERE o.certificate_id = x.id AND o.account_id = p_account AND o.identifiers && p_identifiers);
    IF NOT FOUND THEN
      r_found := 'replaces';
    ELSIF EXISTS (SELECT FROM siegel.acme_order o WHERE o.replaces_id = v_replaces AND o.status IN ('processing', 'valid')) THEN
      r_found := 'replaced';
    END IF;
    IF r_found IS NOT NULL THEN
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;
  FOR i IN 1 .. cardinality(p_identifiers) LOOP
    IF p_kinds[i] = '' AND NOT siegel.acme_covers(v_names, p_identifiers[i]) THEN
      r_found := 'kinds';
      r_identifiers := p_identifiers[i];
      RETURN NEXT;
      RETURN;
    END IF;
    v_authz := v_authz || siegel.acme_authz_make(v_tenant, p_endpoint, p_account, v_names, p_identifiers[i], p_kinds[i], p_tokens[i], p_order_hours,
                                                 p_authz_hours);
  END LOOP;
  INSERT INTO siegel.acme_order AS o (tenant_id, endpoint_id, account_id, identifiers, authz_ids, profile, profile_id, replaces, replaces_id, expires_at)
    VALUES (v_tenant, p_endpoint, p_account, p_identifiers, v_authz, r_profile, v_profile_id, p_replaces, v_replaces,
            now() + make_interval(hours => p_order_hours)) RETURNING o.id INTO v_id;
  RETURN QUERY SELECT g.* FROM siegel.acme_order_get(p_account, v_id, 0) g;
END $$;

-- Finalizing (RFC 8555 7.4): one compare-and-set. p_names: the names of the CSR, sorted, each once; p_spki_hash: SHA-256 of its key. r_found is 'own' also
-- when another finalize with this CSR won, whose order is given; or 'names', 'key' (another one was attested), 'not_ready', 'other_csr', 'replaced',
-- 'account', 'profile' (the directory doesn't offer the order's any more).
CREATE FUNCTION acme_order_finalize(p_account bigint, p_id bigint, p_csr bytea, p_names text[], p_spki_hash bytea, p_lease_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_won boolean := false;
  v_replaced boolean := false;
  v_lacks text;
BEGIN
  BEGIN
    UPDATE siegel.acme_order o
       SET status = 'processing', csr = p_csr, claimed_until = now() + make_interval(secs => p_lease_sec), finalized_at = now()
     WHERE o.id = p_id AND o.account_id = p_account AND o.status = 'pending' AND o.expires_at > now() AND o.identifiers = p_names
       AND siegel.acme_order_lacks(o, p_spki_hash) = '';
    v_won := FOUND;
  EXCEPTION WHEN unique_violation THEN
    v_replaced := true;
  END;
  SELECT * INTO r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_error, r_certificate, r_csr, r_profile_name
    FROM siegel.acme_order_get(p_account, p_id, 0);
  IF r_found IS NULL THEN
    RETURN;
  END IF;
  r_take := v_won;
  IF r_found = 'own' AND NOT v_won THEN
    SELECT siegel.acme_order_lacks(o, NULL) INTO v_lacks FROM siegel.acme_order o WHERE o.id = p_id;
    r_found := CASE
      WHEN v_replaced THEN 'replaced'
      WHEN r_status IN ('processing', 'valid') THEN CASE WHEN r_csr = p_csr THEN 'own' ELSE 'other_csr' END
      WHEN v_lacks IN ('account', 'profile') THEN v_lacks
      WHEN r_status <> 'ready' THEN 'not_ready'
      WHEN r_identifiers <> array_to_string(p_names, E'\n') THEN 'names'
      WHEN EXISTS (SELECT FROM siegel.acme_order o JOIN siegel.acme_authz z ON z.id = ANY (o.authz_ids)
                    WHERE o.id = p_id AND z.attested_key <> p_spki_hash) THEN 'key'
      ELSE 'not_ready' END;
  END IF;
  RETURN NEXT;
END $$;

-- What became of an order that is processed: a certificate; a problem; or neither yet (both null), and it may be asked about again in p_wait_sec.
CREATE FUNCTION acme_order_done(p_account bigint, p_id bigint, p_certificate bigint, p_error text, p_wait_sec int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.acme_order o
     SET status = CASE WHEN p_certificate IS NOT NULL THEN 'valid' WHEN p_error IS NOT NULL THEN 'invalid' ELSE o.status END,
         certificate_id = p_certificate, error = p_error::jsonb,
         claimed_until = CASE WHEN p_certificate IS NULL AND p_error IS NULL THEN now() + make_interval(secs => p_wait_sec) END
   WHERE o.id = p_id AND o.account_id = p_account AND o.status = 'processing'
     AND (p_certificate IS NULL OR siegel.acme_issued_for(p_id, p_certificate));
  RETURN QUERY SELECT g.* FROM siegel.acme_order_get(p_account, p_id, 0) g;
END $$;

-- Whose CAA records have to be asked about before the order is issued, where its profile wants that (RFC 8659 3): names whose records were never asked
-- about, or over 7 hours ago (the rules of public CAs say 8). Null: nobody's. "late": for an hour they couldn't be had.
CREATE FUNCTION acme_order_caa(p_order bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT jsonb_build_object('late', coalesce(o.caa_since < now() - interval '1 hour', false), 'names', jsonb_agg(jsonb_build_object(
           'authz', z.id, 'identifier', z.identifier, 'wildcard', z.wildcard, 'method', z.method) ORDER BY z.identifier, z.wildcard))::text
    FROM siegel.acme_order o JOIN siegel.directory_profile p ON p.endpoint_id = o.endpoint_id AND p.name = o.profile AND p.caa
    JOIN siegel.acme_authz z ON z.id = ANY (o.authz_ids)
   WHERE o.id = p_order AND z.identifier LIKE 'dns:%' AND coalesce(z.caa_at <= now() - interval '7 hours', true) GROUP BY o.id
$$;
-- The authorizations that they allow now, and whether that was all.
CREATE FUNCTION acme_caa_done(p_order bigint, p_authz bigint[], p_all boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  UPDATE siegel.acme_authz z SET caa_at = now() FROM siegel.acme_order o WHERE o.id = p_order AND z.id = ANY (o.authz_ids) AND z.id = ANY (p_authz);
  UPDATE siegel.acme_order o SET caa_since = CASE WHEN NOT p_all THEN coalesce(o.caa_since, now()) END
   WHERE o.id = p_order AND (o.caa_since IS NULL) <> p_all
$$;

-- The orders of an account, newest first: p_limit of them below p_before.
CREATE FUNCTION acme_orders(p_account bigint, p_before bigint, p_limit int) RETURNS TABLE (r_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT o.id FROM siegel.acme_order o
   WHERE o.account_id = p_account AND o.id < coalesce(p_before, 9223372036854775807) AND o.status <> 'invalid'
     AND (o.status <> 'pending' OR o.expires_at > now()) ORDER BY o.id DESC LIMIT p_limit
$$;

-- Authorizations and challenges.

-- An authorization with its challenges, as a JSON array; p_id is its number, or with p_challenge that of one of its challenges. One that was valid, and what
-- made it so isn't any more, shows as revoked.
CREATE FUNCTION acme_authz_get(p_account bigint, p_id bigint, p_challenge boolean)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT CASE WHEN z.account_id = p_account THEN 'own' ELSE 'foreign' END, z.id, z.identifier, z.wildcard,
         CASE WHEN z.status IN ('pending', 'valid') AND z.expires_at <= now() THEN 'expired'
              WHEN z.status = 'valid' AND NOT siegel.acme_authz_stands(z) THEN 'revoked' ELSE z.status END, siegel.acme_time(z.expires_at),
         (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', c.id, 'type', c.type, 'token', c.token, 'status', c.status,
                   'validated', siegel.acme_time(c.validated_at), 'error', c.error)) ORDER BY c.id), '[]')::text
            FROM siegel.acme_challenge c WHERE c.authz_id = z.id)
    FROM siegel.acme_authz z
   WHERE z.id = CASE WHEN p_challenge THEN (SELECT c.authz_id FROM siegel.acme_challenge c WHERE c.id = p_id) ELSE p_id END
     AND (z.account_id = p_account OR z.endpoint_id = (SELECT a.endpoint_id FROM siegel.acme_account a WHERE a.id = p_account));
END $$;

-- An authorization in advance (RFC 8555 7.4.1). r_found is, besides: 'account' (it isn't valid any more), 'kinds' (there is no challenge for it).
CREATE FUNCTION acme_authz_new(p_endpoint bigint, p_account bigint, p_identifier text, p_kinds text, p_token text, p_order_hours int, p_authz_hours int)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_tenant int;
  v_names text[];
  v_id bigint;
BEGIN
  SELECT a.tenant_id, siegel.acme_names(a.id) INTO v_tenant, v_names
    FROM siegel.acme_account a WHERE a.id = p_account AND a.endpoint_id = p_endpoint AND a.status = 'valid';
  r_found := CASE WHEN v_tenant IS NULL THEN 'account' WHEN p_kinds = '' AND NOT siegel.acme_covers(v_names, p_identifier) THEN 'kinds' END;
  IF r_found IS NOT NULL THEN
    RETURN NEXT;
    RETURN;
  END IF;
  v_id := siegel.acme_authz_make(v_tenant, p_endpoint, p_account, v_names, p_identifier, p_kinds, p_token, p_order_hours, p_authz_hours);
  RETURN QUERY SELECT g.* FROM siegel.acme_authz_get(p_account, v_id, false) g;
END $$;

-- RFC 8555 7.5.2: nobody has a use for it any more.
CREATE FUNCTION acme_authz_deactivate(p_account bigint, p_id bigint)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.acme_authz z SET status = 'deactivated'
   WHERE z.id = p_id AND z.account_id = p_account AND z.status IN ('pending', 'valid') AND z.expires_at > now();
  RETURN QUERY SELECT g.* FROM siegel.acme_authz_get(p_account, p_id, false) g;
END $$;

-- A client says that its challenge can be looked at (RFC 8555 7.5.1): from now on it waits to be validated. Any state but pending stays, and so does an
-- attestation: it comes with the request (acme_challenge_attested()). r_begun: it was this call.
CREATE FUNCTION acme_challenge_begin(p_account bigint, p_id bigint)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text, r_begun boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_begun boolean;
BEGIN
  UPDATE siegel.acme_challenge c SET status = 'processing', due_at = now()
    FROM siegel.acme_authz z JOIN siegel.acme_account a ON a.id = z.account_id AND a.status = 'valid'
   WHERE c.id = p_id AND c.status = 'pending' AND c.type <> 'device-attest-01' AND z.id = c.authz_id AND z.account_id = p_account AND z.status = 'pending'
     AND z.expires_at > now();
  v_begun := FOUND;
  RETURN QUERY SELECT g.*, v_begun FROM siegel.acme_authz_get(p_account, p_id, true) g;
END $$;

-- A challenge that is due, for the caller alone until p_lease_sec have passed. r_attempt goes to acme_challenge_done(): who took too long has lost it.
-- Accounts take turns: next is one of the tenant, then of the account, that has the fewest looked at, and of an account p_most are looked at at a time, of a
-- tenant twice as many. So thousands of slow ones keep nobody else's waiting. r_id null: another took what was there, and it is worth asking again.
CREATE FUNCTION acme_challenge_take(p_lease_sec int, p_most int)
RETURNS TABLE (r_id bigint, r_attempt int, r_type text, r_token text, r_identifier text, r_wildcard boolean, r_account bigint, r_thumbprint bytea,
               r_label text, r_settings text, r_caa boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_accounts bigint[];
  v_account bigint;
  v_authz bigint;
BEGIN
  WITH RECURSIVE waiting(account_id) AS ( -- one step for each account, however long its queue is
      SELECT min(c.account_id) FROM siegel.acme_challenge c WHERE c.status = 'processing'
      UNION ALL SELECT (SELECT min(c.account_id) FROM siegel.acme_challenge c WHERE c.status = 'processing' AND c.account_id > w.account_id)
                  FROM waiting w WHERE w.account_id IS NOT NULL),
    looked AS MATERIALIZED (SELECT c.tenant_id, c.account_id, count(*) AS n FROM siegel.acme_challenge c
                             WHERE c.status = 'processing' AND c.taken AND c.due_at > now() GROUP BY c.tenant_id, c.account_id),
    turns AS (
      SELECT w.account_id, d.due_at, coalesce((SELECT l.n FROM looked l WHERE l.account_id = w.account_id), 0) AS of_account,
             coalesce((SELECT sum(l.n) FROM looked l WHERE l.tenant_id = d.tenant_id), 0) AS of_tenant
        FROM waiting w CROSS JOIN LATERAL (
               SELECT c.tenant_id, c.due_at FROM siegel.acme_challenge c
                WHERE c.account_id = w.account_id AND c.status = 'processing' AND c.due_at <= now() ORDER BY c.due_at LIMIT 1) d)
    SELECT array_agg(t.account_id ORDER BY t.of_tenant, t.of_account, t.due_at) INTO v_accounts
      FROM turns t WHERE t.of_account < p_most AND t.of_tenant < 2 * p_most;
  IF v_accounts IS NULL THEN
    RETURN;
  END IF;
  -- Its lock makes those who take of an account count one after the other; who can, takes another account's.
  FOREACH v_account IN ARRAY v_accounts LOOP
    PERFORM FROM siegel.acme_account a WHERE a.id = v_account FOR NO KEY UPDATE SKIP LOCKED;
    EXIT WHEN FOUND;
    v_account := NULL;
  END LOOP;
  IF v_account IS NULL THEN
    v_account := v_accounts[1];
    PERFORM FROM siegel.acme_account a WHERE a.id = v_account FOR NO KEY UPDATE;
  END IF;
  UPDATE siegel.acme_challenge c SET due_at = now() + make_interval(secs => p_lease_sec), attempts = c.attempts + 1, taken = true
   WHERE c.id = (SELECT d.id FROM siegel.acme_challenge d
                  WHERE d.account_id = v_account AND d.status = 'processing' AND d.due_at <= now()
                    AND p_most > (SELECT count(*) FROM siegel.acme_challenge l
                                   WHERE l.account_id = v_account AND l.status = 'processing' AND l.taken AND l.due_at > now())
                  ORDER BY d.due_at FOR UPDATE OF d SKIP LOCKED LIMIT 1)
  RETURNING c.id, c.attempts, c.type, c.token, c.authz_id INTO r_id, r_attempt, r_type, r_token, v_authz;
  SELECT z.identifier, z.wildcard, z.account_id, a.thumbprint, n.label, n.settings::text,
         EXISTS (SELECT FROM siegel.directory_profile p WHERE p.endpoint_id = n.id AND p.caa
                    AND (p.is_default OR EXISTS (SELECT FROM siegel.acme_order o WHERE o.authz_ids @> ARRAY[z.id] AND o.profile = p.name)))
    INTO r_identifier, r_wildcard, r_account, r_thumbprint, r_label, r_settings, r_caa
    FROM siegel.acme_authz z JOIN siegel.acme_account a ON a.id = z.account_id JOIN siegel.endpoint n ON n.id = z.endpoint_id WHERE z.id = v_authz;
  RETURN NEXT;
END $$;

-- What a validation came to: good, or a problem document, or neither and it is tried again in p_again_sec. It makes nothing valid for an account that isn't
-- any more, nor in a directory that is closed. One statement for the challenge and its authorization. p_caa: CAA records were asked about. False: it wasn't
-- the caller's any more.
CREATE FUNCTION acme_challenge_done(p_id bigint, p_attempt int, p_good boolean, p_error text, p_log text, p_again_sec int, p_valid_hours int, p_caa boolean)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  WITH c AS (
    UPDATE siegel.acme_challenge c
       SET status = CASE WHEN p_good THEN 'valid' WHEN p_error IS NOT NULL THEN 'invalid' ELSE 'processing' END,
           validated_at = CASE WHEN p_good THEN now() END, error = p_error::jsonb, log = c.log || p_log::jsonb,
           due_at = CASE WHEN NOT p_good AND p_error IS NULL THEN now() + make_interval(secs => p_again_sec) END, taken = false
     WHERE c.id = p_id AND c.attempts = p_attempt AND c.status = 'processing'
    RETURNING c.authz_id, c.type, c.status
  ), z AS (
    UPDATE siegel.acme_authz z
       SET status = CASE WHEN EXISTS (SELECT FROM siegel.acme_account a JOIN siegel.endpoint n ON n.id = a.endpoint_id AND n.enabled
                                       WHERE a.id = z.account_id AND a.status = 'valid') THEN c.status ELSE 'revoked' END,
           method = CASE WHEN p_good THEN c.type END, validated_at = CASE WHEN p_good THEN now() END,
           caa_at = CASE WHEN p_good AND p_caa THEN now() END,
           expires_at = CASE WHEN p_good THEN now() + make_interval(hours => p_valid_hours) ELSE z.expires_at END
      FROM c WHERE z.id = c.authz_id AND z.status = 'pending' AND c.status <> 'processing'
  ) SELECT EXISTS (SELECT FROM c)
$$;

-- What the attestation came to that a client sent (draft-ietf-acme-device-attest 5): the key that it is about, or a problem document. The first one decides.
CREATE FUNCTION acme_challenge_attested(p_account bigint, p_id bigint, p_attested bytea, p_error text, p_log text, p_valid_hours int)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_authz bigint;
BEGIN
  UPDATE siegel.acme_authz z
     SET status = CASE WHEN p_error IS NULL THEN 'valid' ELSE 'invalid' END, attested_key = p_attested,
         method = CASE WHEN p_error IS NULL THEN 'device-attest-01' END, validated_at = CASE WHEN p_error IS NULL THEN now() END,
         expires_at = CASE WHEN p_error IS NULL THEN now() + make_interval(hours => p_valid_hours) ELSE z.expires_at END
    FROM siegel.acme_challenge c, siegel.acme_account a
   WHERE c.id = p_id AND c.type = 'device-attest-01' AND c.status = 'pending' AND z.id = c.authz_id AND z.account_id = p_account AND z.status = 'pending'
     AND z.expires_at > now() AND a.id = p_account AND a.status = 'valid'
  RETURNING z.id INTO v_authz;
  IF v_authz IS NOT NULL THEN
    UPDATE siegel.acme_challenge c
       SET status = CASE WHEN p_error IS NULL THEN 'valid' ELSE 'invalid' END, validated_at = CASE WHEN p_error IS NULL THEN now() END,
           error = p_error::jsonb, log = c.log || p_log::jsonb, attempts = c.attempts + 1
     WHERE c.id = p_id;
  END IF;
  RETURN QUERY SELECT g.* FROM siegel.acme_authz_get(p_account, p_id, true) g;
END $$;

-- How nonces begin that were made at that time: its seconds as 32 bits without a sign.
CREATE FUNCTION acme_nonce_at(p_at timestamptz) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = siegel, pg_temp AS $$ SELECT substr(int8send(extract(epoch FROM p_at)::int8), 5) $$;

-- What is of no use any more: nonces that ran out, orders and authorizations a week after their end, advice on the renewal of certificates a week after
-- theirs, authorizations that failed or were given up an hour after they were made when no order has them, windows of limits. Orders that nobody approved
-- in time are over, and go when the engine knows nothing of them any more. Up to p_limit of each at a time; how many went.
CREATE FUNCTION acme_sweep(p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_all bigint := 0;
  v_n bigint;
BEGIN
  DELETE FROM siegel.acme_nonce n WHERE n.nonce IN (
    SELECT m.nonce FROM siegel.acme_nonce m WHERE m.nonce < siegel.acme_nonce_at(now() - interval '1 hour') ORDER BY m.nonce LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  v_all := v_all + v_n;
  PERFORM siegel.acme_order_end(p.id, 'unauthorized', 'the order was not issued within 29 days')
     FROM (SELECT o.id FROM siegel.acme_order o WHERE o.status = 'processing' AND o.finalized_at < now() - interval '29 days'
            ORDER BY o.finalized_at LIMIT p_limit) p;
  DELETE FROM siegel.acme_order o WHERE o.id IN (
    SELECT p.id FROM siegel.acme_order p
     WHERE p.status <> 'valid' AND p.expires_at < now() - CASE p.status WHEN 'processing' THEN interval '31 days' ELSE interval '7 days' END
     ORDER BY p.expires_at LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  v_all := v_all + v_n;
  DELETE FROM siegel.acme_authz z WHERE z.id IN (
    SELECT y.id FROM siegel.acme_authz y WHERE y.expires_at < now() - interval '7 days' ORDER BY y.expires_at LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  v_all := v_all + v_n;
  -- Two hours long, so that those that orders have aren't looked at each time; they go with the others.
  DELETE FROM siegel.acme_authz z WHERE z.id IN (
    SELECT y.id FROM siegel.acme_authz y
     WHERE y.status IN ('deactivated', 'invalid') AND y.created_at < now() - interval '1 hour' AND y.created_at > now() - interval '3 hours'
       AND NOT EXISTS (SELECT FROM siegel.acme_order o WHERE o.authz_ids @> ARRAY[y.id]) ORDER BY y.created_at LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  v_all := v_all + v_n;
  DELETE FROM siegel.renewal_advice v WHERE v.certificate_id IN ( -- of certificates that have expired
    SELECT w.certificate_id FROM siegel.renewal_advice w WHERE w.expires_at < now() - interval '7 days' ORDER BY w.expires_at LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  v_all := v_all + v_n;
  DELETE FROM siegel.acme_count c WHERE (c.endpoint_id, c.what, c.whose) IN (
    SELECT d.endpoint_id, d.what, d.whose FROM siegel.acme_count d WHERE d.begun_at < now() - interval '1 day' LIMIT p_limit);
  GET DIAGNOSTICS v_n = ROW_COUNT;
  RETURN v_all + v_n;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'siegel'::regnamespace AND p.proname LIKE 'acme\_%' LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION endpoint_find, acme_nonce_key, acme_begin, acme_profiles, acme_key_find, acme_account_new, acme_account_change, acme_key_change,
  acme_order_get, acme_order_new, acme_order_finalize, acme_order_done, acme_order_caa, acme_caa_done, acme_orders, acme_authz_get, acme_authz_new,
  acme_authz_deactivate, acme_challenge_begin, acme_challenge_take, acme_challenge_done, acme_challenge_attested TO siegel_acme;
GRANT EXECUTE ON FUNCTION acme_sweep TO siegel_sched;
