/* What the files authority_*.c share: CAs as management sees them. */
#ifndef SIEGEL_CA_MANAGE_AUTHORITY_H
#define SIEGEL_CA_MANAGE_AUTHORITY_H
#include "ca/found.h"
#include "ca/manage.h"

#define MAX_SUBJECT LIMIT_RDN_COUNT

/* A CA's row as management needs it. Texts live in the operation's arena. */
struct ca_state {
	int32_t id, parent_id, successor_id, profile_id;
	const char *name, *status, *subject_text, *key_ref, *signature;
	bool is_default, external;
	int generation, version;
	struct bytes certificate, csr, ski, spki_hash;
	const char *ocsp_url, *crl_url, *ca_url;
	long crl_interval_sec, crl_overlap_sec;
	const char *owner, *metadata;
};

/* Texts of a request to the order, which wants messages of protobuf-c. */
struct ca_request {
	Siegel__Issue issue;
	Siegel__Requestor requestor;
	Siegel__Attribute attributes[MAX_SUBJECT], *subject[MAX_SUBJECT];
};

/* --- authority.c --- */
/* The CA that m is done to, locked until the transaction ends if one is open. E_NOT_FOUND also for another tenant's; E_PRECONDITION. */
int ca_read(struct manage *m, struct ca_state *ret, struct error *e) MUST_CHECK;
/* "ca/7" in the arena. */
const char *ca_object(struct manage *m, int32_t id) __attribute__((returns_nonnull));
struct founder ca_founder(struct manage *m);
/* Runs change(m, ctx, e) in a transaction of its own. On failure nothing of it stays, and intents that were stored before are abandoned. */
int ca_transaction(struct manage *m, int (*change)(struct manage *m, void *ctx, struct error *e), void *ctx, struct error *e) MUST_CHECK;
/* After the commit: reads CAs anew and makes a CRL, so that there is one before the first certificate. What fails here the scheduler does
 * later. */
void ca_first_crl(struct manage *m, int32_t id);
/* No default but this one: 0 for none. */
int ca_clear_default(struct manage *m, struct error *e) MUST_CHECK;

/* --- authority_wish.c: what a body says --- */
/* The request of the engine itself for the operation's requestor. */
void ca_request_init(struct manage *m, struct ca_request *ret);
/* subject: a list of [type, value]. */
int ca_request_subject(struct manage *m, struct ca_request *q, struct error *e) MUST_CHECK;
/* The subject of a certificate, as values; E_POLICY when it has what can't be said so. */
int ca_request_same_subject(struct manage *m, struct ca_request *q, struct bytes name, struct error *e) MUST_CHECK;
/* days. */
int ca_request_days(struct manage *m, struct ca_request *q, struct error *e) MUST_CHECK;
/* profile, or the one of that id, or the one of that name; and path_length. certified as for found_profile(). The caller frees *ret. */
int ca_profile(struct manage *m, int32_t id, const char *otherwise, bool certified, struct profile **ret, int32_t *ret_id,
    struct error *e) MUST_CHECK;
/* key_type, digest or signature: *ret_signature NULL means the default. */
int ca_algorithm(struct manage *m, const struct keytype *otherwise, const struct keytype **ret, const struct sigalg **ret_signature, struct error *e)
    MUST_CHECK;
/* base_url, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec: NULL or -1 for what isn't there. */
struct ca_places {
	const char *base_url, *ocsp_url, *crl_url, *ca_url;
	int64_t crl_interval_sec, crl_overlap_sec;
};
int ca_places_read(struct manage *m, struct ca_places *ret, struct error *e) MUST_CHECK;
/* Puts them into a row. URLs that aren't there lie under base_url, else beside like_ocsp_url (or NULL); the names of the files are the key
 * identifier. Intervals that aren't there stay as the row has them, or become the usual ones when it has none. */
int ca_places_fill(struct manage *m, const struct ca_places *p, const char *like_ocsp_url, const char *ski_hex, struct found_row *row,
                   struct error *e) MUST_CHECK;

/* --- authority_key.c --- */
/* A new key for a CA. */
struct ca_key {
	const struct keytype *type;
	const struct sigalg *signature; /* NULL: the default */
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key;
	const char *ski_hex; /* its identifier (RFC 5280 4.2.1.2 (1)) in the arena */
};
/* key_store, and the end of the body. Makes it there. */
int ca_key_make(struct manage *m, struct ca_key *k, const char *label, struct error *e) MUST_CHECK;
/* Frees it; keep false: destroys it in its store as well, for nothing came of it. */
void ca_key_end(struct manage *m, struct ca_key *k, bool keep);
/* A certificate signing request (RFC 2986) for a CA: CA:TRUE and its key usages are asked for. The subject whole, as DER. */
int ca_csr_make(struct manage *m, struct bytes subject, EVP_PKEY *key, struct authority *self, const struct keytype *type,
                const struct sigalg *signature, struct bytes *ret, struct error *e) MUST_CHECK;
/* The answer to whoever wants it signed. */
void ca_csr_result(struct manage *m, struct bytes csr);

/* --- authority_rollover.c --- */
/* The new key takes over: name, default and status go from one to the other. In the transaction that is open. */
int ca_take_over(struct manage *m, const struct ca_state *old, int32_t successor_id, struct error *e) MUST_CHECK;
/* Renames a row so that its name is free: "<name>-g<generation>". */
const char *ca_old_name(struct manage *m, const struct ca_state *old) __attribute__((returns_nonnull));

/* --- the operations --- */
int ca_create(struct manage *m, struct error *e);
int ca_update(struct manage *m, struct error *e);
int ca_delete(struct manage *m, struct error *e);
int ca_disable(struct manage *m, struct error *e);
int ca_enable(struct manage *m, struct error *e);
int ca_retire(struct manage *m, struct error *e);
int ca_revoke(struct manage *m, struct error *e);
int ca_install(struct manage *m, struct error *e);
int ca_cross(struct manage *m, struct error *e);
int ca_rollover(struct manage *m, struct error *e);
int ca_renew(struct manage *m, struct error *e);

#endif
