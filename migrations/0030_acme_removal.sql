-- A directory of ACME that is deleted is closed at once, and what it had goes in steps, by a job: of a large one that takes minutes.
SET search_path = siegel;

-- protocol 'deleted': no door any more. It has given its name back, and holds no CA and no profile; its accounts are what is left of it.
ALTER TABLE endpoint
  DROP CONSTRAINT endpoint_protocol_check, DROP CONSTRAINT endpoint_auth_check,
  ADD CONSTRAINT endpoint_protocol_check CHECK (protocol IN ('est', 'scep', 'acme', 'deleted')),
  ADD CONSTRAINT endpoint_auth_check CHECK (auth <> '{}' AND
    auth <@ CASE WHEN protocol IN ('acme', 'deleted') THEN ARRAY['http-01', 'dns-01', 'dns-account-01', 'tls-alpn-01', 'device-attest-01']
                 ELSE ARRAY['password', 'code', 'certificate', 'both', 'challenge', 'webhook'] END),
  ALTER COLUMN profile_id DROP NOT NULL,
  ADD CONSTRAINT endpoint_deleted_check CHECK (protocol = 'deleted' OR profile_id IS NOT NULL),
  ADD CONSTRAINT endpoint_closed_check CHECK (protocol <> 'deleted' OR (NOT enabled AND profile_id IS NULL AND ca_id IS NULL));

-- Orders and authorizations are of the directory that their account is of: one key says so in the place of two. And a directory's row goes without a
-- look at all orders of the house.
CREATE UNIQUE INDEX acme_account_of ON acme_account (id, endpoint_id); -- what the keys refer to
ALTER TABLE acme_order
  DROP CONSTRAINT acme_order_account_id_fkey, -- and that of the directory went with 0029
  ADD CONSTRAINT acme_order_account_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES acme_account (id, endpoint_id) ON DELETE CASCADE;
ALTER TABLE acme_authz
  DROP CONSTRAINT acme_authz_endpoint_id_fkey, DROP CONSTRAINT acme_authz_account_id_fkey,
  ADD CONSTRAINT acme_authz_account_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES acme_account (id, endpoint_id) ON DELETE CASCADE;

-- Deletes up to p_limit rows of what a deleted directory had, one account after the other; behind the last one the directory itself. r_more: there is
-- more. Finding nothing to do is no fault: what was done is done.
CREATE FUNCTION acme_directory_remove(p_tenant int, p_endpoint bigint, p_limit int)
RETURNS TABLE (r_accounts int, r_orders int, r_authz int, r_more boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_account bigint;
  v_left int := p_limit;
  v_n int;
BEGIN
  r_accounts := 0;
  r_orders := 0;
  r_authz := 0;
  r_more := EXISTS (SELECT FROM siegel.endpoint n WHERE n.id = p_endpoint AND n.tenant_id = p_tenant AND n.protocol = 'deleted');
  WHILE r_more AND v_left > 0 LOOP
    SELECT a.id INTO v_account FROM siegel.acme_account a WHERE a.endpoint_id = p_endpoint ORDER BY a.thumbprint LIMIT 1;
    IF NOT FOUND THEN
      DELETE FROM siegel.acme_key k WHERE k.id IN (SELECT y.id FROM siegel.acme_key y WHERE y.endpoint_id = p_endpoint LIMIT v_left);
      GET DIAGNOSTICS v_n = ROW_COUNT;
      v_left := v_left - v_n;
      DELETE FROM siegel.acme_count c WHERE c.endpoint_id = p_endpoint AND (c.what, c.whose) IN (
        SELECT d.what, d.whose FROM siegel.acme_count d WHERE d.endpoint_id = p_endpoint LIMIT v_left);
      GET DIAGNOSTICS v_n = ROW_COUNT;
      v_left := v_left - v_n;
      IF v_left > 0 THEN
        DELETE FROM siegel.endpoint n WHERE n.id = p_endpoint;
        r_more := false;
      END IF;
      CONTINUE;
    END IF;
    DELETE FROM siegel.acme_order o WHERE o.id IN (
      SELECT p.id FROM siegel.acme_order p WHERE p.account_id = v_account ORDER BY p.id LIMIT v_left);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    r_orders := r_orders + v_n;
    v_left := v_left - v_n;
    DELETE FROM siegel.acme_authz z WHERE z.id IN (SELECT y.id FROM siegel.acme_authz y WHERE y.account_id = v_account LIMIT v_left);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    r_authz := r_authz + v_n;
    v_left := v_left - v_n;
    IF v_left > 0 THEN
      DELETE FROM siegel.acme_account a WHERE a.id = v_account;
      r_accounts := r_accounts + 1;
      v_left := v_left - 1;
    END IF;
  END LOOP;
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION acme_directory_remove FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme_directory_remove TO siegel_ca;

-- What an order is by now, and whether an authorization counts, is said in one place, to people as to clients.
GRANT EXECUTE ON FUNCTION acme_order_status, acme_authz_stands TO siegel_api;

-- Nonces are good for 30 minutes (ACME_NONCE_SEC), and those that were used are kept for as long, and for two more: front ends' clocks may differ from the
-- store's. The rest is as it was.
CREATE OR REPLACE FUNCTION acme_sweep(p_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  v_all bigint := 0;
  v_n bigint;
BEGIN
  DELETE FROM siegel.acme_nonce n WHERE n.nonce IN (
    SELECT m.nonce FROM siegel.acme_nonce m WHERE m.nonce < siegel.acme_nonce_at(now() - interval '32 minutes') ORDER BY m.nonce LIMIT p_limit);
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
