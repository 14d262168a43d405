/* Problem documents, RFC 8555 6.7 and RFC 7807; and the other forms of answers. */
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/identifier.h"

#define TRY_AGAIN_SEC 5 /* when nothing says how long it takes */
#define URN "urn:ietf:params:acme:error:"

json_t *
acme_problem(const struct error *e)
{
	json_t *p = json_pack("{s:s+, s:s, s:i}", "type", URN, error_acme_type(e->code), "detail", e->detail, "status", error_acme_status(e->code));
	if (!p)
		abort(); /* no memory: a detail is UTF-8 (lib/error.c) */
	return p;
}

void
acme_subproblem(struct acme_exchange *x, const char *identifier, const struct error *e)
{
	json_t *one = acme_problem(e);
	json_object_set_new(one, "identifier", acme_identifier_json(identifier));
	json_object_del(one, "status");
	if (!x->problem)
		x->problem = json_object();
	json_t *list = json_object_get(x->problem, "subproblems");
	if (!list) {
		list = json_array();
		json_object_set_new(x->problem, "subproblems", list);
	}
	json_array_append_new(list, one);
}

static struct bytes
dump(struct arena *a, const json_t *body)
{
	char *text = json_dumps(body, JSON_INDENT(2));
	struct bytes b = BYTES_STR(arena_printf(a, "%s\n", text ? text : "{}"));
	free(text);
	return b;
}

static void
put_problem(struct arena *arena, const json_t *p, const struct error *e, struct http_answer *a)
{
	a->status = error_acme_status(e->code);
	a->content_type = "application/problem+json";
	a->body = dump(arena, p);
	unsigned wait_sec = e->retry_after_sec || a->status != 503 ? e->retry_after_sec : TRY_AGAIN_SEC;
	if (wait_sec)
		http_answer_header(a, "Retry-After", arena_printf(arena, "%u", wait_sec));
}

void
acme_refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	json_t *p CLEANUP(json_decref) = acme_problem(e);
	put_problem(r->arena, p, e, a);
}

void
acme_answer_problem(struct acme_exchange *x, const struct error *e, struct http_answer *a)
{
	json_t *p CLEANUP(json_decref) = acme_problem(e);
	*a = (struct http_answer){0};
	if (x->problem)
		json_object_update(p, x->problem);
	if (e->code == E_BAD_ALGORITHM) { /* RFC 8555 6.2 */
		json_t *list = json_array();
		for (size_t i = 0; jose_algorithms[i]; i++)
			json_array_append_new(list, json_string(jose_algorithms[i]));
		json_object_set_new(p, "algorithms", list);
	}
	put_problem(x->arena, p, e, a);
	if (x->location)
		http_answer_header(a, "Location", x->location);
	const char *website = e->code == E_TOO_MANY ? endpoint_text(&x->endpoint, x->arena, "website", "") : "";
	if (*website) /* RFC 8555 6.6 */
		acme_answer_link(x, a, website, "help");
	if (e->code == E_USER_ACTION) /* RFC 8555 7.3.3 */
		acme_answer_link(x, a, endpoint_text(&x->endpoint, x->arena, "terms_of_service", ""), "terms-of-service");
}

void
acme_answer_json(struct acme_exchange *x, struct http_answer *a, json_t *body)
{
	json_t *p CLEANUP(json_decref) = body;
	a->content_type = "application/json";
	a->body = dump(x->arena, p);
}

void
acme_answer_link(struct acme_exchange *x, struct http_answer *a, const char *url, const char *rel)
{
	http_answer_header(a, "Link", arena_printf(x->arena, "<%s>;rel=\"%s\"", url, rel));
}
