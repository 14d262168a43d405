/* Secrets encrypted under a key of a token: AES-256-GCM (PKCS#11 2.40 2.11) under secret keys that are labelled "siegel-seal". The first octets of
 * a key's CKA_ID are its number, so that the newest is known; the others are random, so that two processes that make one at the same
 * time make two. */
#ifndef SIEGEL_HSM_SEALING_H
#define SIEGEL_HSM_SEALING_H
#include "hsm/token.h"
#include "lib/buf.h"

#define SEALING_ID_BYTES 12
#define SEALING_NONCE_BYTES 12
#define SEALING_TAG_BYTES 16

/* The id of the key that seals today; made if there is none. */
int sealing_key(struct token *t, uint8_t ret_id[SEALING_ID_BYTES], struct error *e) MUST_CHECK;
/* Makes the next one. */
int sealing_key_rotate(struct token *t, struct error *e) MUST_CHECK;
/* Appends nonce ‖ ciphertext ‖ tag; aad is authenticated with it. */
int sealing_encrypt(struct token *t, const uint8_t id[SEALING_ID_BYTES], struct bytes aad, struct bytes plain, struct buf *out,
		    struct error *e) MUST_CHECK;
/* Undoes it; the caller frees *ret. E_NOT_FOUND when the token doesn't hold the key. */
int sealing_decrypt(struct token *t, const uint8_t id[SEALING_ID_BYTES], struct bytes aad, struct bytes sealed, struct secret **ret,
		    struct error *e) MUST_CHECK;

#endif
