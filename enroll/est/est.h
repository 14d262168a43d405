/* EST, RFC 7030 as clarified by RFC 8951, on the default path and on labels. Each operation is a row in a table. */
#ifndef SIEGEL_ENROLL_EST_EST_H
#define SIEGEL_ENROLL_EST_EST_H
#include "enroll/endpoint.h"
#include "lib/http/http.h"

#define EST_PREFIX "/.well-known/est/"
#define EST_CERTS_ONLY_TYPE "application/pkcs7-mime; smime-type=certs-only" /* RFC 7030 4.1.3, 4.2.3 */

struct est;

/* The front end's state; config outlives it. The caller frees *ret. */
int est_open(const struct config *c, struct est **ret, struct error *e) MUST_CHECK;
void est_close(struct est *est); /* accepts NULL; no request may be under way */

enum est_auth {
	EST_AUTH_NONE,        /* RFC 7030 4.1.2: anybody */
	EST_AUTH_ANY,         /* an account's password or a client certificate */
	EST_AUTH_CERTIFICATE, /* a client certificate alone, RFC 7030 4.2.2 */
};

/* One request on its way through an operation. */
struct est_exchange {
	struct est *est;
	struct http_request *request;
	const char *label;      /* NULL: the default path */
	struct endpoint door;   /* what the path says; of the default path made from the configuration */
	struct principal who;   /* not set with EST_AUTH_NONE */
	bool has_certificate;   /* the client showed one, which is good, */
	struct principal shown; /* and this is who it speaks for; who itself, or another with both */
	struct enroll_identity rules[2]; /* what the request has to come down to */
	int64_t code_id;        /* of the one-time code that who speaks with, or 0 */
	const char *serial;   /* of the certificate that was handed out, for the log */
	bool repeated;
};

struct est_operation {
	const char *name;         /* last segment of the path */
	const char *method;
	const char *content_type; /* of the request's body; NULL: there is none */
	enum est_auth auth;
	/* Sets *ret_body (in the request's arena), which goes out as base64 with EST_CERTS_ONLY_TYPE. */
	int (*handle)(struct est_exchange *x, struct bytes *ret_body, struct error *e);
};

extern const struct est_operation est_cacerts, est_simpleenroll, est_simplereenroll;
/* All of them, ended by NULL. */
extern const struct est_operation *const est_operations[];

/* http_handler with a struct est as ctx: the whole way from request to answer. */
void est_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* A refusal as EST clients want it: status and one readable line of text/plain (RFC 7030 4.2.3). */
void est_refuse(struct http_request *r, const struct error *e, struct http_answer *a);
/* What can be told from the request alone: operation and label (NULL: the default path), RFC 7030 3.2.2. E_NOT_FOUND for a path that is no
 * operation, E_BAD_METHOD (*ret_operation is set, for Allow), E_MEDIA_TYPE. */
int est_route(const struct http_request *r, const struct est_operation **ret_operation, const char **ret_label, struct error *e) MUST_CHECK;
/* What x->label leads to: fills x->door. E_NOT_FOUND for a label that isn't there or is closed. */
int est_door(struct est_exchange *x, struct error *e) MUST_CHECK;
/* Who asks, by the evidence that the door takes (RFC 7030 3.2.3, 3.3.2): fills x->who and what goes with it. A certificate that has expired
 * passes with EST_AUTH_CERTIFICATE: the engine decides by the profile. E_UNAUTHENTICATED, E_FORBIDDEN, E_TOO_MANY. */
int est_authenticate(struct est_exchange *x, enum est_auth wanted, struct error *e) MUST_CHECK;

/* A body that should be a CSR → DER: base64 with or without line breaks whatever Content-Transfer-Encoding says (RFC 8951 3.1),
 * and also, for devices that don't encode, DER itself or PEM. The CSR is not looked into; that is the engine's part. */
int est_csr_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e) MUST_CHECK;
/* A SignedData that holds certificates and nothing else (RFC 7030 4.1.3, RFC 5652 5.1), DER, in the arena. */
int certs_only_encode(struct arena *a, const struct bytes *certs, int n, struct bytes *ret, struct error *e) MUST_CHECK;
/* Whether x->who may ask for somebody at all, and for whom: E_FORBIDDEN for an account without the right. *ret_same is the certificate whose identity
 * the new one must have, empty when the asker may ask for others: an account, or a registration authority (RFC 7030 3.7). */
int est_may_enroll(const struct est_exchange *x, struct bytes *ret_same, struct error *e) MUST_CHECK;
/* The request of x for a certificate, but for its CSR: for est_issue() and what else asks the engine for one. same: see est_may_enroll(). */
struct enroll_request est_request(const struct est_exchange *x, const char *operation, struct bytes same);
/* What simpleenroll and simplereenroll have in common. renewal: the new certificate takes the place of same. */
int est_issue(struct est_exchange *x, const char *operation, struct bytes same, bool renewal, struct bytes *ret_body, struct error *e) MUST_CHECK;
/* The tenant of the path. E_NOT_FOUND when the configuration names one that doesn't exist. */
int est_tenant(struct est *est, struct db *db, int32_t *ret, struct error *e) MUST_CHECK;
const struct config *est_config(const struct est *est);
struct enroll *est_enroll(struct est *est);

#endif
