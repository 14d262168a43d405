/* Files that commands read and write for their user. */
#ifndef SIEGEL_CLI_FILE_H
#define SIEGEL_CLI_FILE_H
#include <sys/types.h>
#include "lib/arena.h"
#include "lib/buf.h"

/* The text of a file, or of standard input for "-", at most max bytes and without a NUL, in the arena. */
int file_read(struct arena *a, const char *path, size_t max, const char **ret, struct error *e) MUST_CHECK;
/* The octets of a file, or of standard input for "-", as many as *ret takes. */
int file_read_octets(const char *path, struct buf *ret, struct error *e) MUST_CHECK;
/* Writes text into a file with this mode ("-": standard output). A file that is there is replaced as a whole, never half written. */
int file_write(struct arena *a, const char *path, const void *data, size_t len, mode_t mode, struct error *e) MUST_CHECK;
/* Refuses a path whose folder can't be written to: what comes once must not be lost for it. */
int file_possible(struct arena *a, const char *path, struct error *e) MUST_CHECK;
/* Refuses a path that is there already: a key or secret must not take the place of another. "-" is never there. */
int file_absent(const char *path, struct error *e) MUST_CHECK;

#endif
