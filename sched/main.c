/* siegel-sched: starts what is due. Holds no key and decides nothing: the engine does the work. */
#include "config.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/daemon.h"
#include "lib/log.h"
#include "sched/due.h"
#include "sched/jobs.h"

#define MAX_JOBS 32

/* One job's place in time. */
struct slot {
	const struct job *job;
	int64_t next_ms; /* of the monotonic clock */
	unsigned failures;
};

struct loop {
	struct sched sched;
	struct slot slots[MAX_JOBS];
	size_t n_slots;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Each failure would be a line a second while the engine is away: the first, the second, the fourth … are logged. */
static bool
worth_a_line(unsigned failures)
{
	return (failures & (failures - 1)) == 0;
}

static void
run_job(struct sched *s, struct slot *slot)
{
	struct error e;
	bool away = false;

	s->wake_ms = -1;
	if (slot->job->run(s, &e) == 0) {
		if (slot->failures > 0)
			log_event(LOG_LEVEL_NOTICE, "job works again", "job", slot->job->name, NULL);
		slot->failures = 0;
	} else {
		slot->failures++;
		away = e.code == E_UNAVAILABLE || e.code == E_STORE || e.code == E_KEY_STORE;
		const char *said = db_last_message(s->db);
		if (worth_a_line(slot->failures))
			log_event(LOG_LEVEL_ERROR, "job failed", "job", slot->job->name, "code", error_name(e.code), "detail", e.detail,
			          "store", said[0] ? said : NULL, NULL);
	}
	slot->next_ms = now_ms() + job_pause_ms(config_int(s->config, slot->job->period_sec) * 1000, s->wake_ms, slot->failures, away);
}

static void
got(void *ctx, const char *channel, const char *payload)
{
	struct loop *l = ctx;

	for (size_t i = 0; i < l->n_slots; i++) {
		struct slot *slot = &l->slots[i];
		if (slot->job->channel && !strcmp(slot->job->channel, channel)) {
			slot->job->notified(&l->sched, payload);
			slot->next_ms = 0;
		}
	}
}

static int
listen_all(struct loop *l, struct error *e)
{
	for (size_t i = 0; i < l->n_slots; i++)
		if (l->slots[i].job->channel && db_listen(l->sched.db, l->slots[i].job->channel, e) < 0)
			return -1;
	return 0;
}

/* Connects until it works or the process is to stop. What was notified meanwhile is lost, so all jobs look at once. */
static void
connect_store(struct loop *l)
{
	struct error e;

	for (unsigned tries = 1; !daemon_stopping(); tries++) {
		int r = l->sched.db ? db_reconnect(l->sched.db, &e) : db_connect(l->sched.config, "siegel_sched", &l->sched.db, &e);
		if (r == 0 && listen_all(l, &e) == 0) {
			for (size_t i = 0; i < l->n_slots; i++)
				l->slots[i].next_ms = 0;
			log_event(LOG_LEVEL_NOTICE, "store connected", NULL);
			return;
		}
		if (worth_a_line(tries))
			log_event(LOG_LEVEL_ERROR, "store unreachable", "detail", e.detail, "store",
			          l->sched.db ? db_last_message(l->sched.db) : NULL, NULL);
		struct pollfd p = {.fd = daemon_stop_fd(), .events = POLLIN};
		poll(&p, 1, (int)job_pause_ms(0, -1, tries, true));
	}
}

/* Runs what is due; the milliseconds until the next is. */
static int64_t
run_due(struct loop *l)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < l->n_slots && !daemon_stopping() && db_alive(l->sched.db); i++) {
		if (l->slots[i].next_ms <= now_ms())
			run_job(&l->sched, &l->slots[i]);
		if (l->slots[i].next_ms < next)
			next = l->slots[i].next_ms;
	}
	next -= now_ms();
	return next < 0 ? 0 : next > 60000 ? 60000
	                                   : next;
}

static int
run(const struct config *c, struct error *e)
{
	struct loop l = {.sched = {.config = c}};

	for (; job_list[l.n_slots]; l.n_slots++) {
		if (l.n_slots == MAX_JOBS)
			return fail(e, E_INTERNAL, "there are more than %d jobs", MAX_JOBS);
		l.slots[l.n_slots].job = job_list[l.n_slots];
	}
	l.sched.engine = engine_new(c, "sched");
	connect_store(&l);
	daemon_ready();
	while (!daemon_stopping()) {
		struct error lost;
		int64_t pause = run_due(&l);
		if (!db_alive(l.sched.db) || db_wait_notify(l.sched.db, daemon_stop_fd(), (int)pause, got, &l, &lost) < 0) {
			log_event(LOG_LEVEL_WARNING, "store lost", "store", db_last_message(l.sched.db), NULL);
			connect_store(&l);
		}
	}
	db_free(l.sched.db);
	engine_free(l.sched.engine);
	free(l.sched.wanted.ca_ids);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {
	    .name = "sched", .summary = "start what is due: CRLs, OCSP signers, sweeps, anchors of the audit log", .run = run};

	return daemon_main(&d, argc, argv);
}
