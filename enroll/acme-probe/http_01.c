/* http-01 (RFC 8555 8.3): a file on port 80, behind up to ten redirects, each of which is taken apart, resolved and checked anew. libcurl never
 * resolves a name and never follows anything: it gets one address, and the socket that it makes is checked once more. Whoever has an account chooses
 * where redirects lead: another host is asked for a challenge's answer alone, and what is found out about one of the inner network isn't told. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config.h"
#include "enroll/acme-probe/task.h"
#include "lib/daemon.h"

enum { BODY_ROOM = 1024, HEADERS_MAX_BYTES = 64 * 1024, SHOWN_BYTES = 60 };

DEFINE_CLEANUP(CURL, curl_easy_cleanup)
DEFINE_CLEANUP(CURLU, curl_url_cleanup)
DEFINE_CLEANUP(char, curl_free)

/* An address of the web, taken apart. The strings live in the task's arena. */
struct place {
	CURLU *url;
	const char *text, *host; /* host without brackets */
	bool tls;
	uint16_t port;
	const char *home;        /* host of the first one: the identifier's */
	const char *inner;       /* the first one of the inner network that a redirect led to; NULL: none */
};

struct answer {
	CURL *handle;
	struct task *task;
	struct address address; /* the only one that may be connected to */
	uint16_t port;
	size_t wanted; /* octets of body that may come */
	char body[BODY_ROOM];
	size_t len, headers_len;
	bool too_long, enough;
	long status;
	char *location;
};

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* --- what libcurl calls --- */

static size_t
take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;
	long status = 0;
	size_t len = size * n, room = a->wanted - a->len;
	curl_easy_getinfo(a->handle, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		a->enough = true;
		return 0; /* ends the transfer: the head says all */
	}
	memcpy(a->body + a->len, data, len < room ? len : room);
	a->len += len < room ? len : room;
	a->too_long = len > room;
	return a->too_long ? 0 : len;
}

static size_t
count_headers(char *data, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;
	(void)data;
	a->headers_len += size * n;
	return a->headers_len > HEADERS_MAX_BYTES ? 0 : size * n;
}

static int
look_for_stop(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	(void)ctx, (void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
	return daemon_stopping();
}

/* The last door: whatever libcurl made of an address, it connects to the one that was checked, or not at all. */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct answer *a = ctx;
	struct task *t = a->task;
	struct sockaddr_storage checked;
	struct error e;
	socklen_t len = address_sockaddr(&a->address, a->port, &checked);
	if (purpose != CURLSOCKTYPE_IPCXN || to->addrlen != len || memcmp(&to->addr, &checked, len) != 0)
		return CURL_SOCKET_BAD;
	if (egress_check(t->probe->egress, t->asked->networks, t->asked->n_networks, &a->address, a->port, &e) < 0)
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* --- addresses --- */

static const char *
part_of(struct task *t, CURLU *url, CURLUPart what, unsigned flags)
{
	char *text CLEANUP(curl_free) = NULL;
	if (curl_url_get(url, what, &text, flags) != CURLUE_OK || !text)
		return NULL;
	return arena_strdup(t->arena, text);
}

static const char *
without_brackets(struct task *t, const char *host)
{
	size_t len = strlen(host);
	return *host == '[' && len > 2 ? arena_strndup(t->arena, host + 1, len - 2) : host;
}

/* Takes a place apart whose url is set. */
static int
place_read(struct task *t, struct place *p)
{
	const char *scheme = part_of(t, p->url, CURLUPART_SCHEME, 0), *host = part_of(t, p->url, CURLUPART_HOST, 0);
	const char *port = part_of(t, p->url, CURLUPART_PORT, 0);
	p->text = part_of(t, p->url, CURLUPART_URL, 0);
	if (!p->text || !scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return task_fail(t, "connection", "a redirect to another kind of address than http and https isn't followed");
	if (!host || part_of(t, p->url, CURLUPART_ZONEID, 0))
		return task_fail(t, "connection", "a redirect to an address without a host, or with a zone, isn't followed");
	if (part_of(t, p->url, CURLUPART_USER, 0) || part_of(t, p->url, CURLUPART_PASSWORD, 0))
		return task_fail(t, "connection", "a redirect to an address with a user or password isn't followed");
	p->tls = strcmp(scheme, "https") == 0;
	p->host = without_brackets(t, host);
	p->port = port ? (uint16_t)strtoul(port, NULL, 10) : p->tls ? t->probe->https_port : t->probe->http_port;
	return 0;
}

static int
place_first(struct task *t, struct place *p)
{
	bool v6 = t->is_address && t->address.family == AF_INET6;
	const char *text =
	    arena_printf(t->arena, "http://%s%s%s/.well-known/acme-challenge/%s", v6 ? "[" : "", t->host, v6 ? "]" : "", t->asked->token);
	if (curl_url_set(p->url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return task_fail(t, "serverInternal", "%s isn't an address of the web", text);
	if (place_read(t, p) < 0)
		return -1;
	p->home = p->host;
	return 0;
}

static bool
is_challenge(struct task *t, const struct place *p)
{
	const char *path = part_of(t, p->url, CURLUPART_PATH, 0);
	const char *wanted = arena_printf(t->arena, "/.well-known/acme-challenge/%s", t->asked->token);
	size_t len = path ? strlen(path) : 0, least = strlen(wanted);
	return path && len >= least && strcmp(path + len - least, wanted) == 0 && !part_of(t, p->url, CURLUPART_QUERY, 0);
}

/* What the Location says, seen from where it was said. */
static int
place_next(struct task *t, struct place *p, const char *location)
{
	CURLUcode rc = CURLUE_MALFORMED_INPUT;
	const char *from = p->host;
	if (strlen(location) <= LIMIT_PROBE_URL_BYTES)
		rc = curl_url_set(p->url, CURLUPART_URL, location, CURLU_DISALLOW_USER);
	if (rc == CURLUE_USER_NOT_ALLOWED)
		return task_fail(t, "connection", "a redirect to an address with a user or password isn't followed");
	if (rc == CURLUE_UNSUPPORTED_SCHEME)
		return task_fail(t, "connection", "a redirect to another kind of address than http and https isn't followed");
	if (rc != CURLUE_OK)
		return task_fail(t, "connection", "a redirect leads to what isn't an address of the web: %s", curl_url_strerror(rc));
	if (place_read(t, p) < 0)
		return -1;
	return strcasecmp(from, p->host) == 0 || is_challenge(t, p)
	           ? 0 : task_fail(t, "connection",
	                           "a redirect to another host is followed to /.well-known/acme-challenge/ and the token, and not to %s",
	                           task_quote(t, p->text, strlen(p->text)));
}

/* --- one request --- */

static void
set_up(CURL *h, const struct task *t, const struct place *p, struct answer *a, struct curl_slist *connect_to, int connect_ms)
{
	curl_easy_setopt(h, CURLOPT_CURLU, p->url);
	curl_easy_setopt(h, CURLOPT_CONNECT_TO, connect_to);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, a);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "siegel-acme-probe/" PACKAGE_VERSION);
	/* RFC 8555 8.3: a redirect may lead to a server that is about to get its first certificate. */
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)task_left_ms(t));
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, look_for_stop);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, count_headers);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, a);
}

static void
read_location(struct task *t, CURL *h, struct answer *a)
{
	struct curl_header *found = NULL;
	if (is_redirect(a->status) && curl_easy_header(h, "Location", 0, CURLH_HEADER, -1, &found) == CURLHE_OK && found->amount == 1)
		a->location = arena_strndup(t->arena, found->value, strnlen(found->value, LIMIT_PROBE_URL_BYTES + 1));
}

static bool
has_connected(CURL *h)
{
	curl_off_t connect_us = 0;
	curl_easy_getinfo(h, CURLINFO_CONNECT_TIME_T, &connect_us);
	return connect_us > 0;
}

enum outcome { OUTCOME_ANSWER, OUTCOME_NOT_CONNECTED, OUTCOME_FAULT };

static enum outcome
told(struct task *t, const struct place *p, const char *where, CURLcode rc, CURL *h, const char *why)
{
	const char *text = *why ? task_quote(t, why, strlen(why)) : curl_easy_strerror(rc);
	long error = 0;
	curl_easy_getinfo(h, CURLINFO_OS_ERRNO, &error);
	if (!has_connected(h)) {
		text = rc == CURLE_OPERATION_TIMEDOUT ? "no answer in time" : error ? strerror((int)error)
		                                                                   : text;
		task_step(t, "no connection to %s: %s", where, text);
		return OUTCOME_NOT_CONNECTED;
	}
	task_step(t, "GET %s: %s", p->text, text);
	if (rc == CURLE_SSL_CONNECT_ERROR)
		(void)task_fail(t, "tls", "%s of %s: no TLS: %s", where, p->host, text);
	else if (rc == CURLE_OPERATION_TIMEDOUT || rc == CURLE_ABORTED_BY_CALLBACK)
		(void)task_fail(t, "connection", "%s of %s didn't send the whole answer in time", where, p->host);
	else
		(void)task_fail(t, "connection", "%s of %s: %s", where, p->host, text);
	return OUTCOME_FAULT;
}

static enum outcome
get_from(struct task *t, const struct place *p, const struct address *address, bool last, struct answer *a)
{
	CURL *h CLEANUP(curl_easy_cleanup) = curl_easy_init();
	char why[CURL_ERROR_SIZE] = "", text[ADDRESS_TEXT];
	bool v6 = address->family == AF_INET6;
	int left = task_left_ms(t), connect_ms = last || left / 2 < LIMIT_PROBE_CONNECT_MS ? left / (last ? 1 : 2) : LIMIT_PROBE_CONNECT_MS;
	*a = (struct answer){.handle = h, .task = t, .address = *address, .port = p->port};
	a->wanted = strlen(t->key_authorization) + LIMIT_PROBE_BODY_BYTES;
	address_text(address, text);
	const char *where = arena_printf(t->arena, "%s port %u", text, p->port);
	struct curl_slist *to = curl_slist_append(NULL, arena_printf(t->arena, "::%s%s%s:%u", v6 ? "[" : "", text, v6 ? "]" : "", p->port));
	if (!h || !to || a->wanted > sizeof(a->body)) {
		curl_slist_free_all(to);
		(void)task_fail_now(t, "serverInternal", "libcurl can't be set up");
		return OUTCOME_FAULT;
	}
	if (left == 0) {
		curl_slist_free_all(to);
		(void)task_fail(t, "connection", "the time for the whole validation is over");
		return OUTCOME_FAULT;
	}
	set_up(h, t, p, a, to, connect_ms);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
	CURLcode rc = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &a->status);
	read_location(t, h, a);
	curl_slist_free_all(to);
	if (has_connected(h)) {
		task_step(t, "connected to %s", where);
		t->connected = arena_strdup(t->arena, text);
	}
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && (a->too_long || a->enough)))
		return OUTCOME_ANSWER;
	return told(t, p, where, rc, h, why);
}

/* 0 with an answer. */
static int
get(struct task *t, struct place *p, struct answer *a)
{
	struct address list[2 * LIMIT_PROBE_ADDRESSES];
	size_t n = 0;
	if (task_resolve(t, p->host, p->port, list, &n) < 0)
		return -1;
	for (size_t i = 0; i < n && !p->inner && p->home && strcasecmp(p->host, p->home) != 0; i++)
		p->inner = address_is_private(&list[i]) ? p->text : NULL;
	for (size_t i = 0; i < n; i++) {
		enum outcome out = get_from(t, p, &list[i], i == n - 1, a);
		if (out == OUTCOME_FAULT)
			return -1;
		if (out == OUTCOME_ANSWER) {
			task_step(t, "GET %s: status %ld%s%s", p->text, a->status, a->location ? ", to " : "",
			          a->location ? task_quote(t, a->location, strlen(a->location)) : "");
			return 0;
		}
	}
	return task_fail(t, "connection", "%s can't be connected to on port %u: %s", p->host, p->port, t->n_steps ? t->steps[t->n_steps - 1] : "");
}

static int
compare(struct task *t, const struct place *p, const struct answer *a)
{
	size_t len = a->len;
	if (a->status != 200)
		return task_fail(t, "unauthorized", "%s answered with status %ld, where 200 is wanted", p->text, a->status);
	while (len > 0 && strchr(" \t\r\n\v\f", a->body[len - 1]) && a->body[len - 1])
		len--;
	if (!a->too_long && len == strlen(t->key_authorization) && memcmp(a->body, t->key_authorization, len) == 0) {
		task_step(t, "the body is the key authorization");
		return 0;
	}
	task_step(t, "the body begins with \"%s\"%s", task_quote(t, a->body, len < SHOWN_BYTES ? len : SHOWN_BYTES),
	          a->too_long ? " and is too long" : "");
	return task_fail(t, "unauthorized", "the body of %s isn't the key authorization of this challenge and account: %s", p->text,
	                 a->too_long ? "it is too long" : len == 0 ? "it is empty" : "it says something else");
}

static int
follow(struct task *t, struct place *p)
{
	struct answer a = {0};
	if (place_first(t, p) < 0)
		return -1;
	for (int hop = 0; get(t, p, &a) == 0; hop++) {
		if (!is_redirect(a.status))
			return compare(t, p, &a);
		if (!a.location)
			return task_fail(t, "unauthorized", "%s answered with status %ld, but not with one Location", p->text, a.status);
		if (hop == LIMIT_PROBE_HOPS)
			return task_fail(t, "connection", "there are more than %d redirects", LIMIT_PROBE_HOPS);
		if (place_next(t, p, a.location) < 0)
			return -1;
	}
	return -1;
}

/* The client isn't told whether something listens behind a redirect into the inner network, what it says, and which address it has: one sentence for
 * all of it. The steps have the rest. */
static void
hide(struct task *t, const struct place *p)
{
	bool elsewhere = p->home && strcasecmp(p->host, p->home) != 0;
	if (p->inner)
		task_hide(t, "unauthorized", "a redirect leads to %s, in the inner network, and not to the key authorization", p->inner);
	else if (elsewhere && t->problem && strcmp(t->problem, "rejectedIdentifier") == 0)
		task_hide(t, "rejectedIdentifier", "a redirect leads to %s, which may not be reached", p->text);
}

static int
run(struct task *t)
{
	CURLU *url CLEANUP(curl_url_cleanup) = curl_url();
	struct place p = {.url = url};
	if (!url)
		return task_fail_now(t, "serverInternal", "libcurl can't be set up");
	if (follow(t, &p) == 0)
		return 0;
	hide(t, &p);
	return -1;
}

const struct kind http_01 = {.method = "http-01", .takes_addresses = true, .has_token = true, .run = run};
