-- What siegel-api reads of the audit log, and what it is told of: roles and tenants decide what an account may do.
SET search_path = siegel;

CREATE TRIGGER role_notify AFTER UPDATE OR DELETE ON role FOR EACH STATEMENT EXECUTE FUNCTION credentials_notify();
CREATE TRIGGER tenant_notify AFTER UPDATE OF enabled ON tenant FOR EACH STATEMENT EXECUTE FUNCTION credentials_notify();

-- A device of a disabled tenant doesn't sign in either: its CA counts as disabled.
CREATE OR REPLACE FUNCTION auth_by_certificate(p_ski bytea, p_serial bytea)
RETURNS TABLE (certificate_id bigint, tenant_id int, der bytea, status smallint, ca_status text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.id, x.tenant_id, x.der, x.status, CASE WHEN t.enabled THEN k.status ELSE 'disabled' END
    FROM siegel.ca k JOIN siegel.certificate x ON x.ca_id = k.id AND x.serial = p_serial JOIN siegel.tenant t ON t.id = x.tenant_id
   WHERE k.ski = p_ski;
END $$;

-- A tenant's auditors read its own audit rows. siegel-api goes on with its own chain, which tells of all tenants: that connection says so.
GRANT SELECT (at_us, actor, action, object, detail) ON audit TO siegel_api;
DROP POLICY read_own ON audit;
CREATE POLICY read_own ON audit FOR SELECT TO siegel_api
  USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
         OR (chain LIKE 'api.%' AND chain = current_setting('siegel.chain', true)));
-- The list of a tenant's events, newest first. Rows come in the order of time, so that the index grows at its right end alone.
CREATE INDEX audit_time ON audit (tenant_id, at_us DESC, chain, seq);
