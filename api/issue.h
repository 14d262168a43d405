/* POST of a certificate: a JSON:API document to the engine's Issue, the engine's answer to a resource. */
#ifndef SIEGEL_API_ISSUE_H
#define SIEGEL_API_ISSUE_H
#include "api/api.h"
#include "api/jsonapi.h"
#include "lib/limits.h"

#define ISSUE_MAX_SUBJECT LIMIT_RDN_COUNT
#define ISSUE_MAX_NAMES LIMIT_SAN_COUNT

/* Where a name stood in the document. */
struct name_origin {
	const char *attribute;
	int index;
};

/* The engine's message with the memory of its parts; strings belong to the document. */
struct issue {
	Siegel__Issue message;
	Siegel__Requestor requestor;
	Siegel__Attribute subject[ISSUE_MAX_SUBJECT], *subject_list[ISSUE_MAX_SUBJECT];
	Siegel__Name *names; /* these two have as many members as the document has names, in the arena */
	struct name_origin *origin;
	uint8_t request_key[32], body_hash[32];
};

/* What a document for a new certificate may have, as members of the routes that take one. */
enum {
	ISSUE_MEMBERS = 0
#define SUBJECT(attribute, type, text) +1
#define NAMES(attribute, of, text) +1
#define OTHER(attribute, type, flags, of, text) +1
#include "api/issue_inputs.def"
#undef SUBJECT
#undef NAMES
#undef OTHER
};
extern const struct attribute issue_members[ISSUE_MEMBERS];

/* Fills *ret from the attributes of d (all but the requestor and the request key). default_profile is used when the document names
 * none. E_BAD_VALUE with the JSON pointer for an attribute that is unknown, read-only or not of its type. */
int issue_from_document(const struct document *d, const char *default_profile, struct arena *a, struct issue *ret, struct error *e) MUST_CHECK;
/* The same for the successor of a certificate: days, owner and metadata may be said, and of a new key where it comes from. */
int issue_from_renewal(const struct document *d, int64_t id, bool same_key, struct arena *a, struct issue *ret, struct error *e) MUST_CHECK;
/* Turns the engine's field ("names/0", "subject/CN", "days") into the JSON pointer of the request's document. */
void issue_map_pointer(const struct issue *i, const struct document *d, struct error *e);

/* Handler of POST /cert_server and its like: the resource's first type is the document's. */
int issue_post(struct call *c, const char *default_profile, struct error *e) MUST_CHECK;
/* Handler of POST /certificates/{id}/renew and /rekey, whose body may be left out. */
int issue_successor(struct call *c, bool same_key, struct error *e) MUST_CHECK;

#endif
