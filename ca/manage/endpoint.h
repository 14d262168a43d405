/* What the doors of all enrolment protocols have in common. */
#ifndef SIEGEL_CA_MANAGE_ENDPOINT_H
#define SIEGEL_CA_MANAGE_ENDPOINT_H
#include "ca/manage.h"
#include "lib/limits.h"

/* The member ca: the id of a CA of the tenant by its name, 0 for null, which is the tenant's default; *ret stays when it isn't there. One that
 * waits for its certificate may still go away, and isn't taken. */
int endpoint_read_ca(struct manage *m, int64_t *ret, struct error *e) MUST_CHECK;
/* The profile of that name, which has to be one for devices; its id and title. E_BAD_VALUE at member, with the way out. */
int endpoint_find_profile(struct manage *m, const char *member, const char *name, int64_t *ret, const char **ret_title, struct error *e) MUST_CHECK;
/* The member anchors, certificates as PEM: *ret stays when it isn't there, none when it is null. All of it in the arena. E_BAD_VALUE. */
struct endpoint_anchors {
	struct bytes items[LIMIT_ANCHORS];
	size_t n;
	bool given; /* else n alone is known, of those in the store */
};
int endpoint_read_anchors(struct manage *m, struct endpoint_anchors *ret, struct error *e) MUST_CHECK;
/* Those that were given as a parameter of type bytea[], which lives as long as *list; the caller frees that, also on failure. */
int endpoint_anchors_param(const struct endpoint_anchors *anchors, struct db_array *list, struct db_param *ret, struct error *e) MUST_CHECK;

#endif
