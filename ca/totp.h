/* One-time passwords by the clock (RFC 6238): SHA-1, 30 seconds, six digits, as every app has them. */
#ifndef SIEGEL_CA_TOTP_H
#define SIEGEL_CA_TOTP_H
#include <stdint.h>

#include "lib/mem.h"

#define TOTP_SECRET_BYTES 20 /* RFC 4226 4, R6 */
#define TOTP_STEP_SEC 30
#define TOTP_DIGITS 6
#define TOTP_SKEW 1 /* steps that a phone's clock may be off, either way (RFC 6238 5.2) */

/* The code of one step (RFC 4226 5.3): six digits and a NUL. */
void totp_code(struct bytes secret, int64_t step, char ret[TOTP_DIGITS + 1]);
/* The step around now whose code this is, and that is later than last_step, so that a code is good once (RFC 6238 5.2); 0: none. Takes the same time
 * whatever is wrong. */
int64_t totp_step(struct bytes secret, const char *code, int64_t now_sec, int64_t last_step);

#endif
