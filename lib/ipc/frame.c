/* Frames between processes. */
#include "config.h"
#include "lib/ipc/frame.h"

#include "lib/limits.h"

int
frame_peek(struct bytes in, size_t *ret_len, struct error *e)
{
	size_t len;

	if (in.len < 4)
		return 1;
	len = (size_t)in.data[0] << 24 | (size_t)in.data[1] << 16 | (size_t)in.data[2] << 8 | in.data[3];
	if (len == 0)
		return fail(e, E_MALFORMED, "a message between processes is empty");
	if (len > LIMIT_FRAME_BYTES)
		return fail(e, E_TOO_LARGE, "a message between processes is longer than %d bytes", LIMIT_FRAME_BYTES);
	if (in.len - 4 < len)
		return 1;
	*ret_len = len;
	return 0;
}

void
frame_head(uint8_t head[4], size_t len)
{
	head[0] = (uint8_t)(len >> 24);
	head[1] = (uint8_t)(len >> 16);
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
}
