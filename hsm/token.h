/* Keys on a PKCS#11 token: signing through libp11, making through PKCS#11 itself, because libp11 before 0.4.13 makes no EC keys. */
#ifndef SIEGEL_HSM_TOKEN_H
#define SIEGEL_HSM_TOKEN_H
#include <openssl/evp.h>

#include "lib/secret.h"
#include "lib/x509/keytype.h"

#define TOKEN_ID_BYTES 20

struct token;

/* Loads the module, finds the token by its label and logs in, once. The caller frees *ret. */
int token_open(const char *module, const char *label, const struct secret *pin, struct token **ret, struct error *e) MUST_CHECK;
void token_close(struct token *t); /* accepts NULL */
/* The private key with that CKA_ID; the caller frees *ret. */
int token_key_load(struct token *t, const uint8_t *id, size_t id_len, EVP_PKEY **ret, struct error *e) MUST_CHECK;
/* Makes a key pair on the token and gives its random CKA_ID. */
int token_key_generate(struct token *t, const struct keytype *type, const char *label, const struct secret *pin,
                       uint8_t ret_id[TOKEN_ID_BYTES], struct error *e) MUST_CHECK;

#endif
