/* Refusals on their way to the audit log: a few each second, and how many were left out. */
#ifndef SIEGEL_CA_NOTES_H
#define SIEGEL_CA_NOTES_H
#include "ca/batch.h"
#include "lib/ipc/engine.pb-c.h"

#define NOTES_PER_SEC 20 /* a flood of refusals fills no disk */

struct notes {
	struct note rows[NOTES_PER_SEC];
	size_t n, this_sec, suppressed;
	int64_t since_us;
};

/* Adds what was refused to q (NULL: nobody known), unless too many were in this second or wait; the next one says how many were left out. */
void notes_add(struct notes *notes, const Siegel__Requestor *q, const struct error *e, int64_t now_us);

#endif
