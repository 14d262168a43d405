/* Evidence to principals, for a second: a production line asks thousands of times a second with one secret, and a look-up for each would be a
 * tenth of a certificate's cost. Whoever has one clears it when the store tells of a change (lib/db/listener.h); while it can't tell, nothing is
 * kept. Refusals are never kept. For threads. */
#ifndef SIEGEL_LIB_AUTH_KEPT_H
#define SIEGEL_LIB_AUTH_KEPT_H
#include <openssl/sha.h>

#include "lib/auth/auth.h"

#define PRINCIPALS_MS 1000 /* when the store's word is lost, a change counts after that */

/* For so long it is remembered who was good when the store went. */
#define PRINCIPALS_LAST_MS (15 * 60 * 1000)

struct principals;
/* The caller frees it; nothing is kept before principals_changed(p, true). */
struct principals *principals_new(void) __attribute__((returns_nonnull));
void principals_free(struct principals *p); /* accepts NULL */
/* Forgets everything; heard: from now on the store tells of changes. While it doesn't, what was known is for principals_last() alone. For
 * db_listener_start(), with a struct principals as ctx. */
void principals_changed(void *ctx, bool heard);
/* Forgets everything: after a change by this process, which needn't wait for the store's word. */
void principals_forget(struct principals *p);

/* What was asked, and when: an answer counts from the question. */
struct principals_question {
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int64_t asked_ms;
	unsigned generation;
};

/* Who that evidence is, if it is known: *ret in the arena. Fills *ret_question for principals_keep() in any case. */
bool principals_find(struct principals *p, struct bytes evidence, struct arena *a, struct principal *ret, struct principals_question *ret_question)
    MUST_CHECK;
/* Keeps what the store said, for an account by a token, password or session; anything else, and what was asked before a change, is not kept. */
void principals_keep(struct principals *p, const struct principals_question *question, const struct principal *who);

/* While the store can't be heard: who that evidence was when it last said so, PRINCIPALS_LAST_MS ago at most, and nothing that it told of changed
 * since. For what is of use then and gives nothing away that outlives it. *ret in the arena. */
bool principals_last(struct principals *p, struct bytes evidence, struct arena *a, struct principal *ret) MUST_CHECK;

#endif
