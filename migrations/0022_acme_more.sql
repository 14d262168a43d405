-- ACME beside the way to a certificate: revocation, renewal information, chains, and limits. As in 0020, a function for each thing that a request does,
-- which knows whose the directory is.
SET search_path = siegel;

CREATE INDEX acme_authz_pending ON acme_authz (account_id, expires_at) WHERE status = 'pending'; -- how many an account has

-- The CA of a directory, with the older and newer keys under its name: what it issued, and what was issued before it went on with another key.
CREATE FUNCTION acme_ca_line(p_endpoint bigint) RETURNS TABLE (r_ca int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  WITH RECURSIVE line(id) AS (
    SELECT c.id FROM siegel.endpoint n JOIN siegel.ca c ON c.tenant_id = n.tenant_id AND CASE WHEN n.ca_id IS NULL THEN c.is_default ELSE c.id = n.ca_id END
     WHERE n.id = p_endpoint
    UNION SELECT c.id FROM line l JOIN siegel.ca s ON s.id = l.id JOIN siegel.ca c ON c.successor_id = l.id OR c.id = s.successor_id
  ) SELECT line.id FROM line
$$;

-- A certificate that somebody wants revoked (RFC 8555 7.6), if it is one of the directory's, octet for octet: whether the account ordered it, and whether
-- it holds valid authorizations for each of its names. p_account null: its own key speaks for it.
CREATE FUNCTION acme_revocable(p_endpoint bigint, p_account bigint, p_serial bytea, p_der bytea)
RETURNS TABLE (r_id bigint, r_ordered boolean, r_authorised boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT x.id, EXISTS (SELECT FROM siegel.acme_order o WHERE o.certificate_id = x.id AND o.tenant_id = x.tenant_id AND o.account_id = p_account),
         siegel.acme_holds(p_account, x.names, x.common_name)
    FROM siegel.endpoint n CROSS JOIN siegel.acme_ca_line(p_endpoint) l
    JOIN siegel.certificate x ON x.tenant_id = n.tenant_id AND x.ca_id = l.r_ca AND x.serial = p_serial
   WHERE n.id = p_endpoint AND x.der = p_der
$$;

-- What is known of when a certificate of the directory is to be renewed (RFC 9773): its life in seconds since 1970, which a CA above it may end first;
-- whether it is to be renewed at once, since it is revoked or its CA doesn't serve as long as it; and what somebody advised.
CREATE FUNCTION acme_renewal(p_endpoint bigint, p_key_id bytea, p_serial bytea)
RETURNS TABLE (r_begins bigint, r_ends bigint, r_at_once boolean, r_advised_from bigint, r_advised_to bigint, r_explanation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT extract(epoch FROM x.not_before)::bigint,
         extract(epoch FROM least(x.not_after, (
           WITH RECURSIVE above(id, parent_id, not_after, depth) AS (
             SELECT k.id, k.parent_id, k.not_after, 1 UNION ALL
             SELECT p.id, p.parent_id, p.not_after, a.depth + 1 FROM above a JOIN siegel.ca p ON p.id = a.parent_id WHERE a.depth < 32)
           SELECT min(above.not_after) FROM above)))::bigint,
         x.status = 2 OR k.status IN ('superseded', 'revoked', 'retired') OR k.not_after < x.not_after,
         extract(epoch FROM v.begins_at)::bigint, extract(epoch FROM v.ends_at)::bigint, coalesce(v.explanation, '')
    FROM siegel.endpoint n CROSS JOIN siegel.acme_ca_line(p_endpoint) l
    JOIN siegel.ca k ON k.id = l.r_ca AND k.ski = p_key_id
    JOIN siegel.certificate x ON x.tenant_id = n.tenant_id AND x.ca_id = k.id AND x.serial = p_serial
    LEFT JOIN siegel.renewal_advice v ON v.certificate_id = x.id AND v.tenant_id = x.tenant_id
   WHERE n.id = p_endpoint
$$;

-- The certificate of an order, then what chains over it can be made of (RFC 8555 7.4.2): certificates of its CA and of the CAs above, and what certifies their
-- keys besides, which comes behind. A null: there is no certificate (yet).
CREATE FUNCTION acme_chains(p_account bigint, p_order bigint) RETURNS TABLE (r_found text, r_der bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_ca int;
  v_tenant int;
  v_certificate bigint;
BEGIN
  SELECT CASE WHEN o.account_id = p_account THEN 'own' ELSE 'foreign' END, o.tenant_id, o.certificate_id INTO r_found, v_tenant, v_certificate
    FROM siegel.acme_order o
   WHERE o.id = p_order AND (o.account_id = p_account OR o.endpoint_id = (SELECT a.endpoint_id FROM siegel.acme_account a WHERE a.id = p_account));
  IF r_found IS NULL THEN
    RETURN;
  END IF;
  IF r_found = 'own' THEN
    SELECT x.der, x.ca_id INTO r_der, v_ca FROM siegel.certificate x WHERE x.tenant_id = v_tenant AND x.id = v_certificate;
  END IF;
  RETURN NEXT;
  RETURN QUERY WITH RECURSIVE above(id, parent_id, depth) AS (
      SELECT c.id, c.parent_id, 1 FROM siegel.ca c WHERE c.id = v_ca
      UNION SELECT p.id, p.parent_id, a.depth + 1 FROM above a
              LEFT JOIN siegel.ca_certificate k ON k.ca_id = a.id AND k.kind IN ('cross', 'link_new_with_old', 'link_old_with_new')
              JOIN siegel.ca p ON p.id = a.parent_id OR p.id = k.issuer_id
             WHERE a.depth < 12 AND p.tenant_id = v_tenant),
    over AS (SELECT a.id, min(a.depth) AS depth FROM above a GROUP BY a.id)
    SELECT 'own', q.certificate FROM (
      SELECT c.certificate, v.depth, 0 AS place, 0::bigint AS id FROM over v JOIN siegel.ca c ON c.id = v.id WHERE c.id = v_ca OR c.not_after > now()
      UNION ALL SELECT k.certificate, v.depth, CASE k.kind WHEN 'chain' THEN 0 ELSE 1 END, k.id FROM over v JOIN siegel.ca_certificate k ON k.ca_id = v.id
                 WHERE k.kind IN ('chain', 'cross', 'link_new_with_old', 'link_old_with_new') AND k.not_after > now()) q
     WHERE q.certificate IS NOT NULL ORDER BY q.place, q.depth, q.id LIMIT 64;
END $$;

-- Limits. What is counted has a row, whose lock makes those who count the same thing take turns until they have committed.

-- Counts p_add of something whose window of an hour allows p_most (0: any number): 0, or the seconds until the window ends and nothing was counted. What begins
-- a window is taken, however much it is.
CREATE FUNCTION acme_count_add(p_endpoint bigint, p_what text, p_whose text, p_add int, p_most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO siegel.acme_count AS c (endpoint_id, what, whose, n) VALUES (p_endpoint, p_what, p_whose, p_add)
    ON CONFLICT (endpoint_id, what, whose) DO UPDATE
      SET n = CASE WHEN c.begun_at > now() - interval '1 hour' THEN c.n + p_add ELSE p_add END,
          begun_at = CASE WHEN c.begun_at > now() - interval '1 hour' THEN c.begun_at ELSE now() END
    WHERE p_most = 0 OR c.n + p_add <= p_most OR c.begun_at <= now() - interval '1 hour';
  IF FOUND THEN
    RETURN 0;
  END IF;
  RETURN siegel.acme_count_wait(p_endpoint, p_what, p_whose, greatest(1, p_most - p_add + 1));
END $$;
-- What was counted, and came to nothing that counts.
CREATE FUNCTION acme_count_give(p_endpoint bigint, p_what text, p_whose text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  UPDATE siegel.acme_count c SET n = c.n - 1 WHERE c.endpoint_id = p_endpoint AND c.what = p_what AND c.whose = p_whose AND c.n > 0
$$;
-- The seconds until another one is allowed; 0: it is now. A window may have begun while the caller waited for its turn.
CREATE FUNCTION acme_count_wait(p_endpoint bigint, p_what text, p_whose text, p_most int) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN coalesce((SELECT greatest(1, least(3600, ceil(extract(epoch FROM c.begun_at + interval '1 hour' - now()))))::int FROM siegel.acme_count c
    WHERE p_most > 0 AND c.endpoint_id = p_endpoint AND c.what = p_what AND c.whose = p_whose AND c.n >= p_most
      AND c.begun_at > now() - interval '1 hour'), 0);
END $$;
-- Whose failures are counted: an account's, of an identifier as authorizations have it.
CREATE FUNCTION acme_failures_of(p_account bigint, p_identifier text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN p_account || ' ' || CASE WHEN p_identifier LIKE 'dns:*.%' THEN 'dns:' || substr(p_identifier, 7) ELSE p_identifier END;
END $$;

-- acme_account_new() within the limit of p_whose, an address. r_wait not 0: so many seconds until another account can be made, and none was.
CREATE FUNCTION acme_account_limited(p_endpoint bigint, p_jwk text, p_thumbprint bytea, p_contacts text[], p_terms boolean, p_key bigint, p_binding text,
                                     p_address text, p_whose text, p_most int)
RETURNS TABLE (r_wait int, r_id bigint, r_made boolean, r_status text, r_contacts text, r_terms boolean, r_binding text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  r_wait := CASE WHEN p_most > 0 THEN siegel.acme_count_add(p_endpoint, 'accounts', p_whose, 1, p_most) ELSE 0 END;
  IF r_wait = 0 THEN
    SELECT g.r_id, g.r_made, g.r_status, g.r_contacts, g.r_terms, g.r_binding INTO r_id, r_made, r_status, r_contacts, r_terms, r_binding
      FROM siegel.acme_account_new(p_endpoint, p_jwk, p_thumbprint, p_contacts, p_terms, p_key, p_binding, p_address) g;
    IF p_most > 0 AND (r_id IS NULL OR NOT r_made) THEN
      PERFORM siegel.acme_count_give(p_endpoint, 'accounts', p_whose);
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- Counts the authorizations that this transaction made, and takes them back when with them the account has over p_pending that are pending, or made over ten
-- times p_orders within an hour. r_found: 'pending', 'authz', null when they stay. r_wait: the seconds until it can be asked for again.
CREATE FUNCTION acme_authz_limit(p_endpoint bigint, p_account bigint, p_authz bigint[], p_orders int, p_pending int) RETURNS TABLE (r_found text, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_made int;
  v_open boolean;
BEGIN
  SELECT count(*), bool_or(z.status = 'pending') INTO v_made, v_open FROM siegel.acme_authz z WHERE z.id = ANY (p_authz) AND z.created_at = now();
  r_wait := 0;
  IF v_open AND p_pending > 0
     AND p_pending < (SELECT count(*) FROM siegel.acme_authz z WHERE z.account_id = p_account AND z.status = 'pending' AND z.expires_at > now()) THEN
    r_found := 'pending';
  ELSIF v_made > 0 AND p_orders > 0 THEN
    r_wait := siegel.acme_count_add(p_endpoint, 'authz', p_account::text, v_made, 10 * p_orders);
    r_found := CASE WHEN r_wait > 0 THEN 'authz' END;
  END IF;
  IF r_found IS NOT NULL THEN
    DELETE FROM siegel.acme_authz z WHERE z.id = ANY (p_authz) AND z.created_at = now();
  END IF;
  IF r_found = 'pending' THEN
    SELECT coalesce(greatest(1, ceil(extract(epoch FROM min(z.expires_at) - now())))::int, 3600) INTO r_wait
      FROM siegel.acme_authz z WHERE z.account_id = p_account AND z.status = 'pending' AND z.expires_at > now();
  END IF;
  RETURN NEXT;
END $$;

-- Whether an order only renews a certificate of the account, as its server advises (RFC 9773 5): it has no other names, no other order that isn't over wants
-- to take its place, and it is time: the earliest that its window can begin has come, or it is to be renewed at once.
CREATE FUNCTION acme_renews(p_endpoint bigint, p_account bigint, p_identifiers text[], p_key_id bytea, p_serial bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM siegel.acme_renewal(p_endpoint, p_key_id, p_serial) r
     WHERE (r.r_at_once OR extract(epoch FROM now()) >= least(r.r_begins + (r.r_ends - r.r_begins) * 2 / 3, r.r_advised_from))
       AND EXISTS (SELECT FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial
                     JOIN siegel.acme_order o ON o.certificate_id = x.id AND o.account_id = p_account AND o.identifiers @> p_identifiers
                    WHERE k.ski = p_key_id AND x.tenant_id = o.tenant_id
                      AND NOT EXISTS (SELECT FROM siegel.acme_order p WHERE p.account_id = p_account AND p.replaces_id = x.id AND p.status = 'pending'
                                         AND p.expires_at > now())))
$$;

-- acme_order_new() within the account's limits; one that only renews a certificate isn't counted among the orders. r_found is, besides: 'orders', 'pending',
-- 'authz', or 'failures' (those of r_identifiers); then r_wait is the seconds until it can be asked for again.
CREATE FUNCTION acme_order_limited(p_endpoint bigint, p_account bigint, p_identifiers text[], p_kinds text[], p_tokens text[], p_profile text,
                                   p_replaces text, p_key_id bytea, p_serial bytea, p_order_hours int, p_authz_hours int,
                                   p_orders int, p_failures int, p_pending int)
RETURNS TABLE (r_found text, r_take boolean, r_id bigint, r_status text, r_expires text, r_identifiers text, r_authz text, r_profile text,
               r_replaces text, r_error text, r_certificate bigint, r_csr bytea, r_profile_name text, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_counted boolean := true;
  v_limit record;
BEGIN
  r_take := false;
  IF p_replaces IS NOT NULL THEN
    PERFORM siegel.acme_count_add(p_endpoint, 'orders', p_account::text, 0, 0); -- takes its turn
    v_counted := NOT siegel.acme_renews(p_endpoint, p_account, p_identifiers, p_key_id, p_serial);
  END IF;
  r_wait := CASE WHEN v_counted THEN siegel.acme_count_add(p_endpoint, 'orders', p_account::text, 1, p_orders) ELSE 0 END;
  IF r_wait > 0 THEN
    r_found := 'orders';
    RETURN NEXT;
    RETURN;
  END IF;
  IF p_failures > 0 THEN
    SELECT 'failures', u.i, w INTO r_found, r_identifiers, r_wait FROM unnest(p_identifiers) AS u(i)
      CROSS JOIN LATERAL siegel.acme_count_wait(p_endpoint, 'failures', siegel.acme_failures_of(p_account, u.i), p_failures) w WHERE w > 0 LIMIT 1;
  END IF;
  IF r_found IS NULL THEN
    SELECT g.*, 0 INTO r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_error, r_certificate, r_csr,
           r_profile_name, r_wait
      FROM siegel.acme_order_new(p_endpoint, p_account, p_identifiers, p_kinds, p_tokens, p_profile, p_replaces, p_key_id, p_serial, p_order_hours,
                                 p_authz_hours) g;
    IF r_found = 'own' THEN
      SELECT * INTO v_limit FROM siegel.acme_authz_limit(p_endpoint, p_account, string_to_array(r_authz, ',')::bigint[], p_orders, p_pending);
      IF v_limit.r_found IS NOT NULL THEN
        DELETE FROM siegel.acme_order o WHERE o.id = r_id;
        r_found := v_limit.r_found;
        r_wait := v_limit.r_wait;
      END IF;
    END IF;
  END IF;
  IF r_found <> 'own' AND v_counted THEN
    PERFORM siegel.acme_count_give(p_endpoint, 'orders', p_account::text);
  END IF;
  RETURN NEXT;
END $$;

-- acme_authz_new() within them: one counts as an order.
CREATE FUNCTION acme_authz_limited(p_endpoint bigint, p_account bigint, p_identifier text, p_kinds text, p_token text, p_order_hours int, p_authz_hours int,
                                   p_orders int, p_failures int, p_pending int)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_limit record;
BEGIN
  r_wait := siegel.acme_count_add(p_endpoint, 'orders', p_account::text, 1, p_orders);
  IF r_wait > 0 THEN
    r_found := 'orders';
    RETURN NEXT;
    RETURN;
  END IF;
  r_wait := siegel.acme_count_wait(p_endpoint, 'failures', siegel.acme_failures_of(p_account, p_identifier), p_failures);
  IF r_wait > 0 THEN
    r_found := 'failures';
    r_identifier := p_identifier;
  ELSE
    SELECT g.*, 0 INTO r_found, r_id, r_identifier, r_wildcard, r_status, r_expires, r_challenges, r_wait
      FROM siegel.acme_authz_new(p_endpoint, p_account, p_identifier, p_kinds, p_token, p_order_hours, p_authz_hours) g;
    IF r_found = 'own' THEN
      SELECT * INTO v_limit FROM siegel.acme_authz_limit(p_endpoint, p_account, ARRAY[r_id], p_orders, p_pending);
      r_found := coalesce(v_limit.r_found, r_found);
      r_wait := v_limit.r_wait;
    END IF;
  END IF;
  IF r_found <> 'own' THEN
    PERFORM siegel.acme_count_give(p_endpoint, 'orders', p_account::text);
  END IF;
  RETURN NEXT;
END $$;

-- acme_challenge_begin() within the account's failures for the identifier. A validation counts as one when it begins, so that many at once are no way
-- around it; acme_challenge_result() gives back what didn't fail. r_wait not 0: it hasn't begun.
CREATE FUNCTION acme_challenge_limited(p_account bigint, p_id bigint, p_failures int)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text, r_begun boolean, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  SELECT g.*, 0 INTO r_found, r_id, r_identifier, r_wildcard, r_status, r_expires, r_challenges, r_begun, r_wait
    FROM siegel.acme_challenge_begin(p_account, p_id) g;
  IF r_found IS NULL THEN
    RETURN;
  END IF;
  IF r_begun THEN
    r_wait := siegel.acme_count_add((SELECT z.endpoint_id FROM siegel.acme_authz z WHERE z.id = r_id), 'failures',
                                    siegel.acme_failures_of(p_account, r_identifier), 1, p_failures);
    IF r_wait > 0 THEN
      UPDATE siegel.acme_challenge c SET status = 'pending', due_at = NULL WHERE c.id = p_id;
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- acme_challenge_done(), and what was counted when it began is given back unless it failed. A fault of ours is no failure of theirs.
CREATE FUNCTION acme_challenge_result(p_id bigint, p_attempt int, p_good boolean, p_error text, p_log text, p_again_sec int, p_valid_hours int,
                                      p_caa boolean)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_done boolean := siegel.acme_challenge_done(p_id, p_attempt, p_good, p_error, p_log, p_again_sec, p_valid_hours, p_caa);
BEGIN
  IF v_done AND (p_good OR p_error::jsonb ->> 'type' LIKE '%:serverInternal') THEN
    PERFORM siegel.acme_count_give(z.endpoint_id, 'failures', siegel.acme_failures_of(z.account_id, z.identifier))
       FROM siegel.acme_challenge c JOIN siegel.acme_authz z ON z.id = c.authz_id WHERE c.id = p_id;
  END IF;
  RETURN v_done;
END $$;

-- acme_challenge_attested() within the same limit.
CREATE FUNCTION acme_attested_limited(p_account bigint, p_id bigint, p_attested bytea, p_error text, p_log text, p_valid_hours int, p_failures int)
RETURNS TABLE (r_found text, r_id bigint, r_identifier text, r_wildcard boolean, r_status text, r_expires text, r_challenges text, r_wait int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_endpoint bigint;
  v_whose text;
BEGIN
  r_wait := 0;
  IF p_error IS NOT NULL THEN
    SELECT z.endpoint_id, siegel.acme_failures_of(p_account, z.identifier) INTO v_endpoint, v_whose
      FROM siegel.acme_challenge c JOIN siegel.acme_authz z ON z.id = c.authz_id WHERE c.id = p_id AND c.status = 'pending' AND z.account_id = p_account;
    IF FOUND THEN
      r_wait := siegel.acme_count_add(v_endpoint, 'failures', v_whose, 1, p_failures);
    END IF;
  END IF;
  IF r_wait = 0 THEN
    SELECT g.*, 0 INTO r_found, r_id, r_identifier, r_wildcard, r_status, r_expires, r_challenges, r_wait
      FROM siegel.acme_challenge_attested(p_account, p_id, p_attested, p_error, p_log, p_valid_hours) g;
  ELSE
    SELECT g.*, r_wait INTO r_found, r_id, r_identifier, r_wildcard, r_status, r_expires, r_challenges, r_wait
      FROM siegel.acme_authz_get(p_account, p_id, true) g;
  END IF;
  IF r_found IS NOT NULL THEN
    RETURN NEXT;
  END IF;
END $$;

REVOKE ALL ON FUNCTION acme_ca_line, acme_revocable, acme_renewal, acme_chains, acme_count_add, acme_count_give, acme_count_wait, acme_failures_of,
  acme_account_limited, acme_authz_limit, acme_renews, acme_order_limited, acme_authz_limited, acme_challenge_limited, acme_challenge_result, acme_attested_limited
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme_revocable, acme_renewal, acme_chains, acme_account_limited, acme_order_limited, acme_authz_limited, acme_challenge_limited,
  acme_challenge_result, acme_attested_limited TO siegel_acme;
REVOKE EXECUTE ON FUNCTION acme_account_new, acme_order_new, acme_authz_new, acme_challenge_begin, acme_challenge_done, acme_challenge_attested
  FROM siegel_acme;
