/* An order: one request for a certificate, decided and ready to be signed. The engine decides here, and nowhere else. */
#ifndef SIEGEL_CA_ORDER_H
#define SIEGEL_CA_ORDER_H
#include "ca/identity.h"
#include "ca/predecessor.h"
#include "ca/registry.h"
#include "ca/tbs.h"
#include "lib/ipc/engine.pb-c.h"

#define SERIAL_TIME_BYTES 4 /* seconds since 2020, until 2088 */
#define SERIAL_BYTES (SERIAL_TIME_BYTES + 16)

struct order {
	struct arena *arena;
	const Siegel__Issue *request;  /* the caller's, outlives the order */
	struct authority *ca;          /* who issues; held by the order */
	struct profile *profile; /* held by the order */
	struct tbs_input tbs_input;
	struct dn_value subject[LIMIT_RDN_COUNT];
	struct name names[LIMIT_SAN_COUNT];
	uint8_t serial[SERIAL_BYTES];
	uint8_t spki_hash[32];
	EVP_PKEY *private_key;         /* made by the engine; NULL with a CSR */
	struct buf tbs, certificate;   /* DER; the certificate once it is signed */
	struct buf wrapped;            /* the private key for the archive, if the profile keeps it */
	const char *subject_text, *common_name, *names_text; /* as the store keeps them; names one a line */
	const char *validity_rule;
	const char *owner, *metadata;  /* of its row; metadata as JSON text; NULL: none */
	bool changes_names;            /* of the certificate that it renews (RFC 6402 2.8) */
	bool unproven;                 /* nobody showed to have the private key: it is that of a certificate for which nobody did */
	const char *actor, *intent_detail; /* of its audit rows; NULL before the first */
};

/* Decides: finds CA and profile, checks the CSR (possession, key), subject, names and validity by the profile's rules, makes the serial
 * (128 random bits behind the time) and the to-be-signed certificate. made is a private key for a request without a CSR, or NULL: then it is made
 * here; the order takes it over, also on failure. now is the time of the decision. On failure *e says which field of the request
 * is at fault (pointer in the terms of engine.proto). The caller frees *ret with order_free(). */
int order_make(const struct registry *r, const Siegel__Issue *request, EVP_PKEY *made, int64_t now, struct order **ret, struct error *e)
    MUST_CHECK;
/* The same for the successor of a certificate: CA (or the one that took over from it), profile, subject and names, and with same_key the
 * key, are those of p; the rules are those of today. E_CONFLICT when p is revoked, held or expired. p may be NULL: then it is order_make(). */
int order_renew(const struct registry *r, const Siegel__Issue *request, const struct predecessor *p, EVP_PKEY *made, int64_t now,
                struct order **ret, struct error *e) MUST_CHECK;
/* The type of the key that the engine is to make for a request without a CSR, after the same checks; p or NULL as above. */
int order_key_type(const struct registry *r, const Siegel__Issue *request, const struct predecessor *p, const struct keytype **ret,
                   struct error *e) MUST_CHECK;
/* Decides as order_make() would, for people who try a profile: nothing is signed or stored, and a request without a CSR gets a key that nobody
 * will have, the same one again. trial NULL: the profile that the request names, else this one in its place (not internal). What the store alone
 * knows isn't asked: whether the key is blocked, or certified already. The caller frees *ret. */
int order_try(const struct registry *r, const Siegel__Issue *request, const struct profile *trial, int64_t now, struct order **ret,
              struct error *e) MUST_CHECK;
/* Whether the engine makes the key. */
static inline bool
order_makes_key(const Siegel__Issue *request)
{
	return (request->csr.len == 0 || request->server_key) && !request->same_key;
}
/* Lints, signs with the CA's key, verifies, puts the certificate together and compares its to-be-signed part with the intent's; wraps a
 * key that is to be kept. */
int order_sign(struct order *o, struct hsm *hsm, struct error *e) MUST_CHECK;
/* Another serial, and the to-be-signed certificate anew: for another try when it isn't known whether the intent was stored. */
int order_renumber(struct order *o, struct error *e) MUST_CHECK;
void order_free(struct order *o); /* wipes a private key; accepts NULL */
DEFINE_CLEANUP(struct order, order_free)

/* A CA's own certificates, which no client asks for: a key that is given, a profile that is internal. request carries names, days and
 * requestor. issuer NULL: self-signed, and the caller signs *ret with that key. */
int order_make_internal(struct authority *issuer, const struct profile *profile, EVP_PKEY *key, const Siegel__Issue *request, int64_t now,
                        struct order **ret, struct error *e) MUST_CHECK;

#endif
