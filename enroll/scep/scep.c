/* From request to answer over HTTP: which endpoint, which operation. */
#include "enroll/scep/scep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/limits.h"
#include "lib/log.h"
#include "lib/x509/pem.h"

struct scep {
	const struct config *config;
	struct enroll *enroll;
	struct scep_ras *ras;
};

const struct scep_operation *const scep_operations[] = {&scep_get_ca_caps, &scep_get_ca_cert, &scep_get_next_ca_cert, &scep_pki_operation, NULL};

int
scep_open(const struct config *c, struct scep **ret, struct error *e)
{
	struct enroll *enroll = NULL;
	if (scep_webhook_open(e) < 0 || enroll_open(c, "scep", "siegel_scep", (int)config_int(c, OPT_scep_database_connections), &enroll, e) < 0)
		return -1;
	struct scep *s = xcalloc(1, sizeof(*s));
	*s = (struct scep){.config = c, .enroll = enroll, .ras = scep_ras_new()};
	*ret = s;
	return 0;
}

void
scep_close(struct scep *s)
{
	if (!s)
		return;
	enroll_close(s->enroll);
	scep_ras_free(s->ras);
	free(s);
}

const struct config *
scep_config(const struct scep *s)
{
	return s->config;
}

struct scep_ras *
scep_ras_of(struct scep *s)
{
	return s->ras;
}

struct enroll *
scep_enroll(struct scep *s)
{
	return s->enroll;
}

/* What clients put behind the address that they are given, or expect in its place. */
static bool
is_program(const char *path)
{
	static const char *const names[] = {
	    "", "/", "/pkiclient.exe", "/cgi-bin/pkiclient.exe", "/cgi-bin/pkiclient.exe/pkiclient.exe", "/mscep.dll", "/mscep/mscep.dll",
	    "/certsrv/mscep/mscep.dll", "/certsrv/mscep/mscep.dll/pkiclient.exe", "/certsrv/mscep", "/certsrv/mscep/", "/certsrv/mscep/pkiclient.exe",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], path) == 0)
			return true;
	return false;
}

static int
route_path(const struct http_request *r, const char **ret_label, struct error *e)
{
	static const char prefix[] = "/scep";
	const char *rest = r->path;
	if (strncmp(rest, prefix, sizeof(prefix) - 1) == 0 && (rest[sizeof(prefix) - 1] == '/' || !rest[sizeof(prefix) - 1]))
		rest += sizeof(prefix) - 1;
	if (is_program(rest)) {
		*ret_label = NULL;
		return 0;
	}
	if (rest == r->path || *rest != '/')
		return fail(e, E_NOT_FOUND, "SCEP is served under /scep/<profile>");
	size_t len = strcspn(++rest, "/");
	if (!is_program(rest + len))
		return fail(e, E_NOT_FOUND, "SCEP is served under /scep/<profile>, with or without /pkiclient.exe behind it");
	*ret_label = arena_strndup(r->arena, rest, len);
	return 0;
}

/* The only query value of that name, in any case; NULL when there is none. */
static int
query_once(const struct http_request *r, const char *name, const char **ret, struct error *e)
{
	const char *found = NULL;
	for (int i = 0; i < r->n_query; i++) {
		if (strcasecmp(r->query[i].name, name) != 0)
			continue;
		if (found)
			return fail(e, E_MALFORMED, "%s comes twice in the address (RFC 8894 4.1)", name);
		found = r->query[i].value;
	}
	*ret = found;
	return 0;
}

int
scep_route(const struct http_request *r, const char **ret_label, const struct scep_operation **ret_operation, struct error *e)
{
	const char *name = NULL;
	const struct scep_operation *op = NULL;
	if (route_path(r, ret_label, e) < 0 || query_once(r, "operation", &name, e) < 0)
		return -1;
	for (size_t i = 0; name && scep_operations[i] && !op; i++)
		if (strcasecmp(scep_operations[i]->name, name) == 0)
			op = scep_operations[i];
	if (!op)
		return fail(e, E_MALFORMED, "operation: GetCACaps, GetCACert, GetNextCACert or PKIOperation is wanted (RFC 8894 4.1)");
	bool got = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	if (!got && !(op->posted && strcmp(r->method, "POST") == 0))
		return fail(e, E_BAD_METHOD, "%s wants %s", op->name, op->posted ? "GET or POST" : "GET");
	*ret_operation = op;
	return 0;
}

int
scep_message_decode(const struct http_request *r, struct bytes *ret, struct error *e)
{
	const char *text = NULL;
	if (query_once(r, "message", &text, e) < 0)
		return -1;
	if (!text || !*text)
		return fail(e, E_MALFORMED, "the address has no message, which PKIOperation by GET wants in base64 (RFC 8894 4.1)");
	char *clean = arena_alloc(r->arena, strlen(text) + 4);
	size_t n = 0;
	for (; *text; text++)
		clean[n++] = *text == ' ' ? '+' : *text;
	while (n % 4 != 0)
		clean[n++] = '=';
	return base64_decode(r->arena, clean, n, ret, e);
}

static void
log_exchange(const struct scep_exchange *x, const struct scep_operation *op, const struct http_answer *a, const struct error *e)
{
	const struct http_request *r = x->request;
	char status[12];
	enum log_level level = a->status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
	snprintf(status, sizeof(status), "%d", a->status);
	log_event(level, "scep answered", "request", r->request_id, "client", r->client, "method", r->method, "path", r->path, "operation",
	          op ? op->name : NULL, "type", x->type, "transaction", x->transaction, "who", x->who, "evidence", x->evidence, "status", status,
	          "pki_status", x->status, "serial", x->serial, "repeated", x->repeated ? "yes" : NULL, "code", e->code ? error_name(e->code) : NULL,
	          "detail", e->code ? e->detail : NULL, NULL);
}

/* The address without a name is one tenant's, whoever has a profile of that name. */
static int
check_tenant(struct scep_exchange *x, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const struct db_param row[] = {DB_INT(x->endpoint.tenant_id), DB_TEXT(config_str(x->scep->config, OPT_scep_tenant))};
	if (enroll_query(x->scep->enroll, x->endpoint.tenant_id, "SELECT 1 FROM tenant WHERE id = $1::int AND name = $2::text", row,
			 ARRAY_LEN(row), &r, e) < 0)
		return -1;
	return db_rows(r) ? 0 : fail(e, E_NOT_FOUND, "the SCEP profile of this address isn't one of the tenant of [scep] tenant in siegel.conf");
}

/* Without a label: that of siegel.conf. E_NOT_FOUND. */
static int
find_profile(struct scep_exchange *x, const char *label, struct error *e)
{
	const char *name = label ? label : config_str(x->scep->config, OPT_scep_label);
	if (endpoint_find(x->scep->enroll, "scep", name, x->arena, &x->endpoint, e) == 0)
		return label ? 0 : check_tenant(x, e);
	if (e->code != E_NOT_FOUND)
		return -1;
	return label ? fail(e, E_NOT_FOUND, "there is no SCEP profile of that name, or it isn't enabled")
	             : fail(e, E_NOT_FOUND, "the address names no SCEP profile: make one named %s, or set [scep] label in siegel.conf", name);
}

static int
run(struct scep_exchange *x, const char *label, const struct scep_operation *op, struct http_answer *a, struct error *e)
{
	if (find_profile(x, label, e) < 0)
		return -1;
	if (x->endpoint.ca_id == 0)
		return fail(e, E_UNAVAILABLE, "this profile's CA isn't in service");
	x->legacy = strcmp(endpoint_text(&x->endpoint, x->arena, "algorithms", "current"), "legacy") == 0;
	return op->handle(x, a, e);
}

void
scep_handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	struct scep_exchange x = {.scep = ctx, .request = r, .arena = r->arena, .fail = -1};
	const struct scep_operation *op = NULL;
	const char *label = NULL;
	struct error e = {0};
	if (scep_route(r, &label, &op, &e) < 0 || run(&x, label, op, a, &e) < 0) {
		enroll_refuse(r, &e, a);
		if (e.code == E_BAD_METHOD)
			http_answer_header(a, "Allow", "GET, HEAD, POST");
	}
	if (e.code && op == &scep_pki_operation)
		enroll_refused(x.scep->enroll, x.endpoint.tenant_id, e.code);
	log_exchange(&x, op, a, &e);
}
