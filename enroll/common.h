/* What the enrolment front ends share: the store, the engine's door, and how the same request gets the same certificate. */
#ifndef SIEGEL_ENROLL_COMMON_H
#define SIEGEL_ENROLL_COMMON_H
#include "lib/arena.h"
#include "lib/auth/auth.h"
#include "lib/config.h"
#include "lib/db/db.h"
#include "lib/ipc/engine.pb-c.h"
#include "lib/secret.h"

struct enroll;

/* What a front end holds while it lives: connections to the store as role and to the engine as caller ("est": the socket
 * ca.est.sock). Connections to the engine are made as they are needed, one for each request that is under way. The caller frees *ret. */
int enroll_open(const struct config *c, const char *caller, const char *role, int db_connections, struct enroll **ret,
                struct error *e) MUST_CHECK;
void enroll_close(struct enroll *en); /* accepts NULL; no call may be under way */
struct db_pool *enroll_db(struct enroll *en);
/* A request by a door of that tenant was refused: for the dashboard (lib/db/tally.h). */
void enroll_refused(struct enroll *en, int32_t tenant_id, enum error_code code);
/* The same for a reason that isn't an error's: db_tally_add_reason(). */
void enroll_failed(struct enroll *en, int32_t tenant_id, const char *reason);
/* db_query() on a connection of the pool, which is given back at once, for that tenant (0: what no tenant's rows are asked for). Text, not binary.
 * Not for whoever holds a connection already. */
int enroll_query(struct enroll *en, int32_t tenant_id, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
                 struct error *e) MUST_CHECK;
/* Asks the engine on a connection of its own: engine_call(). The caller frees *ret with engine_reply_free(). */
int enroll_call(struct enroll *en, const Siegel__Request *request, Siegel__Reply **ret, struct error *e) MUST_CHECK;

struct http_options;
/* Listens on the socket of that name and answers the edge until the process is to stop; options->edge is of no meaning. */
int enroll_serve(const struct config *c, const char *name, const struct http_options *options, struct error *e) MUST_CHECK;

/* An account by its password or one-time code: auth_basic(), which consumes the latter. A good password is kept for a moment (lib/auth/kept.h). */
int enroll_password(struct enroll *en, struct db *db, const char *authorization, struct arena *a, struct principal *ret,
                    struct error *e) MUST_CHECK;

struct http_request;
struct http_answer;
/* A refusal as people want to read it: the status of the error, one line of text/plain, and Retry-After where coming again makes sense. */
void enroll_refuse(struct http_request *r, const struct error *e, struct http_answer *a);

#define ENROLL_KEY_BYTES 32

/* What a request has to come down to, whoever wrote it: the engine refuses it otherwise. NULL and empty: anything that the profile allows. */
struct enroll_identity {
	const char *common_name, *serial_number; /* of the subject */
	bool names_bound;                        /* it names nobody but these; with certificate: and those in it */
	const char *const *names;                /* "dns:a.example" */
	size_t n_names;
	struct bytes certificate;                /* DER: without names_bound subject and names are its; its purposes aren't asked about */
};

/* One certificate that is asked for. */
struct enroll_request {
	const struct principal *who;
	int64_t endpoint_id;           /* of the door (enroll/endpoint.h), part of the request key; 0: the default path */
	struct enroll_identity rules[2]; /* all of them hold */
	bool renewal;                  /* with same_identity_as: it takes that one's place, and the profile's rules on renewal hold */
	int64_t code_id;               /* 0, or the one-time code that is taken for it (enroll/code.h); then window_sec is of no meaning */
	const char *request_id;
	const char *profile;
	const char *ca;                /* "": the tenant's default CA */
	struct bytes csr;              /* DER */
	const char *const *names;      /* "dns:a.example": in place of the alternative names of the CSR; none: those */
	size_t n_names;
	struct bytes same_identity_as; /* a certificate whose subject and names the new one must have; empty: none */
	/* Not NULL: the client has a name of its own for the request (SCEP's transactionID). The request key is then made of it in place of the
	 * CSR's hash, and the same name with another binding is E_KEY_REUSED. */
	const char *transaction;
	struct bytes binding;          /* with transaction: what a repetition has in common with the first */
	const char *operation;         /* the protocol's word for it, part of the request key */
	int window_sec;                /* how long a repetition of the request gets the same certificate */
	bool crmf;                     /* csr is a CertReqMsg (RFC 4211) in place of a PKCS#10 */
	bool server_key;               /* the key is made by the engine; the CSR says subject and names (RFC 7030 4.4.1) */
};

/* Whether ca_id is other_id or a CA that this one followed by roll-over; the store is asked about others alone. */
int enroll_ca_is_of(struct db *db, int32_t ca_id, int32_t other_id, bool *ret, struct error *e) MUST_CHECK;
/* SHA-256 over protocol and door, who asks (account, certificate or identity), the CSR's hash or the transaction, and the operation, each with its
 * length in front. */
void enroll_request_key(const char *protocol, const struct enroll_request *r, uint8_t ret[ENROLL_KEY_BYTES]);

struct enroll_result {
	struct bytes certificate; /* DER */
	const char *serial;       /* hexadecimal, for the log */
	int64_t id;               /* of the store */
	bool repeated;            /* it was issued by an earlier request that this one repeats */
	struct secret *private_key; /* with server_key: PKCS#8 DER (RFC 5958), which the caller frees; else NULL */
};

/* Asks the engine. What the engine refuses comes back as its error. While the same request is under way elsewhere, the engine
 * waits for its certificate (at most 10 s, then E_BUSY). A repetition whose certificate is revoked by now is E_FORBIDDEN; with server_key every
 * repetition is E_CONFLICT: the key is in the first answer alone.
 * *ret lives in the arena. */
int enroll_issue(struct enroll *en, const struct enroll_request *r, struct arena *a, struct enroll_result *ret,
                 struct error *e) MUST_CHECK;

#endif
