#include "enroll/acme/validator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/acme/order.h"
#include "lib/limits.h"
#include "lib/log.h"

enum {
	LOOK_SEC = 2,         /* so often one thread looks for what nobody told of: what another process left, and what is tried again */
	DEADLINE_MS = 15000,  /* of one look: a server that isn't there is known after connecting to its addresses */
	LEASE_SEC = 60,       /* that a challenge is one thread's: longer than waiting for a probe and its answer (probe.h) */
	ATTEMPTS = 3,         /* when the probe found that it should be tried again */
	ATTEMPTS_WITHOUT = 20, /* when there was no probe to ask */
};
_Static_assert(LEASE_SEC * 1000 > 2 * DEADLINE_MS + LIMIT_ENGINE_CALL_MS, "a challenge isn't taken twice at a time");

struct acme_validator {
	struct acme *acme;
	struct acme_probe *probe;
	pthread_mutex_t lock;
	pthread_cond_t wakes;
	int n_wakes;
	time_t look_at;       /* of CLOCK_MONOTONIC */
	bool stopping;
	int n_wanted, n_threads;
	pthread_t *threads;
};

/* A challenge that is taken. */
struct work {
	int64_t id, account;
	int attempt;
	const char *type, *token, *identifier, *label;
	bool wildcard, caa;
	struct bytes thumbprint;
	struct endpoint settings; /* the directory's, for endpoint_text() */
};

static time_t
now_sec(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* A quarter of what can be looked at at a time: of three others each finds room at once. */
static int64_t
most_of_account(struct acme_validator *v)
{
	int n = acme_probe_connections(v->probe);
	n = n < v->n_wanted ? n : v->n_wanted;
	return n < 4 ? 1 : n / 4;
}

/* 1, with an id of 0 when another took what was due; 0 when nothing is due; -1. */
static int
take(struct acme_validator *v, struct arena *a, struct work *ret, struct error *e)
{
	enum { ID, ATTEMPT, TYPE, TOKEN, IDENTIFIER, WILDCARD, ACCOUNT, THUMBPRINT, LABEL, SETTINGS, CAA };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	if (enroll_query(acme_enroll(v->acme), 0,
	                 "SELECT r_id, r_attempt, r_type, r_token, r_identifier, r_wildcard, r_account, r_thumbprint, r_label, r_settings, r_caa"
	                 " FROM acme_challenge_take($1::int, $2::int)",
	                 (struct db_param[]){DB_INT(LEASE_SEC), DB_INT(most_of_account(v))}, 2, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return 0;
	*ret = (struct work){0};
	if (db_is_null(r, 0, ID))
		return 1;
	*ret = (struct work){
	    .id = db_int(r, 0, ID),
	    .attempt = (int)db_int(r, 0, ATTEMPT),
	    .type = arena_strdup(a, db_text(r, 0, TYPE)),
	    .token = arena_strdup(a, db_text(r, 0, TOKEN)),
	    .identifier = arena_strdup(a, db_text(r, 0, IDENTIFIER)),
	    .wildcard = db_bool(r, 0, WILDCARD),
	    .account = db_int(r, 0, ACCOUNT),
	    .thumbprint = db_bytes(r, 0, THUMBPRINT, a),
	    .label = arena_strdup(a, db_text(r, 0, LABEL)),
	    .caa = db_bool(r, 0, CAA),
	};
	ret->settings.settings = arena_strdup(a, db_text(r, 0, SETTINGS));
	return 1;
}

char **
acme_words(struct arena *a, const char *text, size_t *ret_n)
{
	size_t n = 0, max = 1;
	for (const char *p = text; *p; p++)
		max += *p == ',';
	char **list = arena_alloc(a, max * sizeof(*list));
	const char *word;
	size_t len;
	while (words_next(&text, &word, &len))
		list[n++] = arena_strndup(a, word, len);
	*ret_n = n;
	return list;
}

void
acme_task_settings(struct arena *a, const struct endpoint *ep, bool caa, Siegel__Task *t)
{
	t->networks = acme_words(a, endpoint_text(ep, a, "networks", ""), &t->n_networks);
	t->check_caa = caa;
	if (caa)
		t->caa_identities = acme_words(a, endpoint_text(ep, a, "caa_identities", ""), &t->n_caa_identities);
}

static bool
kind_of(const char *type, Siegel__Task__Kind *ret)
{
	static const struct {
		const char *type;
		Siegel__Task__Kind kind;
	} kinds[] = {
#define CHALLENGE_OF_PROBE(id, word) {word, SIEGEL__TASK__KIND__##id},
#define CHALLENGE_OF_CLIENT(id, word)
#include "lib/acme_challenges.def"
#include "lib/text.h"
#undef CHALLENGE_OF_PROBE
#undef CHALLENGE_OF_CLIENT
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0) {
			*ret = kinds[i].kind;
			return true;
		}
	return false;
}

static int
ask(struct acme_validator *v, struct arena *a, const struct work *w, Siegel__Finding **ret, struct error *e)
{
	Siegel__Task t = SIEGEL__TASK__INIT;
	if (!kind_of(w->type, &t.kind))
		return fail(e, E_BAD_ATTESTATION, "the answer to this challenge was lost: make a new order");
	t.identifier = arena_strdup(a, w->identifier);
	t.token = arena_strdup(a, w->token);
	t.thumbprint = base64url_encode(a, w->thumbprint);
	t.account_url = arena_printf(a, "%s/acct/%lld", acme_directory_url(v->acme, a, w->label), (long long)w->account);
	acme_task_settings(a, &w->settings, w->caa, &t);
	t.wildcard = w->wildcard;
	t.deadline_ms = DEADLINE_MS;
	t.request_id = arena_printf(a, "challenge-%lld", (long long)w->id);
	return acme_probe_run(v->probe, &t, ret, e);
}

/* What is stored of a look. */
struct outcome {
	bool good, caa;      /* caa: CAA records allow it too */
	int again_sec;       /* not 0: it is tried again */
	const char *problem; /* ACME's word; with neither of the two */
	const char *detail;
	json_t *log;
};

static void
judge(const struct work *w, struct arena *a, const Siegel__Finding *f, const struct error *why, struct outcome *ret)
{
	const char *problem = f ? f->problem : error_acme_type(why->code);
	const char *detail = f ? f->detail : why->detail;
	int most = f ? ATTEMPTS : ATTEMPTS_WITHOUT;
	ret->log = json_array();
	for (size_t i = 0; f && i < f->n_steps && i < LIMIT_PROBE_STEPS; i++)
		json_array_append_new(ret->log, json_string(f->steps[i]));
	ret->good = f && f->good;
	ret->caa = w->caa;
	if (ret->good)
		return;
	if ((f ? f->temporary : error_acme_status(why->code) >= 500) && w->attempt < most)
		ret->again_sec = w->attempt == 1 ? 2 : 5;
	ret->problem = arena_strdup(a, *problem ? problem : "serverInternal");
	ret->detail = arena_strdup(a, detail);
	json_array_append_new(ret->log, json_string(arena_printf(a, "%s: %s%s", ret->problem, detail, ret->again_sec ? " (tried again)" : "")));
}

static int
store(struct acme_validator *v, const struct work *w, const struct outcome *o, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	json_t *p CLEANUP(json_decref) = json_pack("{s:s+, s:s}", "type", "urn:ietf:params:acme:error:", o->problem ? o->problem : "", "detail",
	                                           o->detail ? o->detail : "");
	char *problem = p ? json_dumps(p, JSON_COMPACT) : NULL, *log = json_dumps(o->log, JSON_COMPACT);
	const struct db_param row[] = {
	    DB_INT(w->id), DB_INT(w->attempt), DB_TEXT(o->good ? "true" : "false"), o->good || o->again_sec || !problem ? DB_NULL : DB_TEXT(problem),
	    DB_TEXT(log ? log : "[]"), DB_INT(o->again_sec), DB_INT(acme_valid_hours(&w->settings)),
	    DB_TEXT(o->caa ? "true" : "false"),
	};
	int result = enroll_query(acme_enroll(v->acme), 0,
	                          "SELECT acme_challenge_result($1::int8, $2::int, $3::boolean, $4::text, $5::text, $6::int, $7::int, $8::boolean)",
	                          row, ARRAY_LEN(row), &r, e);
	free(problem);
	free(log);
	return result;
}

/* Why it failed, for the dashboard; NULL: by a fault of ours. The words are those of the console (reason), few enough for lib/db/tally.h. */
static const char *
reason_of(const char *problem)
{
	static const struct {
		const char *problem, *reason;
	} known[] = {
	    {"dns", "validation_dns"},
	    {"connection", "validation_connection"},
	    {"tls", "validation_tls"},
	    {"unauthorized", "validation_unauthorized"},
	    {"incorrectResponse", "validation_unauthorized"},
	    {"caa", "caa"},
	    {"rejectedIdentifier", "rejected_name"},
	    {"badAttestationStatement", "bad_attestation"},
	    {"serverInternal", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].problem, problem) == 0)
			return known[i].reason;
	return "validation_failed";
}

static void
count_failure(struct acme_validator *v, struct arena *a, const struct work *w, const struct outcome *o)
{
	struct enroll *en = acme_enroll(v->acme);
	const char *reason = o->good || o->again_sec ? NULL : reason_of(o->problem);
	struct endpoint door;
	struct error ignored;
	if (reason && endpoint_find(en, "acme", w->label, a, &door, &ignored) == 0)
		enroll_failed(en, door.tenant_id, reason);
}

/* One challenge, from the store and back. Whether there was one. */
static bool
work_once(struct acme_validator *v)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct outcome o = {0};
	struct work w;
	struct error e = {0};
	Siegel__Finding *f = NULL;
	int got = take(v, a, &w, &e);
	if (got <= 0) {
		if (got < 0)
			log_error(LOG_LEVEL_WARNING, "challenges can't be read", &e);
		return false;
	}
	if (w.id == 0)
		return true;
	if (ask(v, a, &w, &f, &e) < 0)
		f = NULL;
	judge(&w, a, f, &e, &o);
	if (store(v, &w, &o, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "a validation can't be stored, and is done again", &e);
	else
		count_failure(v, a, &w, &o);
	char id[24];
	log_event(LOG_LEVEL_INFO, "acme validated", "challenge", db_int_text(id, w.id), "directory", w.label, "type", w.type, "identifier",
	          w.identifier, "result",
	          o.good        ? "valid"
	          : o.again_sec ? "tried again"
	                        : "invalid",
	          "problem", o.problem, "detail", o.detail, "address", f && *f->address ? f->address : NULL, NULL);
	if (f)
		siegel__finding__free_unpacked(f, NULL);
	json_decref(o.log);
	return true;
}

/* Waits until somebody wakes us, or it is our turn to look. False when it is over. */
static bool
wait_for_work(struct acme_validator *v)
{
	bool go = false;
	pthread_mutex_lock(&v->lock);
	while (!v->stopping && !go) {
		if (v->n_wakes > 0) {
			v->n_wakes--;
			go = true;
		} else if (now_sec() >= v->look_at) {
			v->look_at = now_sec() + LOOK_SEC;
			go = true;
		} else {
			struct timespec until;
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_sec += LOOK_SEC;
			pthread_cond_timedwait(&v->wakes, &v->lock, &until);
		}
	}
	go = !v->stopping;
	pthread_mutex_unlock(&v->lock);
	return go;
}

static void *
run(void *ctx)
{
	struct acme_validator *v = ctx;
	/* Without a probe challenges wait in the store, where another front end may find them. */
	while (wait_for_work(v))
		while (!v->stopping && acme_probe_connections(v->probe) > 0 && work_once(v))
			continue;
	return NULL;
}

int
acme_validator_start(struct acme *s, struct acme_validator **ret, struct error *e)
{
	struct acme_validator *v = xcalloc(1, sizeof(*v));
	pthread_condattr_t clock;
	int wanted = (int)config_int(acme_config(s), OPT_acme_validators);
	v->acme = s;
	v->n_wanted = wanted;
	v->threads = xcalloc((size_t)wanted, sizeof(*v->threads));
	pthread_mutex_init(&v->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&v->wakes, &clock);
	pthread_condattr_destroy(&clock);
	int result = acme_probe_open(acme_config(s), &v->probe, e);
	while (result == 0 && v->n_threads < wanted)
		if (pthread_create(&v->threads[v->n_threads], NULL, run, v) == 0)
			v->n_threads++;
		else
			result = fail(e, E_INTERNAL, "a thread for validations can't be started");
	if (result < 0) {
		acme_validator_stop(v);
		return -1;
	}
	*ret = v;
	return 0;
}

void
acme_validator_stop(struct acme_validator *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->stopping = true;
	pthread_cond_broadcast(&v->wakes);
	pthread_mutex_unlock(&v->lock);
	/* What is under way comes back; the threads ask the probe nothing more. */
	acme_probe_stop(v->probe);
	for (int i = 0; i < v->n_threads; i++)
		pthread_join(v->threads[i], NULL);
	acme_probe_close(v->probe);
	pthread_cond_destroy(&v->wakes);
	pthread_mutex_destroy(&v->lock);
	free(v->threads);
	free(v);
}

void
acme_validator_wake(struct acme_validator *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->n_wakes++;
	pthread_cond_signal(&v->wakes);
	pthread_mutex_unlock(&v->lock);
}

struct acme_probe *
acme_validator_probe(struct acme_validator *v)
{
	return v ? v->probe : NULL;
}
