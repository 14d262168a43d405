/* LD_PRELOAD for PostgreSQL, for measurements and tests: each flush takes SIEGEL_FLUSH_DELAY_US longer, as on an ordinary disk. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void
delay(void)
{
	const char *text = getenv("SIEGEL_FLUSH_DELAY_US");
	long us = text ? strtol(text, NULL, 10) : 0;
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	while (us > 0 && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static int
flush(const char *name, int fd)
{
	int (*next)(int);

	*(void **)&next = dlsym(RTLD_NEXT, name);
	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	delay();
	return next(fd);
}

int
fdatasync(int fd)
{
	return flush("fdatasync", fd);
}

int
fsync(int fd)
{
	return flush("fsync", fd);
}
