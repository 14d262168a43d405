/* The CAs that we answer for and the delegated signer of each (RFC 6960 4.2.2.2): an immutable set, shared by reference. */
#ifndef SIEGEL_VA_SIGNER_SET_H
#define SIEGEL_VA_SIGNER_SET_H
#include <stdbool.h>
#include <stdint.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/secret.h"
#include "lib/x509/sigalg.h"
#include "va/ocsp_request.h"

/* A CA as the store has it. */
struct ca_row {
	int32_t id;
	struct bytes certificate;
};
/* A delegated signer as the store has it. */
struct signer_row {
	int32_t ca_id;
	struct bytes serial, certificate, wrapped_key;
};

enum responder_id { RESPONDER_BY_KEY, RESPONDER_BY_NAME };

struct signer {
	int32_t ca_id;
	uint8_t made_of[32];         /* SHA-256 of the rows of this CA */
	/* Of the issuer, for each hash that a CertID may use (RFC 6960 4.1.1). */
	uint8_t name_hash[OCSP_HASH_COUNT][OCSP_HASH_MAX_BYTES], key_hash[OCSP_HASH_COUNT][OCSP_HASH_MAX_BYTES];
	EVP_PKEY *key;               /* NULL: this CA has no signer at the moment */
	int64_t not_before, not_after; /* when answers may be signed: where the lives of signer and CA overlap */
	struct buf responder_id;     /* ResponderID, whole element */
	struct buf certs;            /* certs [0] of BasicOCSPResponse, whole element: the signer's certificate */
	const struct sigalg *signature; /* how it signs: the default of its key */
	EVP_MD *digest;              /* of it, fetched once: a fetch for each answer costs a tenth of a signature; NULL: it has none */
};

struct signer_set {
	int n;
	struct signer *signers;      /* one for each CA, in the order of their ids */
	uint32_t *by_key[OCSP_HASH_COUNT]; /* places in signers and one more, found by the hash of the key; 0: free */
	size_t mask;                 /* of these tables */
	unsigned references;         /* atomic */
};

/* Makes a set from rows; for each CA the usable signer that lives longest at time now is taken. A CA without one stays in the set
 * without a key. before (may be NULL) is a former set: what was made of the same rows is taken over from it, and costs nothing. What is wrong
 * with a row is told to report (may be NULL), and the row is left out. wrap_key: 32 bytes. The
 * caller drops *ret with signer_set_drop(). */
int signer_set_new(const struct ca_row *cas, int n_cas, const struct signer_row *rows, int n_rows, const struct secret *wrap_key,
                   enum responder_id by, int64_t now, const struct signer_set *before, void (*report)(const struct error *e),
                   struct signer_set **ret, struct error *e) MUST_CHECK;
struct signer_set *signer_set_ref(struct signer_set *s);
void signer_set_drop(struct signer_set *s); /* accepts NULL; the last one frees */
DEFINE_CLEANUP(struct signer_set, signer_set_drop)

/* Index of the CA that the CertID names, or -1 when it is none of ours. */
int signer_set_find(const struct signer_set *s, const struct ocsp_certid *id);
/* True when each CA has a signer that may sign at that time. */
bool signer_set_complete(const struct signer_set *s, int64_t now);

#endif
