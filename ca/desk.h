/* A desk: what the engine's children that work one thing after the other (clerk, manager, runner) have in common: a database connection
 * with its audit chain, the key store, CAs and profiles as they are now. */
#ifndef SIEGEL_CA_DESK_H
#define SIEGEL_CA_DESK_H
#include "ca/channel.h"
#include "ca/registry.h"
#include "lib/db/audit.h"

struct desk {
	const struct config *config;
	const char *chain_name;
	struct db *db;
	struct audit_chain chain;
	struct hsm *hsm;      /* NULL: not open */
	struct registry *registry;
	bool ready;           /* connection and chain are good */
};

/* An empty desk. What it opens later desk_close() closes. */
void desk_init(struct desk *d, const struct config *c, const char *chain_name);
void desk_close(struct desk *d);

/* Brings it to where it can work: connection, chain (intents that a former holder left are abandoned), CAs and profiles as they are now, and
 * with keys the key store. E_STORE or E_KEY_STORE. */
int desk_prepare(struct desk *d, bool keys, struct error *e) MUST_CHECK;
/* After a failure: a transaction that is open, a chain that may not stand where it was thought to, a key store that may be gone. */
void desk_recover(struct desk *d, const struct error *e);
/* After a rest, in no transaction and before desk_prepare(): a connection that the server closed meanwhile is given up, or what comes first after its
 * restart would fail, with an outcome that nobody knows. Not for one that listens. */
void desk_resume(struct desk *d);

/* Within desk_prepare() and desk_commit(). A transaction; its audit rows go on from the desk's chain. */
int desk_begin(struct desk *d, struct error *e) MUST_CHECK;
int desk_audit(struct desk *d, const struct audit_row *row, struct error *e) MUST_CHECK;
int desk_commit(struct desk *d, struct error *e) MUST_CHECK;
/* Ends a transaction without effect; the chain stands where it stood at desk_begin() when this succeeds. */
int desk_rollback(struct desk *d, const struct audit_chain *before, struct error *e) MUST_CHECK;

/* Serves connections that come over the master's channel, one request after the other, until the process is to stop or the master is gone.
 * answer() appends one frame. idle() is called before each wait, and gives the longest time to wait in ms, -1 without end; NULL: none.
 * wake_fd() gives a descriptor that ends the wait when it is readable, or -1; NULL: none. */
struct desk_service {
	void (*answer)(void *ctx, enum caller caller, const Siegel__Request *request, struct buf *frame);
	int (*idle)(void *ctx);
	int (*wake_fd)(void *ctx);
	void *ctx;
};
void desk_serve(const struct desk_service *s, int channel);

#endif
