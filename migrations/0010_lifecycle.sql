-- The life of a certificate: owner, metadata and predecessor from its beginning, hold and release, keys that are kept, and no key that two
-- requests of one instant get certified both.
SET search_path = siegel;

-- Private keys that were made here and are kept, wrapped under a key of the key store (profile: archive_keys). Written in the statement that
-- writes the certificate.
CREATE TABLE archived_key (
  tenant_id      int NOT NULL,
  certificate_id bigint NOT NULL,
  wrapped        bytea NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, certificate_id)
);
ALTER TABLE archived_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE archived_key FORCE ROW LEVEL SECURITY;
CREATE POLICY all_tenants ON archived_key TO siegel_owner, siegel_ca USING (true);
CREATE POLICY own_tenant ON archived_key FOR SELECT TO siegel_api
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
GRANT SELECT, INSERT ON archived_key TO siegel_ca;
GRANT SELECT (tenant_id, certificate_id, created_at) ON archived_key TO siegel_api; -- that there is one

GRANT DELETE ON revocation TO siegel_ca; -- a hold that is released
GRANT UPDATE (reason, revoked_at) ON revocation TO siegel_ca; -- a hold that becomes final, a compromise that is heard of later

-- The advisory lock of a public key: whoever stores a certificate for it or blocks it holds this until he has committed.
CREATE FUNCTION key_lock(p_spki bytea) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || left(encode(p_spki, 'hex'), 16))::bit(64)::bigint
$$;

-- A key that is reported compromised is blocked for all when somebody showed to have it (certificate.possession); else for the tenant alone who says
-- so.
ALTER TABLE blocked_key DROP CONSTRAINT blocked_key_pkey;
ALTER TABLE blocked_key ADD tenant_id int; -- null: for all
CREATE UNIQUE INDEX blocked_key_of ON blocked_key (spki_hash, tenant_id) NULLS NOT DISTINCT;

-- Which places of a batch (from 1) have a public key that can't be certified: 3 blocked; 4 certified already, and the profile forbids that
-- (p_reuse 0: never asked, 1: the same subject may, 2: nobody may). In SQL, so that it becomes part of the statements that ask: a call would
-- cost three times the look-up.
CREATE FUNCTION key_faults(p_tenant int[], p_spki bytea[], p_subject text[], p_reuse int[]) RETURNS TABLE (r_place int, r_fault int)
LANGUAGE sql STABLE AS $$
  SELECT u.n::int, 3 FROM unnest(p_tenant, p_spki) WITH ORDINALITY AS u(t, k, n)
    JOIN siegel.blocked_key b ON b.spki_hash = u.k AND (b.tenant_id IS NULL OR b.tenant_id = u.t)
  UNION ALL
  SELECT u.n::int, 4 FROM unnest(p_tenant, p_spki, p_subject, p_reuse) WITH ORDINALITY AS u(t, k, s, r, n)
   WHERE r > 0 AND EXISTS (SELECT FROM siegel.certificate x WHERE x.spki_hash = u.k AND (r = 2 OR x.subject <> u.s)
                                                              AND (x.tenant_id = u.t OR x.possession))
$$;

-- One batch of intents in one statement and so in one flush. Gives back the places whose keys can't be certified (key_faults()); then nothing
-- is stored, and the caller goes on without them. Raises SG001 when a request key is taken: the caller then looks it up; a key that ran
-- out, or whose intent was abandoned, is given to the new intent. Raises SG008 when the batch was held against policies that are no longer
-- those of now (p_epoch; null: it wasn't held against any).
-- A plan of these functions is made when intent is nearly empty and kept: without the settings it reads the whole table for each batch. Kept it has
-- to be: arrays of one certificate look cheaper than the ten that a kept plan reckons with, and PostgreSQL would plan each small batch anew (1 ms).
-- No EXISTS stands where it isn't joined: while the table is small, PostgreSQL would hash all of it to answer that.
DROP FUNCTION intent_add;
CREATE FUNCTION intent_add(
  p_chain text, p_ca int[], p_serial bytea[], p_tenant int[], p_profile int[], p_tbs bytea[],
  p_key bytea[], p_body bytea[], p_window int[], p_spki bytea[], p_subject text[], p_reuse int[],
  p_seq bigint[], p_at bigint[], p_actor text[], p_object text[], p_detail text[], p_hash bytea[], p_epoch bigint
) RETURNS TABLE (r_place int, r_fault int) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  wanted int; got int;
BEGIN
  IF p_epoch <> (SELECT s.epoch FROM siegel.policy_state s) THEN
    RAISE EXCEPTION 'the policies have changed' USING ERRCODE = 'SG008';
  END IF;
  RETURN QUERY SELECT f.r_place, f.r_fault FROM siegel.key_faults(p_tenant, p_spki, p_subject, p_reuse) f;
  IF FOUND THEN
    RETURN;
  END IF;
  SELECT count(*) INTO wanted FROM unnest(p_key) k WHERE k IS NOT NULL;
  IF wanted > 0 THEN
    INSERT INTO siegel.request AS r (request_key, tenant_id, body_hash, ca_id, serial, expires_at)
    SELECT k, t, b, c, s, now() + make_interval(secs => w)
      FROM unnest(p_key, p_tenant, p_body, p_ca, p_serial, p_window) AS u(k, t, b, c, s, w) WHERE k IS NOT NULL
     ORDER BY k -- two batches that share keys take them in one order, and never wait for each other both
    ON CONFLICT (request_key) DO UPDATE
      SET tenant_id = excluded.tenant_id, body_hash = excluded.body_hash, ca_id = excluded.ca_id,
          serial = excluded.serial, expires_at = excluded.expires_at
      WHERE r.expires_at < now()
         OR EXISTS (SELECT FROM siegel.intent i WHERE i.ca_id = r.ca_id AND i.serial = r.serial AND i.abandoned_at IS NOT NULL);
    GET DIAGNOSTICS got = ROW_COUNT;
    IF got <> wanted THEN
      RAISE EXCEPTION 'a request key is taken' USING ERRCODE = 'SG001';
    END IF;
    -- Approved, and this is the repetition that gets the certificate.
    UPDATE siegel.approval a SET status = 'done' WHERE a.request_key = ANY (p_key) AND a.status = 'approved';
  END IF;
  INSERT INTO siegel.intent (ca_id, serial, tenant_id, profile_id, chain, request_key, tbs)
  SELECT c, s, t, p, p_chain, k, b FROM unnest(p_ca, p_serial, p_tenant, p_profile, p_key, p_tbs) AS u(c, s, t, p, k, b);
  INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
  SELECT p_chain, q, a, t, ac, 'certificate.intent', o, d, h
    FROM unnest(p_seq, p_at, p_tenant, p_actor, p_object, p_detail, p_hash) AS u(q, a, t, ac, o, d, h);
END $$;

-- The certificates of a batch, in place of their intents. Returns the ids in the order of the serials. When keys can't be certified any
-- more, or what is renewed was revoked meanwhile (fault 5), nothing is stored and the rows say which (r_fault, with its serial): two requests
-- of one instant meet here. The locks are taken in one order; a key that is certified already needs no lock of its own, because every
-- other request sees that certificate: it shares the lock with all but those that block keys.
DROP FUNCTION certificate_add;
CREATE FUNCTION certificate_add(
  p_chain text, p_ca int[], p_serial bytea[], p_tenant int[], p_profile int[],
  p_subject text[], p_cn text[], p_names text[], p_from bigint[], p_to bigint[], p_spki bytea[], p_der bytea[],
  p_requestor text[], p_source text[], p_reuse int[], p_key_type text[], p_owner text[], p_metadata text[], p_replaces bigint[],
  p_wrapped bytea[], p_possession int[],
  p_seq bigint[], p_at bigint[], p_actor text[], p_object text[], p_detail text[], p_hash bytea[]
) RETURNS TABLE (r_serial bytea, r_id bigint, r_created bigint, r_fault int) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE gone int;
BEGIN
  PERFORM CASE WHEN q.alone THEN pg_advisory_xact_lock(q.l) ELSE pg_advisory_xact_lock_shared(q.l) END
     FROM (SELECT siegel.key_lock(u.k) AS l, bool_or(u.r > 0 AND (SELECT 1 FROM siegel.certificate x WHERE x.spki_hash = u.k LIMIT 1) IS NULL) AS alone
             FROM unnest(p_spki, p_reuse) AS u(k, r) GROUP BY 1 ORDER BY 1 OFFSET 0) q;
  RETURN QUERY SELECT p_serial[f.r_place], NULL::bigint, NULL::bigint, f.r_fault FROM siegel.key_faults(p_tenant, p_spki, p_subject, p_reuse) f;
  IF FOUND THEN
    RETURN;
  END IF;
  IF array_remove(p_replaces, NULL) <> '{}' THEN
    RETURN QUERY SELECT u.s, NULL::bigint, NULL::bigint, 5 FROM unnest(p_serial, p_tenant, p_replaces) AS u(s, t, r)
      JOIN siegel.certificate x ON x.tenant_id = u.t AND x.id = u.r WHERE x.status <> 1;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  DELETE FROM siegel.intent i USING unnest(p_ca, p_serial) AS u(c, s)
   WHERE i.ca_id = u.c AND i.serial = u.s AND i.abandoned_at IS NULL AND i.chain = p_chain;
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone <> cardinality(p_serial) THEN
    RAISE EXCEPTION 'an intent of the batch is gone or abandoned' USING ERRCODE = 'SG002';
  END IF;
  INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
  SELECT p_chain, q, a, t, ac, 'certificate.issued', o, d, h
    FROM unnest(p_seq, p_at, p_tenant, p_actor, p_object, p_detail, p_hash) AS u(q, a, t, ac, o, d, h);
  RETURN QUERY
    INSERT INTO siegel.certificate AS x (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after,
                                         spki_hash, der, requestor, source, key_type, owner, metadata, replaces_id, possession)
    SELECT t, c, p, s, su, cn, CASE WHEN na = '' THEN '{}'::text[] ELSE string_to_array(na, E'\n') END,
           to_timestamp(f), to_timestamp(e), k, d, rq, so, kt, ow, me::jsonb, re, po = 1
      FROM unnest(p_tenant, p_ca, p_profile, p_serial, p_subject, p_cn, p_names, p_from, p_to, p_spki, p_der, p_requestor, p_source,
                  p_key_type, p_owner, p_metadata, p_replaces, p_possession)
           AS u(t, c, p, s, su, cn, na, f, e, k, d, rq, so, kt, ow, me, re, po)
    RETURNING x.serial, x.id, floor(extract(epoch FROM x.created_at))::bigint, NULL::int;
  IF array_remove(p_wrapped, NULL) <> '{}' THEN
    INSERT INTO siegel.archived_key (tenant_id, certificate_id, wrapped)
    SELECT x.tenant_id, x.id, u.w FROM unnest(p_ca, p_serial, p_wrapped) AS u(c, s, w)
      JOIN siegel.certificate x ON x.ca_id = u.c AND x.serial = u.s WHERE u.w IS NOT NULL;
  END IF;
END $$;

-- What became of request keys: nothing (no row), an intent (no id; abandoned or not), a certificate, or an approval that is waited for or
-- was refused in the last day (r_approval; then r_body is null and r_request is the request as it was stored).
DROP FUNCTION request_find;
CREATE FUNCTION request_find(p_key bytea[])
RETURNS TABLE (r_key bytea, r_body bytea, r_abandoned boolean, r_id bigint, r_ca int, r_profile int, r_serial bytea, r_status int,
               r_subject text, r_cn text, r_names text, r_from bigint, r_to bigint, r_created bigint, r_der bytea, r_key_type text,
               r_owner text, r_metadata text, r_replaces bigint, r_approval bigint, r_state text, r_request bytea)
LANGUAGE sql STABLE AS $$
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
                       AND NOT EXISTS (SELECT FROM siegel.intent i WHERE i.ca_id = r.ca_id AND i.serial = r.serial AND i.abandoned_at IS NOT NULL))
$$;

-- Requests that wait for people before they are carried out, in one statement and one flush with their audit rows. A request key that waits
-- already keeps its approval, unless that is outdated: of the same request when it came to another profile, CA or identity.
CREATE INDEX approval_request ON approval (request_key) WHERE request_key IS NOT NULL; -- request_find() wants those that were rejected, too
CREATE FUNCTION request_hold(
  p_chain text, p_tenant int[], p_key bytea[], p_body text[], p_request bytea[], p_reason text[], p_wanted int[],
  p_approvers text[], p_account bigint[], p_requestor text[], p_days int[],
  p_seq bigint[], p_at bigint[], p_actor text[], p_object text[], p_detail text[], p_hash bytea[], p_outdated bigint[]
) RETURNS TABLE (r_place int, r_id bigint) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE siegel.approval a SET status = 'withdrawn', error = 'the same request came again under another profile, CA or identity'
   WHERE a.id = ANY (p_outdated) AND a.request_key = ANY (p_key) AND a.status IN ('open', 'approved');
  INSERT INTO siegel.approval (tenant_id, operation, body, request, request_key, reason, wanted, approvers, requested_by, requestor, expires_at)
  SELECT t, b::jsonb ->> 'operation', b::jsonb, rq, k, re, w, ap::jsonb, ac, rr, now() + make_interval(days => d)
    FROM unnest(p_tenant, p_key, p_body, p_request, p_reason, p_wanted, p_approvers, p_account, p_requestor, p_days)
         AS u(t, k, b, rq, re, w, ap, ac, rr, d)
   ORDER BY k
  ON CONFLICT (request_key) WHERE request_key IS NOT NULL AND status IN ('open', 'approved') DO NOTHING;
  INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
  SELECT p_chain, q, a, t, ac, 'approval.asked', o, d, h
    FROM unnest(p_seq, p_at, p_tenant, p_actor, p_object, p_detail, p_hash) AS u(q, a, t, ac, o, d, h);
  RETURN QUERY SELECT u.n::int, a.id FROM unnest(p_key) WITH ORDINALITY AS u(k, n)
    JOIN siegel.approval a ON a.request_key = u.k AND a.status IN ('open', 'approved') ORDER BY u.n;
END $$;

-- A certificate as its successor needs it: what it was made from, by which CA and profile.
CREATE FUNCTION certificate_find(p_tenant int[], p_id bigint[])
RETURNS TABLE (r_tenant int, r_id bigint, r_ca int, r_profile int, r_status int, r_der bytea, r_owner text, r_metadata text, r_possession boolean)
LANGUAGE sql STABLE AS $$
  SELECT x.tenant_id, x.id, x.ca_id, x.profile_id, x.status::int, x.der, x.owner, x.metadata::text, x.possession
    FROM unnest(p_tenant, p_id) AS u(t, i) JOIN siegel.certificate x ON x.tenant_id = u.t AND x.id = u.i
$$;

-- Revokes one certificate, holds it (reason 6) or releases it (p_release) in one statement: status, CRL entry, blocked key, wish for a CRL and
-- the audit row. What is already so stays, and r_repeated says it; a hold becomes a revocation from the hold's time on (X.509 9.5.3.1). That a key
-- was compromised is heard also of one that is revoked for another reason: the reason changes and the key is blocked, the time stays.
-- r_same_key: up to 50 other certificates of the tenant with this key, which are not revoked, when the key was reported compromised.
-- Raises SG005 when the tenant has no such certificate, SG006 for one of a CA or an OCSP signer (those aren't revoked like a
-- client's), and SG007 when one that is revoked is to be released: that is for ever (RFC 5280 5.3.1). SG009: rules are about it, and they
-- haven't been asked (p_judged); whoever is refused or has to wait by them is told so by the engine's manager, not here.
DROP FUNCTION certificate_revoke;
CREATE FUNCTION certificate_revoke(
  p_tenant int, p_id bigint, p_reason int, p_release boolean,
  p_chain text, p_seq bigint, p_at bigint, p_actor text, p_object text, p_detail text, p_hash bytea, p_judged boolean
) RETURNS TABLE (r_repeated boolean, r_reason int, r_at bigint, r_ca int, r_profile int, r_serial bytea, r_status int, r_subject text,
                 r_cn text, r_names text, r_from bigint, r_to bigint, r_created bigint, r_der bytea, r_key_type text, r_owner text,
                 r_metadata text, r_replaces bigint, r_same_key text) LANGUAGE plpgsql AS $$
DECLARE
  c siegel.certificate%ROWTYPE;
  repeated boolean;
  action text;
  others text := '';
BEGIN
  SELECT * INTO c FROM siegel.certificate WHERE tenant_id = p_tenant AND id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such certificate' USING ERRCODE = 'SG005';
  END IF;
  IF EXISTS (SELECT FROM siegel.profile p WHERE p.id = c.profile_id AND p.definition ->> 'internal' = 'true') THEN
    RAISE EXCEPTION 'a certificate of the house itself' USING ERRCODE = 'SG006';
  END IF;
  IF p_release AND c.status = 2 THEN
    RAISE EXCEPTION 'revoked for ever' USING ERRCODE = 'SG007';
  END IF;
  repeated := CASE WHEN p_release THEN c.status = 1
                   ELSE (c.status = 2 AND (p_reason <> 1 OR c.reason IS NOT DISTINCT FROM 1)) OR (c.status = 3 AND p_reason = 6) END;
  IF NOT repeated THEN
    IF NOT p_judged AND EXISTS (SELECT FROM siegel.policy_rule r WHERE r.tenant_id = p_tenant AND CASE WHEN p_release THEN 'certificate.release'
                                  WHEN p_reason = 6 THEN 'certificate.hold' ELSE 'certificate.revoke' END = ANY (r.operations)) THEN
      RAISE EXCEPTION 'policies have a say' USING ERRCODE = 'SG009';
    END IF;
    IF p_release THEN
      action := 'certificate.released';
      c.status := 1;
      c.revoked_at := NULL;
      c.reason := NULL;
      DELETE FROM siegel.revocation WHERE ca_id = c.ca_id AND serial = c.serial;
    ELSE
      action := CASE WHEN p_reason = 6 THEN 'certificate.held' ELSE 'certificate.revoked' END;
      IF p_reason = 1 THEN
        PERFORM pg_advisory_xact_lock(siegel.key_lock(c.spki_hash));
        INSERT INTO siegel.blocked_key (spki_hash, reason, tenant_id)
        VALUES (c.spki_hash, 'keyCompromise', CASE WHEN NOT c.possession THEN c.tenant_id END) ON CONFLICT DO NOTHING;
      END IF;
      c.revoked_at := CASE WHEN c.status = 1 THEN date_trunc('second', now()) ELSE c.revoked_at END;
      c.status := CASE WHEN p_reason = 6 THEN 3 ELSE 2 END;
      c.reason := p_reason;
      INSERT INTO siegel.revocation AS v (ca_id, serial, revoked_at, reason, not_after)
      VALUES (c.ca_id, c.serial, c.revoked_at, p_reason, c.not_after)
      ON CONFLICT (ca_id, serial) DO UPDATE SET reason = excluded.reason;
    END IF;
    UPDATE siegel.certificate SET status = c.status, revoked_at = c.revoked_at, reason = c.reason WHERE tenant_id = p_tenant AND id = p_id;
    UPDATE siegel.ca SET crl_wanted_at = clock_timestamp() WHERE id = c.ca_id; -- not now(): a CRL may have been made while this waited
    INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
    VALUES (p_chain, p_seq, p_at, p_tenant, p_actor, action, p_object, p_detail, p_hash);
  END IF;
  IF NOT p_release AND p_reason = 1 THEN
    SELECT coalesce(string_agg(q.id::text, ',' ORDER BY q.id), '') INTO others
      FROM (SELECT x.id FROM siegel.certificate x WHERE x.spki_hash = c.spki_hash AND x.tenant_id = p_tenant AND x.id <> p_id AND x.status <> 2
             LIMIT 50) q;
  END IF;
  RETURN QUERY SELECT repeated, c.reason::int, extract(epoch FROM c.revoked_at)::bigint, c.ca_id, c.profile_id, c.serial, c.status::int,
    c.subject, c.common_name, array_to_string(c.names, E'\n'), extract(epoch FROM c.not_before)::bigint,
    extract(epoch FROM c.not_after)::bigint, floor(extract(epoch FROM c.created_at))::bigint, c.der, c.key_type, c.owner, c.metadata::text,
    c.replaces_id, others;
END $$;

-- The condition on a certificate x of a tenant that a choice means: {"ids": ["17", …]} or {"filter": {"issuer": "…", "not_after": {"lt": "…"},
-- "metadata": {"site": "Ulm"}, …}} or {"condition": "a path as in policies"}. Texts of people are quoted; the names of columns are ours.
CREATE FUNCTION certificate_choice(p_tenant int, p_choice jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := format('x.tenant_id = %s', p_tenant);
  key text;
  value jsonb;
  op text;
  bound text;
BEGIN
  IF p_choice ? 'ids' THEN
    said := said || format(' AND x.id = ANY (%L::bigint[])', (SELECT array_agg(i::bigint) FROM jsonb_array_elements_text(p_choice -> 'ids') i));
  END IF;
  IF p_choice ? 'condition' THEN
    said := said || format(' AND jsonb_path_match(siegel.certificate_document(x, (SELECT k.name FROM siegel.ca k WHERE k.id = x.ca_id),'
      ' (SELECT p.name FROM siegel.profile p WHERE p.id = x.profile_id), (SELECT p.kind FROM siegel.profile p WHERE p.id = x.profile_id)),'
      ' %L::jsonpath, ''{}'', true)', p_choice ->> 'condition');
  END IF;
  FOR key, value IN SELECT * FROM jsonb_each(coalesce(p_choice -> 'filter', '{}')) LOOP
    CASE
      WHEN key IN ('subject', 'common_name', 'requestor', 'source', 'owner', 'key_type') THEN
        said := said || format(' AND x.%I = %L', key, value #>> '{}');
      WHEN key = 'status' THEN
        said := said || format(' AND x.status = %s', CASE value #>> '{}' WHEN 'issued' THEN 1 WHEN 'revoked' THEN 2 WHEN 'held' THEN 3 ELSE 0 END);
      WHEN key = 'profile' THEN
        said := said || format(' AND x.profile_id = (SELECT id FROM siegel.profile WHERE tenant_id = %s AND name = %L)', p_tenant, value #>> '{}');
      WHEN key = 'issuer' THEN
        said := said || format(' AND x.ca_id = (SELECT id FROM siegel.ca WHERE tenant_id = %s AND name = %L)', p_tenant, value #>> '{}');
      WHEN key IN ('serial', 'key_sha256') THEN
        said := said || format(' AND x.%I = decode(%L, ''hex'')', CASE key WHEN 'serial' THEN 'serial' ELSE 'spki_hash' END, value #>> '{}');
      WHEN key = 'names' THEN
        said := said || format(' AND %L = ANY (x.names)', value #>> '{}');
      WHEN key = 'metadata' THEN
        said := said || format(' AND x.metadata @> %L::jsonb', value);
      WHEN key IN ('not_before', 'not_after', 'created_at') THEN
        FOR op, bound IN SELECT * FROM jsonb_each_text(value) LOOP
          said := said || format(' AND x.%I %s %L::timestamptz', key, CASE op WHEN 'lt' THEN '<' WHEN 'le' THEN '<=' WHEN 'gt' THEN '>' ELSE '>=' END,
                                 bound::timestamptz);
        END LOOP;
    END CASE;
  END LOOP;
  RETURN said;
END $$;

-- What a choice means for an action, by its reason (6: hold, 8: release): only certificates that it changes, and none of the house itself.
CREATE FUNCTION certificate_affected(p_tenant int, p_choice jsonb, p_reason int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT siegel.certificate_choice(p_tenant, p_choice)
         || CASE p_reason WHEN 6 THEN ' AND x.status = 1' WHEN 8 THEN ' AND x.status = 3'
                          WHEN 1 THEN ' AND (x.status <> 2 OR x.reason IS DISTINCT FROM 1)' ELSE ' AND x.status <> 2' END
         || ' AND NOT EXISTS (SELECT FROM siegel.profile p WHERE p.id = x.profile_id AND p.definition ->> ''internal'' = ''true'')'
$$;
-- What the policies say of an operation on each of these certificates: a row for each that they refuse, or that others would have to approve
-- (r_effect 'refuse', 'approve'), with the first rule that says so. p_document: the operation as policies see it, but for the certificate.
CREATE FUNCTION certificate_judge(p_tenant int, p_document jsonb, p_id bigint[])
RETURNS TABLE (r_id bigint, r_effect text, r_message text, r_policy text, r_rule text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  rules siegel.policy_rule[];
BEGIN
  SELECT array_agg(r) INTO rules FROM siegel.policy_rule r WHERE r.tenant_id = p_tenant AND p_document ->> 'operation' = ANY (r.operations);
  IF rules IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH x AS MATERIALIZED (
      SELECT row_number() OVER (ORDER BY c.id) AS place, c.id, c.ca_id, c.profile_id, p_document || jsonb_build_object('object', c.id,
             'certificate', siegel.certificate_document(c, k.name, p.name, p.kind) - 'operation') AS doc
        FROM siegel.certificate c JOIN siegel.ca k ON k.id = c.ca_id JOIN siegel.profile p ON p.id = c.profile_id
       WHERE c.tenant_id = p_tenant AND c.id = ANY (p_id)
    ), all_x AS (
      SELECT array_agg(p_tenant) AS t, array_agg(x.ca_id ORDER BY place) AS c, array_agg(x.profile_id ORDER BY place) AS p, array_agg(x.doc ORDER BY place) AS d FROM x
    ), j AS MATERIALIZED (
      SELECT j.* FROM all_x a, siegel.policy_judge(rules, a.t, a.c, a.p, a.d) j WHERE j.r_effect IS NOT NULL
    )
    SELECT DISTINCT ON (x.id) x.id, CASE j.r_effect WHEN 'approve' THEN j.r_effect ELSE 'refuse' END, j.r_message, j.r_policy, j.r_rule
      FROM j JOIN x ON x.place = j.r_place ORDER BY x.id, j.r_effect = 'approve', j.r_policy COLLATE "C", j.r_n;
END $$;
-- How many that are, the highest id, and the first ones. r_refused: how many of the first p_judged the policies would have passed over; p_document
-- as above, null: they aren't asked.
CREATE FUNCTION certificate_count(p_tenant int, p_choice jsonb, p_reason int, p_document jsonb, p_judged int)
RETURNS TABLE (r_count bigint, r_last bigint, r_sample text, r_refused bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  said text := siegel.certificate_affected(p_tenant, p_choice, p_reason);
  ids bigint[];
BEGIN
  EXECUTE 'SELECT count(*), coalesce(max(x.id), 0) FROM siegel.certificate x WHERE ' || said INTO r_count, r_last;
  EXECUTE 'SELECT coalesce(jsonb_agg(q ORDER BY q.n), ''[]'')::text FROM (SELECT x.id AS n, x.id::text AS id, x.subject, encode(x.serial, ''hex'') AS serial,'
          ' x.not_after FROM siegel.certificate x WHERE ' || said || ' ORDER BY x.id LIMIT 20) q' INTO r_sample;
  r_refused := 0;
  IF EXISTS (SELECT FROM siegel.policy_rule r WHERE r.tenant_id = p_tenant AND p_document ->> 'operation' = ANY (r.operations)) THEN
    EXECUTE 'SELECT array_agg(q.id) FROM (SELECT x.id FROM siegel.certificate x WHERE ' || said || ' ORDER BY x.id LIMIT $1) q' INTO ids USING p_judged;
    SELECT count(*) INTO r_refused FROM siegel.certificate_judge(p_tenant, p_document, ids);
  END IF;
  RETURN NEXT;
END $$;
-- The next of them in the order of their ids, locked, each with what the policies say of it (nulls: nothing).
CREATE FUNCTION certificate_next(p_tenant int, p_choice jsonb, p_reason int, p_document jsonb, p_after bigint, p_last bigint, p_limit int)
RETURNS TABLE (r_id bigint, r_effect text, r_message text, r_policy text, r_rule text) LANGUAGE plpgsql AS $$
DECLARE
  ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(q.id ORDER BY q.id) FROM (SELECT x.id FROM siegel.certificate x WHERE ' || siegel.certificate_affected(p_tenant, p_choice, p_reason)
    || ' AND x.id > $1 AND x.id <= $2 ORDER BY x.id LIMIT $3 FOR UPDATE) q' INTO ids USING p_after, p_last, p_limit;
  RETURN QUERY SELECT i, j.r_effect, j.r_message, j.r_policy, j.r_rule
    FROM unnest(ids) i LEFT JOIN siegel.certificate_judge(p_tenant, p_document, ids) j ON j.r_id = i ORDER BY i;
END $$;

-- Revokes, holds or releases many, each with its audit row; the ids are those of certificate_next() in the same transaction.
CREATE FUNCTION certificate_revoke_many(
  p_chain text, p_tenant int, p_reason int, p_id bigint[],
  p_seq bigint[], p_at bigint[], p_actor text[], p_object text[], p_detail text[], p_hash bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_reason = 1 THEN
    PERFORM pg_advisory_xact_lock(q.l) FROM (SELECT DISTINCT siegel.key_lock(x.spki_hash) AS l FROM siegel.certificate x
                                              WHERE x.tenant_id = p_tenant AND x.id = ANY (p_id) ORDER BY 1 OFFSET 0) q;
    INSERT INTO siegel.blocked_key (spki_hash, reason, tenant_id)
    SELECT DISTINCT x.spki_hash, 'keyCompromise', CASE WHEN NOT x.possession THEN x.tenant_id END FROM siegel.certificate x
     WHERE x.tenant_id = p_tenant AND x.id = ANY (p_id) ON CONFLICT DO NOTHING;
  END IF;
  IF p_reason = 8 THEN
    DELETE FROM siegel.revocation v USING siegel.certificate x
     WHERE x.tenant_id = p_tenant AND x.id = ANY (p_id) AND v.ca_id = x.ca_id AND v.serial = x.serial;
    UPDATE siegel.certificate SET status = 1, revoked_at = NULL, reason = NULL WHERE tenant_id = p_tenant AND id = ANY (p_id);
  ELSE
    UPDATE siegel.certificate SET status = CASE WHEN p_reason = 6 THEN 3 ELSE 2 END, reason = p_reason,
           revoked_at = coalesce(revoked_at, date_trunc('second', now())) WHERE tenant_id = p_tenant AND id = ANY (p_id);
    INSERT INTO siegel.revocation AS v (ca_id, serial, revoked_at, reason, not_after)
    SELECT x.ca_id, x.serial, x.revoked_at, x.reason, x.not_after FROM siegel.certificate x WHERE x.tenant_id = p_tenant AND x.id = ANY (p_id)
    ON CONFLICT (ca_id, serial) DO UPDATE SET reason = excluded.reason;
  END IF;
  UPDATE siegel.ca SET crl_wanted_at = clock_timestamp()
   WHERE id IN (SELECT x.ca_id FROM siegel.certificate x WHERE x.tenant_id = p_tenant AND x.id = ANY (p_id));
  INSERT INTO siegel.audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash)
  SELECT p_chain, q, a, p_tenant, ac, CASE p_reason WHEN 6 THEN 'certificate.held' WHEN 8 THEN 'certificate.released' ELSE 'certificate.revoked' END, o, d, h
    FROM unnest(p_seq, p_at, p_actor, p_object, p_detail, p_hash) AS u(q, a, ac, o, d, h);
END $$;

REVOKE ALL ON FUNCTION key_lock, key_faults, intent_add, certificate_add, request_find, request_hold, certificate_find, certificate_revoke,
  certificate_choice, certificate_affected, certificate_judge, certificate_count, certificate_next, certificate_revoke_many FROM PUBLIC;
GRANT EXECUTE ON FUNCTION key_lock, key_faults, intent_add, certificate_add, request_find, request_hold, certificate_find, certificate_revoke,
  certificate_choice, certificate_affected, certificate_judge, certificate_count, certificate_next, certificate_revoke_many TO siegel_ca;
