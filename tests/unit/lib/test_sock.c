#include <config.h>

#include "lib/sock.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/supervisor.h"
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

/* What is passed to another process, or said wrongly, is nobody's. */
static int
not_activated(void)
{
	static const char *const counts[] = {"", "x", "-1", "1x", " 1", "99999999999999999999", "0"};
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDNAMES", "ca.api", 1);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		setenv("LISTEN_FDS", counts[i], 1);
		if (supervisor_socket("ca.api") != -1)
			return 1 + (int)i;
	}
	setenv("LISTEN_FDS", "2147483644", 1); /* more than there are names */
	if (supervisor_socket("ca.api") != 3 || supervisor_socket("ca.ap") != -1 || supervisor_socket("") != -1)
		return 90;
	setenv("LISTEN_PID", "1", 1);
	if (supervisor_socket("ca.api") != -1)
		return 91;
	unsetenv("LISTEN_PID");
	if (supervisor_socket("ca.api") != -1)
		return 92;
	unsetenv("LISTEN_FDNAMES");
	return supervisor_socket("ca.api") == -1 ? 0 : 93;
}

START_TEST(test_no_activation)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(not_activated());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* Who waits for a word gets it, by a file or by a name of the kernel's; where nobody waits nothing happens. */
START_TEST(test_tell)
{
	char path[200], got[32];
	int heard[2];

	supervisor_tell("READY=1"); /* nobody */
	for (int i = 0; i < 2; i++) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		snprintf(path, sizeof(path), "%c%.80s/tell-%d", i ? '@' : '/', test_dir() + 1, (int)getpid());
		memcpy(a.sun_path, path, strlen(path));
		if (i)
			a.sun_path[0] = '\0';
		heard[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		ck_assert_int_eq(bind(heard[i], (struct sockaddr *)&a, i ? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)) : (socklen_t)sizeof(a)), 0);
		setenv("NOTIFY_SOCKET", path, 1);
		supervisor_tell("READY=1");
		ck_assert_int_eq(recv(heard[i], got, sizeof(got), 0), 7);
		ck_assert_mem_eq(got, "READY=1", 7);
		close(heard[i]);
		supervisor_tell("STOPPING=1"); /* gone */
	}
	setenv("NOTIFY_SOCKET", "relative", 1);
	supervisor_tell("READY=1");
	setenv("NOTIFY_SOCKET", "@", 1);
	supervisor_tell("READY=1");
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	supervisor_tell("READY=1");
	unsetenv("NOTIFY_SOCKET");
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
	tcase_add_test(t, test_no_activation);
	tcase_add_test(t, test_tell);
	tcase_add_test(t, test_user);
	return t;
}
