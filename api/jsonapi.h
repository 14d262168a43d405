/* JSON:API 1.1: documents in, errors out, media types. A place at fault is written in struct error's pointer: "/data/…" is a JSON
 * pointer, "?name" a query parameter, ":name" a header. */
#ifndef SIEGEL_API_JSONAPI_H
#define SIEGEL_API_JSONAPI_H
#include <jansson.h>

#include "api/json.h"
#include "lib/error.h"
#include "lib/http/http.h"

#define JSONAPI_MEDIA_TYPE "application/vnd.api+json"

/* Content-Type and Accept as "Server Responsibilities" wants them: E_MEDIA_TYPE, E_NOT_ACCEPTABLE. raw: the body is octets. */
int jsonapi_check_media(const struct http_request *r, bool raw, struct error *e) MUST_CHECK;

/* A resource object that a client sent. */
struct document {
	json_t *root;       /* owns the rest */
	json_t *attributes; /* an object; NULL when none came */
	json_t *relationships; /* the same */
};

/* Reads one whole document with a primary resource object of that type. E_MALFORMED for what isn't JSON or isn't such a document,
 * E_CONFLICT for another type, E_FORBIDDEN for an id (ids are made by the server). The caller frees with document_free(). */
int document_parse(struct bytes body, const char *type, struct document *ret, struct error *e) MUST_CHECK;
/* The same for a resource that may have relationships. id NULL: a new one; else the document has to have just that id (E_CONFLICT). */
int document_parse_for(struct bytes body, const char *type, const char *id, struct document *ret, struct error *e) MUST_CHECK;
void document_free(struct document *d); /* usable as cleanup with DOCUMENT_CLEANUP */
#define DOCUMENT_CLEANUP __attribute__((cleanup(document_free)))

/* The JSON pointer of an attribute (RFC 6901 3: "~" and "/" escaped); a name that is too long is left out. */
void document_pointer(char ret[96], const char *name);
/* An optional attribute: 0 and *ret NULL (or 0) when it is absent or null; E_BAD_VALUE when it isn't of the type, is empty or longer
 * than max bytes, or lies outside of min to max. */
int document_text(const struct document *d, const char *name, size_t max_bytes, const char **ret, struct error *e) MUST_CHECK;
int document_int(const struct document *d, const char *name, int64_t min, int64_t max, int64_t *ret, struct error *e) MUST_CHECK;

/* Writes the beginning of every document, up to where "data" or "errors" comes. */
void jsonapi_begin(struct json *j);
/* An answer that is an error document; sets Retry-After and WWW-Authenticate where they belong. */
void jsonapi_error_answer(const struct http_request *r, const struct error *e, struct http_answer *a);
/* Memory of jansson is wiped when it is freed, since documents hold passwords. Once at the start of the process. */
void jsonapi_init(void);

#endif
