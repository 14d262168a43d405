-- The key archive is seen by those who may ask for keys; what leaves it leaves by the engine alone, after as many people as are wanted.
SET search_path = siegel;
GRANT SELECT (tenant_id, certificate_id, created_at) ON archived_key TO siegel_api;
DROP POLICY IF EXISTS own_tenant ON archived_key;
CREATE POLICY own_tenant ON archived_key FOR SELECT TO siegel_api USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
