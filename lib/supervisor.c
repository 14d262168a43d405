#include <config.h>

#include "lib/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_PASSED = 3 }; /* behind standard input, output and errors */

void
supervisor_tell(const char *state)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = to ? strlen(to) : 0;

	if (len < 2 || len >= sizeof(a.sun_path) || (to[0] != '/' && to[0] != '@'))
		return;
	memcpy(a.sun_path, to, len);
	if (to[0] == '@')
		a.sun_path[0] = '\0'; /* a name of the kernel's, not of a file: it ends where the address ends */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (to[0] == '/'));
	while (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&a, size) < 0 && errno == EINTR)
		;
	close(fd);
}

/* A number of the environment, from 1 on; 0: there is none. */
static long
number(const char *name)
{
	const char *text = getenv(name);
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	long n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && n <= INT_MAX - FIRST_PASSED ? n : 0;
}

int
supervisor_socket(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t len = strlen(name);
	long n = number("LISTEN_FDS");
	int found = -1;

	if (!names || number("LISTEN_PID") != (long)getpid())
		return -1; /* none, or meant for the process that started us */
	for (long i = 0; i < n; i++) {
		size_t one = strcspn(names, ":");
		(void)fcntl(FIRST_PASSED + (int)i, F_SETFD, FD_CLOEXEC);
		if (one == len && memcmp(names, name, len) == 0)
			found = FIRST_PASSED + (int)i;
		names += one;
		if (*names == '\0')
			break;
		names++;
	}
	return found;
}
