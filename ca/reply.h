/* Replies of the engine as frames. */
#ifndef SIEGEL_CA_REPLY_H
#define SIEGEL_CA_REPLY_H
#include "ca/order.h"

/* A row that request_find() or certificate_revoke() gave, or an order that was stored. */
struct stored {
	int64_t id, not_before, not_after, created_at;
	struct bytes serial, der;
	const char *subject, *common_name, *names; /* names one a line */
	const char *status, *profile, *kind;
	const struct authority *ca;
};

/* Each appends a frame to out. E_TOO_LARGE can't happen below LIMIT_FRAME_BYTES and ends the connection. */
void reply_error(struct buf *out, const struct error *e);
/* For an order that was just stored: with its private key, which is wiped in o afterwards. */
int reply_issued(struct buf *out, struct order *o, int64_t id, int64_t created_at, struct error *e) MUST_CHECK;
/* For a request key that was known. */
void reply_repeated(struct buf *out, struct arena *a, const struct stored *s);
void reply_revoked(struct buf *out, struct arena *a, const struct stored *s, int64_t revoked_at, int reason, bool repeated);
/* Any other reply. */
void reply_put(struct buf *out, const Siegel__Reply *reply);

#endif
