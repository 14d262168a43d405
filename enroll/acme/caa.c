#include "enroll/acme/caa.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "enroll/acme/validator.h"
#include "lib/db/array.h"
#include "lib/limits.h"
#include "lib/log.h"

enum {
	THREADS = 8,        /* that ask at a time, the request's own among them */
	BEGIN_MS = 5000,    /* nobody is asked about later */
	DEADLINE_MS = 4000, /* of one: for a connection of the probe, and for its finding (probe.h) */
	WAIT_SEC = 5,
};

struct name {
	int64_t authz;
	const char *identifier; /* as orders have it, with "*." */
	Siegel__Task task;
	Siegel__Finding *finding; /* NULL: why says why not */
	struct error why;
};

struct round {
	struct acme_probe *probe;
	struct name *names;
	size_t n;
	int64_t end_ms;
	pthread_mutex_t lock;
	size_t next;
};

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *
ask(void *ctx)
{
	struct round *r = ctx;
	for (;;) {
		pthread_mutex_lock(&r->lock);
		struct name *n = r->next < r->n ? &r->names[r->next++] : NULL;
		pthread_mutex_unlock(&r->lock);
		if (!n)
			return NULL;
		if (!r->probe || now_ms() >= r->end_ms)
			fail(&n->why, E_UNAVAILABLE, "there was no time to ask");
		else if (acme_probe_run(r->probe, &n->task, &n->finding, &n->why) < 0)
			n->finding = NULL;
	}
}

/* As many threads as there are names, up to THREADS; this one does what those that can't be had leave. */
static void
ask_all(struct round *r)
{
	pthread_t threads[THREADS - 1];
	size_t n = 0;
	r->end_ms = now_ms() + BEGIN_MS;
	pthread_mutex_init(&r->lock, NULL);
	while (n < ARRAY_LEN(threads) && n + 1 < r->n && pthread_create(&threads[n], NULL, ask, r) == 0)
		n++;
	ask(r);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&r->lock);
}

static void
read_names(struct acme_exchange *x, const json_t *list, struct round *r)
{
	const char *account = acme_url(x, "acct", x->account.id);
	const json_t *v;
	size_t i;
	r->names = arena_alloc(x->arena, (json_array_size(list) + 1) * sizeof(*r->names));
	json_array_foreach(list, i, v) {
		const char *identifier = json_string_value(json_object_get(v, "identifier"));
		const char *method = json_string_value(json_object_get(v, "method"));
		bool wildcard = json_is_true(json_object_get(v, "wildcard"));
		if (!identifier || !method)
			continue;
		struct name *n = &r->names[r->n++];
		*n = (struct name){.authz = json_integer_value(json_object_get(v, "authz"))};
		n->identifier = wildcard ? arena_printf(x->arena, "dns:*.%s", identifier + 4) : arena_strdup(x->arena, identifier);
		siegel__task__init(&n->task);
		n->task.kind = SIEGEL__TASK__KIND__CAA;
		n->task.identifier = arena_strdup(x->arena, identifier);
		n->task.account_url = arena_strdup(x->arena, account);
		n->task.wildcard = wildcard;
		/* RFC 8657 4: what is no method of ACME has a label of ours. */
		n->task.method = arena_printf(x->arena, "%s%s", strcmp(method, "policy") == 0 ? "ca-" : "", method);
		n->task.deadline_ms = DEADLINE_MS;
		n->task.request_id = arena_strdup(x->arena, x->request->request_id);
		acme_task_settings(x->arena, &x->endpoint, true, &n->task);
	}
}

static int
store(struct acme_exchange *x, const struct acme_order *o, const struct round *r, bool all, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *ignored = NULL;
	struct db_array list;
	struct db_param good;
	db_array_init(&list, DB_ARRAY_INT8, (r->n + 1) * 24);
	for (size_t i = 0; i < r->n; i++)
		if (r->names[i].finding && r->names[i].finding->good)
			db_array_add_int(&list, r->names[i].authz);
	int result = db_array_param(&list, &good, e);
	if (result == 0)
		result = acme_query(x, "SELECT acme_caa_done($1::int8, $2::int8[], $3::boolean)",
		                    (struct db_param[]){DB_INT(o->id), good, DB_TEXT(all ? "true" : "false")}, 3, &ignored, e);
	db_array_free(&list);
	return result;
}

/* What was found: those that refuse are subproblems. */
static int
judge(struct acme_exchange *x, const struct round *r, bool late, struct error *e)
{
	size_t refused = 0, open = 0;
	struct error first = {0}, later = {0};
	for (size_t i = 0; i < r->n; i++) {
		const struct name *n = &r->names[i];
		const Siegel__Finding *f = n->finding;
		const char *detail = f ? f->detail : n->why.detail;
		struct error why;
		if (f && f->good)
			continue;
		log_event(LOG_LEVEL_INFO, "acme caa", "request", x->request->request_id, "identifier", n->identifier, "problem",
		          f ? f->problem : "serverInternal", "detail", detail, NULL);
		if (!f || (f->temporary && !late)) { /* a fault of ours is no answer, however long it lasts */
			if (open++ == 0)
				fail(&later, E_UNAVAILABLE, "%.100s: %.150s", n->identifier, detail);
			continue;
		}
		fail(&why, E_CAA, "%s", detail);
		acme_subproblem(x, n->identifier, &why);
		if (refused++ == 0)
			first = why;
	}
	if (refused > 0)
		return refused == 1 ? fail(e, E_CAA, "%s", first.detail)
		                    : fail(e, E_CAA, "CAA records of %zu names forbid it, or can't be had (RFC 8659)", refused);
	if (open == 0)
		return 0;
	*e = later;
	e->retry_after_sec = WAIT_SEC;
	return -1;
}

int
acme_caa_check(struct acme_exchange *x, const struct acme_order *o, struct error *e)
{
	if (!*o->caa)
		return 0;
	json_t *asked CLEANUP(json_decref) = json_loads(o->caa, 0, NULL);
	struct round r = {.probe = acme_validator_probe(acme_validator(x->acme))};
	struct error unstored;
	read_names(x, json_object_get(asked, "names"), &r);
	ask_all(&r);
	int result = judge(x, &r, json_is_true(json_object_get(asked, "late")), e);
	if (store(x, o, &r, result == 0, &unstored) < 0)
		log_error(LOG_LEVEL_WARNING, "what CAA records allow can't be stored, and they are asked for again", &unstored);
	for (size_t i = 0; i < r.n; i++)
		if (r.names[i].finding)
			siegel__finding__free_unpacked(r.names[i].finding, NULL);
	return result;
}
