/* Intents that nobody works on any more become abandoned, and request keys that ran out go: the engine does it. */
#include "config.h"
#include "lib/log.h"
#include "sched/jobs.h"

static int
run(struct sched *s, struct error *e)
{
	Siegel__Sweep op = SIEGEL__SWEEP__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	char intents[24], requests[24];

	request.operation_case = SIEGEL__REQUEST__OPERATION_SWEEP;
	request.sweep = &op;
	if (engine_call(s->engine, &request, &reply, e) < 0)
		return -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_SWEPT) {
		engine_reply_free(reply);
		return fail(e, E_INTERNAL, "the engine answered something else than a sweep");
	}
	if (reply->swept->intents > 0 || reply->swept->requests > 0)
		log_event(LOG_LEVEL_INFO, "swept", "intents", db_int_text(intents, reply->swept->intents), "requests",
		          db_int_text(requests, reply->swept->requests), NULL);
	engine_reply_free(reply);
	return 0;
}

const struct job job_sweep = {.name = "sweep", .period_sec = OPT_sched_sweep_sec, .run = run};
