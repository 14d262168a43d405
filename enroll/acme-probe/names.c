#include "enroll/acme-probe/names.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/acme-probe/task.h"

enum { ITEM_BYTES = 280, QUESTIONS_MAX = 256 };
#define BLANKS " \t\r\n,"

struct names {
	struct ub_ctx *ub;
	struct ub_result *results[QUESTIONS_MAX];
	size_t n_results;
};

/* What a question's callback writes to. It outlives the question: an answer that comes after the wait was given up is freed with the names. */
struct pending {
	struct names *names;
	struct question *question; /* NULL: given up */
	int *open;
	int id;
};

static int
set(struct ub_ctx *ub, const char *option, const char *value, struct error *e)
{
	int rc = ub_ctx_set_option(ub, option, value);
	return rc == 0 ? 0 : fail(e, E_BAD_VALUE, "libunbound doesn't take %s %s: %s", option, value, ub_strerror(rc));
}

static int
for_each(const char *list, struct ub_ctx *ub, int (*take)(struct ub_ctx *ub, const char *item, struct error *e), struct error *e)
{
	char item[ITEM_BYTES];
	for (const char *p = list + strspn(list, BLANKS); *p; p += strspn(p, BLANKS)) {
		size_t len = strcspn(p, BLANKS);
		if (len >= sizeof(item))
			return fail(e, E_BAD_VALUE, "[acme_probe] resolver and insecure_domains: %.60s is too long", p);
		memcpy(item, p, len);
		item[len] = '\0';
		if (take(ub, item, e) < 0)
			return -1;
		p += len;
	}
	return 0;
}

static int
take_resolver(struct ub_ctx *ub, const char *item, struct error *e)
{
	struct address a;
	char host[ITEM_BYTES];
	size_t len = strcspn(item, "@");
	memcpy(host, item, len);
	host[len] = '\0';
	bool good = address_parse(host, &a);
	if (good && item[len]) {
		const char *port = item + len + 1;
		good = strlen(port) <= 5 && *port >= '1' && strspn(port, "0123456789") == strlen(port) && strtol(port, NULL, 10) <= 65535;
	}
	if (!good || ub_ctx_set_fwd(ub, item) != 0)
		return fail(e, E_BAD_VALUE, "[acme_probe] resolver: \"%.80s\" isn't an address, or an address@port", item);
	return 0;
}

static int
take_insecure(struct ub_ctx *ub, const char *item, struct error *e)
{
	if (!host_valid(item))
		return fail(e, E_BAD_VALUE, "[acme_probe] insecure_domains: \"%.80s\" isn't a domain name", item);
	return set(ub, "domain-insecure:", item, e);
}

static int
configure(struct ub_ctx *ub, const struct config *c, struct error *e)
{
	const char *resolver = config_str(c, OPT_acme_probe_resolver), *anchor = config_str(c, OPT_acme_probe_dnssec_anchor_file);
	/* An intranet's name server may be on this machine, its names and reverse zones among those that libunbound would answer itself. */
	if (ub_ctx_async(ub, 1) != 0 || set(ub, "do-not-query-localhost:", "no", e) < 0 || set(ub, "unblock-lan-zones:", "yes", e) < 0 ||
	    set(ub, "insecure-lan-zones:", "yes", e) < 0 || set(ub, "msg-cache-size:", "256k", e) < 0 ||
	    set(ub, "rrset-cache-size:", "512k", e) < 0 ||
	    set(ub, "key-cache-size:", "256k", e) < 0 || set(ub, "neg-cache-size:", "64k", e) < 0 || set(ub, "outgoing-range:", "64", e) < 0 ||
	    set(ub, "num-queries-per-thread:", "32", e) < 0 || set(ub, "prefetch:", "no", e) < 0 || set(ub, "minimal-responses:", "yes", e) < 0)
		return -1;
	if (*resolver ? for_each(resolver, ub, take_resolver, e) < 0 : ub_ctx_resolvconf(ub, NULL) != 0)
		return *resolver ? -1 : fail(e, E_UNAVAILABLE, "resolv.conf can't be read: [acme_probe] resolver can name the name servers");
	if (for_each(config_str(c, OPT_acme_probe_insecure_domains), ub, take_insecure, e) < 0)
		return -1;
	if (*anchor && ub_ctx_add_ta_file(ub, anchor) != 0)
		return fail(e, E_BAD_VALUE, "[acme_probe] dnssec_anchor_file: libunbound can't read it");
	/* This ends the time in which options are taken; it reads the anchors. */
	if (ub_ctx_zone_remove(ub, "test.") != 0 || ub_ctx_zone_remove(ub, "home.arpa.") != 0)
		return fail(e, E_BAD_VALUE, "[acme_probe] dnssec_anchor_file: there is no trust anchor in it, or libunbound can't be set up");
	return 0;
}

int
names_open(const struct config *c, struct names **ret, struct error *e)
{
	struct names *n = xcalloc(1, sizeof(*n));
	n->ub = ub_ctx_create();
	if (!n->ub || configure(n->ub, c, e) < 0) {
		if (!n->ub)
			(void)fail(e, E_UNAVAILABLE, "libunbound can't be set up");
		names_free(n);
		return -1;
	}
	*ret = n;
	return 0;
}

void
names_free(struct names *n)
{
	if (!n)
		return;
	if (n->ub)
		ub_ctx_delete(n->ub);
	for (size_t i = 0; i < n->n_results; i++)
		ub_resolve_free(n->results[i]);
	free(n);
}

static void
answered(void *ctx, int error, struct ub_result *result)
{
	struct pending *p = ctx;
	if (p->question && error == 0 && result && p->names->n_results < QUESTIONS_MAX) {
		p->names->results[p->names->n_results++] = result;
		p->question->answer = result;
	} else if (result) {
		ub_resolve_free(result);
	}
	p->question = NULL;
	--*p->open;
}

int
names_ask(struct task *t, struct question *questions, size_t n)
{
	struct pending *pending = arena_alloc(t->arena, n * sizeof(*pending));
	int *open = arena_alloc(t->arena, sizeof(*open));
	struct error e;
	if (!t->names && names_open(t->probe->config, &t->names, &e) < 0)
		return task_fail_now(t, "serverInternal", "%s", e.detail);
	for (size_t i = 0; i < n; i++) {
		pending[i] = (struct pending){t->names, &questions[i], open, 0};
		questions[i].answer = NULL;
		int rc = ub_resolve_async(t->names->ub, questions[i].name, questions[i].type, 1, &pending[i], answered, &pending[i].id);
		questions[i].asked = rc == 0;
		*open += questions[i].asked;
	}
	while (*open > 0 && task_left_ms(t) > 0)
		if (task_wait(t, ub_fd(t->names->ub), POLLIN, task_left_ms(t)) && ub_process(t->names->ub) != 0)
			break;
	for (size_t i = 0; i < n; i++) {
		if (questions[i].asked && pending[i].question)
			ub_cancel(t->names->ub, pending[i].id);
		pending[i].question = NULL;
	}
	return 0;
}

enum names_result
names_result(const struct question *q)
{
	const struct ub_result *r = q->answer;
	if (!r)
		return q->asked ? NAMES_LATE : NAMES_FAILED;
	if (r->bogus)
		return NAMES_BOGUS;
	if (r->nxdomain)
		return NAMES_NXDOMAIN;
	if (r->rcode != 0)
		return NAMES_FAILED;
	return r->havedata ? NAMES_FOUND : NAMES_NODATA;
}

const char *
names_why(struct task *t, const struct question *q)
{
	static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
	const struct ub_result *r = q->answer;
	switch (names_result(q)) {
	case NAMES_FOUND:
		return "found";
	case NAMES_NODATA:
		return "no such record";
	case NAMES_NXDOMAIN:
		return "no such name (NXDOMAIN)";
	case NAMES_BOGUS:
		return arena_printf(t->arena, "DNSSEC: the answer isn't signed as it has to be%s%s", r->why_bogus ? ": " : "",
		                    r->why_bogus ? task_quote(t, r->why_bogus, strlen(r->why_bogus)) : "");
	case NAMES_LATE:
		return "no answer in time";
	case NAMES_FAILED:
		break;
	}
	if (!r)
		return "it can't be asked for";
	bool known = r->rcode >= 0 && r->rcode < (int)ARRAY_LEN(rcodes);
	return arena_printf(t->arena, "the name server answered %s", known ? rcodes[r->rcode] : "with an error");
}
