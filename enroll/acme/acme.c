/* From request to answer: which directory, which operation, who signs. */
#include "enroll/acme/acme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "enroll/acme/signer.h"
#include "enroll/acme/validator.h"
#include "lib/limits.h"
#include "lib/log.h"

struct acme {
	const struct config *config;
	struct enroll *enroll;
	struct acme_nonces *nonces;
	struct acme_keys *keys;
	struct acme_validator *validator;
};

const struct acme_operation *const acme_operations[] = {
    &acme_directory, &acme_new_nonce, &acme_new_account, &acme_account_resource, &acme_account_orders, &acme_account_key_change, &acme_new_order,
    &acme_order_resource, &acme_order_finalize, &acme_new_authz, &acme_authz_resource, &acme_challenge_resource, &acme_certificate_resource,
    &acme_certificate_chain, &acme_revoke_cert, &acme_renewal_info, NULL,
};

/* Few statements wait for the disk, and the engine's do it without us: with more connections than processors more of the store's processes take
 * turns, each with its own plans to bring back into the caches. */
static int
database_connections(const struct config *c)
{
	long n = config_int(c, OPT_acme_database_connections);
	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN) + 1;
	return n < 1 ? 1 : n > 64 ? 64 : (int)n;
}

int
acme_open(const struct config *c, struct acme **ret, struct error *e)
{
	const char *base = config_str(c, OPT_acme_base_url);
	size_t len = strlen(base);
	if (strncmp(base, "https://", 8) != 0 || base[len - 1] == '/')
		return fail(e, E_BAD_VALUE, "[acme] base_url has to begin with https:// and to end without a slash");
	struct acme *s = xcalloc(1, sizeof(*s));
	s->config = c;
	int rc = enroll_open(c, "acme", "siegel_acme", database_connections(c), &s->enroll, e);
	if (rc == 0) {
		s->nonces = acme_nonces_new(s->enroll);
		s->keys = acme_keys_new();
		rc = acme_validator_start(s, &s->validator, e);
	}
	if (rc < 0) {
		acme_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void
acme_close(struct acme *s)
{
	if (!s)
		return;
	acme_validator_stop(s->validator);
	acme_nonces_free(s->nonces);
	acme_keys_free(s->keys);
	enroll_close(s->enroll);
	free(s);
}

const struct config *
acme_config(const struct acme *s)
{
	return s->config;
}

struct enroll *
acme_enroll(struct acme *s)
{
	return s->enroll;
}

struct acme_nonces *
acme_nonces(struct acme *s)
{
	return s->nonces;
}

struct acme_keys *
acme_keys(struct acme *s)
{
	return s->keys;
}

struct acme_validator *
acme_validator(struct acme *s)
{
	return s->validator;
}

const char *
acme_directory_url(const struct acme *s, struct arena *a, const char *label)
{
	return arena_printf(a, "%s/acme/%s", config_str(s->config, OPT_acme_base_url), label);
}

const char *
acme_url(struct acme_exchange *x, const char *resource, int64_t id)
{
	return arena_printf(x->arena, "%s/%s/%lld", x->url, resource, (long long)id);
}

int
acme_query(struct acme_exchange *x, const char *sql, const struct db_param *params, int n_params, struct db_result **ret, struct error *e)
{
	if (x->nonce.due && acme_signer_begin(x, e) < 0)
		return -1;
	return enroll_query(x->acme->enroll, 0, sql, params, n_params, ret, e);
}

int
acme_query_signed(struct acme_exchange *x, const struct acme_statement *s, const struct db_param *params, int n_params, struct db_result **ret,
                  struct error *e)
{
	struct db_param all[ACME_PARAMS_MAX] = {DB_BYTES(x->nonce.key, sizeof(x->nonce.key)), DB_BYTES(x->nonce.octets, sizeof(x->nonce.octets)),
	                                        DB_BYTES(x->key.thumbprint, JWK_THUMBPRINT_BYTES)};
	if (n_params > ACME_PARAMS_MAX - 3)
		return fail(e, E_INTERNAL, "a statement with too many parameters");
	if (!x->nonce.due)
		return acme_query(x, s->sql, params + s->skip, n_params - s->skip, ret, e);
	memcpy(all + 3, params, (size_t)n_params * sizeof(*params));
	if (enroll_query(x->acme->enroll, 0, s->signed_sql, all, n_params + 3, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0 || strcmp(db_text(*ret, 0, 0), "again") != 0) {
		x->nonce.due = false;
		return 0;
	}
	db_result_free(*ret);
	*ret = NULL;
	return acme_query(x, s->sql, params + s->skip, n_params - s->skip, ret, e);
}

int
acme_own(const struct db_result *r, const char *what, struct error *e)
{
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such %s", what);
	if (strcmp(db_text(r, 0, 0), "foreign") == 0)
		return fail(e, E_FORBIDDEN, "the %s is another account's", what);
	return 0;
}

int
acme_text(const json_t *object, const char *name, const char *absent, const char **ret, struct error *e)
{
	const json_t *v = json_object_get(object, name);
	if (v && !json_is_string(v))
		return fail(e, E_MALFORMED, "\"%s\" has to be a text", name);
	*ret = v ? json_string_value(v) : absent;
	return 0;
}

bool
acme_read_id(const char *text, size_t len, int64_t *ret)
{
	int64_t v = 0;
	if (len == 0 || len > 18 || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (text[i] - '0');
	}
	*ret = v;
	return true;
}

static bool
matches(struct acme_exchange *x, const char *pattern, const char *path)
{
	int n = 0;
	for (;;) {
		size_t wanted = strcspn(pattern, "/"), len = strcspn(path, "/");
		if (*pattern == '#') {
			if (n == ACME_IDS || !acme_read_id(path, len, &x->ids[n++]))
				return false;
		} else if (*pattern == '*') {
			x->word = arena_strndup(x->arena, path, len);
		} else if (wanted != len || memcmp(pattern, path, len) != 0) {
			return false;
		}
		pattern += wanted;
		path += len;
		if (!*pattern || !*path)
			return !*pattern && !*path;
		pattern++;
		path++;
	}
}

int
acme_route(struct acme_exchange *x, const char **ret_label, const struct acme_operation **ret, struct error *e)
{
	static const char prefix[] = "/acme/";
	const char *path = x->request->raw_path;
	size_t len = strncmp(path, prefix, sizeof(prefix) - 1) == 0 ? strcspn(path + sizeof(prefix) - 1, "/") : 0;
	const char *rest = path + sizeof(prefix) - 1 + len;
	if (len == 0 || *rest != '/')
		return fail(e, E_NOT_FOUND, "ACME is served under /acme/<directory>/directory");
	for (size_t i = 0; acme_operations[i]; i++)
		if (matches(x, acme_operations[i]->path, rest + 1)) {
			*ret_label = arena_strndup(x->arena, path + sizeof(prefix) - 1, len);
			*ret = acme_operations[i];
			return 0;
		}
	return fail(e, E_NOT_FOUND, "there is no such resource: addresses stand in the directory (RFC 8555 7.1)");
}

/* The address as the client should have signed it. Our lists have one word behind the path, which is a number. */
static const char *
expected_url(struct acme_exchange *x)
{
	const char *base = config_str(x->acme->config, OPT_acme_base_url);
	const struct http_request *r = x->request;
	if (r->n_query == 1)
		return arena_printf(x->arena, "%s%s?%s=%s", base, r->raw_path, r->query[0].name, r->query[0].value);
	return arena_printf(x->arena, "%s%s", base, r->raw_path);
}

static int
check_form(struct acme_exchange *x, const struct acme_operation *op, struct error *e)
{
	const char *type = http_header_get(x->request, "Content-Type");
	if (!type || strcasecmp(type, "application/jose+json") != 0)
		return fail(e, E_MEDIA_TYPE, "Content-Type: application/jose+json is wanted (RFC 8555 6.2)");
	if (jws_parse(x->arena, x->request->body, false, &x->jws, e) < 0)
		return -1;
	if (x->request->n_query > 1 || strcmp(x->jws.url, expected_url(x)) != 0)
		return fail(e, E_FORBIDDEN, "the url in the signed header isn't that of the request, %s (RFC 8555 6.4)", expected_url(x));
	if (op->signer == ACME_ACCOUNT && !x->jws.kid)
		return fail(e, E_MALFORMED, "JWS: \"kid\" with the address of an account is wanted here (RFC 8555 6.2)");
	if (op->signer == ACME_NEW_KEY && !x->jws.jwk)
		return fail(e, E_MALFORMED, "JWS: \"jwk\" with the account's key is wanted here (RFC 8555 6.2)");
	return 0;
}

static int
read_payload(struct acme_exchange *x, const struct acme_operation *op, struct error *e)
{
	if (x->jws.payload.len == 0)
		return op->payload == ACME_OBJECT ? fail(e, E_MALFORMED, "the payload has to be a JSON object, and is empty") : 0;
	if (op->payload == ACME_EMPTY)
		return fail(e, E_MALFORMED, "the payload has to be empty: POST-as-GET (RFC 8555 6.3)");
	if (jws_json(x->jws.payload, "payload", &x->payload, e) < 0)
		return -1;
	return json_is_object(x->payload) ? 0 : fail(e, E_MALFORMED, "the payload has to be a JSON object");
}

static int
run_post(struct acme_exchange *x, const struct acme_operation *op, struct http_answer *a, struct error *e)
{
	if (check_form(x, op, e) < 0 || acme_signer_check(x, op->late, e) < 0)
		return -1;
	a->status = 200;
	int result = read_payload(x, op, e) == 0 ? op->post(x, a, e) : -1;
	struct error why;
	if (x->nonce.due && acme_signer_begin(x, &why) < 0) { /* refused before the store was asked: a nonce that was sent is used all the same */
		*e = why;
		return -1;
	}
	return result;
}

static int
run(struct acme_exchange *x, const struct acme_operation *op, const char *label, struct http_answer *a, struct error *e)
{
	const char *method = x->request->method;
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	if (endpoint_find(x->acme->enroll, "acme", label, x->arena, &x->endpoint, e) < 0)
		return e->code == E_NOT_FOUND ? fail(e, E_NOT_FOUND, "there is no directory of that name, or it isn't enabled") : -1;
	x->url = acme_directory_url(x->acme, x->arena, label);
	if (get ? !op->get : strcmp(method, "POST") != 0 || !op->post)
		return fail(e, E_BAD_METHOD, op->get ? "GET is wanted here" : "POST is wanted here, also to read (RFC 8555 6.3)");
	return get ? op->get(x, a, e) : run_post(x, op, a, e);
}

/* What every answer has (RFC 8555 6.5, 7.1). A nonce that can't be made doesn't spoil an answer. */
static void
dress(struct acme_exchange *x, const struct acme_operation *op, struct http_answer *a)
{
	const char *nonce = NULL;
	struct error ignored;
	if (strcmp(x->request->method, "POST") == 0) {
		if (acme_nonce_make(x->acme->nonces, x->arena, &nonce, &ignored) == 0)
			http_answer_header(a, "Replay-Nonce", nonce);
		http_answer_header(a, "Cache-Control", "no-store");
	}
	if (x->url && op != &acme_directory)
		acme_answer_link(x, a, arena_printf(x->arena, "%s/directory", x->url), "index");
}

static void
log_exchange(const struct acme_exchange *x, const struct acme_operation *op, const struct http_answer *a, const struct error *e)
{
	const struct http_request *r = x->request;
	char status[12], account[24], order[24];
	snprintf(status, sizeof(status), "%d", a->status);
	snprintf(account, sizeof(account), "%lld", (long long)x->account.id);
	snprintf(order, sizeof(order), "%lld", (long long)x->order);
	log_event(a->status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "acme answered", "request", r->request_id, "client", r->client, "method",
	          r->method, "path", r->path, "operation", op ? op->name : NULL, "account", x->account.id ? account : NULL, "order",
	          x->order ? order : NULL, "status", status, "what", x->detail, "serial", x->serial, "code", e->code ? error_name(e->code) : NULL,
	          "detail", e->code ? e->detail : NULL, NULL);
}

void
acme_handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	struct acme_exchange x = {.acme = ctx, .request = r, .arena = r->arena};
	const struct acme_operation *op = NULL;
	const char *label = NULL;
	struct error e = {0};
	if (acme_route(&x, &label, &op, &e) < 0 || run(&x, op, label, a, &e) < 0) {
		acme_answer_problem(&x, &e, a);
		if (op && e.code == E_BAD_METHOD)
			http_answer_header(a, "Allow", op->get ? "GET, HEAD" : "POST");
	}
	if (e.code && strcmp(r->method, "POST") == 0)
		enroll_refused(x.acme->enroll, x.endpoint.tenant_id, e.code);
	dress(&x, op, a);
	log_exchange(&x, op, a, &e);
	json_decref(x.payload);
	json_decref(x.problem);
	jws_free(&x.jws);
	jwk_free(&x.key);
}
