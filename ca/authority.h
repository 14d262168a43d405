/* A CA in memory: its certificate, its key, and what every certificate of its carries. */
#ifndef SIEGEL_CA_AUTHORITY_H
#define SIEGEL_CA_AUTHORITY_H
#include "ca/publickey.h"
#include "hsm/hsm.h"
#include "lib/arena.h"
#include "lib/x509/cert.h"

#define SIGNATURE_MAX_BYTES SIGALG_MAX_BYTES
#define NAME_TEXT_MAX 64         /* names of tenants, CAs and profiles: the check in the store */

/* migrations/0005_hierarchy.sql says what each means; the words there and these have one order. */
enum authority_status {
	AUTHORITY_PENDING, AUTHORITY_ACTIVE, AUTHORITY_OFFLINE, AUTHORITY_DISABLED, AUTHORITY_SUPERSEDED, AUTHORITY_REVOKED, AUTHORITY_RETIRED
};
/* The word of the store; AUTHORITY_DISABLED for one that isn't known. */
enum authority_status authority_status_parse(const char *word);
const char *authority_status_word(enum authority_status s) __attribute__((returns_nonnull));

struct authority {
	struct arena *arena; /* holds all that is pointed to */
	int users;           /* the registry and each order under way */
	int32_t id, tenant_id, parent_id; /* parent_id 0: self-signed */
	const char *name;
	enum authority_status status;
	bool is_default;
	struct cert cert;    /* views into its DER in the arena */
	struct bytes ski;
	struct bytes above;  /* of one with an external issuer: certificates over it in DER, lowest first, up to and with the root */
	uint8_t spki_hash[32];
	const char *key_ref, *ocsp_url, *crl_url, *ca_url;
	long crl_interval_sec, crl_overlap_sec;
	const struct keytype *type;
	const struct sigalg *signature; /* how it signs; NULL: the default of its type */
	EVP_PKEY *public_key, *private_key; /* the private key is loaded at its first use */
	EVP_PKEY_CTX *sign_ctx, *verify_ctx; /* kept for reuse; NULL for keys that sign whole messages */
	const char *chain_pem; /* itself and up to, without, the root */
};

/* Takes over the arena. Parses the certificate, loads its public key. *ret has one user. */
int authority_new(struct arena *a, const struct authority *fields, struct bytes certificate, struct authority **ret, struct error *e) MUST_CHECK;
/* One more user, which authority_free() ends: an order goes on with the CA that it began with, whatever is read meanwhile. NULL for NULL. */
struct authority *authority_hold(struct authority *ca);
/* Ends one use; the last one frees. Accepts NULL. */
void authority_free(struct authority *ca);
DEFINE_CLEANUP(struct authority, authority_free)

/* How it signs. */
static inline const struct sigalg *
authority_signature(const struct authority *ca)
{
	return ca->signature ? ca->signature : ca->type->signature;
}

/* Signs with the CA's key, then verifies the signature with the key of its certificate: catches faults of the token and of nonces
 * before anything leaves. E_KEY_STORE for either. ret takes SIGNATURE_MAX_BYTES. */
int authority_sign(struct authority *ca, struct hsm *hsm, struct bytes data, uint8_t *ret, size_t *ret_len, struct error *e) MUST_CHECK;
/* Forgets the private key, so that the next signature loads it anew: after the key store was opened again. */
void authority_forget_key(struct authority *ca);

#endif
