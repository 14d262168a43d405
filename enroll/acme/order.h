/* Orders, RFC 8555 7.1.3. */
#ifndef SIEGEL_ENROLL_ACME_ORDER_H
#define SIEGEL_ENROLL_ACME_ORDER_H
#include "enroll/acme/acme.h"

/* As the store's functions give it. */
struct acme_order {
	const char *found;       /* "own", or what stands in the way */
	bool take;               /* the engine is to be asked now, by us */
	int64_t id;
	const char *status;      /* as clients see it */
	const char *expires;
	const char *identifiers; /* with line ends between them */
	const char *authz;       /* numbers with commas */
	const char *profile;     /* the directory's word for it; "": none */
	const char *replaces;    /* "": nothing */
	const char *error;       /* problem document; "": none */
	struct bytes csr;
	const char *profile_name; /* ours */
	const char *caa;         /* with take: whose CAA records have to be asked about before: JSON of the store's acme_order_caa(); "": nobody's */
	unsigned wait_sec;       /* how long it will take at least; 0: not known */
};
#define ACME_ORDER_SIGNED \
	"r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_error, r_csr, r_profile_name, r_caa"
#define ACME_ORDER_COLUMNS \
	"r_found, r_take, r_id, r_status, r_expires, r_identifiers, r_authz, r_profile, r_replaces, r_error, r_csr, r_profile_name," \
	" CASE WHEN r_take THEN acme_order_caa(r_id) END"
/* The row of ACME_ORDER_COLUMNS or ACME_ORDER_SIGNED, in the arena. E_NOT_FOUND, E_FORBIDDEN: there is none, or another account's. */
int acme_order_read(struct acme_exchange *x, const struct db_result *r, struct acme_order *ret, struct error *e) MUST_CHECK;
/* It as an answer, with Retry-After while it is worked on. */
void acme_order_answer(struct acme_exchange *x, struct http_answer *a, const struct acme_order *o);
/* Asks for CAA records where that is due, then the engine for the certificate of an order that is taken, and stores what came of it: *o as it
 * is then. A fault of ours, or of a name server, leaves it processing. */
int acme_order_issue(struct acme_exchange *x, struct acme_order *o, struct error *e) MUST_CHECK;
/* That an order is one front end's to ask the engine: longer than a call takes, repeated once (LIMIT_ENGINE_CALL_MS), and CAA records before it. */
#define ACME_LEASE_SEC 60
#define ACME_POLL_SEC 1   /* Retry-After of what is worked on */

/* How long orders and authorizations of the directory are good. */
int64_t acme_order_hours(const struct acme_exchange *x);
int64_t acme_authz_hours(const struct acme_exchange *x);
/* How long an authorization is good after its validation, be it used for other orders or not. */
int64_t acme_valid_hours(const struct endpoint *ep);
/* A token of a challenge (RFC 8555 8.1), in the arena. */
int acme_token(struct acme_exchange *x, const char **ret, struct error *e) MUST_CHECK;

#endif
