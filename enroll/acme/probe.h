/* siegel-acme's side of what it asks siegel-acme-probe (lib/ipc/probe.proto): the probe's connections, each of which takes one task at a time. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_H
#define SIEGEL_ENROLL_ACME_PROBE_H
#include "lib/config.h"
#include "lib/ipc/probe.pb-c.h"

struct acme_probe;

/* Listens on acme-probe.sock, mode 0660, and takes up what the probe connects from now on, with a thread of its own. Whoever connects and isn't the
 * user of [peers] acme_probe is sent away. E_UNAVAILABLE when the socket can't be made, E_BAD_VALUE when there is no such user. The caller closes
 * *ret, which lives until no thread is in acme_probe_run() any more. */
int acme_probe_open(const struct config *c, struct acme_probe **ret, struct error *e) MUST_CHECK;
/* Accepts NULL. From now on all tasks, those that wait or are under way among them, end with E_UNAVAILABLE: for whoever has threads to end before the
 * other is closed. */
void acme_probe_stop(struct acme_probe *p);
/* Accepts NULL. Stops, and comes back when the threads of tasks have left. */
void acme_probe_close(struct acme_probe *p);

/* One task (RFC 8555 8.3 and 8.4, RFC 8737, RFC 8659) on a connection that is idle; waits for one until the task's deadline_ms has passed (1 to
 * LIMIT_PROBE_TASK_MS, or E_BAD_VALUE), and for the finding for that long again. From any thread, as many as there are. The caller frees *ret by
 * siegel__finding__free_unpacked(). A finding that isn't good is no failure: problem and detail say what was found. *t isn't changed, and its
 * identifier has no "*.".
 * E_UNAVAILABLE with a retry hint: no probe is connected, all are busy, or the one that had the task ended or didn't answer; the task may be given
 * again. */
int acme_probe_run(struct acme_probe *p, const Siegel__Task *t, Siegel__Finding **ret, struct error *e) MUST_CHECK;
/* How many connections of the probe there are, busy ones among them; 0: none is up. */
int acme_probe_connections(struct acme_probe *p);

#endif
