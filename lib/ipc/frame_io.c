#include "lib/ipc/frame_io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/ipc/frame.h"
#include "lib/limits.h"

int64_t
frame_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
wait_for(int fd, short events, int64_t end_ms, int stop_fd, struct error *e)
{
	struct pollfd p[] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
	for (;;) {
		int64_t left = end_ms == FRAME_FOREVER ? -1 : end_ms - frame_now_ms();
		if (end_ms != FRAME_FOREVER && left <= 0)
			return fail(e, E_UNAVAILABLE, "the other process didn't answer in time");
		int rc = poll(p, 2, left > INT_MAX ? INT_MAX : (int)left);
		if (rc > 0 && p[1].revents)
			return fail(e, E_UNAVAILABLE, "this process is to stop");
		if (rc > 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return fail(e, E_UNAVAILABLE, "poll: %s", strerror(errno));
	}
}

int
frame_write(int fd, struct buf *b, int64_t end_ms, int stop_fd, struct error *e)
{
	size_t done = 0;
	if (b->overflow || b->len < 5 || b->len - 4 > LIMIT_FRAME_BYTES)
		return fail(e, E_TOO_LARGE, "a message between processes is empty, or longer than %d bytes", LIMIT_FRAME_BYTES);
	frame_head(b->data, b->len - 4);
	while (done < b->len) {
		if (wait_for(fd, POLLOUT, end_ms, stop_fd, e) < 0)
			return -1;
		ssize_t n = send(fd, b->data + done, b->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return fail(e, E_UNAVAILABLE, "the other process is gone");
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int
frame_read(int fd, struct buf *b, int64_t end_ms, int stop_fd, struct bytes *ret, struct error *e)
{
	uint8_t data[4096];
	size_t len = 0;
	int state = 1;
	buf_clear(b);
	while (state == 1) {
		if (wait_for(fd, POLLIN, end_ms, stop_fd, e) < 0)
			return -1;
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return fail(e, E_UNAVAILABLE, "the other process is gone");
		buf_add(b, data, (size_t)n);
		if (buf_check(b, e) < 0 || (state = frame_peek((struct bytes){b->data, b->len}, &len, e)) < 0)
			return -1;
	}
	if (b->len != len + 4)
		return fail(e, E_MALFORMED, "the other process sent more than a message");
	*ret = (struct bytes){b->data + 4, len};
	return 0;
}
