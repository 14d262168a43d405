/* One-time codes of a door (migrations/0016_enrolment.sql): good for one request, and for its repetitions. */
#ifndef SIEGEL_ENROLL_CODE_H
#define SIEGEL_ENROLL_CODE_H
#include "enroll/endpoint.h"

/* A repetition of the request gets the same certificate for so long; enrollment_code_take() has the same number. */
#define ENROLL_CODE_WINDOW_SEC (30 * 86400)

/* Looks a code up that is good at that door: *ret_who speaks with it (evidence "code"), *ret_rule is what its certificate has to have, *ret_id
 * its id, for struct enroll_request. It isn't taken yet. E_UNAUTHENTICATED, as auth_basic() says it, for one that is unknown, expired, revoked, of
 * another tenant or of another door. All of it in the arena. */
int enroll_code_find(struct db *db, const struct endpoint *ep, struct bytes secret, struct arena *a, struct principal *ret_who,
                     struct enroll_identity *ret_rule, int64_t *ret_id, struct error *e) MUST_CHECK;

/* For enroll_issue(): takes the code for the request with that key. E_FORBIDDEN when another request had it first. */
int enroll_code_take(struct db *db, int64_t id, const uint8_t key[ENROLL_KEY_BYTES], struct error *e) MUST_CHECK;
/* Gives it back after a refusal (refused: what it was); after a fault, or while people are asked, it stays taken by this request. */
void enroll_code_give(struct db_pool *pool, int64_t id, const uint8_t key[ENROLL_KEY_BYTES], const struct error *refused);

#endif
