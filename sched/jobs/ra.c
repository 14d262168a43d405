/* Registration authorities (RFC 8894 3.1): each CA that somebody asked for one has a certificate for it, renewed here at half of its life. */
#include "config.h"
#include <stdio.h>
#include "lib/log.h"
#include "sched/jobs.h"
#include "sched/renew.h"

static int
make(struct sched *s, int64_t ca_id, const char *name, struct error *e)
{
	Siegel__MakeRa op = SIEGEL__MAKE_RA__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	char until[24];

	op.ca_id = (int32_t)ca_id;
	request.operation_case = SIEGEL__REQUEST__OPERATION_RA;
	request.ra = &op;
	if (engine_call(s->engine, &request, &reply, e) < 0)
		return -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_RA) {
		engine_reply_free(reply);
		return fail(e, E_INTERNAL, "the engine answered something else than a registration authority");
	}
	log_event(LOG_LEVEL_INFO, "registration authority made", "ca", name, "not_after", db_int_text(until, reply->ra->not_after), NULL);
	engine_reply_free(reply);
	return 0;
}

static int
run(struct sched *s, struct error *e)
{
	return renew_due(s, "SELECT ca_id, name, now_us, not_after_us IS NOT NULL, not_before_us, not_after_us FROM ra_state()", make, e);
}

/* A CA is asked for its registration authority for the first time. */
static void
notified(struct sched *s, const char *payload)
{
	(void)s;
	(void)payload;
}

const struct job job_ra = {.name = "ra", .period_sec = OPT_sched_ra_check_sec, .run = run, .channel = "ra_wanted", .notified = notified};
