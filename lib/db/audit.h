/* The audit log: rows in the transaction of the change, insert-only, hash-chained. Each writer has a chain of its own (a chain has
 * one writer at a time, held by an advisory lock of the session), so that writers don't wait for each other. */
#ifndef SIEGEL_LIB_DB_AUDIT_H
#define SIEGEL_LIB_DB_AUDIT_H
#include "lib/db/db.h"

#define AUDIT_HASH_BYTES 32
/* A seal signs this line, its time in microseconds since 1970 on a line, and a line "<chain> <seq> <hash>" for the head of each chain. */
#define AUDIT_SEAL_TITLE "siegel audit seal 1"

struct audit_row {
	int64_t at_us; /* microseconds since 1970 */
	int32_t tenant_id; /* 0: none */
	const char *actor; /* who: "rest:line1", "est:CN=device7", "sched" */
	const char *action; /* "certificate.intent", "certificate.issued", … : the list in doc/audit.md */
	const char *object; /* "ca/2/serial/0a1b…" */
	const char *detail; /* JSON text, "{}" when there is nothing more; never a secret */
};

struct audit_chain {
	char name[48]; /* "ca.0.1" */
	int64_t seq; /* of the last row that is committed; 0: none */
	uint8_t head[AUDIT_HASH_BYTES]; /* hash of that row; zeros: none */
};

/* Takes the chain's lock on this connection (waits for a former holder that is still going away, at most 10 s) and reads its head. */
int audit_open(struct db *db, const char *name, struct audit_chain *ret, struct error *e) MUST_CHECK;
/* The same without waiting: E_CONFLICT while another has the lock. For event loops, which try again later. */
int audit_try(struct db *db, const char *name, struct audit_chain *ret, struct error *e) MUST_CHECK;
/* hash = SHA-256(previous hash ‖ each field as 4 bytes of length and its bytes, which are
 * 8 for a number; most significant byte first), in the order chain, seq, at_us, tenant_id, actor, action, object, detail. */
void audit_hash(const uint8_t prev[AUDIT_HASH_BYTES], const char *chain, int64_t seq, const struct audit_row *row,
                uint8_t ret[AUDIT_HASH_BYTES]);
/* Appends one row within the caller's transaction and moves *chain. When the transaction doesn't commit, the caller
 * opens the chain again. */
int audit_append(struct db *db, struct audit_chain *chain, const struct audit_row *row, struct error *e) MUST_CHECK;

#endif
