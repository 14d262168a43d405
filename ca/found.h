/* Founding: how CAs and the certificates for their keys are made, by the bootstrap and by management. */
#ifndef SIEGEL_CA_FOUND_H
#define SIEGEL_CA_FOUND_H
#include "ca/registry.h"
#include "ca/signer.h"

#define CRL_INTERVAL_ISSUING_SEC (24 * 3600)
#define CRL_INTERVAL_ROOT_SEC (90 * 24 * 3600)
#define CRL_OVERLAP_SEC (6 * 24 * 3600) /* verifiers have a valid list for this long when a CRL can't be made */
#define PATH_LENGTH_OF_PROFILE (-2)

/* What works for whoever founds. */
struct founder {
	struct db *db;
	struct audit_chain *chain;
	struct hsm *hsm;
	const struct registry *registry;
};

/* A certificate for the key of a CA. */
struct found_wish {
	struct authority *issuer;       /* NULL: self-signed */
	struct authority *self;         /* of a self-signed one: whose key signs; NULL: key itself does */
	const struct profile *profile;
	EVP_PKEY *key;                  /* the public key, or the pair that signs itself */
	const struct sigalg *signature; /* of a self-signed one; NULL: the default of its key */
	struct bytes exact_subject;     /* of a CA that there is already; empty: that of issue */
	int64_t not_after;              /* not later than this; 0: as the profile says */
	const Siegel__Issue *issue;     /* subject, days, requestor */
	bool unproven;                  /* nobody showed to have the private key */
};

/* A copy of a CA's profile for one certificate: with another path length unless that is PATH_LENGTH_OF_PROFILE, and with certified for a key
 * that is certified already. The profile must live longer. The caller frees *ret with profile_free(). E_POLICY: no profile of CAs, or one
 * whose path length is smaller. */
int found_profile(const struct profile *base, int path_length, bool certified, struct profile **ret, struct error *e) MUST_CHECK;
/* Decides, checks what all CAs over it allow (RFC 5280 6.1), stores the intent and signs. E_POLICY says who stands in the way, E_CONFLICT
 * that the issuer is out of service. After a failure an intent may be there: intents_abandon(). */
int found_sign(const struct founder *f, const struct found_wish *w, struct order **ret, struct error *e) MUST_CHECK;
/* Stores the signed certificate with its issuer, in the transaction that is open; a self-signed one is with nobody. */
int found_store(const struct founder *f, struct order *o, struct error *e) MUST_CHECK;

/* A new row of the table ca. */
struct found_row {
	int32_t tenant_id, parent_id, profile_id; /* parent_id 0: none of ours */
	const char *name, *status, *subject;
	bool is_default, external;
	int generation;
	struct bytes certificate; /* empty: it waits for one */
	int64_t not_before, not_after;
	struct bytes csr;         /* of an external one */
	uint8_t ski[20], spki_hash[32];
	const char *key_ref, *key_type, *signature; /* signature NULL: the default of the key type */
	const char *ocsp_url, *crl_url, *ca_url;
	long crl_interval_sec, crl_overlap_sec;
	const char *owner, *metadata;
};
/* Puts it into the store, in the transaction that is open, and its certificate among those of the CA. */
int found_row_add(struct db *db, const struct found_row *row, int32_t *ret_id, struct error *e) MUST_CHECK;
/* Takes subject, validity, certificate and key identifiers from an order. */
void found_row_take(struct found_row *row, const struct order *o);
/* Keeps a certificate for the key of a CA: kind as in the table ca_certificate; issuer 0: none of ours. One that is there stays. With "own"
 * the former own one becomes "previous". */
int found_keep(struct db *db, int32_t tenant_id, int32_t ca_id, int32_t issuer_id, const char *kind, struct bytes certificate, struct error *e)
    MUST_CHECK;
/* The default URLs under a base URL for a key identifier in hexadecimal, in the arena. */
void found_urls(struct arena *a, const char *base_url, const char *ski_hex, struct found_row *row);

#endif
