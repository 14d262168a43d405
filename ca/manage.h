/* Management: every change of product data but the issuing of certificates. An operation is a row in a table of a file in ca/manage/;
 * siegel-api asks for it by name. The manager is the engine's child that does them, one after the other. */
#ifndef SIEGEL_CA_MANAGE_H
#define SIEGEL_CA_MANAGE_H
#include <jansson.h>

#include "ca/desk.h"
#include "lib/ipc/engine.pb-c.h"
#include "lib/rights.h"

DEFINE_CLEANUP(json_t, json_decref)

struct manage_op;

/* One operation under way. */
struct manage {
	struct desk *desk;
	struct arena *arena; /* plain memory of this operation */
	const struct manage_op *op;
	const Siegel__Requestor *who;
	const char *actor;   /* "rest:admin", for audit rows */
	uint64_t rights;     /* of the account that asks */
	int64_t id;          /* what it is done to; 0: something new */
	int version;         /* 0, or the version that the object must still have */
	json_t *body;        /* an object; the getters below take members out of it, so that what is left at the end isn't known */
	const json_t *whole; /* the body as it came, for approvals */
	struct bytes content;
	bool approved;       /* carried out after its approval: none is asked for again */
	int64_t approval_id; /* then: which */
	/* What the operation sets: */
	int64_t ret_id;
	int64_t ret_job;
	int64_t ret_approval; /* of an operation that makes its own: nothing is done yet, it waits for this */
	json_t *ret_result;  /* freed by the caller; NULL: nothing */
	const char *object;  /* of its audit row: "profile/7"; NULL: no row is written, nothing was changed */
	const char *detail;  /* JSON text; NULL: {} */
};

enum {
	MANAGE_KEYS = 1,         /* needs the key store */
	MANAGE_HOUSE = 2,        /* for accounts of the house tenant alone */
	MANAGE_OWN_TX = 4,       /* takes its transactions itself: desk_begin(), manage_audit(), desk_commit() */
	MANAGE_DIRECT = 8,       /* never waits for an approval: it changes nothing, or it is itself part of one */
	MANAGE_NEVER_WAITS = 16, /* its body or its result has a secret, which isn't stored in an approval: a policy that wants one refuses it */
	MANAGE_PROMPT = 32,      /* a person waits for it who signs in: done beside the manager, so that it waits for none of the rest */
	MANAGE_OWN = 64,         /* also with certificates.own: on certificates, on those that are its own; else the operation looks itself */
	MANAGE_PROOF = 128,      /* over a session: one that proved lately who sits there */
	MANAGE_PROOF_RULE = 256, /* when the body has sign_in, or a role that asks less: over such a session, and in no other way */
};

struct manage_op {
	const char *name;    /* "role.create" */
	const char *action;  /* of its audit row: "role.created" */
	enum right right;
	unsigned flags;
	/* Reads the body with the getters, ends with manage_body_end(), then changes the store. 0, or -1 with *e, whose pointer is a member of
	 * the body; then nothing of it stays. E_NOT_FOUND also for what belongs to another tenant. */
	int (*run)(struct manage *m, struct error *e);
};

/* The tables, each ended by a row without a name: one line for each file in list.c. */
extern const struct manage_op *const manage_tables[];
/* The operation of that name; NULL when there is none. */
const struct manage_op *manage_find(const char *name);

/* --- getters: each takes its member out of the body. NULL, -1 or the like when it isn't there; E_BAD_VALUE when it isn't of its type, or
 * when it is required and isn't there. --- */
#define MANAGE_REQUIRED 1
#define MANAGE_PROOF_AGE "10 minutes" /* what changes how somebody signs in wants a proof of who sits there no older than that */
#define MANAGE_PROVE_AGAIN "prove your second factor again first: this session has no proof of the last " MANAGE_PROOF_AGE
bool manage_has(const struct manage *m, const char *name); /* also when it is null */
/* Text of 1 to max octets of UTF-8 without control characters (max 0: any length up to the frame's, line ends allowed); *ret NULL when it
 * isn't there or null. Lives as long as m. */
int manage_text(struct manage *m, const char *name, unsigned flags, size_t max, const char **ret, struct error *e) MUST_CHECK;
/* A number from min to max; absent otherwise. */
int manage_int(struct manage *m, const char *name, unsigned flags, int64_t min, int64_t max, int64_t absent, int64_t *ret, struct error *e)
    MUST_CHECK;
/* *ret -1: not there, else 0 or 1. */
int manage_bool(struct manage *m, const char *name, unsigned flags, int *ret, struct error *e) MUST_CHECK;
/* An object or an array as it is; *ret NULL when it isn't there; owned by m. */
int manage_object(struct manage *m, const char *name, unsigned flags, json_t **ret, struct error *e) MUST_CHECK;
int manage_array(struct manage *m, const char *name, unsigned flags, json_t **ret, struct error *e) MUST_CHECK;
/* Octets in base64. *ret empty when it isn't there. */
int manage_bytes(struct manage *m, const char *name, unsigned flags, size_t max, struct bytes *ret, struct error *e) MUST_CHECK;
/* Owner and metadata, which every object has: checked (metadata: up to LIMIT_METADATA_KEYS texts of a flat object). */
struct ownership {
	bool has_owner, has_metadata;
	const char *owner, *metadata; /* NULL: to be null; metadata as JSON text */
};
int manage_ownership(struct manage *m, struct ownership *ret, struct error *e) MUST_CHECK;
/* Refuses what is left in the body: E_BAD_VALUE with the member as pointer. */
int manage_body_end(struct manage *m, struct error *e) MUST_CHECK;

/* JSON text in the arena. */
const char *manage_json(struct manage *m, const json_t *j) __attribute__((returns_nonnull));
/* The audit row of m->op (with MANAGE_OWN_TX; else it is written by itself). */
int manage_audit(struct manage *m, const char *action, const char *object, const char *detail, struct error *e) MUST_CHECK;
/* E_CONFLICT with the given text when *e comes from a unique key, E_BAD_VALUE when it comes from a check; else *e stays. Gives -1. */
int manage_taken(struct manage *m, const char *member, const char *text, struct error *e);
/* The same of a name, saying which of the two it is; form: what the check wants, such as "small letters and digits". Gives -1. */
int manage_name_refused(struct manage *m, const char *form, struct error *e);
/* E_BAD_VALUE for an item of a list, by its text, or by its number (place from 0) when it is none: "rights: \"x\" isn't a right". Gives -1. */
int manage_text_refused(struct manage *m, const char *member, const json_t *item, size_t place, const char *why, struct error *e);
/* "a, b, c" of a list that NULL ends, in the arena. */
const char *manage_words(struct manage *m, const char *const *words) __attribute__((returns_nonnull));
/* Makes a job of a kind of ca/jobs/ in the transaction that is open, and sets m->ret_job. */
int manage_job(struct manage *m, const char *kind, const json_t *parameters, struct error *e) MUST_CHECK;
/* Carries the operation out: right, approval, transaction, audit. For the manager, and for an approval that is complete, with m->approved.
 * *ret_approval: 0, or what it waits for. */
int manage_run(struct manage *m, int64_t *ret_approval, struct error *e) MUST_CHECK;

/* Runs until the process is to stop or the channel to the master ends. */
int manager_run(const struct config *c, int channel, struct error *e);
/* The same for operations with MANAGE_PROMPT alone, on a chain of its own. */
int manager_run_logins(const struct config *c, int channel, struct error *e);

/* For manage_run(): whether an approval is wanted for m, by the policies of its tenant. When one is, it is stored (or found: the same request
 * again) and *ret_id is it; else 0. E_POLICY: a rule refuses it; that is asked of what was approved too. In ca/manage/approval.c. */
int approval_ask(struct manage *m, int64_t *ret_id, struct error *e) MUST_CHECK;
/* What the policies of this operation can be bound to: whether it is about one CA, and about one profile. In ca/manage/approval.c. */
struct policy_bonds {
	bool ca, profile;
};
struct policy_bonds policy_bonds(const char *operation);
/* In a transaction: the policies that are bound to a CA are bound to the one that took over its name. In ca/manage/policy.c. */
int policies_follow(struct manage *m, int64_t old_ca, int64_t new_ca, struct error *e) MUST_CHECK;
/* The same for the doors of the enrolment protocols. In ca/manage/endpoint.c. */
int endpoints_follow(struct manage *m, int64_t old_ca, int64_t new_ca, struct error *e) MUST_CHECK;
/* In a transaction: m->approval_id is done, and m says what came of it. */
int approval_done(struct manage *m, struct error *e) MUST_CHECK;
/* In a transaction: ends those whose time has run out, up to 500; also those that were approved and that nobody came back for within a day. */
int approvals_expire(struct desk *d, struct arena *a, struct error *e) MUST_CHECK;

#endif
