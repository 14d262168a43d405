/* The process that takes files apart, seen from both sides: siegel-ca runs itself anew, so that nothing of its memory is there. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/import/split.h"
#include "lib/limits.h"
#include "lib/mem.h"

#define OUTPUT_MAX_BYTES (4 * LIMIT_IMPORT_FILE_BYTES)
#define WALL_MS 30000 /* on a machine that is busy with other things, five seconds of processor may take this long */

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1 /* its shadow memory is larger than any limit, and it makes calls of its own */
#else
#define SANITIZED 0
#endif

/* --- within the process --- */

static int
read_all(struct buf *in)
{
	uint8_t data[65536];
	ssize_t n;
	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0)
		buf_add(in, data, (size_t)n);
	OPENSSL_cleanse(data, sizeof(data));
	return n < 0 || in->overflow ? -1 : 0;
}

static bool
limit(__rlimit_resource_t what, rlim_t value)
{
	return setrlimit(what, &(struct rlimit){value, value}) == 0;
}

/* What remains possible: compute, ask for memory, read the input, write the result. */
static bool
drop_powers(void)
{
	static const int allowed[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(brk), SCMP_SYS(mmap),
	    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn),
	    SCMP_SYS(rt_sigprocmask), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getpid), SCMP_SYS(gettid),
	    SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat)};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) ||
	    !limit(RLIMIT_CPU, LIMIT_IMPORT_CPU_SEC))
		return false;
	if (SANITIZED)
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool good = filter != NULL;
	for (size_t i = 0; good && i < ARRAY_LEN(allowed); i++)
		good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	good = good && limit(RLIMIT_AS, LIMIT_IMPORT_MEMORY_BYTES) && limit(RLIMIT_NOFILE, 0) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return good;
}

/* A length, and what follows it. */
static bool
take(struct bytes *rest, size_t *ret_len, const uint8_t **ret)
{
	if (rest->len < 4)
		return false;
	*ret_len = (size_t)rest->data[0] << 24 | (size_t)rest->data[1] << 16 | (size_t)rest->data[2] << 8 | rest->data[3];
	if (*ret_len > rest->len - 4)
		return false;
	*ret = rest->data + 4;
	rest->data += 4 + *ret_len;
	rest->len -= 4 + *ret_len;
	return true;
}

static void
split_message(struct bytes message, struct buf *out)
{
	char *passwords[LIMIT_IMPORT_PASSWORDS] = {0};
	size_t n = 0, len;
	const uint8_t *data;
	bool good = true;
	if (message.len < 1 || message.data[0] > LIMIT_IMPORT_PASSWORDS)
		good = false;
	struct bytes rest = {message.data + 1, good ? message.len - 1 : 0};
	for (size_t i = 0; good && i < message.data[0]; i++) {
		good = take(&rest, &len, &data);
		if (good)
			passwords[n++] = strndup((const char *)data, len);
	}
	if (good)
		split_here(rest, (const char *const *)passwords, n, out);
	else
		split_say(out, SPLIT_ERROR, "the message isn't one");
	for (size_t i = 0; i < n; i++) {
		OPENSSL_cleanse(passwords[i], strlen(passwords[i]));
		free(passwords[i]);
	}
}

int
split_main(void)
{
	uint8_t octet;
	struct buf in BUF_CLEANUP = BUF_INIT(LIMIT_IMPORT_FILE_BYTES + 64 * 1024), out BUF_CLEANUP = BUF_INIT(OUTPUT_MAX_BYTES);
	/* What OpenSSL reads from files it reads now; legacy: RC2 and 3DES, with which older systems write PKCS#12. */
	if (!OSSL_PROVIDER_load(NULL, "default") || RAND_bytes(&octet, 1) != 1)
		return 1;
	(void)OSSL_PROVIDER_load(NULL, "legacy");
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	if (!drop_powers() || read_all(&in) < 0)
		return 1;
	split_message((struct bytes){in.data, in.len}, &out);
	if (out.overflow) {
		buf_clear(&out);
		out.overflow = false;
		split_say(&out, SPLIT_ERROR, "there is more in the file than is taken at once");
	}
	for (size_t at = 0; at < out.len;) {
		ssize_t n = write(STDOUT_FILENO, out.data + at, out.len - at);
		if (n <= 0)
			return 1;
		at += (size_t)n;
	}
	return 0;
}

/* --- from outside --- */

static _Noreturn void
become_splitter(int in, int out)
{
	char *const argv[] = {(char[]){"siegel-ca"}, (char[]){"--split"}, NULL};
	char *const envp[] = {(char[]){"OPENSSL_CONF=/dev/null"}, (char[]){"LC_ALL=C"}, NULL};
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	close_range(3, ~0U, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve("/proc/self/exe", argv, envp);
	_exit(127);
}

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Memory that grows and is wiped where it was. */
static void
append(struct split *s, size_t *len, const uint8_t *data, size_t n)
{
	if (*len + n > s->size) {
		size_t size = (s->size ? s->size * 2 : 65536) + n;
		uint8_t *more = xcalloc(1, size);
		if (s->memory) {
			memcpy(more, s->memory, *len);
			OPENSSL_clear_free(s->memory, s->size);
		}
		s->memory = more;
		s->size = size;
	}
	memcpy(s->memory + *len, data, n);
	*len += n;
}

/* Writes the message and reads the answer, whichever goes. False: it took too long, or said too much. */
static bool
converse(int to, int from, const struct buf *message, struct bytes file, struct split *s, size_t *len)
{
	struct bytes parts[] = {{message->data, message->len}, file};
	size_t part = 0, at = 0;
	int64_t end = now_ms() + WALL_MS;
	uint8_t data[65536];
	for (;;) {
		struct pollfd p[] = {{from, POLLIN, 0}, {part < 2 ? to : -1, POLLOUT, 0}};
		int64_t left = end - now_ms();
		if (left <= 0 || poll(p, 2, (int)left) <= 0)
			return false;
		if (p[1].revents & (POLLERR | POLLHUP)) { /* it ended; what it said is still to be read */
			part = 2;
			shutdown(to, SHUT_WR);
		} else if (p[1].revents && part < 2) {
			ssize_t n = send(to, parts[part].data + at, parts[part].len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
			at += n > 0 ? (size_t)n : 0;
			while (part < 2 && at == parts[part].len) {
				part++;
				at = 0;
			}
			if (part == 2)
				shutdown(to, SHUT_WR);
		}
		if (!p[0].revents)
			continue;
		ssize_t n = read(from, data, sizeof(data));
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			append(s, len, data, (size_t)n);
		OPENSSL_cleanse(data, sizeof(data));
		if (*len > OUTPUT_MAX_BYTES)
			return false;
	}
}

/* Takes the records apart; what isn't one is a fault of the process. */
static bool
read_records(struct split *s, size_t len)
{
	struct bytes rest = {s->memory, len};
	size_t room = 0;
	while (rest.len) {
		uint8_t kind = rest.data[0];
		size_t n;
		const uint8_t *data;
		rest.data++;
		rest.len--;
		if (!memchr("CKRSE", kind, 5) || !take(&rest, &n, &data))
			return false;
		if (s->n == room) {
			room = room ? room * 2 : 64;
			s->items = xrealloc(s->items, room * sizeof(*s->items));
		}
		s->items[s->n++] = (struct split_item){(enum split_kind)kind, {data, n}};
	}
	return true;
}

static void
only_error(struct split *s, const char *text)
{
	struct buf out BUF_CLEANUP = BUF_INIT(1024);
	size_t len = 0;
	split_free(s);
	*s = (struct split){0};
	split_say(&out, SPLIT_ERROR, "%s", text);
	append(s, &len, out.data, out.len);
	(void)read_records(s, len);
}

int
split_file(struct bytes file, const char *const *passwords, size_t n, struct split *ret, struct error *e)
{
	struct buf message BUF_CLEANUP = BUF_INIT(64 * 1024);
	int to[2], from[2], status = 0;
	struct rusage used = {0};
	size_t len = 0;
	*ret = (struct split){0};
	buf_add_byte(&message, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(passwords[i]);
		uint8_t head[4] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size};
		buf_add(&message, head, sizeof(head));
		buf_add(&message, passwords[i], size);
	}
	if (n > LIMIT_IMPORT_PASSWORDS || message.overflow)
		return fail(e, E_TOO_LARGE, "too many passwords for one file");
	if (file.len > LIMIT_IMPORT_FILE_BYTES)
		return fail(e, E_TOO_LARGE, "the file is over %d bytes", LIMIT_IMPORT_FILE_BYTES);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) < 0)
		return fail(e, E_UNAVAILABLE, "socketpair: %s", strerror(errno));
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return fail(e, E_UNAVAILABLE, "pipe: %s", strerror(errno));
	}
	pid_t pid = fork();
	if (pid == 0)
		become_splitter(to[1], from[1]);
	close(to[1]);
	close(from[1]);
	bool good = pid > 0 && converse(to[0], from[0], &message, file, ret, &len);
	close(to[0]);
	close(from[0]);
	if (pid > 0) {
		if (!good)
			kill(pid, SIGKILL);
		while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
			;
	}
	OPENSSL_cleanse(message.data, message.len);
	if (pid < 0) {
		split_free(ret);
		return fail(e, E_UNAVAILABLE, "no process to take the file apart: %s", strerror(errno));
	}
	if (!good || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || !read_records(ret, len))
		only_error(ret, "it takes too much time or memory, or it broke the process that takes it apart");
	ret->cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
	return 0;
}

void
split_free(struct split *s)
{
	OPENSSL_clear_free(s->memory, s->size);
	free(s->items);
	*s = (struct split){0};
}
