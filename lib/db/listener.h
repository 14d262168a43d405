/* A thread that listens to the store, for those who keep what it said: they forget when it tells of a change. */
#ifndef SIEGEL_LIB_DB_LISTENER_H
#define SIEGEL_LIB_DB_LISTENER_H
#include "lib/db/db.h"

struct db_listener;

/* Listens as role to channels (ended by NULL, which outlive it), for as long as it can connect, and again when it
 * couldn't. changed(ctx, true): something changed, or it begins to listen, so that what was kept before may be old; changed(ctx, false): the store
 * can't be heard, so that nothing may be kept. what: for the log, such as "labels". The configuration must outlive it. */
int db_listener_start(const struct config *c, const char *role, const char *const *channels, const char *what,
                      void (*changed)(void *ctx, bool heard), void *ctx, struct db_listener **ret, struct error *e) MUST_CHECK;
/* Ends the thread and waits for it; changed() isn't called after that. Accepts NULL. */
void db_listener_stop(struct db_listener *l);

#endif
