/* The CAs and profiles of all tenants, as the store has them. Of a CA its row is kept; certificate and key are taken apart at their first use,
 * so that 10,000 CAs cost a few MiB and no time. */
#ifndef SIEGEL_CA_REGISTRY_H
#define SIEGEL_CA_REGISTRY_H
#include "ca/authority.h"
#include "ca/profile.h"
#include "lib/db/db.h"

struct registry;

/* An empty one; the caller frees it. */
struct registry *registry_new(void) __attribute__((returns_nonnull));
void registry_free(struct registry *r); /* accepts NULL */
DEFINE_CLEANUP(struct registry, registry_free)

/* Reads what is new or changed since the last call; CAs of which nothing else changed than status and intervals keep their loaded keys. A
 * CA or profile that can't be read is left out: *ret_bad counts them, for the caller's log. */
int registry_refresh(struct registry *r, struct db *db, int *ret_bad, struct error *e) MUST_CHECK;
/* False until the store was read: what isn't found then may be there. */
bool registry_is_read(const struct registry *r);

/* The CA of that name, or the tenant's default when name is ""; NULL when there is none, when it waits for its certificate, or when that
 * can't be read. Good until the next refresh, for longer with authority_hold(). */
struct authority *registry_authority(const struct registry *r, int32_t tenant_id, const char *name);
struct authority *registry_authority_by_id(const struct registry *r, int32_t id);
/* The same, or the newest key that took over from it. */
struct authority *registry_authority_heir(const struct registry *r, int32_t id);
const struct profile *registry_profile(const struct registry *r, int32_t tenant_id, const char *name);
const struct profile *registry_profile_by_id(const struct registry *r, int32_t tenant_id, int32_t id);
/* True when the key is that of a CA, whatever became of it or will. */
bool registry_is_ca_key(const struct registry *r, const uint8_t spki_hash[32]);
/* Forgets all loaded private keys: after the key store was opened again. */
void registry_forget_keys(struct registry *r);

#endif
