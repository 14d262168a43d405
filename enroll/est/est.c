/* From request to answer: which operation, who asks, what came out. */
#include "enroll/est/est.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "lib/log.h"
#include "lib/x509/pem.h"

struct est {
	const struct config *config;
	struct enroll *enroll;
	_Atomic int32_t tenant_id; /* 0: not looked up yet; an id never changes */
};

const struct est_operation *const est_operations[] = {&est_cacerts,  &est_simpleenroll,  &est_simplereenroll, &est_fullcmc,
                                                      &est_csrattrs, &est_serverkeygen, NULL};

int
est_open(const struct config *c, struct est **ret, struct error *e)
{
	struct enroll *enroll = NULL;
	if (enroll_open(c, "est", "siegel_est", (int)config_int(c, OPT_est_database_connections), &enroll, e) < 0)
		return -1;
	struct est *est = xcalloc(1, sizeof(*est));
	est->config = c;
	est->enroll = enroll;
	*ret = est;
	return 0;
}

void
est_close(struct est *est)
{
	if (!est)
		return;
	enroll_close(est->enroll);
	free(est);
}

const struct config *
est_config(const struct est *est)
{
	return est->config;
}

struct enroll *
est_enroll(struct est *est)
{
	return est->enroll;
}

/* The tenant of the default path. */
static int
find_tenant(struct est *est, int32_t *ret, struct error *e)
{
	int32_t id = atomic_load(&est->tenant_id);
	if (id == 0) {
		CLEANUP(db_result_free) struct db_result *res = NULL;
		const struct db_param row[] = {DB_TEXT(config_str(est->config, OPT_est_tenant))};
		if (enroll_query(est->enroll, 0, "SELECT id FROM tenant WHERE name = $1::text", row, ARRAY_LEN(row), &res, e) < 0)
			return -1;
		if (db_rows(res) != 1)
			return fail(e, E_NOT_FOUND, "the tenant of this path doesn't exist");
		id = (int32_t)db_int(res, 0, 0);
		atomic_store(&est->tenant_id, id);
	}
	*ret = id;
	return 0;
}

/* The media type of a header's value, without parameters, is that type. */
static bool
media_type_is(const char *value, const char *type)
{
	size_t len = strcspn(value, "; \t");
	return len == strlen(type) && strncasecmp(value, type, len) == 0;
}

static bool
takes(const struct est_operation *op, const char *method)
{
	/* RFC 9110 9.1: what can be got can be asked for its header. */
	return strcmp(op->method, method) == 0 || (strcmp(op->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static const struct est_operation *
operation_find(const char *name)
{
	for (size_t i = 0; est_operations[i]; i++)
		if (strcmp(est_operations[i]->name, name) == 0)
			return est_operations[i];
	return NULL;
}

/* "label" from "/label/.well-known/est/", as strongSwan's pki asks; NULL for anything else. */
static const char *
label_in_front(const struct http_request *r, const char **rest)
{
	const char *at = strstr(r->path, EST_PREFIX);
	if (!at || at == r->path || r->path[0] != '/' || memchr(r->path + 1, '/', (size_t)(at - r->path - 1)))
		return NULL;
	*rest = at + strlen(EST_PREFIX);
	return arena_strndup(r->arena, r->path + 1, (size_t)(at - r->path - 1));
}

int
est_route(const struct http_request *r, const struct est_operation **ret_operation, const char **ret_label, struct error *e)
{
	*ret_operation = NULL;
	*ret_label = NULL;
	const char *name = r->path, *slash = NULL;
	const char *label = label_in_front(r, &name);
	if (!label) {
		if (strncmp(name, EST_PREFIX, strlen(EST_PREFIX)) != 0)
			return fail(e, E_NOT_FOUND, "EST is served under " EST_PREFIX " (RFC 7030 3.2.2)");
		name += strlen(EST_PREFIX);
		slash = strchr(name, '/');
		label = slash ? arena_strndup(r->arena, name, (size_t)(slash - name)) : NULL;
	}
	if (label && (!endpoint_label_valid(label) || operation_find(label)))
		return fail(e, E_NOT_FOUND, "there is no such label; paths are " EST_PREFIX "[<label>/]<operation> (RFC 7030 3.2.2)");
	const struct est_operation *op = operation_find(slash ? slash + 1 : name);
	if (!op)
		return fail(e, E_NOT_FOUND, "there is no such operation (RFC 7030 3.2.2)");
	*ret_operation = op;
	*ret_label = label;
	if (!takes(op, r->method))
		return fail(e, E_BAD_METHOD, "%s wants %s", op->name, op->method);
	const char *type = http_header_get(r, "Content-Type");
	if (op->content_type && type && !media_type_is(type, op->content_type))
		return fail(e, E_MEDIA_TYPE, "%s wants a body of type %s (RFC 7030 4.2.1)", op->name, op->content_type);
	return 0;
}

/* The default path as siegel.conf has it, in the form of a label. */
static int
default_door(struct est_exchange *x, struct error *e)
{
	const struct config *c = x->est->config;
	struct endpoint door = {
	    .auth = ENDPOINT_PASSWORD | ENDPOINT_CODE | ENDPOINT_CERTIFICATE,
	    .label = "",
	    .ca = config_str(c, OPT_est_ca),
	    .profile = config_str(c, OPT_est_profile),
	    .settings = "{}",
	};
	if (find_tenant(x->est, &door.tenant_id, e) < 0)
		return -1;
	return endpoint_without_row(x->est->enroll, "est", &door, x->request->arena, &x->door, e);
}

int
est_door(struct est_exchange *x, struct error *e)
{
	return x->label ? endpoint_find(x->est->enroll, "est", x->label, x->request->arena, &x->door, e) : default_door(x, e);
}

static int
run(struct est_exchange *x, const struct est_operation *op, struct bytes *ret_body, struct error *e)
{
	if (est_door(x, e) < 0 || (op->auth != EST_AUTH_NONE && op->auth != EST_AUTH_SIGNER && est_authenticate(x, op->auth, e) < 0))
		return -1;
	return op->handle(x, ret_body, e);
}

void
est_refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	enroll_refuse(r, e, a);
	if (e->code == E_UNAUTHENTICATED)
		http_answer_header(a, "WWW-Authenticate", "Basic realm=\"siegel est\", charset=\"UTF-8\""); /* RFC 7617 2 */
}

static void
log_exchange(const struct est_exchange *x, const struct est_operation *op, const struct http_answer *a, const struct error *e)
{
	const struct http_request *r = x->request;
	char status[12];
	enum log_level level = a->status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
	snprintf(status, sizeof(status), "%d", a->status);
	log_event(level, "est answered", "request", r->request_id, "client", r->client, "method", r->method, "path", r->path,
	          "operation", op ? op->name : NULL, "label", x->label,
	          "who", x->who.name, "evidence", evidence_name(x->who.evidence), "status", status,
	          "serial", x->serial, "repeated", x->repeated ? "yes" : NULL, "code", e->code ? error_name(e->code) : NULL, "detail",
	          e->code ? e->detail : NULL, NULL);
}

/* Who shows nothing yet is told what is wanted, and comes again: that isn't a refusal. */
static void
count_refusal(const struct est_exchange *x, const struct est_operation *op, const struct error *e)
{
	bool asks = e->code == E_UNAUTHENTICATED && !http_header_get(x->request, "Authorization") && !http_client_cert_pem(x->request);
	if (e->code && op && x->door.tenant_id && strcmp(op->method, "POST") == 0 && !asks)
		enroll_refused(x->est->enroll, x->door.tenant_id, e->code);
}

void
est_handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	struct est_exchange x = {.est = ctx, .request = r};
	const struct est_operation *op = NULL;
	struct bytes body = {0};
	struct error e = {0};
	if (est_route(r, &op, &x.label, &e) < 0 || run(&x, op, &body, &e) < 0) {
		est_refuse(r, &e, a);
		if (x.refusal.len) { /* RFC 7030 4.3.2 */
			a->content_type = x.answer_type;
			a->body = BYTES_STR(base64_encode(r->arena, x.refusal));
		}
		if (op && e.code == E_BAD_METHOD)
			http_answer_header(a, "Allow", strcmp(op->method, "GET") == 0 ? "GET, HEAD" : op->method);
	} else {
		a->status = 200;
		a->secret = x.secret;
		a->content_type = x.answer_type ? x.answer_type : EST_CERTS_ONLY_TYPE;
		a->body = x.verbatim ? body : BYTES_STR(base64_encode(r->arena, body)); /* one line, RFC 8951 3.1 */
	}
	count_refusal(&x, op, &e);
	log_exchange(&x, op, a, &e);
}
