/* OCSP signers (RFC 6960 4.2.2.2): each CA delegates to a key with a short life, renewed here. */
#include "config.h"
#include <stdio.h>
#include "lib/log.h"
#include "sched/jobs.h"
#include "sched/renew.h"

static int
make(struct sched *s, int64_t ca_id, const char *name, struct error *e)
{
	Siegel__MakeSigner op = SIEGEL__MAKE_SIGNER__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	char until[24];

	op.ca_id = (int32_t)ca_id;
	request.operation_case = SIEGEL__REQUEST__OPERATION_SIGNER;
	request.signer = &op;
	if (engine_call(s->engine, &request, &reply, e) < 0)
		return -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_SIGNER) {
		engine_reply_free(reply);
		return fail(e, E_INTERNAL, "the engine answered something else than an OCSP signer");
	}
	log_event(LOG_LEVEL_INFO, "ocsp signer made", "ca", name, "not_after", db_int_text(until, reply->signer->not_after), NULL);
	engine_reply_free(reply);
	return 0;
}

/* Only for CAs that somebody may ask for: whose certificates live. */
static const char sql[] =
    "SELECT ca.id, ca.name, (extract(epoch FROM now()) * 1000000)::int8, last.not_after IS NOT NULL, "
    "       (extract(epoch FROM last.not_before) * 1000000)::int8, (extract(epoch FROM last.not_after) * 1000000)::int8 "
    "  FROM ca LEFT JOIN LATERAL (SELECT not_before, not_after FROM ocsp_signer o WHERE o.ca_id = ca.id "
    "                              ORDER BY not_after DESC LIMIT 1) last ON true "
    " WHERE ca.serves_until > now() AND ca.status NOT IN ('retired', 'pending') AND ca.not_after > now() ORDER BY ca.id";

static int
run(struct sched *s, struct error *e)
{
	return renew_due(s, sql, make, e);
}

/* A CA issued its first certificate, or came into service with some. */
static void
notified(struct sched *s, const char *payload)
{
	(void)s;
	(void)payload;
}

const struct job job_signer = {
    .name = "signer", .period_sec = OPT_sched_signer_check_sec, .run = run, .channel = "ca_serves", .notified = notified};
