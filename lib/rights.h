/* Rights: what one may do. A role is a set of them; lib/rights.def is the list. */
#ifndef SIEGEL_LIB_RIGHTS_H
#define SIEGEL_LIB_RIGHTS_H
#include <stdbool.h>
#include <stdint.h>

enum right {
	RIGHT_PUBLIC,  /* no sign-in */
	RIGHT_BASIC,   /* the handler itself takes HTTP Basic */
	RIGHT_ACCOUNT, /* any account, for what is its own */
#define RIGHT(name, word, changes, text) RIGHT_##name,
#include "lib/rights.def"
#undef RIGHT
	RIGHT_COUNT
};

/* "certificates.issue"; for the first three "public", "basic", "account". */
const char *right_word(enum right r);
/* The right of that word; RIGHT_COUNT when there is none. */
enum right right_parse(const char *word);
/* What it is, for people: "ask for certificates, renew and re-key them". */
const char *right_text(enum right r);
/* False for a right that only looks. */
bool right_changes(enum right r);

/* A set of rights: bit n is right n. */
#define RIGHT_BIT(r) (UINT64_C(1) << (r))
/* The set that a text[] of the store says, as PostgreSQL writes it: "{read,audit.read}". Words that aren't known are left out: a right that
 * this program doesn't know can't be used in it. */
uint64_t rights_parse(const char *array);

#endif
