/* Which objects of a token carry which CKA_ID, for tokens that search slowly (SoftHSM looks at each of its files): learned once for each
 * opening. */
#ifndef SIEGEL_HSM_INDEX_H
#define SIEGEL_HSM_INDEX_H
#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "lib/mem.h"

#define INDEX_ID_BYTES 20
#define INDEX_OBJECTS_MAX 200000 /* 100,000 key pairs: 10 MB */

struct object_index {
	struct object_entry *entries; /* sorted by class and id */
	size_t n, room;
	unsigned epoch; /* of the token when it was made */
	bool complete;
	struct object_pending *pending; /* objects whose ids are still to be read; read in parts, so that nobody waits long */
	size_t n_pending, next_pending;
};

struct object_pending {
	CK_OBJECT_CLASS class;
	CK_OBJECT_HANDLE object;
};

/* Frees what is held; the index is as if it was never used. */
void index_clear(struct object_index *x);
/* False beyond INDEX_OBJECTS_MAX. Ids that are longer than INDEX_ID_BYTES aren't ours and are left out. */
bool index_add(struct object_index *x, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE object);
/* After the last index_add(). */
void index_sort(struct object_index *x);
/* At most max objects; the number found. */
size_t index_find(const struct object_index *x, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE *ret, size_t max);

#endif
