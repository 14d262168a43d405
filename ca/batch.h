/* A batch: orders that are stored together, in one statement and one flush each for their intents and their certificates. */
#ifndef SIEGEL_CA_BATCH_H
#define SIEGEL_CA_BATCH_H
#include "ca/order.h"
#include "lib/db/audit.h"
#include "lib/db/array.h"

#define BATCH_MAX_PARAMS 32

/* Why the store doesn't take an order: the numbers of intent_add() and certificate_add(). */
enum batch_fault { BATCH_KEY_BLOCKED = 3, BATCH_KEY_TAKEN = 4, BATCH_REPLACED_REVOKED = 5 };

struct batch_item {
	struct order *order;
	int64_t id, created_at; /* of the certificate, once it is stored */
	enum batch_fault fault; /* 0: none */
};

/* A statement with its parameters, which live as long as the batch does. */
struct batch {
	struct batch_item items[LIMIT_BATCH];
	size_t n;
	struct db_array arrays[BATCH_MAX_PARAMS];
	struct db_param params[BATCH_MAX_PARAMS];
	int n_params, n_arrays;
	const char *sql;
	struct audit_chain next; /* where the chain stands once the statement is committed */
	char chain_name[48];
	int64_t epoch;           /* of the policies that the orders were held against (ca/verdict.h); 0: of none, they are the engine's own */
	char epoch_text[24];
};

void batch_free(struct batch *b); /* frees the parameters, not the orders */

/* How a statement is put together: columns in the order of its parameters, the chain's name as the first one; chain NULL: it writes no audit
 * rows. */
void batch_begin(struct batch *b, const char *sql, const struct audit_chain *chain);
struct db_array *batch_column(struct batch *b, enum db_array_type type) __attribute__((returns_nonnull));
void batch_text(struct db_array *a, const char *s); /* NULL: null */
/* The six columns of audit rows. */
struct audit_columns {
	struct db_array *seq, *at, *actor, *object, *detail, *hash;
};
struct audit_columns batch_audit_columns(struct batch *b);
/* The next row of the chain; its tenant and action are up to the statement. */
void batch_audit(struct batch *b, struct audit_columns *c, const struct audit_row *row);
/* E_TOO_LARGE when a parameter is. */
int batch_finish(struct batch *b, struct error *e) MUST_CHECK;

/* Prepares intent_add() for the orders of b: request keys, intents, audit rows that go on from *chain. Its result goes to
 * batch_take_faults(). SG008: the policies are others by now. */
int batch_intents(struct batch *b, const struct audit_chain *chain, struct error *e) MUST_CHECK;
/* Prepares certificate_add() for the signed orders of b. Its result goes to batch_take_ids(). */
int batch_certificates(struct batch *b, const struct audit_chain *chain, struct error *e) MUST_CHECK;
/* Prepares the mark on the intents of orders that weren't signed. */
int batch_abandon(struct batch *b, struct error *e) MUST_CHECK;
/* The same for every intent of a chain that a former holder of it left: their serials are never used. The caller holds the chain's lock. */
int intents_abandon(struct db *db, const char *chain, struct error *e) MUST_CHECK;
/* Puts the faults of a result of intent_add() into the items. When there are any nothing was stored, and the chain stands where it stood. */
void batch_take_faults(struct batch *b, const struct db_result *r);
bool batch_has_faults(const struct batch *b);
/* What the one is told who asked for an order with a fault. */
void batch_fault_error(enum batch_fault fault, struct error *e);
/* Puts the ids of a binary result of certificate_add() into the items, or their faults, with which nothing was stored; E_INTERNAL when an id
 * is missing. */
int batch_take_ids(struct batch *b, const struct db_result *r, struct error *e) MUST_CHECK;

/* A refusal, for the audit log. */
struct note {
	int64_t at_us;
	int32_t tenant_id;
	char actor[160], object[64], detail[768];
};
/* Prepares the audit rows "request.refused" of n notes. */
int batch_notes(struct batch *b, const struct audit_chain *chain, const struct note *notes, size_t n, struct error *e) MUST_CHECK;

/* certificate_revoke() for one certificate. What its result begins with, and then STORED_COLUMNS: */
enum { REVOKED_REPEATED, REVOKED_REASON, REVOKED_AT };
enum { REASON_HOLD = 6, REASON_RELEASE = 8 }; /* certificateHold and removeFromCRL, RFC 5280 5.3.1 */
/* The number of a reason that makes sense for end entities, or of a hold or its release, by its name there. -1: none. */
int reason_parse(const char *word);
const char *reason_word(int reason); /* the other way; NULL: none */
#define BATCH_REVOKE_PARAMS 15
struct batch_revocation {
	const char *sql;
	struct db_param params[BATCH_REVOKE_PARAMS]; /* in the arena, and in next */
	int n_params;
	struct audit_chain next; /* where the chain stands once the statement is committed, unless the answer is that it was revoked before */
};
/* Prepares it, with its audit row, which goes on from *chain. judged: the policies of the tenant have had their say. When they haven't, a request
 * that comes over ACME has them asked by the statement itself, because there is nobody who would wait for the answer; and it looks whether who asks
 * may. */
void batch_revoke(struct batch_revocation *b, const Siegel__Revoke *q, bool judged, const struct audit_chain *chain, struct arena *a);
/* SQLSTATE of a revocation that policies have a say in, and that wasn't judged by them: the manager does it (ca/manage/certificate.c). */
#define REVOKE_WANTS_JUDGING "SG009"
/* What the client is told for another SQLSTATE that certificate_revoke() raises, with its message. False: it isn't one. */
bool batch_revoke_error(const char *state, const char *message, struct error *e);

/* "rest:line1": who asked, as the audit log and the certificate's row name it. */
const char *requestor_text(struct arena *a, const Siegel__Requestor *q) __attribute__((returns_nonnull));
/* Microseconds since 1970. */
int64_t now_us(void);
/* A JSON object of pairs of key and text, ended by NULL. */
const char *detail_text(struct arena *a, ...) __attribute__((sentinel, returns_nonnull));

#endif
