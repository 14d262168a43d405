/* Owner and metadata, which people give to every object. */
#ifndef SIEGEL_CA_METADATA_H
#define SIEGEL_CA_METADATA_H
#include <jansson.h>

#include "lib/arena.h"
#include "lib/error.h"

/* A flat object of texts within LIMIT_METADATA_…; E_BAD_VALUE at "metadata". */
int metadata_check(const json_t *metadata, struct error *e) MUST_CHECK;
/* Several of them as JSON text ("": none) made one: of a key that comes twice the first counts. Checked as above. *ret: canonical text (keys
 * in order) in the arena, NULL when there is no key. */
int metadata_merge(struct arena *a, const char *const *texts, size_t n, const char **ret, struct error *e) MUST_CHECK;
/* The name of an owner: UTF-8 on one line, up to LIMIT_METADATA_VALUE_BYTES; E_BAD_VALUE at "owner". */
int owner_check(const char *owner, struct error *e) MUST_CHECK;

#endif
