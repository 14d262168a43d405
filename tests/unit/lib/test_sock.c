#include <config.h>

#include "lib/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/lib/suites.h"

static struct config *
make_config(const char *dir)
{
	struct config *c = NULL;
	struct error e;
	char text[600];

	snprintf(text, sizeof(text), "[sockets]\ndir = %s\n", dir);
	ck_assert_int_eq(config_load(test_file("sock.conf", text, strlen(text), 0600), &c, &e), 0);
	return c;
}

START_TEST(test_talk)
{
	struct config *c = make_config(test_dir());
	struct error e = {0};
	struct stat st;
	char path[300];
	int server, again, client, peer;
	uid_t uid = 12345;

	ck_assert_msg(sock_listen(c, "talk", 0660, &server, &e) == 0, "%s", e.detail);
	snprintf(path, sizeof(path), "%s/talk.sock", test_dir());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert(fcntl(server, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(server, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(sock_connect(c, "talk", &client, &e), 0);
	ck_assert(!(fcntl(client, F_GETFL) & O_NONBLOCK));
	ck_assert(fcntl(client, F_GETFD) & FD_CLOEXEC);
	peer = accept(server, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	ck_assert_int_eq(sock_peer(peer, &uid, &e), 0);
	ck_assert_uint_eq(uid, geteuid());
	close(peer);
	close(client);
	close(server);
	/* the file of a server that ended is in nobody's way */
	ck_assert_int_eq(sock_connect(c, "talk", &client, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_int_eq(sock_listen(c, "talk", 0600, &again, &e), 0);
	ck_assert_int_eq(sock_connect(c, "talk", &client, &e), 0);
	close(client);
	close(again);
	ck_assert_int_eq(sock_connect(c, "never", &client, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	config_free(c);
}
END_TEST

START_TEST(test_refused)
{
	struct config *c = make_config("/nonexistent");
	struct error e;
	char dir[300];
	int fd = -1;

	ck_assert_int_eq(sock_listen(c, "x", 0600, &fd, &e), -1);
	config_free(c);
	/* what isn't a socket is not removed */
	test_file("file.sock", "precious", 8, 0600);
	c = make_config(test_dir());
	ck_assert_int_eq(sock_listen(c, "file", 0600, &fd, &e), -1);
	snprintf(dir, sizeof(dir), "%s/file.sock", test_dir());
	ck_assert_int_eq(access(dir, F_OK), 0);
	config_free(c);
	memset(dir, 'd', 120);
	dir[0] = '/';
	dir[120] = '\0';
	c = make_config(dir);
	ck_assert_int_eq(sock_listen(c, "x", 0600, &fd, &e), -1);
	ck_assert_int_eq(sock_connect(c, "x", &fd, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_int_eq(fd, -1);
	config_free(c);
}
END_TEST

/* As systemd would: descriptor 3 and up, with names. Tried in a child, since it fixes descriptors and environment. */
static int
activated(bool stream)
{
	struct config *c = make_config("/nonexistent");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct error e;
	char pid[16];
	int got = -1, fd = socket(AF_UNIX, stream ? SOCK_STREAM : SOCK_DGRAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.60s/act-%d.sock", test_dir(), stream);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || (stream && listen(fd, 5) < 0))
		return 90;
	if (dup2(fd, 4) < 0 || dup2(fd, 3) < 0)
		return 91;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "other:ca.api", 1);
	if (sock_listen(c, "ca.api", 0600, &got, &e) < 0)
		return 1;
	if (got != 4 || !(fcntl(got, F_GETFL) & O_NONBLOCK) || !(fcntl(got, F_GETFD) & FD_CLOEXEC))
		return 92;
	return sock_listen(c, "ca.est", 0600, &got, &e) < 0 ? 0 : 93; /* not passed, and the folder isn't there */
}

START_TEST(test_activation)
{
	for (int stream = 0; stream < 2; stream++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			_exit(activated(stream != 0));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(WEXITSTATUS(status), stream ? 0 : 1);
	}
}
END_TEST

START_TEST(test_user)
{
	struct error e;
	uid_t uid = 1;

	ck_assert_int_eq(sock_user("root", &uid, &e), 0);
	ck_assert_uint_eq(uid, 0);
	ck_assert_int_eq(sock_user("no-such-user-here", &uid, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_int_eq(sock_peer(0, &uid, &e) == 0 && uid == 4711, 0);
}
END_TEST

TCase *
tcase_sock(void)
{
	TCase *t = tcase_create("sock");

	tcase_add_test(t, test_talk);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_activation);
	tcase_add_test(t, test_user);
	return t;
}
