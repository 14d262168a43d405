#include "hsm/index.h"

#include <stdlib.h>
#include <string.h>

struct object_entry {
	CK_OBJECT_CLASS class;
	CK_OBJECT_HANDLE object;
	uint8_t id_len, id[INDEX_ID_BYTES];
};

void
index_clear(struct object_index *x)
{
	free(x->entries);
	free(x->pending);
	*x = (struct object_index){.n = 0};
}

bool
index_add(struct object_index *x, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE object)
{
	if (id.len == 0 || id.len > INDEX_ID_BYTES)
		return true;
	if (x->n == INDEX_OBJECTS_MAX)
		return false;
	if (x->n == x->room) {
		x->room = x->room ? 2 * x->room : 256;
		x->entries = xrealloc(x->entries, x->room * sizeof(*x->entries));
	}
	struct object_entry *e = &x->entries[x->n++];
	*e = (struct object_entry){.class = class, .object = object, .id_len = (uint8_t)id.len};
	memcpy(e->id, id.data, id.len);
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct object_entry *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->id_len != y->id_len)
		return x->id_len < y->id_len ? -1 : 1;
	return memcmp(x->id, y->id, x->id_len);
}

void
index_sort(struct object_index *x)
{
	if (x->n)
		qsort(x->entries, x->n, sizeof(*x->entries), compare);
	x->complete = true;
	free(TAKE(x->pending));
}

size_t
index_find(const struct object_index *x, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE *ret, size_t max)
{
	struct object_entry wanted = {.class = class, .id_len = (uint8_t)id.len};
	size_t low = 0, high = x->n, n = 0;
	if (id.len > INDEX_ID_BYTES)
		return 0;
	memcpy(wanted.id, id.data, id.len);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&x->entries[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < x->n && n < max && compare(&x->entries[low], &wanted) == 0; low++)
		ret[n++] = x->entries[low].object;
	return n;
}
