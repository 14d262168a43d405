/* CAA (RFC 8659): the records of the name, or of the nearest domain above it that has any. */
#include <string.h>

#include "enroll/acme-probe/caa_records.h"
#include "enroll/acme-probe/task.h"

enum { RECORDS_MAX = 200, SHOWN = 8 };

static void
show(struct task *t, const char *name, struct bytes r)
{
	size_t tag = r.len > 2 && r.data[1] <= r.len - 2 ? r.data[1] : 0, at = tag ? 2 + tag : 0;
	const char *critical = r.len && r.data[0] & 0x80 ? "critical " : "", *kind = tag ? task_quote(t, r.data + 2, tag) : "?";
	task_step(t, "asked for CAA of %s: %s%s \"%s\"", name, critical, kind, task_quote(t, r.data + at, r.len - at));
}

static int
judge(struct task *t, const char *name, const struct ub_result *r, const char *method)
{
	struct bytes records[RECORDS_MAX];
	struct caa_question q = {
	    t->asked->caa_identities, t->asked->n_caa_identities, t->asked->account_url, method, t->asked->wildcard,
	};
	struct error e;
	size_t n = 0;
	for (; r->data[n]; n++) {
		if (n == RECORDS_MAX)
			return task_fail(t, "caa", "%s has more than %d CAA records", name, RECORDS_MAX);
		records[n] = (struct bytes){(const uint8_t *)r->data[n], (size_t)r->len[n]};
		if (n < SHOWN)
			show(t, name, records[n]);
	}
	if (caa_judge(records, n, &q, &e) < 0)
		return task_fail(t, "caa", "CAA of %s: %s", name, e.detail);
	task_step(t, "CAA of %s allows it", name);
	return 0;
}

int
caa_check(struct task *t, const char *method)
{
	if (t->is_address) /* RFC 8659 is about domain names */
		return 0;
	if (t->asked->n_caa_identities == 0)
		return task_fail(t, "caa", "CAA records are to be asked for, and the directory has no name that they could have");
	for (const char *name = t->host; name; name = strchr(name, '.') ? strchr(name, '.') + 1 : NULL) {
		struct question q = {.name = name, .type = RR_CAA};
		if (names_ask(t, &q, 1) < 0)
			return -1;
		const char *why = names_why(t, &q);
		switch (names_result(&q)) {
		case NAMES_FOUND:
			return judge(t, name, q.answer, method);
		case NAMES_NODATA:
		case NAMES_NXDOMAIN:
			task_step(t, "asked for CAA of %s: %s", name, why);
			continue;
		case NAMES_BOGUS:
			return task_fail(t, "dns", "CAA of %s: %s", name, why);
		case NAMES_FAILED:
		case NAMES_LATE:
			task_step(t, "asked for CAA of %s: %s", name, why);
			return task_fail_now(t, "caa", "CAA of %s: %s; nothing is issued while that can't be found out (RFC 8659 3)", name, why);
		}
	}
	task_step(t, "neither %s nor a domain above it has CAA records", t->host);
	return 0;
}

static int
run(struct task *t)
{
	return caa_check(t, t->asked->method);
}

const struct kind caa_alone = {.method = "", .takes_addresses = true, .run = run};
