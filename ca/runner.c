#include "ca/runner.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/channel.h"
#include "ca/condition.h"
#include "ca/jobs.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/log.h"

#define CHAIN "ca.runner"
#define MAX_ACTIVE 8       /* jobs that take turns; the others wait */
#define IDLE_WAIT_MS 5000
#define FAULT_WAIT_MS 1000 /* after a store that isn't there */
/* Of a step that fails for the moment, the pauses doubling up to a minute: a quarter of an hour, then the job has failed. */
#define TRIES_MAX 20
#define PAUSE_MAX_SEC 60
/* Of job_query(): a query that took less than the QUICKth part of its time is about twice as much the next time, one that was ended about the
 * SHRINKth part. */
#define QUICK 4
#define SHRINK 8
#define STEP_ARENA_BYTES (64 * 1024 * 1024)

struct active {
	struct job_run run;
	char *actor;
	json_t *parameters;
	bool cancel; /* its owner wants it to end */
};

/* A job whose step failed for the moment: the others go on meanwhile. */
struct put_off {
	int64_t id, until_us;
	int tries;
};

struct runner {
	struct desk desk;
	bool listening;
	struct active active[MAX_ACTIVE];
	size_t n;
	struct put_off *off;
	size_t n_off;
};

int
job_audit(struct job_run *j, const char *action, const char *object, const char *detail, struct error *e)
{
	struct audit_row row = {.at_us = now_us(), .tenant_id = j->tenant_id, .actor = j->actor, .action = action, .object = object,
				.detail = detail ? detail : "{}"};
	return desk_audit(j->desk, &row, e);
}

int
job_item(struct job_run *j, const char *status, const char *object, const char *detail, struct error *e)
{
	struct db_param row[] = {DB_INT(j->id), DB_INT(j->tenant_id), DB_INT(j->done + j->failed + 1), DB_TEXT(status), DB_TEXT(object),
	    DB_TEXT(detail)};
	if (strcmp(status, "failed") == 0)
		j->failed++;
	else
		j->done++;
	return db_query(j->desk->db,
			"INSERT INTO job_item (job_id, tenant_id, n, status, object, detail) VALUES ($1::int8, $2::int, $3::int8, $4::text, $5::text,"
			" $6::text)",
			row, ARRAY_LEN(row), false, NULL, e);
}

int64_t
job_size(const struct job_run *j, int64_t max)
{
	const json_t *size = json_object_get(j->state, "size");
	return size && json_integer_value(size) < max ? json_integer_value(size) : max;
}

int
job_query(struct job_run *j, int64_t size, const char *sql, const struct db_param *params, int n_params, bool *ret_late, struct db_result **ret,
	  struct error *e)
{
	struct db *db = j->desk->db;
	int64_t began = now_us();
	*ret_late = false;
	if (db_query(db, "SAVEPOINT of_query", NULL, 0, false, NULL, e) < 0)
		return -1;
	if (condition_query(db, LIMIT_JOB_QUERY_MS, sql, params, n_params, ret, e) == 0) {
		if (now_us() - began < (int64_t)LIMIT_JOB_QUERY_MS * 1000 / QUICK && size < INT64_MAX / 2)
			json_object_set_new(j->state, "size", json_integer(size * 2));
		return db_query(db, "RELEASE of_query", NULL, 0, false, NULL, e);
	}
	if (!db_alive(db) || strcmp(db_sqlstate(db), CONDITION_LATE) != 0)
		return -1;
	if (db_query(db, "ROLLBACK TO of_query", NULL, 0, false, NULL, e) < 0)
		return -1;
	if (size <= 1) /* a lock, or a store that is busy with something else */
		return fail(e, E_UNAVAILABLE, "the conditions take longer than %d ms on one certificate", LIMIT_JOB_QUERY_MS);
	json_object_set_new(j->state, "size", json_integer(size > SHRINK ? size / SHRINK : 1));
	*ret_late = true;
	return 0;
}

/* --- taking up jobs --- */

static void
drop(struct runner *r, size_t i)
{
	struct active *a = &r->active[i];
	if (a->run.kind && a->run.kind->close)
		a->run.kind->close(&a->run);
	json_decref(a->parameters);
	json_decref(a->run.state);
	json_decref(a->run.result);
	free(a->actor);
	r->n--;
	memmove(a, a + 1, (r->n - i) * sizeof(*a));
}

static void
drop_all(struct runner *r)
{
	while (r->n)
		drop(r, r->n - 1);
}

static json_t *
parse(const char *text)
{
	json_t *j = *text ? json_loads(text, 0, NULL) : NULL;
	return j ? j : json_object();
}

static void
take_up(struct runner *r, const struct db_result *rows, int i)
{
	struct active *a = &r->active[r->n++];
	*a = (struct active){.actor = xstrdup(db_text(rows, i, 3)), .parameters = parse(db_text(rows, i, 5)), .cancel = db_bool(rows, i, 11)};
	a->run = (struct job_run){
	    .desk = &r->desk,
	    .kind = job_kind_of(db_text(rows, i, 4)),
	    .id = db_int(rows, i, 0),
	    .tenant_id = (int32_t)db_int(rows, i, 1),
	    .account_id = db_int(rows, i, 2),
	    .actor = a->actor,
	    .parameters = a->parameters,
	    .state = parse(db_text(rows, i, 6)),
	    .total = db_is_null(rows, i, 7) ? -1 : db_int(rows, i, 7),
	    .done = db_int(rows, i, 8),
	    .failed = db_int(rows, i, 9),
	    .result = parse(db_text(rows, i, 10)),
	};
}

static bool
is_active(const struct runner *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->active[i].run.id == id)
			return true;
	return false;
}

static struct put_off *
find_off(const struct runner *r, int64_t id)
{
	for (size_t i = 0; i < r->n_off; i++)
		if (r->off[i].id == id)
			return &r->off[i];
	return NULL;
}

static void
forget_off(struct runner *r, int64_t id)
{
	struct put_off *p = find_off(r, id);
	if (p)
		*p = r->off[--r->n_off];
}

/* Puts a job off. False: it has been tried often enough. */
static bool
put_off(struct runner *r, int64_t id)
{
	struct put_off *p = find_off(r, id);
	if (!p) {
		r->off = xrealloc(r->off, (r->n_off + 1) * sizeof(*r->off));
		p = &r->off[r->n_off++];
		*p = (struct put_off){.id = id};
	}
	int pause_sec = p->tries < 6 ? 1 << p->tries : PAUSE_MAX_SEC;
	p->until_us = now_us() + (int64_t)pause_sec * 1000000;
	return p->tries++ < TRIES_MAX;
}

/* Those that rest, as PostgreSQL's text of an array. */
static const char *
resting(const struct runner *r, struct arena *a)
{
	const char *text = "{";
	int64_t now = now_us();
	for (size_t i = 0; i < r->n_off; i++)
		if (r->off[i].until_us > now)
			text = arena_printf(a, "%s%s%lld", text, text[1] ? "," : "", (long long)r->off[i].id);
	return arena_printf(a, "%s}", text);
}

/* Takes up what waits: the oldest of each tenant first, so that none waits behind the many of another. One that rests is ended at once when its
 * owner wants that. */
static int
look(struct runner *r, struct error *e)
{
	struct db_result *rows CLEANUP(db_result_free) = NULL;
	struct arena *a CLEANUP(arena_free) = arena_new(STEP_ARENA_BYTES);
	if (r->n == MAX_ACTIVE)
		return 0;
	struct db_param row[] = {DB_TEXT(resting(r, a))};
	if (db_query(r->desk.db,
		     "SELECT id, tenant_id, account_id, requestor, kind, parameters, state, total, done, failed, result, cancel FROM ("
		     "SELECT j.*, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS place FROM job j WHERE status IN ('queued', 'running')"
		     " AND (cancel OR id <> ALL ($1::int8[]))) j ORDER BY place, id LIMIT 16",
		     row, 1, false, &rows, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(rows) && r->n < MAX_ACTIVE; i++)
		if (!is_active(r, db_int(rows, i, 0)))
			take_up(r, rows, i);
	return 0;
}

/* --- steps --- */

/* Stores the progress; status NULL: it goes on. *ret_cancel: its owner wants it to end. */
static int
save(struct job_run *j, const char *status, const char *error, bool *ret_cancel, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	char *state = json_dumps(j->state, JSON_COMPACT), *result = json_dumps(j->result, JSON_COMPACT);
	struct db_param row[] = {DB_INT(j->id), DB_TEXT(status), DB_TEXT(state ? state : "{}"), j->total < 0 ? DB_NULL : DB_INT(j->total),
	    DB_INT(j->done), DB_INT(j->failed), DB_TEXT(result ? result : "{}"), DB_TEXT(error)};
	int rc = db_query(j->desk->db,
	                  "UPDATE job SET status = coalesce($2::text, 'running'), state = $3::jsonb, total = $4::int8, done = $5::int8, "
	                  "failed = $6::int8, result = $7::jsonb, error = $8::text, started_at = coalesce(started_at, now()),"
	                  " ended_at = CASE WHEN $2::text IS NULL THEN NULL ELSE now() END WHERE id = $1::int8 RETURNING cancel",
	                  row, ARRAY_LEN(row), false, &r, e);
	free(state);
	free(result);
	if (rc == 0)
		*ret_cancel = db_bool(r, 0, 0);
	return rc;
}

static int
end_row(struct job_run *j, const char *status, const char *error, struct error *e)
{
	return job_audit(j, "job.ended", arena_printf(j->arena, "job/%lld", (long long)j->id),
			 detail_text(j->arena, "kind", j->kind ? j->kind->name : "unknown", "status", status, "done",
				     arena_printf(j->arena, "%lld", (long long)j->done), "failed",
				     arena_printf(j->arena, "%lld", (long long)j->failed), "error", error ? error : "", NULL),
			 e);
}

/* Ends a job in a transaction of its own. */
static int
end_job(struct job_run *j, const char *status, const char *error, struct error *e)
{
	bool cancel;
	if (desk_begin(j->desk, e) < 0 || save(j, status, error, &cancel, e) < 0 || end_row(j, status, error, e) < 0)
		return -1;
	return desk_commit(j->desk, e);
}

static bool
is_passing(const struct error *e)
{
	return e->code == E_STORE || e->code == E_KEY_STORE || e->code == E_UNAVAILABLE;
}

/* One step in one transaction. *ret_more false: the job has ended. */
static int
do_step(struct job_run *j, bool *ret_more, struct error *e)
{
	bool more = false, cancel = false;
	if (desk_begin(j->desk, e) < 0 || j->kind->step(j, &more, e) < 0 || save(j, more ? NULL : "done", NULL, &cancel, e) < 0 ||
	    (!more && end_row(j, "done", NULL, e) < 0) || desk_commit(j->desk, e) < 0)
		return -1;
	if (more && cancel) {
		more = false;
		if (end_job(j, "cancelled", NULL, e) < 0)
			return -1;
	}
	*ret_more = more;
	return 0;
}

/* False: the desk has to be prepared anew. */
static bool
end_for_good(struct runner *r, size_t i, const char *status, const char *detail)
{
	struct arena *a CLEANUP(arena_free) = arena_new(STEP_ARENA_BYTES);
	struct job_run *j = &r->active[i].run;
	struct error e;
	j->arena = a;
	forget_off(r, j->id);
	if (end_job(j, status, detail, &e) < 0) {
		desk_recover(&r->desk, &e);
		return false;
	}
	drop(r, i);
	return true;
}

/* A step of one job, with what follows when it fails. What fails for the moment (a store or a key store that isn't there) comes again after a pause,
 * so that a job at whose own data it fails stands in nobody's way. False: the desk has to be prepared anew. */
static bool
step(struct runner *r, size_t i)
{
	struct job_run *j = &r->active[i].run;
	struct audit_chain before = r->desk.chain;
	struct arena *a CLEANUP(arena_free) = arena_new(STEP_ARENA_BYTES);
	struct error e, end;
	bool more = false;
	j->arena = a;
	if (r->active[i].cancel)
		return end_for_good(r, i, "cancelled", NULL);
	int rc = j->kind ? do_step(j, &more, &e) : fail(&e, E_INTERNAL, "this version doesn't know jobs of this kind");
	if (rc == 0) {
		forget_off(r, j->id);
		if (!more)
			drop(r, i);
		return true;
	}
	bool back = db_alive(r->desk.db) && desk_rollback(&r->desk, &before, &end) == 0;
	if (is_passing(&e) && put_off(r, j->id)) {
		log_error(LOG_LEVEL_WARNING, "a step of a job failed for the moment", &e);
		desk_recover(&r->desk, &e);
		return false;
	}
	if (!back) {
		desk_recover(&r->desk, &e);
		return false;
	}
	log_error(LOG_LEVEL_WARNING, "a job failed", &e);
	return end_for_good(r, i, "failed", e.detail);
}

static bool
wants_keys(const struct runner *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->active[i].run.kind && r->active[i].run.kind->keys)
			return true;
	return false;
}

/* There is no key store: jobs that need one rest, the others go on. False: the desk has to be prepared anew. */
static bool
go_on_without_keys(struct runner *r, const struct error *e)
{
	log_error(LOG_LEVEL_WARNING, "jobs wait for the key store", e);
	for (size_t i = r->n; i-- > 0;) {
		struct active *a = &r->active[i];
		if (!a->run.kind || !a->run.kind->keys || a->cancel)
			continue;
		if (put_off(r, a->run.id))
			drop(r, i);
		else if (!end_for_good(r, i, "failed", e->detail)) {
			drop_all(r);
			return false;
		}
	}
	return true;
}

static void
got(void *ctx, const char *channel, const char *payload)
{
	(void)ctx;
	(void)channel;
	(void)payload;
}

static void
pause_ms(int ms)
{
	struct pollfd p = {daemon_stop_fd(), POLLIN, 0};
	poll(&p, 1, ms);
}

/* One turn: a step of each job. */
static void
turn(struct runner *r)
{
	struct error e;
	bool was_alive = r->desk.db && db_alive(r->desk.db);
	if (!was_alive)
		r->listening = false;
	if (desk_prepare(&r->desk, false, &e) < 0 || (!r->listening && db_listen(r->desk.db, "job_added", &e) < 0) || look(r, &e) < 0) {
		desk_recover(&r->desk, &e);
		r->listening = false;
		drop_all(r); /* what is in memory may not be what is stored */
		pause_ms(FAULT_WAIT_MS);
		return;
	}
	r->listening = true;
	if (!r->desk.hsm && wants_keys(r) && desk_prepare(&r->desk, true, &e) < 0 && !go_on_without_keys(r, &e))
		return;
	for (size_t i = r->n; i-- > 0 && !daemon_stopping();)
		if (!step(r, i)) {
			r->listening = false;
			drop_all(r);
			return;
		}
	if (r->n == 0 && db_wait_notify(r->desk.db, daemon_stop_fd(), IDLE_WAIT_MS, got, NULL, &e) < 0)
		desk_recover(&r->desk, &e);
}

int
runner_run(const struct config *c, int channel, struct error *e)
{
	struct runner *r = xcalloc(1, sizeof(*r));
	(void)e;
	desk_init(&r->desk, c, CHAIN);
	channel_tell(channel, CHANNEL_READY);
	while (!daemon_stopping())
		turn(r);
	drop_all(r);
	desk_close(&r->desk);
	free(r->off);
	free(r);
	return 0;
}
