-- In which key store the key of a CA lies is shown to who may see the CA: the reference itself stays hidden.
SET search_path = siegel;
CREATE FUNCTION ca_key_store(p_ca int) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  -- "token:<id>" is the token of token_label, the others are named by their URIs.
  RETURN (SELECT CASE WHEN k.key_ref = '' THEN NULL WHEN k.key_ref LIKE 'file:%' THEN 'file' WHEN k.key_ref LIKE 'token:%' THEN 'token'
                      ELSE coalesce(substring(k.key_ref FROM '[:;]token=([^;?]*)'), 'token') END
            FROM siegel.ca k WHERE k.id = p_ca AND k.tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
END $$;
REVOKE ALL ON FUNCTION ca_key_store FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ca_key_store TO siegel_api;
