#include "config.h"
#include "sched/due.h"

#define PAUSE_FIRST_MS 250
#define PAUSE_AWAY_MS 1000 /* who was away is noticed within a second of coming back */
#define PAUSE_MAX_MS 60000

int64_t
crl_due_us(const struct crl_state *s, int64_t min_interval_sec)
{
	if (!s->exists)
		return 0;
	int64_t due = s->this_update_us + s->interval_sec * DUE_USEC;
	/* Compared with the moment in which the CRL was made: its thisUpdate has no fractions, so a revocation of the same
	 * second would seem to be newer. */
	if (s->notified || s->wanted_us > s->made_us) {
		int64_t early = s->made_us + min_interval_sec * DUE_USEC;
		if (early < due)
			due = early;
	}
	return due;
}

int64_t
signer_due_us(const struct signer_state *s)
{
	if (!s->exists)
		return 0;
	return s->not_before_us + (s->not_after_us - s->not_before_us) / 2;
}

int64_t
job_pause_ms(int64_t period_ms, int64_t wake_ms, unsigned failures, bool away)
{
	if (failures == 0)
		return wake_ms >= 0 && wake_ms < period_ms ? wake_ms : period_ms;
	int64_t most = away ? PAUSE_AWAY_MS : PAUSE_MAX_MS;
	int64_t pause = PAUSE_FIRST_MS;
	for (unsigned i = 1; i < failures && pause < most; i++)
		pause *= 2;
	return pause < most ? pause : most;
}
