/* CRLs, on schedule and after revocations. The engine makes and publishes them. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include "lib/log.h"
#include "sched/due.h"
#include "sched/jobs.h"

static bool
is_wanted(const struct wanted *w, int64_t ca_id)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->ca_ids[i] == ca_id)
			return true;
	return false;
}

static void
unwant(struct wanted *w, int64_t ca_id)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->ca_ids[i] == ca_id) {
			w->ca_ids[i] = w->ca_ids[--w->count];
			return;
		}
}

/* The times of the store alone wouldn't do: a revocation carries the time at which its transaction began, which can lie before
 * a CRL that didn't see it. A notification comes after the commit, so a CRL that is asked for now has it. */
static void
notified(struct sched *s, const char *payload)
{
	struct wanted *w = &s->wanted;
	int64_t ca_id = strtoll(payload, NULL, 10);

	if (ca_id <= 0 || is_wanted(w, ca_id))
		return;
	if (w->count == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 8;
		w->ca_ids = xrealloc(w->ca_ids, w->cap * sizeof(*w->ca_ids));
	}
	w->ca_ids[w->count++] = ca_id;
}

static int
make(struct sched *s, int64_t ca_id, const char *name, struct error *e)
{
	Siegel__MakeCrl op = SIEGEL__MAKE_CRL__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	char number[24], entries[24], size[24];

	op.ca_id = (int32_t)ca_id;
	request.operation_case = SIEGEL__REQUEST__OPERATION_CRL;
	request.crl = &op;
	if (engine_call(s->engine, &request, &reply, e) < 0)
		return -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_CRL) {
		engine_reply_free(reply);
		return fail(e, E_INTERNAL, "the engine answered something else than a CRL");
	}
	unwant(&s->wanted, ca_id);
	log_event(LOG_LEVEL_INFO, "crl made", "ca", name, "number", db_int_text(number, reply->crl->number), "entries",
	          db_int_text(entries, reply->crl->entries), "bytes", db_int_text(size, reply->crl->size_bytes), NULL);
	engine_reply_free(reply);
	return 0;
}

/* A CA whose certificates live always has a fresh list. One that never issued has the list that was made with it, and costs nothing; its first
 * certificate wants a new one. */
static const char sql[] =
    "SELECT ca.id, ca.name, (extract(epoch FROM now()) * 1000000)::int8, last.number IS NOT NULL, "
    "       (extract(epoch FROM last.this_update) * 1000000)::int8, (extract(epoch FROM last.created_at) * 1000000)::int8, "
    "       (extract(epoch FROM ca.crl_wanted_at) * 1000000)::int8, ca.crl_interval_sec "
    "  FROM ca LEFT JOIN LATERAL (SELECT number, this_update, created_at FROM crl WHERE crl.ca_id = ca.id "
    "                              ORDER BY number DESC LIMIT 1) last ON true "
    " WHERE ca.id IN (SELECT id FROM ca WHERE serves_until > now() UNION SELECT id FROM ca WHERE crl_wanted_at IS NOT NULL) "
    "   AND ca.status NOT IN ('retired', 'pending') AND ca.not_after > now() "
    "   AND (ca.serves_until > now() OR last.created_at IS NULL OR ca.crl_wanted_at > last.created_at) ORDER BY ca.id";

static int
run(struct sched *s, struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	int64_t min_interval = config_int(s->config, OPT_sched_crl_min_interval_sec);
	int result = 0;

	if (db_query(s->db, sql, NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		int64_t ca_id = db_int(r, i, 0), now = db_int(r, i, 2);
		struct crl_state state = {.exists = db_bool(r, i, 3),
		                          .this_update_us = db_int(r, i, 4),
		                          .made_us = db_int(r, i, 5),
		                          .wanted_us = db_int(r, i, 6),
		                          .notified = is_wanted(&s->wanted, ca_id),
		                          .interval_sec = db_int(r, i, 7)};
		int64_t due = crl_due_us(&state, min_interval);
		if (due > now) {
			int64_t wake = (due - now) / 1000 + 1;
			if (s->wake_ms < 0 || wake < s->wake_ms)
				s->wake_ms = wake;
			continue;
		}
		/* One CA's fault doesn't keep the others from theirs; the first fault is told. */
		struct error mine;
		if (make(s, ca_id, db_text(r, i, 1), &mine) < 0) {
			if (result == 0)
				*e = mine;
			result = -1;
		}
	}
	return result;
}

const struct job job_crl = {
    .name = "crl", .period_sec = OPT_sched_crl_check_sec, .run = run, .channel = "crl_wanted", .notified = notified};
