/* Readers for the members of a profile's definition: one kind of JSON value each, strictly. All fail with E_BAD_VALUE and the
 * member's name as pointer. Shared by ca/profile.c and the extensions that have a member of their own. */
#ifndef SIEGEL_CA_PROFILE_READ_H
#define SIEGEL_CA_PROFILE_READ_H
#include <jansson.h>
#include <stdbool.h>

#include "ca/subtree.h"

#define PROFILE_TEXT_MAX 255

/* Says what is wanted in place of the value. */
int profile_wrong(const char *name, const char *wanted, struct error *e);
int profile_read_bool(json_t *value, const char *name, bool *ret, struct error *e) MUST_CHECK;
int profile_read_number(json_t *value, const char *name, long min, long max, long *ret, struct error *e) MUST_CHECK;
/* One of a list of words: its place. */
int profile_read_word(json_t *value, const char *name, const char *const *words, size_t n, size_t *ret, struct error *e) MUST_CHECK;
/* Text of 1 to PROFILE_TEXT_MAX octets without control characters, in the arena. */
int profile_read_text(struct arena *a, json_t *value, const char *name, const char **ret, struct error *e) MUST_CHECK;
/* An object identifier as dotted text: its content octets, in the arena. */
int profile_read_oid(struct arena *a, json_t *value, const char *name, struct bytes *ret, struct error *e) MUST_CHECK;
/* Hexadecimal text of up to max octets. */
int profile_read_hex(struct arena *a, json_t *value, const char *name, size_t max, struct bytes *ret, struct error *e) MUST_CHECK;
/* An object whose members are all among these words; refuses others. */
int profile_read_object(json_t *value, const char *name, const char *const *words, size_t n, struct error *e) MUST_CHECK;
/* {"dns": ["example.com"], "ip": ["10.0.0.0/8"]}: subtrees of names (ca/subtree.h). all_kinds: also of those that name constraints don't
 * know, and prefixes of URIs (what has a colon). */
int profile_read_subtrees(struct arena *a, json_t *value, const char *name, bool all_kinds, struct subtrees *ret, struct error *e) MUST_CHECK;

#endif
