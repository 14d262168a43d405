/* The client's side of the engine's door. */
#ifndef SIEGEL_LIB_IPC_ENGINE_H
#define SIEGEL_LIB_IPC_ENGINE_H
#include "lib/config.h"
#include "lib/ipc/engine.pb-c.h"

struct engine;

/* A connection to the engine as the given caller ("api", "est", "scep", "acme", "sched": the socket ca.<caller>.sock). Connects on first use and
 * again after a loss. For one thread at a time. The caller frees it. */
struct engine *engine_new(const struct config *c, const char *caller) __attribute__((returns_nonnull));
void engine_free(struct engine *en); /* accepts NULL */

/* Sends a request and waits for the reply, at most LIMIT_ENGINE_CALL_MS. A reply that is an error becomes *e (with its field as
 * pointer) and -1. A connection that is lost before the reply is E_UNAVAILABLE with a retry hint: the outcome is unknown, so only
 * a request key makes a repetition safe; with one, the call is repeated once by itself. The caller frees *ret with
 * siegel__reply__free_unpacked(*ret, NULL). Key material in the reply (private keys, content keys) is the caller's to wipe: engine_reply_free() does
 * it. */
int engine_call(struct engine *en, const Siegel__Request *request, Siegel__Reply **ret, struct error *e) MUST_CHECK;
/* Wipes keys and frees; accepts NULL. */
void engine_reply_free(Siegel__Reply *reply);

#endif
