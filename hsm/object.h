/* Keys on a token, through PKCS#11 itself. */
#ifndef SIEGEL_HSM_OBJECT_H
#define SIEGEL_HSM_OBJECT_H
#include <openssl/evp.h>

#include "hsm/token.h"
#include "lib/x509/keytype.h"

#define OBJECT_ID_BYTES 20

/* Whether the token can make and use keys of that type. */
bool object_type_fits(struct token *t, const struct keytype *type);
/* Whether it can decrypt with such a key as well: RSA without padding (CKM_RSA_X_509), which we take off ourselves. */
bool object_type_decrypts(struct token *t, const struct keytype *type);

/* The private key with that CKA_ID whose public key is expected (two keys may carry one id); its handle is good within token_epoch().
 * E_KEY_STORE when it isn't there, isn't that key, or when the token would give it out. */
int object_find(struct token *t, struct bytes id, EVP_PKEY *expected, CK_OBJECT_HANDLE *ret, struct error *e) MUST_CHECK;
/* Makes a key pair that signs, and decrypts if that is asked for, sensitive and not extractable, which is read back; gives its random CKA_ID and
 * its public key, which the caller frees. E_UNSUPPORTED when the token can't make such a key. */
int object_generate(struct token *t, const struct keytype *type, bool decrypts, const char *label, uint8_t ret_id[OBJECT_ID_BYTES],
		    EVP_PKEY **ret_public, struct error *e) MUST_CHECK;
/* Brings a private key onto the token, so that it never comes out again. E_UNSUPPORTED when the token can't hold or take it. */
int object_import(struct token *t, EVP_PKEY *key, const struct keytype *type, const char *label, uint8_t ret_id[OBJECT_ID_BYTES],
		  struct error *e) MUST_CHECK;
/* Destroys the private key and its public one. E_NOT_FOUND when it isn't there. */
int object_delete(struct token *t, struct bytes id, EVP_PKEY *expected, struct error *e) MUST_CHECK;

#endif
