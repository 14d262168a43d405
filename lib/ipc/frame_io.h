/* Frames over a socket, with a deadline: for who has a thread of his own for each connection. */
#ifndef SIEGEL_LIB_IPC_FRAME_IO_H
#define SIEGEL_LIB_IPC_FRAME_IO_H
#include <stdint.h>
#include "lib/buf.h"

enum { FRAME_FOREVER = -1 };

/* Milliseconds of the monotonic clock. */
int64_t frame_now_ms(void);
/* Writes a message of which b holds everything from its fifth octet on; its first four are the length's, which this puts there. end_ms: of the
 * monotonic clock, FRAME_FOREVER for none. stop_fd: when it becomes readable, the wait is given up; -1: none. E_TOO_LARGE, or E_UNAVAILABLE: the peer
 * is gone, the time is over, or the process is to stop. */
int frame_write(int fd, struct buf *b, int64_t end_ms, int stop_fd, struct error *e) MUST_CHECK;
/* Reads one frame into b, which is cleared first; *ret is its message, a view. The peer may send nothing more before it is answered: E_MALFORMED.
 * Else as above, and E_TOO_LARGE and E_MALFORMED for a frame that breaks the rules (frame.h). */
int frame_read(int fd, struct buf *b, int64_t end_ms, int stop_fd, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
