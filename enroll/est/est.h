/* EST, RFC 7030 as clarified by RFC 8951, on the default path and on labels. Each operation is a row in a table. */
#ifndef SIEGEL_ENROLL_EST_EST_H
#define SIEGEL_ENROLL_EST_EST_H
#include "enroll/endpoint.h"
#include "enroll/ra.h"
#include "lib/http/http.h"

#define EST_PREFIX "/.well-known/est/"
#define EST_CERTS_ONLY_TYPE "application/pkcs7-mime; smime-type=certs-only" /* RFC 7030 4.1.3, 4.2.3 */

struct est;

/* The front end's state; config outlives it. The caller frees *ret. */
int est_open(const struct config *c, struct est **ret, struct error *e) MUST_CHECK;
void est_close(struct est *est); /* accepts NULL; no request may be under way */

enum est_auth {
	EST_AUTH_NONE,        /* RFC 7030 4.1.2: anybody */
	EST_AUTH_ANY,         /* what the door takes: an account's password, a one-time code, a client certificate, or that with one of the others */
	EST_AUTH_CERTIFICATE, /* a client certificate alone, RFC 7030 4.2.2 */
	EST_AUTH_SIGNER,      /* who signed the message, which the operation finds out */
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
	const char *answer_type; /* of the body, set by the operation; NULL: EST_CERTS_ONLY_TYPE */
	bool verbatim;        /* the body goes out as it is, not as base64 */
	bool secret;          /* the body has a private key: it is wiped after it is sent */
	struct bytes refusal; /* with an error: the body in place of the text, as base64, of answer_type; empty: the text */
	const char *serial;   /* of the certificate that was handed out, for the log */
	bool repeated;
};

struct est_operation {
	const char *name;         /* last segment of the path */
	const char *method;
	const char *content_type; /* of the request's body; NULL: there is none */
	enum est_auth auth;
	/* Sets *ret_body (in the request's arena), which goes out as base64 with EST_CERTS_ONLY_TYPE unless it says something else in x. */
	int (*handle)(struct est_exchange *x, struct bytes *ret_body, struct error *e);
};

extern const struct est_operation est_cacerts, est_simpleenroll, est_simplereenroll, est_fullcmc, est_csrattrs, est_serverkeygen;
/* All of them, ended by NULL. */
extern const struct est_operation *const est_operations[];

/* http_handler with a struct est as ctx: the whole way from request to answer. */
void est_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* A refusal as EST clients want it: status and one readable line of text/plain (RFC 7030 4.2.3). */
void est_refuse(struct http_request *r, const struct error *e, struct http_answer *a);
/* What can be told from the request alone: operation and label (NULL: the default path), RFC 7030 3.2.2. E_NOT_FOUND for a path that is no
 * operation, E_BAD_METHOD (*ret_operation is set, for Allow), E_MEDIA_TYPE. */
int est_route(const struct http_request *r, const struct est_operation **ret_operation, const char **ret_label, struct error *e) MUST_CHECK;
/* What x->label leads to: fills x->door. E_NOT_FOUND for a label that isn't there or is closed, and for a tenant
 * of the default path that the configuration names and that doesn't exist. */
int est_door(struct est_exchange *x, struct error *e) MUST_CHECK;
/* Who asks, by the evidence that the door takes (RFC 7030 3.2.3, 3.3.2): fills x->who and what goes with it. A certificate that has expired
 * passes with EST_AUTH_CERTIFICATE: the engine decides by the profile. E_UNAUTHENTICATED, E_FORBIDDEN, E_TOO_MANY. */
int est_authenticate(struct est_exchange *x, enum est_auth wanted, struct error *e) MUST_CHECK;

/* A body that should be a CSR → DER: base64 with or without line breaks whatever Content-Transfer-Encoding says (RFC 8951 3.1),
 * and also, for devices that don't encode, DER itself or PEM. The CSR is not looked into; that is the engine's part. */
int est_csr_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e) MUST_CHECK;
/* The same for a message of CMS (RFC 7030 4.3.1). */
int est_message_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e) MUST_CHECK;
/* Who asks, by the signature of a message (RFC 5272 3.2): fills x as est_authenticate() does. certificate (DER) is the signer's, whose signature is
 * good already: it has to be a client certificate of ours, or a registration authority's of the door's CA (RFC 7030 3.7), at a door that takes
 * certificates. E_FORBIDDEN. */
int est_authenticate_signer(struct est_exchange *x, struct bytes certificate, struct error *e) MUST_CHECK;
/* The registration authority of the door's CA that signs answers. E_UNAVAILABLE, with a time, while it is being made. */
int est_ra(struct est_exchange *x, struct enroll_ra *ret, struct error *e) MUST_CHECK;
/* What it signed over that content, as a SignedData with also (certificates) beside its own. request says which kind of answer (enroll/ra.h); the
 * digest is SHA-256. DER, in the arena. */
int est_ra_sign(struct est_exchange *x, const struct enroll_ra *ra, Siegel__RaSign *request, struct bytes content_type, struct bytes content,
                const struct bytes *also, int n_also, struct bytes *ret, struct error *e) MUST_CHECK;

/* Whether x->who may ask for somebody at all, and for whom: E_FORBIDDEN for an account without the right. *ret_same is the certificate whose identity
 * the new one must have, empty when the asker may ask for others: an account, or a registration authority (RFC 7030 3.7). */
int est_may_enroll(const struct est_exchange *x, struct bytes *ret_same, struct error *e) MUST_CHECK;
/* The request of x for a certificate, but for its CSR: for est_issue() and what else asks the engine for one. same: see est_may_enroll(); the new
 * certificate takes its place. */
struct enroll_request est_request(const struct est_exchange *x, const char *operation, struct bytes same);
/* What simpleenroll and simplereenroll have in common. */
int est_issue(struct est_exchange *x, const char *operation, struct bytes same, struct bytes *ret_body, struct error *e) MUST_CHECK;
const struct config *est_config(const struct est *est);
struct enroll *est_enroll(struct est *est);

#endif
