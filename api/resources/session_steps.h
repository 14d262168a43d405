/* Handlers of the steps of signing in, for the table of sessions.c. */
#ifndef SIEGEL_API_RESOURCES_SESSION_STEPS_H
#define SIEGEL_API_RESOURCES_SESSION_STEPS_H
#include "api/api.h"

/* Of the browser that asked for a challenge before anybody is known. */
#define PASSKEY_COOKIE "__Host-siegel-passkey"

/* The session as it is now is the answer, with what came of the step (once; NULL: nothing), and its new cookie (NULL: the old one). */
int session_show(struct call *c, int status, const char *cookie, const json_t *once, struct error *e) MUST_CHECK;

/* Each asks the engine for the operation of the name of its address; the first ends with another cookie. */
int session_step_with_cookie(struct call *c, struct error *e) MUST_CHECK;
int session_step_alone(struct call *c, struct error *e) MUST_CHECK;
/* A code, a recovery code or a passkey. */
int session_prove_factor(struct call *c, struct error *e) MUST_CHECK;
/* What the browser is to give to navigator.credentials: create(), for a passkey that is added; get(), to prove the second factor; get(), to sign in. */
int session_passkey_options(struct call *c, struct error *e) MUST_CHECK;
int session_challenge_prove(struct call *c, struct error *e) MUST_CHECK;
int session_challenge_sign_in(struct call *c, struct error *e) MUST_CHECK;
/* What create() gave. */
int session_passkey_add(struct call *c, struct error *e) MUST_CHECK;

#endif
