/* ACME, RFC 8555. What is served is a table of operations; each resource is a file. */
#ifndef SIEGEL_ENROLL_ACME_ACME_H
#define SIEGEL_ENROLL_ACME_ACME_H
#include "enroll/acme/jws.h"
#include "enroll/endpoint.h"
#include "lib/http/http.h"

DEFINE_CLEANUP(json_t, json_decref)

struct acme;
struct acme_keys;
struct acme_nonces;
struct acme_validator;

/* The front end's state; config outlives it. E_BAD_VALUE: [acme] base_url isn't set. The caller frees *ret. */
int acme_open(const struct config *c, struct acme **ret, struct error *e) MUST_CHECK;
void acme_close(struct acme *s); /* accepts NULL; no request may be under way */
const struct config *acme_config(const struct acme *s);
struct enroll *acme_enroll(struct acme *s);
struct acme_nonces *acme_nonces(struct acme *s);
struct acme_keys *acme_keys(struct acme *s);
struct acme_validator *acme_validator(struct acme *s); /* NULL in tests without one */
/* "https://ca.example:8443/acme/<label>", in the arena. */
const char *acme_directory_url(const struct acme *s, struct arena *a, const char *label);

/* The account that signed a request. */
struct acme_account {
	int64_t id;              /* 0: there is none with this key */
	const char *status;      /* "valid", "deactivated", "revoked" */
	const char *contacts;    /* with line ends between them */
	bool terms;              /* they were agreed to */
	const char *binding;     /* externalAccountBinding as it was sent: JSON; "": none */
};

#define ACME_IDS 2
#define ACME_NONCE_BYTES 16
#define ACME_NONCE_SEC 1800      /* that one is good */
#define ACME_NONCE_KEY_BYTES 32

/* One request on its way. */
struct acme_exchange {
	struct acme *acme;
	struct http_request *request;
	struct arena *arena;
	struct endpoint endpoint;
	const char *url;             /* of the directory's folder: acme_directory_url() */
	int64_t ids[ACME_IDS];       /* numbers in the path */
	const char *word;            /* text in the path */
	/* By POST: */
	struct jws jws;
	struct jwk key;              /* that signed */
	struct {
		bool due;            /* the signature is verified, by a key that we knew; the store hasn't been asked, nor taken the nonce */
		uint8_t octets[ACME_NONCE_BYTES], key[ACME_NONCE_KEY_BYTES];
	} nonce;
	struct acme_account account;
	json_t *payload;             /* an object; NULL for POST-as-GET */
	/* Of a problem: */
	json_t *problem;             /* more members of it, such as subproblems; NULL: none */
	const char *location;        /* that a refusal names too; NULL: none */
	/* For the log. */
	const char *operation, *detail, *serial;
	int64_t order;
};

/* Who may POST. */
enum acme_signer {
	ACME_NOBODY,
	ACME_ACCOUNT,   /* an account that is valid, by kid */
	ACME_NEW_KEY,   /* any key, by jwk: newAccount */
	ACME_EITHER,    /* both: revokeCert */
};
enum acme_payload {
	ACME_OBJECT,       /* a JSON object */
	ACME_EMPTY,        /* POST-as-GET, RFC 8555 6.3 */
	ACME_OBJECT_OR_EMPTY,
};

typedef int (*acme_handler)(struct acme_exchange *x, struct http_answer *a, struct error *e);

struct acme_operation {
	const char *name;   /* in the log */
	const char *path;   /* below the directory: words, '#' for a number, '*' for any text */
	acme_handler get;   /* GET and HEAD; NULL: they aren't taken */
	enum acme_signer signer;
	enum acme_payload payload;
	bool late;          /* its own statement asks the store who signs: acme_query_signed(); of the account it uses the number alone */
	acme_handler post;  /* fills *a, whose status is 200 and which has all headers that every answer has */
};
/* All of them, ended by NULL. */
extern const struct acme_operation *const acme_operations[];
extern const struct acme_operation acme_directory, acme_new_nonce, acme_new_account, acme_account_resource, acme_account_orders,
    acme_account_key_change, acme_new_order, acme_order_resource, acme_order_finalize, acme_new_authz, acme_authz_resource, acme_challenge_resource,
    acme_certificate_resource, acme_certificate_chain, acme_revoke_cert, acme_renewal_info;

/* http_handler with a struct acme as ctx: the whole way from request to answer. */
void acme_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* A refusal before a request got to acme_handle(). */
void acme_refuse(struct http_request *r, const struct error *e, struct http_answer *a);
/* The operation of a path, the directory's label and what the path names. E_NOT_FOUND. */
int acme_route(struct acme_exchange *x, const char **ret_label, const struct acme_operation **ret, struct error *e) MUST_CHECK;

/* A problem document (RFC 8555 6.7, RFC 7807) for *e, as a JSON value that the caller frees. */
json_t *acme_problem(const struct error *e) __attribute__((returns_nonnull));
/* Adds a subproblem (RFC 8555 6.7.1) about an identifier ("dns:a.example") to the refusal of x. */
void acme_subproblem(struct acme_exchange *x, const char *identifier, const struct error *e);
/* The refusal as an answer: the problem document, and what goes with it. */
void acme_answer_problem(struct acme_exchange *x, const struct error *e, struct http_answer *a);
/* A JSON body; takes over *body. */
void acme_answer_json(struct acme_exchange *x, struct http_answer *a, json_t *body);
/* Adds "Link: <url>;rel=…". */
void acme_answer_link(struct acme_exchange *x, struct http_answer *a, const char *url, const char *rel);

/* One statement, without a tenant: the functions of migrations/0020_acme_requests.sql and 0022_acme_more.sql know whose the directory is. */
int acme_query(struct acme_exchange *x, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
               struct error *e) MUST_CHECK;
/* The same for an operation that is late: one statement that takes the nonce too, or else two. */
struct acme_statement {
	const char *signed_sql; /* begins with the nonces' key, the nonce, the thumbprint; "again" as the first column: nothing was done */
	const char *sql;        /* for when the nonce is taken */
	int skip;               /* so many of params are none of sql's */
};
#define ACME_PARAMS_MAX 24
int acme_query_signed(struct acme_exchange *x, const struct acme_statement *s, const struct db_param *params, int n_params, struct db_result **ret,
                      struct error *e) MUST_CHECK;
/* 0 when the first column of the only row says "own". E_NOT_FOUND without a row, E_FORBIDDEN for "foreign"; what names the thing. */
int acme_own(const struct db_result *r, const char *what, struct error *e) MUST_CHECK;
/* A member of a payload that is a text, which lives as long as the object; absent when it isn't there. E_MALFORMED for another type. */
int acme_text(const json_t *object, const char *name, const char *absent, const char **ret, struct error *e) MUST_CHECK;
/* The address of a thing by its number: resource is "acct", "order", "authz", "chall" or "cert"; in the arena. */
const char *acme_url(struct acme_exchange *x, const char *resource, int64_t id);

/* A number as we write it in addresses: no zero in front, no sign. False: it isn't one. */
bool acme_read_id(const char *text, size_t len, int64_t *ret);

/* Nonces, RFC 8555 6.5: a time, randomness, and a MAC under a key of the store, so that those nobody used cost nothing. */
/* The caller closes it, before en, which it asks for the key. */
struct acme_nonces *acme_nonces_new(struct enroll *en) __attribute__((returns_nonnull));
void acme_nonces_free(struct acme_nonces *p); /* accepts NULL */
/* A fresh one, in the arena. E_STORE when its key can't be read. */
int acme_nonce_make(struct acme_nonces *p, struct arena *a, const char **ret, struct error *e) MUST_CHECK;
/* Whether one is ours and not too old: what the store knows it by, and the key, which the store compares with its own. E_BAD_NONCE. */
int acme_nonce_check(struct acme_nonces *p, const char *nonce, uint8_t ret[ACME_NONCE_BYTES], uint8_t ret_key[ACME_NONCE_KEY_BYTES],
                     struct error *e) MUST_CHECK;
/* The store has another key by now: the next one is made under that. */
void acme_nonces_forget(struct acme_nonces *p);

#endif
