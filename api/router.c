/* The route table is that of the resources. */
#include "config.h"
#include "api/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jsonapi.h"
#include "api/rights.h"
#include "lib/limits.h"
#include "lib/log.h"

#define RESOURCE(name) extern const struct resource resource_##name;
#include "api/resources/list.def"
#undef RESOURCE

const struct resource *const resource_list[] = {
#define RESOURCE(name) &resource_##name,
#include "api/resources/list.def"
#undef RESOURCE
	NULL,
};

const struct resource *
resource_find(const char *path)
{
	for (const struct resource *const *r = resource_list; *r; r++)
		if (strcmp((*r)->path, path) == 0)
			return *r;
	return NULL;
}

bool
id_is_number(const char *id)
{
	size_t n = strspn(id, "0123456789");

	return n > 0 && n < 19 && !id[n] && id[0] != '0';
}

bool
id_is_pair(const char *id)
{
	size_t first = strspn(id, "0123456789"), second = id[first] == '-' ? strspn(id + first + 1, "0123456789") : 0;

	return first > 0 && first < 10 && second > 0 && second < 19 && !id[first + 1 + second];
}

/* Segment by segment; *ret_id points at the one that stands for "{id}". */
static bool
matches(const char *pattern, const char *path, const char **ret_id, size_t *ret_id_len)
{
	while (*pattern && *path) {
		size_t a = 1 + strcspn(pattern + 1, "/"), b = 1 + strcspn(path + 1, "/");

		if (a == 5 && strncmp(pattern, "/{id}", 5) == 0) {
			if (b < 2)
				return false;
			*ret_id = path + 1;
			*ret_id_len = b - 1;
		} else if (a != b || strncmp(pattern, path, a) != 0) {
			return false;
		}
		pattern += a;
		path += b;
	}
	return !*pattern && !*path;
}

int
router_find(struct arena *a, const char *method, const char *path, const struct resource **ret_resource, const struct route **ret_route,
            const char **ret_id, char *allow, struct error *e)
{
	const char *id = NULL, *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	size_t id_len = 0, prefix = strlen(API_PREFIX);

	allow[0] = '\0';
	if (strncmp(path, API_PREFIX, prefix) != 0 || path[prefix] != '/')
		return fail(e, E_NOT_FOUND, "there is nothing at this address");
	path += prefix;
	for (const struct resource *const *r = resource_list; *r; r++) {
		for (int i = 0; i < (*r)->n_routes; i++) {
			const struct route *route = &(*r)->routes[i];

			id = NULL; /* of this pattern, not of one that took the same path for another method */
			if (!matches(route->pattern, path, &id, &id_len))
				continue;
			if (strcmp(route->method, wanted) == 0) {
				*ret_resource = *r;
				*ret_route = route;
				*ret_id = id ? arena_strndup(a, id, id_len) : NULL;
				return 0;
			}
			snprintf(allow + strlen(allow), 64 - strlen(allow), "%s%s", *allow ? ", " : "",
			         strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method);
		}
	}
	if (*allow)
		return fail(e, E_BAD_METHOD, "this address takes %s", allow);
	return fail(e, E_NOT_FOUND, "there is nothing at this address");
}

/* Accounts that see their own alone have the store look as siegel_portal, which has no right on anything else: a condition that was forgotten
 * somewhere shows nothing. What is by_account says itself whose it is. */
static int
become_portal(struct call *c, struct error *e)
{
	if (db_query(c->db, "SELECT set_config('siegel.account', $1::text, false), set_config('role', 'siegel_portal', false)",
	             &DB_INT(c->who.account_id), 1, false, NULL, e))
		return -1;
	c->disguised = true;
	return 0;
}

int
call_db(struct call *c, struct error *e)
{
	if (!c->db && db_pool_take(c->listing ? c->api->lists : c->api->pool, &c->db, e))
		return -1;
	/* Before anybody is known there is no tenant to see. */
	if (c->who.tenant_id && auth_set_tenant(c->db, c->who.tenant_id, e))
		return -1;
	if (c->own && !(c->resource && c->resource->by_account))
		return become_portal(c, e);
	if (!c->resource || !c->resource->by_account)
		return 0;
	return db_query(c->db, "SELECT set_config('siegel.account', $1::text, false), set_config('siegel.session', $2::text, false)",
	                (struct db_param[]){DB_INT(c->who.account_id), DB_INT(c->who.session_id)}, 2, false, NULL, e);
}

int
call_list(struct call *c, struct error *e)
{
	if (atomic_fetch_add(&c->api->n_lists, 1) >= LIMIT_LISTS) {
		atomic_fetch_sub(&c->api->n_lists, 1);
		(void)fail(e, E_UNAVAILABLE, "too many lists are being asked for at the same time");
		e->retry_after_sec = 1;
		return -1;
	}
	call_release_db(c);
	c->listing = true;
	return 0;
}

void
call_release_db(struct call *c)
{
	struct error e;

	/* A connection that can't be made what it was is of use to nobody: db_alive() is false after a failure that isn't the statement's. */
	if (c->db && c->disguised && db_alive(c->db) && db_query(c->db, "RESET ROLE", NULL, 0, false, NULL, &e))
		log_error(LOG_LEVEL_ERROR, "a connection keeps the role siegel_portal", &e);
	c->disguised = false;
	if (c->db)
		db_pool_give(c->listing ? c->api->lists : c->api->pool, c->db);
	c->db = NULL;
}

static struct engine *
engine_of_thread(const struct api *api, pthread_key_t key, const char *caller)
{
	struct engine *en = pthread_getspecific(key);

	if (!en) {
		en = engine_new(api->config, caller);
		if (pthread_setspecific(key, en))
			abort(); /* out of memory for a pointer */
	}
	return en;
}

struct engine *
call_engine(struct call *c)
{
	return engine_of_thread(c->api, c->api->engine_key, "api");
}

struct engine *
call_manager(struct call *c)
{
	return engine_of_thread(c->api, c->api->manager_key, "manage");
}

struct engine *
call_login(struct call *c)
{
	return engine_of_thread(c->api, c->api->login_key, "login");
}

void
call_requestor(const struct call *c, Siegel__Requestor *ret)
{
	siegel__requestor__init(ret);
	ret->tenant_id = c->who.tenant_id;
	ret->account_id = c->who.account_id;
	ret->name = (char *)(uintptr_t)c->who.name;
	ret->role = (char *)(uintptr_t)c->who.role;
	ret->evidence = (char *)(uintptr_t)evidence_name(c->who.evidence);
	ret->source = (char *)(uintptr_t)"rest";
	ret->session_id = c->who.session_id;
	ret->request_id = (char *)(uintptr_t)c->request->request_id;
}

int
call_answer(struct call *c, int status, struct json *j, struct error *e)
{
	if (buf_check(&j->out, e))
		return fail(e, E_TOO_LARGE, "the answer is too large; ask for fewer members or fields");
	c->answer->status = status;
	c->answer->content_type = JSONAPI_MEDIA_TYPE;
	c->answer->body = (struct bytes){arena_dup(c->arena, j->out.data, j->out.len), j->out.len};
	http_answer_header(c->answer, "Vary", "Accept");
	return 0;
}

char *
call_link(const struct call *c, const char *collection, const char *id)
{
	return arena_printf(c->arena, "%s" API_PREFIX "/%s%s%s", c->api->base_url, collection, id ? "/" : "", id ? id : "");
}

static void
write_log(const struct call *c, const struct error *e)
{
	enum log_level level = c->answer->status >= 500 ? LOG_LEVEL_WARNING : c->answer->status >= 400 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	char status[12];

	snprintf(status, sizeof status, "%d", c->answer->status);
	log_event(level, e ? "request refused" : "request", "request", c->request->request_id, "client", c->request->client, "account",
	          c->who.name, "method", c->request->method, "path", c->request->path, "status", status, "code",
	          e ? error_name(e->code) : NULL, "detail", e ? e->detail : NULL, NULL);
}

/* What went wrong inside is for the log; the client gets the id under which it stands there. */
static struct error
for_client(const struct error *e)
{
	struct error shown = *e;

	if (e->code == E_INTERNAL || e->code == E_STORE || e->code == E_KEY_STORE) {
		(void)fail(&shown, e->code, "try again later; the log has more under the id of this error");
		shown.retry_after_sec = e->retry_after_sec;
	}
	return shown;
}

static void
answer_error(struct call *c, const struct error *e, const char *allow)
{
	struct error shown = for_client(e);

	*c->answer = (struct http_answer){0};
	jsonapi_error_answer(c->request, &shown, c->answer);
	if (e->code == E_BAD_METHOD && *allow)
		http_answer_header(c->answer, "Allow", arena_strdup(c->arena, allow));
	/* RFC 9110 11.6.1: a 401 says how to sign in. */
	if (e->code == E_UNAUTHENTICATED)
		http_answer_header(c->answer, "WWW-Authenticate",
		                   c->route && c->route->right == RIGHT_BASIC ? "Basic realm=\"siegel\", charset=\"UTF-8\""
		                                                              : "Bearer realm=\"siegel\"");
	write_log(c, e);
}

void
router_handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	struct call c = {.api = ctx, .request = r, .answer = a, .arena = r->arena};
	char allow[64] = "";
	struct error e = {0};

	if (router_find(r->arena, r->method, r->path, &c.resource, &c.route, &c.id, allow, &e) ||
	    (!(c.route->flags & ROUTE_FILE) && jsonapi_check_media(r, c.route->raw_bytes, &e)) ||
	    rights_check(&c, &e) || c.route->handle(&c, &e)) {
		if (c.route && c.route->flags & ROUTE_CREATES)
			db_tally_add(c.api->refusals, c.who.tenant_id, e.code);
		answer_error(&c, &e, allow);
	} else {
		write_log(&c, NULL);
	}
	/* A browser keeps nothing of what it was shown: who comes after it doesn't see it (W10). */
	if (c.who.session_id && !a->secret)
		http_answer_header(a, "Cache-Control", "no-store");
	call_release_db(&c);
	if (c.listing)
		atomic_fetch_sub(&c.api->n_lists, 1);
}

int
router_admit(void *ctx, struct http_request *r, size_t *ret_max_bytes, struct error *e)
{
	struct call c = {.api = ctx, .request = r, .arena = r->arena};
	char allow[64];
	int result = 0;

	*ret_max_bytes = LIMIT_BODY_BYTES;
	/* What is wrong with an ordinary request is said when it is complete. */
	if (router_find(r->arena, r->method, r->path, &c.resource, &c.route, &c.id, allow, e) || !c.route->raw_bytes)
		return 0;
	if (jsonapi_check_media(r, true, e) || rights_check(&c, e))
		result = -1;
	call_release_db(&c);
	if (result == 0)
		*ret_max_bytes = c.route->raw_bytes;
	return result;
}

void
router_refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	struct call c = {.request = r, .answer = a, .arena = r->arena};

	answer_error(&c, e, "GET, HEAD, POST, PATCH, DELETE");
}

void
router_print(void)
{
	JSON_CLEANUP struct json j = JSON_INIT(65536);
	char pattern[128];

	jw_open_array(&j, NULL);
	for (const struct resource *const *r = resource_list; *r; r++) {
		for (int i = 0; i < (*r)->n_routes; i++) {
			const struct route *route = &(*r)->routes[i];

			jw_open(&j, NULL);
			jw_text(&j, "method", route->method);
			snprintf(pattern, sizeof pattern, "%s%s", API_PREFIX, route->pattern);
			jw_text(&j, "path", pattern);
			jw_text(&j, "right", right_word(route->right));
			jw_bool(&j, "own", route->flags & ROUTE_OWN);
			jw_close(&j);
		}
	}
	jw_close_array(&j);
	printf("%.*s\n", (int)j.out.len, (const char *)j.out.data);
}
