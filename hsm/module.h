/* PKCS#11 modules: loaded once in a process, shared by the tokens that live behind them. */
#ifndef SIEGEL_HSM_MODULE_H
#define SIEGEL_HSM_MODULE_H
#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/mem.h"

struct module;

/* The module of that path, loaded and initialised at its first use. Give it back with module_release(). */
int module_hold(const char *path, struct module **ret, struct error *e) MUST_CHECK;
void module_release(struct module *m); /* accepts NULL */
/* Its functions, initialised in this very process: after fork() a child initialises anew (PKCS#11 2.40, 6.6). *ret_epoch changes
 * whenever what was known of sessions and objects is void. */
int module_functions(struct module *m, CK_FUNCTION_LIST **ret, unsigned *ret_epoch, struct error *e) MUST_CHECK;
/* Ends and begins it anew when no token has a session in it: many modules notice only so that a token came back. */
void module_renew(struct module *m);
/* Counts the tokens that have a session in it. */
void module_session(struct module *m, int change);
/* "CKR_DEVICE_ERROR", or "0x…" for what isn't in the standard; the buffer is a static one of this function. */
const char *module_error(CK_RV rv);

#endif
