/* The suites of this program, and a house to test with: a CA and its OCSP signer, made by libcrypto. */
#ifndef SIEGEL_TESTS_UNIT_VA_SUITES_H
#define SIEGEL_TESTS_UNIT_VA_SUITES_H
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include "va/signer_set.h"

TCase *tcase_ocsp_request(void);
TCase *tcase_ocsp_response(void);
TCase *tcase_signer_set(void);
TCase *tcase_responder(void);
TCase *tcase_handler(void);
TCase *tcase_pool(void);

struct house {
	EVP_PKEY *ca_key;
	X509 *ca;
	struct ca_row ca_row;
	struct signer_row signer_row;
};

enum signer_fault { SIGNER_RIGHT, SIGNER_NO_EKU, SIGNER_OTHER_ISSUER, SIGNER_FORGED, SIGNER_OTHER_KEY };

/* A CA of that name and number with a signer that lives from one minute ago for life_sec. Lives until house_free(). */
struct house *house_new(const char *name, int32_t ca_id, long life_sec, enum signer_fault fault);
/* Gives the house another signer in place of its own. */
void house_signer(struct house *h, long life_sec, enum signer_fault fault);
/* The same with a key of that type. */
void house_signer_of(struct house *h, const char *type, long life_sec, enum signer_fault fault);
void house_free(struct house *h);
/* The key that signers' keys are wrapped with in all houses. */
const struct secret *house_wrap_key(void);
/* The set of these houses at the present time. */
struct signer_set *house_set(struct house **houses, int n, enum responder_id by);

/* A request made by libcrypto: ids of house h with the digest and serials 1 … n, nonce of nonce_bytes when that isn't 0. The result is
 * good until the next call. */
struct bytes house_request(const struct house *h, const EVP_MD *md, int n, int nonce_bytes);

#endif
