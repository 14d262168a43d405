/* Frames between processes: four bytes of length, most significant first, then the message. */
#ifndef SIEGEL_LIB_IPC_FRAME_H
#define SIEGEL_LIB_IPC_FRAME_H
#include "lib/buf.h"

/* Looks at the start of in: 0 and *ret_len when a whole frame is there (its message starts at 4), 1 when more bytes are needed,
 * -1 (E_TOO_LARGE, E_MALFORMED for an empty one) when the peer breaks the rules and the connection is to be closed. */
int frame_peek(struct bytes in, size_t *ret_len, struct error *e) MUST_CHECK;
/* Puts the length before a message of len bytes. */
void frame_head(uint8_t head[4], size_t len);

#endif
