/* What the processes of the engine tell each other of the tokens, in memory that they share: since when a process waits in a call of a
 * PKCS#11 module, which token stalls, which PIN was refused. The master makes it before it forks, and watches it: a call into a module
 * can't be ended but with the process that made it. */
#ifndef SIEGEL_HSM_BOARD_H
#define SIEGEL_HSM_BOARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define BOARD_PROCESSES 128
#define BOARD_STORES 16
#define BOARD_OPEN_FACTOR 3 /* opening a token is several calls and may start a module: so many times as long as one */

struct board;

/* Maps the shared memory; this process and its children use it from now on. Without it a process has one of its own. */
int board_share(struct error *e) MUST_CHECK;
/* The longest that an ordinary call of a module may take ([ca] token_call_ms); a stalled token is left alone for a few times as long. For
 * this process and those that it forks. */
void board_set_call_ms(int ms);
int board_call_ms(void);
/* In a child, before anything else of this folder: which place on the board is its own (below BOARD_PROCESSES). */
void board_take_place(size_t place);

/* For the master. True when the process in that place has waited for a token longer than it may: the token counts as stalled from now
 * on, *ret_store is its number. The process is to be ended; board_clear() after that. */
bool board_overdue(size_t place, unsigned *ret_store);
void board_clear(size_t place);

/* For tokens. Says that this process is about to call the module of a store, for at most limit_ms. False: the store is stalled, nobody
 * calls it; *ret_wait_ms is the time after which one may try. */
bool board_enter(unsigned store, int limit_ms, int64_t *ret_wait_ms);
/* The call came back, whatever it said. worked: it made the token compute, so that one that stalled is well again; looking for things doesn't
 * show that. */
void board_leave(bool worked);
/* Time until a stalled store may be tried, in milliseconds; 0: it isn't stalled. */
int64_t board_stalled_ms(unsigned store);

/* One login at a time for each store, over all processes. False: somebody else is at it, or was for too long. */
bool board_lock_login(unsigned store);
void board_unlock_login(unsigned store);
/* A PIN that was refused, by a fingerprint that tells nothing of it. */
void board_note_refused(unsigned store, const void *pin, size_t len);
bool board_was_refused(unsigned store, const void *pin, size_t len);

#endif
