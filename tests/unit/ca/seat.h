/* A seat at the manager's desk, in this process and on a real store: accounts of a tenant ask for operations. */
#ifndef SIEGEL_TESTS_UNIT_CA_SEAT_H
#define SIEGEL_TESTS_UNIT_CA_SEAT_H
#include "tests/unit/db/support.h"

#include "ca/manage.h"

struct seat {
	struct desk desk;
	struct arena *arena;
	struct error error;   /* of the last operation */
	json_t *result;       /* of the last operation; NULL: none */
	int64_t approval, job;
};

/* Opens it on the cluster of the tests; the first one makes the house tenant "default" with a CA "issuing", profiles "server" and "client", and the
 * accounts admin1, admin2, admin3 (administrators), clerk1 (registration_authority), auditor1. */
void seat_open(struct seat *s);
void seat_close(struct seat *s);
/* The account of this name asks; body is JSON text with ' for ", NULL: {}. Gives the id, 0 when it waits for an approval (s->approval), -1 when
 * it was refused (s->error). */
int64_t act(struct seat *s, const char *account, const char *operation, int64_t id, const char *body);
/* The same with JSON as it is. */
int64_t act_json(struct seat *s, const char *account, const char *operation, int64_t id, const char *body);
/* The same with a version that the object has to have. */
int64_t act_version(struct seat *s, const char *account, const char *operation, int64_t id, int version, const char *body);
/* That it is refused with this code, and at this pointer unless that is NULL. */
void expect_refused(struct seat *s, const char *account, const char *operation, int64_t id, const char *body, enum error_code code, const char *pointer);
/* A value that this statement gives, as text; lives as long as the seat. */
const char *seat_one(struct seat *s, const char *sql);
/* Certificates of the tenant, as if they had been issued: n by this CA and profile, for n days, named first..first+n-1. */
void seat_certificates(struct seat *s, int n, int days, const char *metadata);

#endif
