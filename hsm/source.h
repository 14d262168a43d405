/* Where the configuration says that a secret is: "/path" or "file:/path" (mode 0600), or "credential:name" (systemd.exec(5), a file in
 * $CREDENTIALS_DIRECTORY). */
#ifndef SIEGEL_HSM_SOURCE_H
#define SIEGEL_HSM_SOURCE_H
#include "lib/secret.h"

/* The text is one of these: E_BAD_VALUE if not. */
int source_check(const char *source, struct error *e) MUST_CHECK;
/* Reads at most max bytes; one newline at the end is cut. The caller frees *ret. */
int source_read(const char *source, size_t max, struct secret **ret, struct error *e) MUST_CHECK;

#endif
