/* Verification of audit chains, row by row in the order of (chain, seq), against the hashes and against anchors kept elsewhere. */
#ifndef SIEGEL_CLI_VERIFY_H
#define SIEGEL_CLI_VERIFY_H
#include <stdint.h>
#include "lib/arena.h"
#include "lib/db/audit.h"

struct verify;

/* What is found wrong, told as it is found. chain and text live for the call. */
typedef void (*verify_problem)(void *ctx, const char *chain, int64_t seq, const char *text);
/* What was seen of a chain, told at its end. */
typedef void (*verify_chain)(void *ctx, const char *chain, int64_t rows, int64_t first, int64_t last);

/* A verification that tells what it finds to these two, with ctx. The caller frees it. */
struct verify *verify_new(verify_problem problem, verify_chain chain, void *ctx) __attribute__((returns_nonnull));
void verify_free(struct verify *v); /* accepts NULL */
DEFINE_CLEANUP(struct verify, verify_free)
/* Takes one line of an anchor file, "<unix seconds> <chain> <seq> <hash hex>". E_MALFORMED for another form. All anchors come
 * before the first row. */
int verify_anchor(struct verify *v, const char *line, struct error *e) MUST_CHECK;
/* Takes the next row with its stored hash. */
void verify_row(struct verify *v, const char *chain, int64_t seq, const struct audit_row *row, const uint8_t hash[AUDIT_HASH_BYTES]);
/* Tells of something that was found beside the rows, and counts it. */
void verify_fault(struct verify *v, const char *chain, int64_t seq, const char *text);
/* Ends the last chain and tells which anchors met no row. */
void verify_end(struct verify *v);
/* How many problems were told. */
int64_t verify_problems(const struct verify *v);

#endif
