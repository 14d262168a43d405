#include <config.h>

#include "cli/seal.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/db/audit.h"

DEFINE_CLEANUP(BIO, BIO_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

int
seal_key_file(const char *path, EVP_PKEY **ret, struct error *e)
{
	BIO *in CLEANUP(BIO_free) = BIO_new_file(path, "r");

	*ret = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
	return *ret ? 0 : fail(e, E_BAD_VALUE, "%s isn't a public key in PEM", path);
}

EVP_PKEY *
seal_key_der(struct bytes der)
{
	const unsigned char *p = der.data;

	return d2i_PUBKEY(NULL, &p, (long)der.len);
}

bool
seal_is_good(EVP_PKEY *key, int64_t at_us, const char *heads, struct bytes signature)
{
	BUF_CLEANUP struct buf text = BUF_INIT(4 * 1024 * 1024);
	EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();

	buf_printf(&text, AUDIT_SEAL_TITLE "\n%" PRId64 "\n", at_us);
	buf_add_str(&text, heads);
	return ctx && !text.overflow && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature.data, signature.len, text.data, text.len) == 1;
}
