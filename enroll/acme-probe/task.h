/* One task under way: what is asked (lib/ipc/probe.proto), until when, and what was found so far. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_TASK_H
#define SIEGEL_ENROLL_ACME_PROBE_TASK_H
#include <stdbool.h>
#include <stdint.h>
#include "enroll/acme-probe/egress.h"
#include "enroll/acme-probe/names.h"
#include "lib/arena.h"
#include "lib/ipc/probe.pb-c.h"
#include "lib/limits.h"

/* What all threads share; nobody changes it. */
struct probe {
	const struct config *config;
	struct egress *egress;
	uint16_t http_port, https_port;
	int stop_fd; /* readable: every wait is given up; -1: none */
};

struct task {
	const struct probe *probe;
	const Siegel__Task *asked;
	struct arena *arena;
	struct names *names;      /* opened on first use */
	int64_t end_ms;           /* of the monotonic clock */
	const char *host;         /* the identifier without its kind */
	bool is_address;
	struct address address;   /* when is_address */
	const char *key_authorization;
	/* the finding */
	char *steps[LIMIT_PROBE_STEPS];
	size_t n_steps;
	const char *problem;      /* NULL as long as nothing is wrong */
	char *detail;
	bool temporary;
	char *connected;          /* address that was connected to last */
};

/* A way to validate. run gives 0 when the challenge is met, or what task_fail() gave. */
struct kind {
	const char *method;       /* RFC 8657 4 */
	bool takes_addresses;
	bool has_token;
	int (*run)(struct task *t);
};
extern const struct kind http_01, dns_01, dns_account_01, tls_alpn_01, caa_alone;

/* Does the task and gives the finding, whose strings and itself live in a; bounded by the task's deadline. */
const Siegel__Finding *task_run(const struct probe *p, const Siegel__Task *asked, struct arena *a);
/* A line of what was done and seen. Whatever isn't printable ASCII is written as \xNN, and it is cut; beyond the last line nothing is kept. */
void task_step(struct task *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The step that says that name is an alias (CNAME) of canonical, which may end in a dot; none when it is the same. */
void task_alias(struct task *t, const char *name, const char *canonical);
/* The finding isn't good: ACME's word (RFC 8555 6.7) and a sentence. Gives -1. The first call counts. */
int task_fail(struct task *t, const char *problem, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same, and it may be otherwise in a moment. */
int task_fail_now(struct task *t, const char *problem, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Another finding in the place of the one that was made: what that one said is a step. */
void task_hide(struct task *t, const char *problem, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Milliseconds that are left, 0 when none are or the process is to stop. */
int task_left_ms(const struct task *t);
/* Waits until fd is ready for events (poll(2)): 1, or 0 after wait_ms, at the task's end, and when the process is to stop. */
int task_wait(const struct task *t, int fd, short events, int wait_ms);
/* Len octets of whoever was asked, as text that can be shown: escaped, cut. */
const char *task_quote(struct task *t, const void *data, size_t len);

/* Whether that is a host's name: labels of letters, digits, hyphens and underscores, up to 253 octets, the last one not of digits alone. */
bool host_valid(const char *name);
/* The addresses that may be tried for host (a name, or an address without brackets), IPv6 first: resolved now, each of them checked. 0 with
 * 1 to 2 * LIMIT_PROBE_ADDRESSES of them, or what task_fail() gave: "dns", or "rejectedIdentifier" when none may be reached. */
int task_resolve(struct task *t, const char *host, uint16_t port, struct address ret[2 * LIMIT_PROBE_ADDRESSES], size_t *ret_n);
/* A TCP connection to that address, which task_resolve() gave and which is checked once more; non-blocking. 0 with *ret_fd, or -1 with the cause in
 * *e. */
int task_connect(struct task *t, const struct address *a, uint16_t port, int wait_ms, int *ret_fd, struct error *e) MUST_CHECK;

/* CAA for the identifier, once the challenge is met: 0 when issuing is allowed. Refused without a name of ours. */
int caa_check(struct task *t, const char *method);

#endif
