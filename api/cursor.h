/* Opaque cursors of pages: the sort value and the id of the last member, with a MAC that binds them to this tenant and this list. */
#ifndef SIEGEL_API_CURSOR_H
#define SIEGEL_API_CURSOR_H
#include <stdint.h>

#include "lib/arena.h"
#include "lib/config.h"

/* The key of the cursors: a file in [sockets] dir, made at the first start, so that pages go on after a restart. */
int cursor_key_load(const struct config *c, uint8_t ret[32], struct error *e) MUST_CHECK;

/* list names everything that the cursor must not be carried to: tenant, collection, filters, sort. */
int cursor_encode(struct arena *a, const uint8_t key[32], const char *list, const char *value, const char *id, char **ret,
                  struct error *e) MUST_CHECK;
/* E_MALFORMED for what wasn't made by cursor_encode() with the same key and list. */
int cursor_decode(struct arena *a, const uint8_t key[32], const char *list, const char *cursor, const char **ret_value,
                  const char **ret_id, struct error *e) MUST_CHECK;

#endif
