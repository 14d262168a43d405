/* What the key of a registration authority does: it signs answers that are written here, and unwraps content keys so that nobody learns more than
 * the key. No loop and no store: workers and tests call it. */
#ifndef SIEGEL_CA_RA_KEY_H
#define SIEGEL_CA_RA_KEY_H
#include "hsm/hsm.h"
#include "lib/arena.h"
#include "lib/ipc/engine.pb-c.h"
#include "lib/x509/cert.h"

#define RA_CONTENT_KEY_MAX 32
#define RA_NONCE_MAX 64
#define RA_TRANSACTION_MAX 255

/* A certificate of a registration authority with its key. */
struct ra_key {
	struct arena *arena;
	int32_t tenant_id, ca_id;
	struct cert cert;      /* views into the arena */
	const char *key_ref;
	EVP_PKEY *public_key, *private_key; /* the private key is loaded at its first use */
};

/* E_KEY_STORE for a certificate that can't be read or whose key isn't RSA. The caller frees *ret. */
int ra_key_new(int32_t tenant_id, int32_t ca_id, struct bytes certificate, const char *key_ref, struct ra_key **ret, struct error *e) MUST_CHECK;
void ra_key_free(struct ra_key *k); /* accepts NULL */
DEFINE_CLEANUP(struct ra_key, ra_key_free)

/* Makes the secret from which answers to ciphertexts that are wrong are made. Once, before a process forks: all that share it give the same
 * answers. */
int ra_secret_init(struct error *e) MUST_CHECK;

/* Writes the signed attributes (RFC 5652 5.4, 11; RFC 8894 3.2.1; RFC 5272 3.2) and signs them; the signature is verified. E_BAD_VALUE names
 * what can't be in an answer. Texts and octets of *ret are in the arena. */
int ra_key_sign(struct ra_key *k, struct hsm *h, const Siegel__RaSign *q, struct arena *a, Siegel__RaSigned *ret, struct error *e) MUST_CHECK;
/* The content key of q->key_bytes octets. What is wrong with the ciphertext can't be told: then it is derived from the secret of
 * ra_secret_init() and the ciphertext, by the same steps in the same time (RFC 8017 7.1.2, 7.2.2; RFC 3218 2.3.2). E_BAD_VALUE for a scheme or a
 * length that isn't known, E_KEY_STORE. */
int ra_key_decrypt(struct ra_key *k, struct hsm *h, const Siegel__RaDecrypt *q, uint8_t ret[RA_CONTENT_KEY_MAX], struct error *e) MUST_CHECK;

/* A content key from or for a recipient with a password (RFC 5652 6.2.4, RFC 3211 2.3). ret takes RA_WRAPPED_MAX octets. From a message it is
 * q->key_bytes octets whatever is wrong. E_BAD_VALUE names the parameter at fault. */
#define RA_WRAPPED_MAX 64
int ra_password(struct bytes password, const Siegel__Password *q, uint8_t ret[RA_WRAPPED_MAX], size_t *ret_len, struct error *e) MUST_CHECK;
/* A content key for a recipient with a key of 16, 24 or 32 octets, by AES key wrap (RFC 3394). ret takes 8 octets more than the content key. */
int ra_wrap_key(struct bytes kek, struct bytes content_key, uint8_t ret[RA_CONTENT_KEY_MAX + 8], size_t *ret_len, struct error *e) MUST_CHECK;

#endif
