#include "ca/maker.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_MAX_BYTES 8192 /* PKCS#8 of RSA-8192 and ML-DSA-87 is about 5 KiB */
#define NAME_BYTES 32

bool
maker_is_for(const struct keytype *type)
{
	return type->slow;
}

/* One key for each name that is asked for, until the worker is gone. */
static _Noreturn void
make_keys(int fd)
{
	char name[NAME_BYTES];
	ssize_t n;
	while ((n = recv(fd, name, sizeof(name) - 1, 0)) > 0) {
		struct error e;
		EVP_PKEY *key = NULL;
		struct secret *der = NULL;
		name[n] = '\0';
		const struct keytype *type = keytype_by_name(name);
		if (!type || keytype_generate(type, &key, &e) < 0 || keytype_to_pkcs8(key, &der, &e) < 0 ||
		    send(fd, der->data, der->len, MSG_NOSIGNAL) != (ssize_t)der->len)
			_exit(1);
		secret_free(der);
		EVP_PKEY_free(key);
	}
	_exit(0);
}

int
maker_start(struct maker *m, struct error *e)
{
	int pair[2];
	m->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(e, E_INTERNAL, "socketpair: %s", strerror(errno));
	m->pid = fork();
	if (m->pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(3, (unsigned)pair[1] - 1, 0);
		close_range((unsigned)pair[1] + 1, ~0u, 0);
		make_keys(pair[1]);
	}
	close(pair[1]);
	if (m->pid < 0) {
		close(pair[0]);
		return fail(e, E_INTERNAL, "fork: %s", strerror(errno));
	}
	m->fd = pair[0];
	return 0;
}

void
maker_stop(struct maker *m)
{
	if (m->fd < 0)
		return;
	close(m->fd);
	m->fd = -1;
	kill(m->pid, SIGKILL);
	waitpid(m->pid, NULL, 0);
}

int
maker_ask(struct maker *m, const struct keytype *type, struct error *e)
{
	size_t len = strlen(type->name);
	/* Asked here, because a maker that can make no key ends. */
	if (keytype_check(type, e) < 0 || keytype_available(type, e) < 0)
		return -1;
	if (m->fd < 0 || send(m->fd, type->name, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len) {
		(void)fail(e, E_UNAVAILABLE, "too many keys are being made at the moment");
		e->retry_after_sec = 2;
		return -1;
	}
	return 0;
}

int
maker_take(struct maker *m, EVP_PKEY **ret, struct error *e)
{
	uint8_t der[KEY_MAX_BYTES];
	ssize_t n = recv(m->fd, der, sizeof(der), MSG_DONTWAIT);
	if (n <= 0)
		return fail(e, E_UNAVAILABLE, "the process that makes keys is gone");
	int rc = keytype_from_pkcs8((struct bytes){der, (size_t)n}, ret, e);
	OPENSSL_cleanse(der, sizeof(der));
	return rc == 0 ? 0 : fail(e, E_UNAVAILABLE, "the process that makes keys sent none");
}
