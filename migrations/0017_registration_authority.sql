-- Registration authorities: an RSA key beside that of a CA, by which messages are decrypted and answers signed (SCEP, CMC, key packages of EST), so
-- that any kind of CA works. Made on demand: a wish is a CA that somebody asked for it.
SET search_path = siegel;

CREATE TABLE ra (
  ca_id       int NOT NULL REFERENCES ca,
  tenant_id   int NOT NULL REFERENCES tenant,
  serial      bytea NOT NULL,
  key_ref     text NOT NULL,                   -- the key never leaves the key store
  certificate bytea NOT NULL,
  not_before  timestamptz NOT NULL,
  not_after   timestamptz NOT NULL,
  PRIMARY KEY (ca_id, serial)
);
CREATE TABLE ra_wish (
  ca_id     int PRIMARY KEY REFERENCES ca,
  tenant_id int NOT NULL REFERENCES tenant,
  wished_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, DELETE ON ra TO siegel_ca;
GRANT SELECT ON ra_wish TO siegel_ca;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ra', 'ra_wish']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca USING (true)', t);
  END LOOP;
END $$;

-- The CA is to have a registration authority from now on; true when that is new. Who asks works for the tenant of the CA, and it issues. A wish
-- is no change of product data: what is made for it, and when, the engine decides and writes to the audit log.
CREATE FUNCTION ra_want(want_ca int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO ra_wish (ca_id, tenant_id)
    SELECT id, tenant_id FROM ca WHERE id = want_ca AND status = 'active' AND NOT external
       AND tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM pg_notify('ra_wanted', want_ca::text);
  END IF;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION ra_want(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ra_want(int) TO siegel_est, siegel_scep;

-- What a CA's registration authority can be spoken to with now, newest first: its certificates that are valid and good. Of the tenant that is asked for.
CREATE FUNCTION ra_list(want_ca int) RETURNS TABLE (serial bytea, certificate bytea, not_before bigint, not_after bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT r.serial, r.certificate, extract(epoch FROM r.not_before)::bigint, extract(epoch FROM r.not_after)::bigint
    FROM ra r JOIN certificate x ON x.ca_id = r.ca_id AND x.serial = r.serial
   WHERE r.ca_id = want_ca AND r.tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
     AND r.not_before <= now() AND r.not_after > now() AND x.status = 1
   ORDER BY r.not_after DESC, r.serial LIMIT 4
$$;
REVOKE ALL ON FUNCTION ra_list(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ra_list(int) TO siegel_est, siegel_scep;

-- For whom a key that is made here is encrypted (RFC 7030 4.4.1.2): the newest good certificate of the tenant with that public key, by SHA-256 of its
-- SubjectPublicKeyInfo. Null: there is none.
CREATE FUNCTION certificate_of_key(p_spki_hash bytea) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT (SELECT der FROM certificate
           WHERE spki_hash = p_spki_hash AND tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
             AND status = 1 AND not_before <= now() AND not_after > now() ORDER BY id DESC LIMIT 1)
$$;
REVOKE ALL ON FUNCTION certificate_of_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certificate_of_key(bytea) TO siegel_est;

-- CAs that wish for a registration authority and issue, with the life of the newest that is good, in microseconds; null: there is none.
CREATE FUNCTION ra_state() RETURNS TABLE (ca_id int, name text, now_us bigint, not_before_us bigint, not_after_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
  SELECT c.id, c.name, (extract(epoch FROM now()) * 1000000)::bigint, (extract(epoch FROM l.not_before) * 1000000)::bigint,
         (extract(epoch FROM l.not_after) * 1000000)::bigint
    FROM ra_wish w JOIN ca c ON c.id = w.ca_id
    LEFT JOIN LATERAL (SELECT r.not_before, r.not_after FROM ra r JOIN certificate x ON x.ca_id = r.ca_id AND x.serial = r.serial
                        WHERE r.ca_id = w.ca_id AND x.status = 1 ORDER BY r.not_after DESC LIMIT 1) l ON true
   WHERE c.status = 'active' AND NOT c.external AND c.not_after > now() ORDER BY c.id
$$;
REVOKE ALL ON FUNCTION ra_state() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ra_state() TO siegel_sched;

-- A CA that took over from another takes over what is wished of it.
CREATE FUNCTION ra_follow() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO ra_wish (ca_id, tenant_id)
    SELECT n.id, n.tenant_id FROM ca n JOIN ra_wish w ON w.ca_id = NEW.id WHERE n.id = NEW.successor_id
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM pg_notify('ra_wanted', NEW.successor_id::text);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ra_follow AFTER UPDATE OF successor_id ON ca FOR EACH ROW
  WHEN (NEW.successor_id IS NOT NULL AND NEW.successor_id IS DISTINCT FROM OLD.successor_id) EXECUTE FUNCTION ra_follow();

-- An endpoint of SCEP needs it before its first client asks.
CREATE FUNCTION ra_of_endpoint() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  INSERT INTO ra_wish (ca_id, tenant_id)
    SELECT c.id, c.tenant_id FROM ca c
     WHERE c.tenant_id = NEW.tenant_id AND NOT c.external AND (c.id = NEW.ca_id OR NEW.ca_id IS NULL AND c.is_default)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM pg_notify('ra_wanted', '');
  END IF;
  RETURN NULL;
END $$;
DO $$
BEGIN
  IF to_regclass('siegel.endpoint') IS NOT NULL THEN
    CREATE TRIGGER ra_of_endpoint AFTER INSERT OR UPDATE ON siegel.endpoint FOR EACH ROW
      WHEN (NEW.protocol = 'scep') EXECUTE FUNCTION siegel.ra_of_endpoint();
  END IF;
END $$;
