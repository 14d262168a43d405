/* Comma-separated values (RFC 4180): the file of passwords that comes with an import. */
#ifndef SIEGEL_CA_IMPORT_CSV_H
#define SIEGEL_CA_IMPORT_CSV_H
#include "lib/arena.h"

struct password_row {
	const char *name;     /* of a file; "*": any */
	const char *password;
};

/* Two columns, the file's name and its password, in UTF-8; a first row "file,password" is a head. Commas or semicolons, chosen by the first row.
 * E_BAD_VALUE names the line at fault; then nothing is taken: another number of columns, quotes that aren't closed, NUL and other
 * controls, UTF-16, a name that comes twice with the same password, over LIMIT_IMPORT_PASSWORD_ROWS rows. The rows live in the arena, which
 * wipes what it frees. */
int csv_passwords(struct arena *a, struct bytes file, struct password_row **ret, size_t *ret_n, struct error *e) MUST_CHECK;

#endif
