-- CAs of others: a tenant may import the certificates of any CA in the world, and so of another tenant's. They are listed, and say nothing about who
-- somebody is: evidence are certificates of CAs whose keys are here.
SET search_path = siegel;

CREATE OR REPLACE FUNCTION auth_by_certificate(p_ski bytea, p_serial bytea)
RETURNS TABLE (certificate_id bigint, tenant_id int, der bytea, status smallint, ca_status text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.id, x.tenant_id, x.der, x.status, CASE WHEN t.enabled THEN k.status ELSE 'disabled' END
    FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial JOIN siegel.tenant t ON t.id = x.tenant_id
   WHERE k.ski = p_ski AND k.key_ref <> '';
END $$;

-- Files that are published have the key identifier as their name, and who imports a CA chooses it: no two keys share one, whosever they are.
CREATE UNIQUE INDEX ca_ski ON ca (ski) WHERE key_ref <> '' AND ski <> '';

-- A CA that was here without its key gets it later.
GRANT UPDATE (key_ref) ON ca TO siegel_ca;
