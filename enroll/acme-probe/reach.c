/* From a name to a connection: resolved once, each address checked, and the connection goes to an address that was checked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enroll/acme-probe/task.h"
#include "lib/daemon.h"
#include "lib/ipc/frame_io.h"

int
task_left_ms(const struct task *t)
{
	int64_t left = t->end_ms - frame_now_ms();
	return left <= 0 || daemon_stopping() ? 0 : (int)left;
}

int
task_wait(const struct task *t, int fd, short events, int wait_ms)
{
	struct pollfd p[] = {{.fd = fd, .events = events}, {.fd = t->probe->stop_fd, .events = POLLIN}};
	int left = task_left_ms(t);
	int rc = poll(p, 2, wait_ms < left ? wait_ms : left);
	if (rc < 0 && errno == EINTR)
		return task_wait(t, fd, events, wait_ms);
	return rc > 0 && p[0].revents != 0 && p[1].revents == 0;
}

bool
host_valid(const char *name)
{
	size_t len = strlen(name), label = 0;
	bool digits = true;
	if (len == 0 || len > 253 || *name == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool digit = c >= '0' && c <= '9';
		if (c == '.') {
			if (label == 0 || name[i - 1] == '-')
				return false;
			label = 0;
			digits = true;
			continue;
		}
		if (!(digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == '-' && label > 0)) || ++label > 63)
			return false;
		digits = digits && digit;
	}
	return label > 0 && name[len - 1] != '-' && !digits;
}

/* The addresses of an answer, in its order. */
static size_t
addresses_of(const struct question *q, int family, struct address *ret, size_t max)
{
	size_t n = 0, len = family == AF_INET ? 4 : 16;
	if (names_result(q) != NAMES_FOUND)
		return 0;
	for (size_t i = 0; q->answer->data[i] && n < max; i++) {
		if (q->answer->len[i] != (int)len)
			continue;
		ret[n] = (struct address){.family = family};
		memcpy(ret[n++].octets, q->answer->data[i], len);
	}
	return n;
}

enum { SEEN_MAX = 16 };

static void
tell_addresses(struct task *t, const char *host, const struct question q[2], const struct address *a, size_t n)
{
	char text[ADDRESS_TEXT], list[LIMIT_PROBE_STEP_BYTES] = "";
	size_t at = 0;
	for (size_t i = 0; i < n && at + ADDRESS_TEXT + 2 < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", address_text(&a[i], text));
	for (int i = 0; i < 2; i++)
		if (names_result(&q[i]) == NAMES_FOUND && q[i].answer->canonname) {
			task_alias(t, host, q[i].answer->canonname);
			break;
		}
	if (n > 0)
		task_step(t, "asked for AAAA and A of %s: %s", host, list);
	for (int i = 0; i < 2; i++) {
		enum names_result r = names_result(&q[i]);
		if (r == NAMES_BOGUS || r == NAMES_FAILED || r == NAMES_LATE || (n == 0 && r != NAMES_FOUND))
			task_step(t, "asked for %s of %s: %s", i == 0 ? "AAAA" : "A", host, names_why(t, &q[i]));
	}
}

static int
no_address(struct task *t, const char *host, const struct question q[2])
{
	for (int i = 0; i < 2; i++) {
		enum names_result r = names_result(&q[i]);
		const char *type = i == 0 ? "AAAA" : "A";
		if (r == NAMES_BOGUS)
			return task_fail(t, "dns", "%s of %s: %s", type, host, names_why(t, &q[i]));
		if (r == NAMES_FAILED || r == NAMES_LATE)
			return task_fail_now(t, "dns", "%s of %s: %s", type, host, names_why(t, &q[i]));
	}
	if (names_result(&q[0]) == NAMES_NXDOMAIN || names_result(&q[1]) == NAMES_NXDOMAIN)
		return task_fail(t, "dns", "there is no name %s, as far as the name server knows (NXDOMAIN)", host);
	return task_fail(t, "dns", "%s has neither an AAAA nor an A record", host);
}

/* Takes of n addresses up to LIMIT_PROBE_ADDRESSES that may be reached. */
static int
choose(struct task *t, const struct address *all, size_t n, int family, uint16_t port, struct address *ret, size_t *ret_n, struct error *why)
{
	size_t taken = 0;
	for (size_t i = 0; i < n && taken < LIMIT_PROBE_ADDRESSES; i++) {
		struct error e;
		if (all[i].family != family)
			continue;
		if (egress_check(t->probe->egress, t->asked->networks, t->asked->n_networks, &all[i], port, &e) == 0) {
			ret[(*ret_n)++] = all[i];
			taken++;
			continue;
		}
		task_step(t, "%s", e.detail);
		if (e.code != E_FORBIDDEN)
			return task_fail_now(t, "serverInternal", "%s", e.detail);
		*why = e;
	}
	return 0;
}

int
task_resolve(struct task *t, const char *host, uint16_t port, struct address ret[2 * LIMIT_PROBE_ADDRESSES], size_t *ret_n)
{
	struct address all[2 * SEEN_MAX];
	struct error why = {0};
	size_t n = 1;
	*ret_n = 0;
	if (!address_parse(host, &all[0])) {
		struct question q[2] = {{.name = host, .type = RR_AAAA}, {.name = host, .type = RR_A}};
		if (!host_valid(host))
			return task_fail(t, "rejectedIdentifier", "\"%s\" isn't a host's name", task_quote(t, host, strlen(host)));
		if (names_ask(t, q, 2) < 0)
			return -1;
		n = addresses_of(&q[0], AF_INET6, all, SEEN_MAX);
		n += addresses_of(&q[1], AF_INET, all + n, SEEN_MAX);
		tell_addresses(t, host, q, all, n);
		if (n == 0)
			return no_address(t, host, q);
	}
	if (choose(t, all, n, AF_INET6, port, ret, ret_n, &why) < 0 || choose(t, all, n, AF_INET, port, ret, ret_n, &why) < 0)
		return -1;
	if (*ret_n > 0)
		return 0;
	bool is_name = host_valid(host);
	return task_fail(t, "rejectedIdentifier", "%s%s%s", is_name ? host : "", is_name ? ": " : "", why.detail);
}

static int
wait_connected(struct task *t, int fd, int wait_ms, struct error *e)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (!task_wait(t, fd, POLLOUT, wait_ms))
		return fail(e, E_UNAVAILABLE, "no connection in time");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
		return fail(e, E_UNAVAILABLE, "%s", strerror(error));
	return 0;
}

int
task_connect(struct task *t, const struct address *a, uint16_t port, int wait_ms, int *ret_fd, struct error *e)
{
	struct sockaddr_storage to;
	socklen_t len = address_sockaddr(a, port, &to);
	int rc = -1;
	if (egress_check(t->probe->egress, t->asked->networks, t->asked->n_networks, a, port, e) < 0)
		return -1;
	int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&to, len) == 0)
		rc = 0;
	else if (errno == EINPROGRESS)
		rc = wait_connected(t, fd, wait_ms, e);
	else
		(void)fail(e, E_UNAVAILABLE, "%s", strerror(errno));
	if (rc < 0) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}
