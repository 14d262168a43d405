/* The first hierarchy of a tenant, from a file on the local machine: siegel-ca --bootstrap FILE. */
#ifndef SIEGEL_CA_BOOTSTRAP_H
#define SIEGEL_CA_BOOTSTRAP_H
#include "lib/config.h"

/* Makes what isn't there yet: tenant, its profiles (from the files of ca/profiles/), a root that is kept offline, an issuing CA as the
 * tenant's default, and a first CRL of each. A second run changes nothing. The file (doc/bootstrap.md):
 * {"tenant", "base_url", "root": {"name", "subject": [["CN","…"],…], "key", "days"}, "issuing": {the same}, "profiles": [names]} */
int bootstrap(const struct config *c, const char *file, struct error *e);

#endif
