/* SQL/JSON paths (ISO/IEC 9075-2) as conditions of policies: what of the language may be in one, so that none takes long. */
#ifndef SIEGEL_CA_PATH_H
#define SIEGEL_CA_PATH_H
#include "lib/error.h"

/* Before PostgreSQL reads a text: a regular expression that is too large takes it seconds. E_BAD_VALUE without a pointer. */
int path_precheck(const char *text, struct error *e) MUST_CHECK;
/* Of a path as PostgreSQL writes it (names of members in quotes, blanks in their places): whether it stays within what costs little on any
 * request. E_BAD_VALUE without a pointer. */
int path_check(const char *path, struct error *e) MUST_CHECK;

#endif
