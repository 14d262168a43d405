/* The doors of the enrolment protocols: by which CA and profile each of them issues at all. A front end names both in each request, and is held to
 * what its labels, profiles and directories bind: one that was broken into can't ask for another. */
#ifndef SIEGEL_CA_DOORS_H
#define SIEGEL_CA_DOORS_H
#include "ca/authority.h"
#include "ca/profile.h"
#include "lib/config.h"
#include "lib/db/db.h"

/* As the store had them; zero: all are closed. */
struct doors {
	struct door *list; /* sorted, each once */
	size_t n;
	int64_t asked_us; /* when: now_us() */
};
void doors_free(struct doors *d); /* what is in it */

/* Reads all that are enabled, of tenants that are, and the default path of EST, which the configuration says. On failure they stay as they were. */
int doors_read(struct doors *d, struct db *db, const struct config *c, struct error *e) MUST_CHECK;
/* The same; a failure goes to the log. */
void doors_refresh(struct doors *d, struct db *db, const struct config *c);
/* Whether a door of that protocol ("est", "scep", "acme") and of the profile's tenant issues by this CA and profile. One that names no CA means the
 * tenant's default. */
bool doors_open(const struct doors *d, const char *protocol, const struct authority *ca, const struct profile *profile);

#endif
