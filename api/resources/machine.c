/* How the machine does, for those who operate it: processes, store, engine, lists of revoked certificates, disks, processors, memory, clock, and in
 * words of one kind what is wrong. Load balancers ask /health. A look is kept for a moment, so that asking costs little. */
#include "config.h"
#include "api/api.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/jsonapi.h"
#include "api/machine.h"
#include "api/token_cache.h"

#define FRESH_MS 2000
#define BODY_MAX_BYTES 131072
#define MAX_SERVICES 16
#define MAX_DISKS 16
/* From where on it is wrong, in parts of a hundred that are left. */
#define DISK_LOW 15
#define DISK_FULL 5
#define MEMORY_LOW 10
#define MEMORY_FULL 3
#define LOAD_HIGH 2         /* times the processors, over five minutes */
#define JOB_OLD_SEC 86400
#define COUNTS_WAITING 100000 /* machine_store() counts no further; siegel-sched adds that many up at once */

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_FAILED };
static const char *const level_words[] = {"ok", "warning", "failed"};

/* One look. */
struct look {
	struct call *call;
	json_t *shown, *problems;
	enum level worst;
	const char *figures; /* the store's; NULL: it is away */
};

/* The last look, and what the next one compares with. */
static struct {
	pthread_mutex_t lock;
	int64_t at_ms;
	char *text;
	struct machine_cpu cpu;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_int house; /* the tenant that the store said is the house; 0: it wasn't asked yet */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static json_t *
time_text(int64_t at)
{
	char text[32];
	time_t t = (time_t)at;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

/* subject: what it is about, "" for the machine; value: a number that says more. */
static void
problem(struct look *l, enum level level, const char *code, const char *subject, int64_t value)
{
	json_array_append_new(l->problems, json_pack("{s:s, s:s, s:s, s:I}", "code", code, "level", level_words[level], "subject", subject, "value",
	                                             (json_int_t)value));
	if (level > l->worst)
		l->worst = level;
}

/* Calls each() with every word of a text of words separated by blanks. */
static void
each_word(const char *words, void (*each)(void *ctx, const char *word), void *ctx)
{
	for (const char *p = words + strspn(words, " "); *p; p += strspn(p, " ")) {
		char word[256];
		size_t len = strcspn(p, " ");

		if (len < sizeof word) {
			memcpy(word, p, len);
			word[len] = '\0';
			each(ctx, word);
		}
		p += len;
	}
}

struct services {
	struct machine_service list[MAX_SERVICES];
	size_t n;
};

static void
want_service(void *ctx, const char *word)
{
	struct services *s = ctx;

	if (s->n < MAX_SERVICES)
		snprintf(s->list[s->n++].name, sizeof s->list[0].name, "siegel-%.20s", word);
}

static void
look_at_services(struct look *l)
{
	struct services s = {0};
	json_t *list = json_array();
	bool seen;

	each_word(config_str(l->call->api->config, OPT_api_services), want_service, &s);
	seen = machine_services(s.list, s.n);
	for (size_t i = 0; i < s.n; i++) {
		const struct machine_service *one = &s.list[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:i, s:I}", "name", one->name, "state",
		                                      one->n ? "running" : seen ? "stopped" : "unknown", "since",
		                                      one->n ? time_text(one->since) : json_null(), "processes", one->n, "memory_bytes",
		                                      (json_int_t)one->rss_bytes));
		if (!one->n && seen)
			problem(l, LEVEL_FAILED, "service_stopped", one->name, 0);
	}
	json_object_set_new(l->shown, "services", list);
}

static void
look_at_engine(struct look *l)
{
	Siegel__Status status = SIEGEL__STATUS__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	struct error e;
	bool works = false, keys = false;

	request.operation_case = SIEGEL__REQUEST__OPERATION_STATUS;
	request.status = &status;
	if (engine_call(call_engine(l->call), &request, &reply, &e) == 0) {
		works = reply->result_case == SIEGEL__REPLY__RESULT_STATUS && reply->status->workers > 0 && (reply->status->store || !l->figures);
		keys = reply->result_case == SIEGEL__REPLY__RESULT_STATUS && reply->status->key_store;
		engine_reply_free(reply);
	}
	json_object_set_new(l->shown, "engine", json_pack("{s:s, s:s}", "state", works ? "ok" : "failed", "key_store", keys ? "ok" : "failed"));
	if (!works)
		problem(l, LEVEL_FAILED, "engine_down", "", 0);
	else if (!keys)
		problem(l, LEVEL_FAILED, "key_store_down", "", 0);
}

static int64_t
number(const json_t *object, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(object, name));
}

/* What the store says; that it is away is said, too. */
static int
ask_store(struct look *l, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	int64_t since = token_cache_lost_at(), now = time(NULL);

	if (!l->call->storeless && call_db(l->call, e) == 0 && db_query(l->call->db, "SELECT machine_store()", NULL, 0, false, &r, e) == 0) {
		call_release_db(l->call);
		l->figures = arena_strdup(l->call->arena, db_text(r, 0, 0));
		return 0;
	}
	call_release_db(l->call);
	if (!l->call->storeless && e->code != E_STORE)
		return -1;
	json_object_set_new(l->shown, "store", json_pack("{s:s, s:o}", "state", "failed", "since", time_text(since ? since : now)));
	json_object_set_new(l->shown, "jobs", json_null());
	json_object_set_new(l->shown, "crls", json_null());
	json_object_set_new(l->shown, "crl_list", json_array());
	problem(l, LEVEL_FAILED, "store_down", "", since ? now - since : 0);
	return 0;
}

/* What its figures mean. */
static int
look_at_figures(struct look *l, struct error *e)
{
	json_t *store, *jobs, *crls, *one;
	int64_t shown = 0;
	size_t i;

	if (!l->figures)
		return 0;
	store = json_loads(l->figures, 0, NULL);
	if (!store)
		return fail(e, E_INTERNAL, "the store's figures can't be read");
	jobs = json_object_get(store, "jobs");
	crls = json_object_get(store, "crls");
	json_object_set_new(l->shown, "store", json_pack("{s:s, s:O, s:O, s:O}", "state", "ok", "bytes", json_object_get(store, "bytes"),
	                                                 "started_at", json_object_get(store, "started_at"), "counts_waiting",
	                                                 json_object_get(store, "deltas")));
	json_object_set(l->shown, "jobs", jobs);
	json_object_set(l->shown, "crls", crls);
	json_object_set(l->shown, "crl_list", json_object_get(store, "crl_list"));
	if (number(jobs, "oldest_sec") > JOB_OLD_SEC)
		problem(l, LEVEL_WARNING, "jobs_waiting", "", number(jobs, "oldest_sec"));
	if (number(store, "deltas") >= COUNTS_WAITING)
		problem(l, LEVEL_WARNING, "counts_waiting", "", number(store, "deltas"));
	json_array_foreach(json_object_get(store, "crl_list"), i, one) {
		const char *state = json_string_value(json_object_get(one, "state")), *ca = json_string_value(json_object_get(one, "ca"));

		if (!state || strcmp(state, "ok") == 0)
			continue;
		shown++;
		problem(l, LEVEL_FAILED, strcmp(state, "missing") == 0 ? "crl_missing" : "crl_overdue", ca ? ca : "", 0);
	}
	if (number(crls, "overdue") + number(crls, "missing") > shown)
		problem(l, LEVEL_FAILED, "crls_of_tenants_overdue", "", number(crls, "overdue") + number(crls, "missing") - shown);
	json_decref(store);
	return 0;
}

struct disks {
	struct look *look;
	json_t *list;
	uint64_t ids[MAX_DISKS];
	size_t n;
};

static void
look_at_disk(void *ctx, const char *path)
{
	struct disks *d = ctx;
	struct machine_disk disk;
	size_t i = 0;

	if (d->n == MAX_DISKS || machine_disk(path, &disk) < 0 || disk.bytes <= 0)
		return; /* a folder that this machine doesn't have */
	while (i < d->n && d->ids[i] != disk.id)
		i++;
	if (i < d->n) {
		json_array_append_new(json_object_get(json_array_get(d->list, i), "paths"), json_string(path));
		return;
	}
	d->ids[d->n++] = disk.id;
	int64_t left = disk.free_bytes * 100 / disk.bytes;
	enum level level = left < DISK_FULL ? LEVEL_FAILED : left < DISK_LOW ? LEVEL_WARNING : LEVEL_OK;

	json_array_append_new(d->list, json_pack("{s:[s], s:s, s:I, s:I}", "paths", path, "state", level_words[level], "bytes",
	                                         (json_int_t)disk.bytes, "free_bytes", (json_int_t)disk.free_bytes));
	if (level != LEVEL_OK)
		problem(d->look, level, level == LEVEL_FAILED ? "disk_full" : "disk_low", path, left);
}

static void
look_at_kernel(struct look *l)
{
	struct machine_cpu cpu;
	struct machine_memory m;
	struct machine_clock clock;
	struct disks disks = {.look = l, .list = json_array()};

	each_word(config_str(l->call->api->config, OPT_api_disks), look_at_disk, &disks);
	json_object_set_new(l->shown, "disks", disks.list);
	if (machine_cpu(&cpu) == 0) {
		uint64_t all = cpu.all - last.cpu.all, busy = cpu.busy - last.cpu.busy;

		json_object_set_new(l->shown, "cpu", json_pack("{s:i, s:[f, f, f], s:I}", "processors", cpu.processors, "load", cpu.load[0],
		                                               cpu.load[1], cpu.load[2], "busy_percent",
		                                               (json_int_t)(all ? busy * 100 / all : 0)));
		if (cpu.processors > 0 && cpu.load[1] > LOAD_HIGH * cpu.processors)
			problem(l, LEVEL_WARNING, "load_high", "", (int64_t)cpu.load[1]);
		last.cpu = cpu;
	}
	if (machine_memory(&m) == 0) {
		int64_t left = m.available_bytes * 100 / m.bytes;

		json_object_set_new(l->shown, "memory", json_pack("{s:I, s:I, s:I, s:I}", "bytes", (json_int_t)m.bytes, "available_bytes",
		                                                  (json_int_t)m.available_bytes, "swap_bytes", (json_int_t)m.swap_bytes,
		                                                  "swap_free_bytes", (json_int_t)m.swap_free_bytes));
		if (left < MEMORY_LOW)
			problem(l, left < MEMORY_FULL ? LEVEL_FAILED : LEVEL_WARNING, "memory_low", "", left);
	}
	if (machine_clock(&clock) == 0) {
		json_object_set_new(l->shown, "clock", json_pack("{s:o, s:b, s:I}", "now", time_text(time(NULL)), "synchronized", clock.synchronized,
		                                                 "error_ms", (json_int_t)(clock.error_us / 1000)));
		if (!clock.synchronized)
			problem(l, LEVEL_WARNING, "clock_unsynchronized", "", 0);
	}
	json_object_set_new(l->shown, "uptime_sec", json_integer(machine_uptime_sec()));
}

/* With the lock held. What is wrong comes in the order in which it is to be mended. */
static int
look(struct call *c, struct error *e)
{
	struct look l = {.call = c, .shown = json_object(), .problems = json_array()};
	int rc;

	look_at_services(&l);
	rc = ask_store(&l, e);
	look_at_engine(&l);
	look_at_kernel(&l);
	if (rc == 0 && (rc = look_at_figures(&l, e)) == 0) {
		json_object_set_new(l.shown, "status", json_string(level_words[l.worst]));
		json_object_set(l.shown, "problems", l.problems);
		free(last.text);
		last.text = json_dumps(l.shown, JSON_COMPACT | JSON_REAL_PRECISION(6));
		last.at_ms = now_ms();
	}
	json_decref(l.problems);
	json_decref(l.shown);
	return rc;
}

/* Whether the tenant of who asks is the house. A store that is away said so before, or nobody is told anything. */
static int
is_house(struct call *c, bool *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (!c->storeless && call_db(c, e) == 0 && db_query(c->db, "SELECT works_for_house()", NULL, 0, false, &r, e) == 0) {
		*ret = db_bool(r, 0, 0);
		if (*ret)
			atomic_store(&house, c->who.tenant_id);
	} else if (!c->storeless && e->code != E_STORE) {
		return -1;
	} else if (atomic_load(&house) == 0) {
		return fail(e, E_STORE, "the store is away, and hasn't said yet which tenant is the house");
	} else {
		c->storeless = true;
		*ret = atomic_load(&house) == c->who.tenant_id;
	}
	call_release_db(c);
	return 0;
}

static int
check_house(struct call *c, struct error *e)
{
	bool ours = false;

	if (c->request->n_query)
		return fail(e, E_MALFORMED, "this takes no query");
	if (is_house(c, &ours, e))
		return -1;
	return ours ? 0 : fail(e, E_FORBIDDEN, "the machine is shown in the house tenant alone");
}

static int
get(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(BODY_MAX_BYTES);
	const char *text = NULL;
	int rc = 0;

	if (check_house(c, e))
		return -1;
	pthread_mutex_lock(&last.lock);
	if (!last.text || now_ms() - last.at_ms >= FRESH_MS)
		rc = look(c, e);
	if (rc == 0)
		text = arena_strdup(c->arena, last.text);
	pthread_mutex_unlock(&last.lock);
	if (rc)
		return -1;
	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", "machine");
	jw_text(&j, "id", config_str(c->api->config, OPT_instance_name));
	jw_raw(&j, "attributes", text);
	jw_open(&j, "links");
	jw_text(&j, "self", call_link(c, "machine", NULL));
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	http_answer_header(c->answer, "Cache-Control", "no-store");
	return call_answer(c, 200, &j, e);
}

/* For the description. */
static const struct attribute attributes[] = {
	{"status", NULL, ATTRIBUTE_TEXT, 0, "the worst of what is wrong"},
	{"problems", NULL, ATTRIBUTE_JSON},
	{"services", NULL, ATTRIBUTE_JSON},
	{"engine", NULL, ATTRIBUTE_JSON},
	{"store", NULL, ATTRIBUTE_JSON},
	{"jobs", NULL, ATTRIBUTE_JSON},
	{"crls", NULL, ATTRIBUTE_JSON},
	{"crl_list", NULL, ATTRIBUTE_JSON},
	{"disks", NULL, ATTRIBUTE_JSON},
	{"cpu", NULL, ATTRIBUTE_JSON},
	{"memory", NULL, ATTRIBUTE_JSON},
	{"clock", NULL, ATTRIBUTE_JSON},
	{"uptime_sec", NULL, ATTRIBUTE_INT},
};

static const struct route routes[] = {
	{"GET", "/machine", RIGHT_MACHINE, get, .flags = ROUTE_STORELESS,
	 .text = "how the machine does: processes, engine, store, disks, load, memory, clock, and what is wrong. In the house tenant alone"},
};

const struct resource resource_machine = {
	.path = "machine",
	.types = {"machine"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
