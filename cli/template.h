/* Templates of profiles: files of the release, which the store shows to the engine and to people. */
#ifndef SIEGEL_CLI_TEMPLATE_H
#define SIEGEL_CLI_TEMPLATE_H
#include "lib/arena.h"
#include "lib/db/db.h"

/* Makes the table of templates what the *.json of dir are, in one transaction: those that are gone go. A store without the table (its migrations
 * are of another folder) is left alone. E_BAD_VALUE names the file that isn't a template; after a failure the caller
 * closes the connection. */
int templates_store(struct arena *a, struct db *db, const char *dir, struct error *e) MUST_CHECK;

#endif
