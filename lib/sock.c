#include <config.h>

#include "lib/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/supervisor.h"

static int
address(const struct config *c, const char *name, struct sockaddr_un *ret, struct error *e)
{
	int n;

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s.sock", config_str(c, OPT_sockets_dir), name);
	if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
		return fail(e, E_BAD_VALUE, "[sockets] dir is too long: the path of a socket holds up to %zu bytes",
		            sizeof(ret->sun_path) - 1);
	return 0;
}

static bool
is(int fd, int what, int wanted)
{
	int got = -1;
	socklen_t len = sizeof(got);

	return getsockopt(fd, SOL_SOCKET, what, &got, &len) == 0 && got == wanted;
}

static int
passed_check(int fd, const char *name, struct error *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (!is(fd, SO_DOMAIN, AF_UNIX) || !is(fd, SO_TYPE, SOCK_STREAM) || !is(fd, SO_ACCEPTCONN, 1))
		return fail(e, E_BAD_VALUE, "the socket passed as \"%s\" isn't a listening Unix stream socket", name);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail(e, E_INTERNAL, "can't set up the socket passed as \"%s\": %s", name, strerror(errno));
	return 0;
}

/* Nobody can connect before listen(), so the permissions are right from the first moment. */
static int
bind_listen(int fd, const struct sockaddr_un *a, mode_t mode, struct error *e)
{
	struct stat st;

	if (lstat(a->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(a->sun_path);
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
		return fail(e, E_UNAVAILABLE, "can't make the socket %s: %s", a->sun_path, strerror(errno));
	if (chmod(a->sun_path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
		return fail(e, E_UNAVAILABLE, "can't listen on %s: %s", a->sun_path, strerror(errno));
	return 0;
}

int
sock_listen(const struct config *c, const char *name, mode_t mode, int *ret_fd, struct error *e)
{
	struct sockaddr_un a;
	int fd = supervisor_socket(name);

	if (fd >= 0) {
		if (passed_check(fd, name, e) < 0)
			return -1;
		*ret_fd = fd;
		return 0;
	}
	if (address(c, name, &a, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(e, E_INTERNAL, "can't make a socket: %s", strerror(errno));
	if (bind_listen(fd, &a, mode, e) < 0) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int
sock_connect(const struct config *c, const char *name, int *ret_fd, struct error *e)
{
	struct sockaddr_un a;
	int fd;

	if (address(c, name, &a, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(e, E_INTERNAL, "can't make a socket: %s", strerror(errno));
	while (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
		if (errno == EINTR)
			continue;
		fail(e, E_UNAVAILABLE, "can't reach \"%s\": %s", name, strerror(errno));
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int
sock_peer(int fd, uid_t *ret_uid, struct error *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return fail(e, E_FORBIDDEN, "can't tell who is at the other end: %s", strerror(errno));
	*ret_uid = cred.uid;
	return 0;
}

int
sock_user(const char *name, uid_t *ret_uid, struct error *e)
{
	struct passwd pw, *found = NULL;
	char text[4096];
	int rc = getpwnam_r(name, &pw, text, sizeof(text), &found);

	if (rc != 0)
		return fail(e, E_UNAVAILABLE, "can't look up the system user \"%s\": %s", name, strerror(rc));
	if (!found)
		return fail(e, E_BAD_VALUE, "there is no system user \"%s\"", name);
	*ret_uid = pw.pw_uid;
	return 0;
}
