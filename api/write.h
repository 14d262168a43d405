/* Everything that changes but the issuing of certificates: a JSON:API document becomes an operation of the engine's manager (ca/manage/), its
 * answer a resource as the store has it. A resource says in its table what may be written and which operation does it; no handler of its own. */
#ifndef SIEGEL_API_WRITE_H
#define SIEGEL_API_WRITE_H
#include "api/api.h"

/* Handlers of routes that have an operation.
 * POST of a collection: attributes and relationships with the flag ATTRIBUTE_CREATE. 201 with Location, the resource, and what the engine shows
 * this once among its attributes. */
int write_create(struct call *c, struct error *e) MUST_CHECK;
/* PATCH of one: those with ATTRIBUTE_UPDATE, all optional. If-Match, or the attribute version, says on what it rests: E_PRECONDITION when
 * somebody else was faster. 200 with the resource. */
int write_update(struct call *c, struct error *e) MUST_CHECK;
/* DELETE of one. 204. */
int write_delete(struct call *c, struct error *e) MUST_CHECK;
/* POST of what the last segment of the pattern names, to one resource or to the collection: the route's members. The body may be left out when
 * no member is wanted. 200 with the resource; with ROUTE_RESULT what the engine says, as a resource object of the action's name. */
int write_action(struct call *c, struct error *e) MUST_CHECK;
/* POST of octets (the route's raw_bytes says how many at most), cut into pieces that the engine takes one after the other: operation with the
 * members of the query (each text) and "offset" and "last", and the piece as content. Answers as write_action(). */
int write_raw(struct call *c, struct error *e) MUST_CHECK;
/* All of them give 202 when it isn't done yet: with the approval that it waits for, or the job that does it. */

/* For a handler of its own: carries out an operation that needs no approval and makes no job, on c->id if that is a number. *ret is its result, an
 * object, or NULL when it says nothing; the caller releases it. E_UNAVAILABLE when it waits for somebody. */
int write_ask(struct call *c, const char *operation, const json_t *body, json_t **ret, struct error *e) MUST_CHECK;

/* The same, which may wait, and the answer: 200 with the resource, or 202. */
int write_operation(struct call *c, const char *operation, const json_t *body, struct error *e) MUST_CHECK;

/* Whether c->id is there for who asks. E_NOT_FOUND. */
int write_check_there(struct call *c, struct error *e) MUST_CHECK;

/* The body of the engine's operation from the attributes and relationships of a document: a reference that is owned by the caller. create: for a
 * new one. E_BAD_VALUE with the JSON pointer for what is unknown or read-only; E_NOT_FOUND for a relationship to what isn't there. */
struct document;
int write_body(struct call *c, const struct document *d, bool create, json_t **ret, struct error *e) MUST_CHECK;

#endif
