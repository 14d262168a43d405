/* A challenge that another server vouches for: one HTTPS request with the challenge and the CSR, answered by {"allow": true}. Whom it may be asked of
 * is the operator's to say ([scep] webhook_hosts), which of those a profile asks, the profile's. */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/scep/scep.h"
#include "lib/https_url.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/x509/dn.h"
#include "lib/x509/pem.h"

enum { ANSWER_BYTES = 4096, HEADER_BYTES = LIMIT_SECRET_FILE_BYTES + 32, PLACES = 256 };

DEFINE_CLEANUP(CURL, curl_easy_cleanup)
DEFINE_CLEANUP(json_t, json_decref)
DEFINE_CLEANUP(struct curl_slist, curl_slist_free_all)

/* Questions under way, and threads that wait for a turn, in all and of each profile (by its place, which two may share): a server that is slow must
 * neither take all threads nor those of the others. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t left;
	int here, asking, here_of[PLACES], asking_of[PLACES];
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

/* Waits for a turn for as long as the server may take: a plant that is switched on asks for all its devices at once. */
static int
join(struct scep_exchange *x)
{
	const struct config *c = scep_config(x->scep);
	int most = (int)config_int(c, OPT_scep_connections) / 2, own = (most + 3) / 4, late = 0;
	size_t place = (uint64_t)x->endpoint.id % PLACES;
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += config_int(c, OPT_scep_webhook_timeout_sec);
	pthread_mutex_lock(&turns.lock);
	bool room = turns.here_of[place] < most && turns.here < most + own;
	turns.here += room;
	turns.here_of[place] += room;
	while (room && !late && (turns.asking >= most || turns.asking_of[place] >= own))
		late = pthread_cond_timedwait(&turns.left, &turns.lock, &until);
	if (room && late) {
		turns.here--;
		turns.here_of[place]--;
	} else if (room) {
		turns.asking++;
		turns.asking_of[place]++;
	}
	pthread_mutex_unlock(&turns.lock);
	return room && !late ? 0 : -1;
}

static void
leave(struct scep_exchange *x)
{
	size_t place = (uint64_t)x->endpoint.id % PLACES;
	pthread_mutex_lock(&turns.lock);
	turns.here--;
	turns.asking--;
	turns.here_of[place]--;
	turns.asking_of[place]--;
	pthread_cond_broadcast(&turns.left);
	pthread_mutex_unlock(&turns.lock);
}

struct taken {
	char text[ANSWER_BYTES];
	size_t len;
};

static size_t
take(char *data, size_t size, size_t n, void *ctx)
{
	struct taken *t = ctx;
	size_t len = size * n;
	if (len > sizeof(t->text) - t->len)
		return 0; /* ends the transfer */
	memcpy(t->text + t->len, data, len);
	t->len += len;
	return len;
}

static json_t *
subject_of(struct arena *a, const struct csr *csr)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	struct error none;
	size_t n = 0;
	json_t *list = json_array();
	if (dn_parse(a, csr->subject, values, ARRAY_LEN(values), &n, &none) == 0)
		for (size_t i = 0; i < n; i++)
			json_array_append_new(list, json_pack("[s, s]", values[i].type->name, values[i].value));
	return list;
}

/* NULL when the challenge isn't text. */
static char *
question(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr)
{
	json_t *q CLEANUP(json_decref) =
	    json_pack("{s:s, s:s, s:s, s:s%, s:o, s:s}", "profile", x->endpoint.label, "transaction", m->transaction, "client", x->request->client,
	              "challenge", (const char *)csr->challenge.data, csr->challenge.len, "subject", subject_of(x->arena, csr), "csr",
	              pem_encode(x->arena, "CERTIFICATE REQUEST", csr->whole));
	return q ? json_dumps(q, JSON_COMPACT) : NULL;
}

static int
put_headers(const struct config *c, struct curl_slist **ret, struct error *e)
{
	const char *path = config_str(c, OPT_scep_webhook_token_file);
	CLEANUP(secret_free) struct secret *token = NULL;
	char line[HEADER_BYTES];
	*ret = curl_slist_append(*ret, "Content-Type: application/json");
	if (!*path)
		return 0;
	if (secret_read_file(path, LIMIT_SECRET_FILE_BYTES, &token, e) < 0)
		return -1;
	snprintf(line, sizeof(line), "Authorization: Bearer %s", (const char *)token->data);
	*ret = curl_slist_append(*ret, line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static void
forget(struct curl_slist *headers)
{
	for (; headers; headers = headers->next)
		explicit_bzero(headers->data, strlen(headers->data));
}

static int
post(struct scep_exchange *x, const char *url, const char *body, const char *slow, struct taken *ret, long *ret_status, struct error *e)
{
	const struct config *c = scep_config(x->scep);
	CURL *h CLEANUP(curl_easy_cleanup) = curl_easy_init();
	struct curl_slist *headers CLEANUP(curl_slist_free_all) = NULL;
	char why[CURL_ERROR_SIZE] = "";
	if (!h || put_headers(c, &headers, e) < 0)
		return h ? -1 : fail(e, E_INTERNAL, "no memory to ask the webhook");
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*config_str(c, OPT_scep_webhook_ca_file)) {
		curl_easy_setopt(h, CURLOPT_CAINFO, config_str(c, OPT_scep_webhook_ca_file));
		curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)config_int(c, OPT_scep_webhook_timeout_sec));
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, ret);
	CURLcode rc = curl_easy_perform(h);
	forget(headers);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		throttle_failed(slow);
	else if (rc == CURLE_OK)
		throttle_ok(slow);
	if (rc != CURLE_OK) { /* the cause is for the log: whoever asks may be anybody */
		log_event(LOG_LEVEL_WARNING, "webhook can't be asked", "request", x->request->request_id, "profile", x->endpoint.label, "url", url,
		          "detail", *why ? why : curl_easy_strerror(rc), NULL);
		return fail(e, E_UNAVAILABLE, "the webhook can't be asked");
	}
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

/* Only a plain yes is one. A server in trouble isn't a no: the client comes again. */
static int
read_answer(const struct taken *t, long status, struct error *e)
{
	if (status == 403)
		return fail(e, E_UNAUTHENTICATED, "the webhook says no");
	if (status != 200)
		return fail(e, E_UNAVAILABLE, "the webhook answers with status %ld", status);
	json_t *answer CLEANUP(json_decref) = json_loadb(t->text, t->len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *allow = json_object_get(answer, "allow");
	if (!json_is_boolean(allow))
		return fail(e, E_UNAVAILABLE, "the webhook's answer isn't {\"allow\": true} or {\"allow\": false}");
	return json_is_true(allow) ? 0 : fail(e, E_UNAUTHENTICATED, "the webhook says no");
}

static int
ask(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const char *slow, struct error *e)
{
	const char *url = endpoint_text(&x->endpoint, x->arena, "webhook_url", "");
	struct taken taken = {.len = 0};
	long status = 0;
	/* The list may have become shorter since the profile was made. */
	if (https_url_check(url, config_str(scep_config(x->scep), OPT_scep_webhook_hosts), e) < 0) {
		e->code = E_UNAVAILABLE;
		return -1;
	}
	char *body = question(x, m, csr);
	if (!body)
		return fail(e, E_UNAUTHENTICATED, "the challengePassword isn't text");
	int rc = post(x, url, body, slow, &taken, &status, e);
	explicit_bzero(body, strlen(body));
	free(body);
	return rc < 0 ? -1 : read_answer(&taken, status, e);
}

int
scep_webhook_open(struct error *e)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : fail(e, E_INTERNAL, "libcurl can't be set up");
}

/* A server that takes its time again and again isn't asked for the rest of a minute. */
static int
check_slow(const char *slow, struct error *e)
{
	if (throttle_check(slow, e) == 0)
		return 0;
	unsigned wait_sec = e->retry_after_sec;
	(void)fail(e, E_UNAVAILABLE, "the webhook didn't answer in time again and again");
	e->retry_after_sec = wait_sec;
	return -1;
}

int
scep_webhook_allows(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, struct error *e)
{
	struct scep_transaction known;
	struct csr first;
	struct error none;
	/* The server's word is kept with the transaction: it may be one that is given once, and the client asks again until it has its answer. */
	int rc = scep_transaction_find(x, m, &known, e);
	if (rc < 0 && e->code != E_NOT_FOUND)
		return -1;
	if (rc == 0 && known.vouched && csr_parse(known.csr, &first, &none) == 0 && bytes_equal(first.info, csr->info))
		return 0;
	const char *slow = arena_printf(x->arena, "scep webhook %lld", (long long)x->endpoint.id);
	if (check_slow(slow, e) < 0)
		return -1;
	if (join(x) < 0) {
		(void)fail(e, E_UNAVAILABLE, "too many questions to webhooks are under way");
		e->retry_after_sec = 5;
		return -1;
	}
	if (check_slow(slow, e) < 0) { /* it became so meanwhile */
		leave(x);
		return -1;
	}
	rc = ask(x, m, csr, slow, e);
	leave(x);
	return rc < 0 ? -1 : scep_transaction_keep(x, m, csr, NULL, e);
}
