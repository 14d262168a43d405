/* One PKCS#11 token: found by its URI (RFC 7512), logged in once, one session for each process. What goes wrong closes it, and it is
 * opened again a little later, with longer and longer pauses. */
#ifndef SIEGEL_HSM_TOKEN_H
#define SIEGEL_HSM_TOKEN_H
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdbool.h>

#include "hsm/board.h"
#include "hsm/index.h"
#include "lib/secret.h"

#define TOKEN_CALL_MS board_call_ms() /* a call that takes longer is a stall: the process is ended */
#define TOKEN_MAKE_MS 300000          /* RSA keys of 8192 bits take minutes */

struct token;

/* Takes apart a URI of the configuration: token or serial, module-path, pin-source. index is the token's place in the configuration.
 * E_BAD_VALUE says what is wrong. The caller frees *ret. */
int token_new(const char *uri, unsigned index, struct token **ret, struct error *e) MUST_CHECK;
/* The same for a token that is named by module, label and PIN file. */
int token_new_plain(const char *module, const char *label, const char *pin_file, unsigned index, struct token **ret, struct error *e) MUST_CHECK;
void token_free(struct token *t); /* accepts NULL */
DEFINE_CLEANUP(struct token, token_free)

/* Its name as a store (hsm.h); good as long as the token. */
const char *token_name(const struct token *t);
/* Whether a URI's token, serial, manufacturer and model mean this one, as far as either says them. */
bool token_is(const struct token *t, P11KitUri *uri);
/* What the token said of itself when it was opened last; NULL: it never was. */
const CK_TOKEN_INFO *token_info(const struct token *t);

/* Opens the token if it is closed and due to be tried, and says on the board that a call begins. 0: the caller calls the module and
 * then token_end(); nothing of the kind after -1, which is E_KEY_STORE with a time to try again. */
int token_begin(struct token *t, int limit_ms, struct error *e) MUST_CHECK;
/* Between the two: */
CK_FUNCTION_LIST *token_functions(const struct token *t);
CK_SESSION_HANDLE token_session(const struct token *t);
CK_SLOT_ID token_slot(const struct token *t);
/* Changes when the token is opened: handles of objects are void then. */
unsigned token_epoch(const struct token *t);
/* For object.h: what it learned of the token's objects. */
struct object_index *token_objects(struct token *t);
/* The call made the token compute: one that stalled is well again (board.h). */
void token_worked(struct token *t);
/* The call came back with rv. What says that session, login or device are gone closes the token. -1 unless rv is CKR_OK; what is what
 * was to be done ("sign"). */
int token_end(struct token *t, CK_RV rv, const char *what, struct error *e) MUST_CHECK;

/* Whether it can be used, without asking the module: 0, or -1 and why. Opens it when that is due. */
int token_ready(struct token *t, struct error *e) MUST_CHECK;
bool token_is_open(const struct token *t);
/* Closes it, to be opened again after a pause; detail says why. */
void token_distrust(struct token *t, const char *detail);
/* Whether it has that mechanism, for keys of that many bits (0: of any size) and with those CKF_ flags. False as well when the token can't
 * be asked. */
bool token_can(struct token *t, CK_MECHANISM_TYPE mechanism, CK_ULONG bits, CK_FLAGS flags);

#endif
