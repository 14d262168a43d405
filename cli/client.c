#include <config.h>

#include "cli/client.h"
#include "cli/file.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/limits.h"
#include "lib/secret.h"

#define ANSWER_BYTES ((size_t)32 * 1024 * 1024) /* a page of 500 certificates with their chains is under 8 MiB */
#define CONNECT_SEC 10L
#define CALL_SEC 320L /* above LIMIT_BIG_REQUEST_MS and LIMIT_MANAGE_CALL_MS, so that the server's own answer comes first */
#define MEDIA_TYPE "application/vnd.api+json"

struct client {
	struct cli *cli;
	CURL *curl;
	const char *base; /* "https://host:port", without a slash at the end */
	const char *socket; /* NULL: by address */
	const char *cacert;
	struct secret *token;
	struct curl_slist *headers;
	char basic_name[64];
	const char *basic_secret;
};

static const char *
option_or_env(const struct cli *c, const char *option, const char *variable)
{
	const char *value = args_get(&c->args, option);

	if (!value)
		value = getenv(variable);
	return value && value[0] ? value : NULL;
}

/* "https://h:8443/api/v2.0/" and "https://h:8443" are the same address. */
static int
set_base(struct client *cl, const char *url, struct error *e)
{
	size_t len = strlen(url), prefix = strlen(CLIENT_PREFIX);

	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://127.0.0.1", 16) != 0)
		return fail(e, E_BAD_VALUE, "the address has to start with https://");
	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len > prefix && strncmp(url + len - prefix, CLIENT_PREFIX, prefix) == 0)
		len -= prefix;
	cl->base = arena_strndup(cl->cli->arena, url, len);
	return 0;
}

static int
set_socket(struct client *cl, struct error *e)
{
	const struct config *config;

	if (cli_config(cl->cli, &config, e) < 0)
		return -1;
	cl->socket = arena_strdup(cl->cli->arena, config_str(config, OPT_cli_socket));
	if (!cl->socket[0])
		cl->socket = arena_printf(cl->cli->arena, "%s/api.sock", config_str(config, OPT_sockets_dir));
	cl->base = "http://localhost";
	return 0;
}

int
client_new(struct cli *c, struct client **ret, struct error *e)
{
	CLEANUP(client_free) struct client *cl = xcalloc(1, sizeof(*cl));
	const char *url = option_or_env(c, "url", "SIEGEL_URL");

	cl->cli = c;
	cl->cacert = option_or_env(c, "cacert", "SIEGEL_CACERT");
	if (url ? set_base(cl, url, e) : set_socket(cl, e))
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(cl->curl = curl_easy_init()))
		return fail(e, E_INTERNAL, "libcurl can't be set up");
	if (client_header(cl, "Accept", MEDIA_TYPE, e) < 0 || client_header(cl, "Expect", "", e) < 0)
		return -1;
	*ret = TAKE(cl);
	return 0;
}

void
client_free(struct client *cl)
{
	if (!cl)
		return;
	for (struct curl_slist *h = cl->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(cl->headers);
	curl_easy_cleanup(cl->curl);
	secret_free(cl->token);
	free(cl);
}

int
client_header(struct client *cl, const char *name, const char *value, struct error *e)
{
	BUF_CLEANUP struct buf line = BUF_INIT(LIMIT_URI_BYTES);
	struct curl_slist *more;

	if (value[strcspn(value, "\r\n")] != '\0')
		return fail(e, E_BAD_VALUE, "%s holds a line break", name);
	buf_printf(&line, "%s:%s%s", name, value[0] ? " " : "", value);
	buf_add_byte(&line, '\0');
	if (buf_check(&line, e) < 0)
		return -1;
	more = curl_slist_append(cl->headers, (char *)line.data);
	if (!more)
		return fail(e, E_INTERNAL, "out of memory");
	cl->headers = more;
	return 0;
}

int
client_token_path(struct arena *a, const char **ret, struct error *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && config[0] == '/')
		*ret = arena_printf(a, "%s/siegel/token", config);
	else if (home && home[0] == '/')
		*ret = arena_printf(a, "%s/.config/siegel/token", home);
	else
		return fail(e, E_NOT_FOUND, "there is no home folder to keep a token in");
	return 0;
}

int
client_use_token(struct client *cl, struct error *e)
{
	const char *env = getenv("SIEGEL_TOKEN"), *path = args_get(&cl->cli->args, "token-file");
	BUF_CLEANUP struct buf line = BUF_INIT(LIMIT_TOKEN_BYTES + 16);
	struct stat st;

	if (!path && env && env[0]) {
		cl->token = secret_new(env, strlen(env));
	} else {
		if (!path && (client_token_path(cl->cli->arena, &path, e) < 0 || stat(path, &st) < 0))
			return fail(e, E_UNAUTHENTICATED, "there is no token: set SIEGEL_TOKEN, use --token-file, or 'siegelctl login --save'");
		if (secret_read_file(path, LIMIT_SECRET_FILE_BYTES, &cl->token, e) < 0)
			return -1;
	}
	if (cl->token->len == 0 || cl->token->len > LIMIT_TOKEN_BYTES)
		return fail(e, E_UNAUTHENTICATED, "the token has to have 1 to %d bytes", LIMIT_TOKEN_BYTES);
	buf_printf(&line, "Bearer %s", (char *)cl->token->data);
	buf_add_byte(&line, '\0');
	return client_header(cl, "Authorization", (char *)line.data, e);
}

void
client_use_basic(struct client *cl, const char *name, const char *secret)
{
	snprintf(cl->basic_name, sizeof(cl->basic_name), "%s", name);
	cl->basic_secret = secret;
}

static size_t
take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;

	buf_add(b, data, size * n);
	return b->overflow ? 0 : size * n;
}

static void
set_options(struct client *cl, const char *method, const char *url, const struct bytes *body, struct buf *answer, char *why)
{
	CURL *h = cl->curl;

	curl_easy_reset(h);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, cl->headers);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, CONNECT_SEC);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, CALL_SEC);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, answer);
	if (cl->socket)
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, cl->socket);
	if (cl->socket || strncmp(cl->base, "http://", 7) == 0)
		curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	if (cl->cacert)
		curl_easy_setopt(h, CURLOPT_CAINFO, cl->cacert);
	if (cl->basic_secret) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(h, CURLOPT_USERNAME, cl->basic_name);
		curl_easy_setopt(h, CURLOPT_PASSWORD, cl->basic_secret);
	}
	if (body) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, body->data);
	}
}

static enum error_code
code_of(const char *name, long status)
{
	for (int i = E_NONE + 1; i < E_COUNT; i++) {
		if (strcmp(error_name((enum error_code)i), name) == 0)
			return (enum error_code)i;
	}
	/* an answer of the edge itself has no code of ours */
	for (int i = E_NONE + 1; i < E_COUNT; i++) {
		if (error_http_status((enum error_code)i) == status)
			return (enum error_code)i;
	}
	return E_INTERNAL;
}

static const char *
member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* The first error object of the answer; what is no JSON:API document came from something in between. */
static int
fail_answer(const json_t *doc, long status, struct error *e)
{
	const json_t *error = json_array_get(json_object_get(doc, "errors"), 0);
	const json_t *source = json_object_get(error, "source");
	const char *place = member_text(source, "pointer");
	enum error_code code;

	if (!error)
		return fail(e, code_of("", status), "the server answered with HTTP status %ld", status);
	if (!place[0])
		place = member_text(source, "parameter");
	if (!place[0])
		place = member_text(source, "header");
	code = code_of(member_text(error, "code"), status);
	return fail_at(e, code, place, "%s: %s", error_title(code), member_text(error, member_text(error, "detail")[0] ? "detail" : "title"));
}

static int
perform(struct client *cl, long *ret_status, const struct buf *answer, const char *why, struct error *e)
{
	CURLcode rc = curl_easy_perform(cl->curl);

	if (answer->overflow)
		return fail(e, E_TOO_LARGE, "the answer has more than %zu bytes", ANSWER_BYTES);
	/* libcurl tells of an address that isn't used here */
	if (rc == CURLE_COULDNT_CONNECT && cl->socket) {
		long os_errno = 0;

		curl_easy_getinfo(cl->curl, CURLINFO_OS_ERRNO, &os_errno);
		return fail(e, E_UNAVAILABLE, "%s: %s", cl->socket, os_errno ? strerror((int)os_errno) : "nobody answers");
	}
	if (rc != CURLE_OK)
		return fail(e, E_UNAVAILABLE, "%s: %s", cl->socket ? cl->socket : cl->base, why[0] ? why : curl_easy_strerror(rc));
	curl_easy_getinfo(cl->curl, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

/* Takes the last header off again: own is the list as it was before, never empty. */
static void
drop_last_header(struct client *cl, struct curl_slist *own)
{
	struct curl_slist *before = own;

	while (before->next && before->next->next)
		before = before->next;
	curl_slist_free_all(before->next);
	before->next = NULL;
	cl->headers = own;
}

/* One request with a body of that type, or with none. */
static int
call(struct client *cl, const char *method, const char *path, const char *type, struct bytes body, json_t **ret, struct error *e)
{
	BUF_CLEANUP struct buf answer = BUF_INIT(ANSWER_BYTES);
	JSON_CLEANUP json_t *doc = NULL;
	char *url = arena_printf(cl->cli->arena, "%s%s%s", cl->base, CLIENT_PREFIX, path);
	struct curl_slist *own = cl->headers;
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	int rc;

	if (type && client_header(cl, "Content-Type", type, e) < 0)
		return -1;
	set_options(cl, method, url, type ? &body : NULL, &answer, why);
	rc = perform(cl, &status, &answer, why, e);
	if (type)
		drop_last_header(cl, own);
	if (rc < 0)
		return -1;
	*ret = NULL;
	if (status == 204)
		return 0;
	doc = json_loadb((char *)answer.data, answer.len, JSON_REJECT_DUPLICATES, NULL);
	if (status < 200 || status > 299)
		return fail_answer(doc, status, e);
	if (!doc)
		return fail(e, E_INTERNAL, "the answer isn't a JSON document: is this the address of a siegel server?");
	*ret = TAKE(doc);
	return 0;
}

int
client_call(struct client *cl, const char *method, const char *path, const json_t *body, json_t **ret, struct error *e)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct bytes bytes = {(const uint8_t *)text, text ? strlen(text) : 0};
	int rc = call(cl, method, path, text ? MEDIA_TYPE : NULL, bytes, ret, e);

	if (text)
		explicit_bzero(text, strlen(text)); /* may hold a password */
	free(text);
	return rc;
}

int
client_send_file(struct client *cl, const char *path, const char *file, json_t **ret, struct error *e)
{
	BUF_CLEANUP struct buf body = BUF_INIT(LIMIT_RAW_BODY_BYTES);

	if (file_read_octets(file, &body, e) < 0)
		return -1;
	return call(cl, "POST", path, "application/octet-stream", (struct bytes){body.data, body.len}, ret, e);
}

int
client_done(const json_t *doc, struct error *e)
{
	const json_t *data = json_object_get(doc, "data");

	if (strcmp(member_text(data, "type"), "approvals") != 0)
		return 0;
	return fail(e, E_PRECONDITION, "it waits for others: approval %s; when it is approved, the same request does it", member_text(data, "id"));
}

const char *
client_next(struct client *cl, const json_t *doc)
{
	const json_t *next = json_object_get(json_object_get(doc, "links"), "next");
	const char *link = json_is_object(next) ? member_text(next, "href") : json_string_value(next);
	const char *found = link ? strstr(link, CLIENT_PREFIX) : NULL;

	/* Only the path is taken: the server may know itself by another address, and the token must not go anywhere else. */
	return found ? arena_strdup(cl->cli->arena, found + strlen(CLIENT_PREFIX)) : NULL;
}

char *
client_encode(struct client *cl, const char *text)
{
	char *encoded = curl_easy_escape(cl->curl, text, (int)strlen(text));
	char *copy;

	if (!encoded)
		abort();
	copy = arena_strdup(cl->cli->arena, encoded);
	curl_free(encoded);
	return copy;
}

const char *
resource_text(const json_t *resource, const char *attribute)
{
	return member_text(json_object_get(resource, "attributes"), attribute);
}
