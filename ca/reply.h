/* Replies of the engine as frames. */
#ifndef SIEGEL_CA_REPLY_H
#define SIEGEL_CA_REPLY_H
#include "ca/order.h"

/* The columns that the results of request_find() and certificate_revoke() have in common; stored_read() knows them. Before them stand three
 * of each one's own. id: the name of a column, or a constant. */
#define STORED_FIRST 3
#define STORED_COLUMNS(id)                                                                                                         \
	id ", r_ca, r_profile, r_serial, r_status, r_subject, r_cn, r_names, r_from, r_to, r_created, r_der, r_key_type, r_owner, r_metadata," \
	   " r_replaces"
/* The column behind them. */
#define STORED_END (STORED_FIRST + 16)

/* A row that request_find() or certificate_revoke() gave, or an order that was stored. */
struct stored {
	int64_t id, not_before, not_after, created_at;
	struct bytes serial, der;
	const char *subject, *common_name, *names; /* names one a line */
	const char *status, *profile, *kind;
	const char *key_type, *owner, *metadata; /* "" for none */
	int64_t replaces_id; /* 0: none */
	const struct authority *ca;
};

/* Reads one of a binary result, for a requestor of tenant. It lives as long as the result and the registry. */
void stored_read(struct stored *s, const struct db_result *r, int row, const struct registry *registry, int32_t tenant);

/* Each appends a frame to out. E_TOO_LARGE can't happen below LIMIT_FRAME_BYTES and ends the connection. */
void reply_error(struct buf *out, const struct error *e);
/* For an order that was just stored: with its private key, if it has one. Copies of that are in the order's arena and in out, which wipe
 * what they free. */
int reply_issued(struct buf *out, struct order *o, int64_t id, int64_t created_at, struct error *e) MUST_CHECK;
/* For a request key that was known. */
void reply_repeated(struct buf *out, struct arena *a, const struct stored *s);
struct revocation {
	int64_t at;
	int reason;
	bool repeated;
	const char *same_key; /* ids of other certificates with the key that was reported compromised, separated by commas */
};
void reply_revoked(struct buf *out, struct arena *a, const struct stored *s, const struct revocation *v);
/* To a revocation that policies have a say in: nothing was done. */
void reply_unjudged(struct buf *out);
/* Any other reply. */
void reply_put(struct buf *out, const Siegel__Reply *reply);

#endif
