/* When something is due: pure functions of what the store says. Times are microseconds since 1970 by the database's clock. */
#ifndef SIEGEL_SCHED_DUE_H
#define SIEGEL_SCHED_DUE_H
#include <stdbool.h>
#include <stdint.h>

#define DUE_USEC INT64_C(1000000)

struct crl_state {
	bool exists; /* there is a CRL */
	int64_t this_update_us; /* of the last one (RFC 5280 5.1.2.4), to the second */
	int64_t made_us; /* when it was made, exactly */
	int64_t wanted_us; /* last revocation that asked for one; 0: none */
	bool notified; /* a notification that no CRL has answered yet */
	int64_t interval_sec; /* time between two CRLs of the schedule */
};

/* When the next CRL is to be made; in the past: now. After revocations it comes early, yet min_interval_sec after the last. */
int64_t crl_due_us(const struct crl_state *s, int64_t min_interval_sec);

struct signer_state {
	bool exists; /* there is an OCSP signer; the times are those of the one that ends last */
	int64_t not_before_us, not_after_us;
};

/* When the next OCSP signer is to be made: at half of the life of the last one, so that a fault has as long to be mended. */
int64_t signer_due_us(const struct signer_state *s);

/* The pause until a job runs again, in milliseconds. wake_ms: what it asked for, -1: nothing. failures: runs in a row that
 * failed. away: the last failed because the store, the engine or the key store wasn't there, so that it may be back at any
 * moment. */
int64_t job_pause_ms(int64_t period_ms, int64_t wake_ms, unsigned failures, bool away);

#endif
