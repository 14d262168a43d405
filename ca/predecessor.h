/* A certificate that another one is to replace. */
#ifndef SIEGEL_CA_PREDECESSOR_H
#define SIEGEL_CA_PREDECESSOR_H
#include "lib/arena.h"
#include "lib/db/db.h"
#include "lib/x509/cert.h"

struct batch;

struct predecessor {
	struct arena *arena;           /* holds all that is pointed to, and itself */
	int64_t id;
	int32_t ca_id, profile_id, status;
	struct cert cert;
	const char *owner, *metadata;  /* NULL: none */
	bool possession;               /* somebody showed to have its private key */
};

/* Prepares certificate_find(): begin, one call for each certificate, then batch_finish(). */
void predecessors_begin(struct batch *b);
void predecessors_add(struct batch *b, int32_t tenant_id, int64_t id);
/* Takes one out of its binary result; E_NOT_FOUND when the tenant has none of that id. The caller frees *ret. */
int predecessor_find(const struct db_result *r, int32_t tenant_id, int64_t id, struct predecessor **ret, struct error *e) MUST_CHECK;
void predecessor_free(struct predecessor *p); /* accepts NULL */

#endif
