#include "enroll/possession.h"

#include "enroll/cms.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

int
enroll_csr_verify(const struct csr *csr, bool *ret_known, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	EVP_PKEY_CTX *kept CLEANUP(EVP_PKEY_CTX_free) = NULL;
	const struct keytype *type = NULL;
	if (cms_public_key(csr->spki, &type, &key, e) < 0)
		return -1;
	const struct sigalg *s = keytype_signature_by_algorithm(type, csr->signature_algorithm);
	if (s && !sigalg_verify(s, key, &kept, csr->info, csr->signature))
		return fail(e, E_BAD_CSR, "signature: not made with the private key of the request's public key");
	*ret_known = s != NULL;
	return 0;
}
