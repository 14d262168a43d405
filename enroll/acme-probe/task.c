/* A task, from its message to its finding. */
#include "enroll/acme-probe/task.h"

#include <string.h>

#include "lib/ipc/frame_io.h"

enum { TOKEN_MIN = 22, TOKEN_MAX = 256, THUMBPRINT = 43 }; /* RFC 8555 8: 128 bits at least; a SHA-256 in base64url */

static const struct kind *
kind_of(Siegel__Task__Kind kind)
{
	switch (kind) {
	case SIEGEL__TASK__KIND__HTTP_01:
		return &http_01;
	case SIEGEL__TASK__KIND__DNS_01:
		return &dns_01;
	case SIEGEL__TASK__KIND__DNS_ACCOUNT_01:
		return &dns_account_01;
	case SIEGEL__TASK__KIND__TLS_ALPN_01:
		return &tls_alpn_01;
	case SIEGEL__TASK__KIND__CAA:
		return &caa_alone;
	default:
		return NULL;
	}
}

static bool
is_base64url(const char *text, size_t min, size_t max)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	return text[len] == '\0' && len >= min && len <= max;
}

static int
read_identifier(struct task *t, const struct kind *k)
{
	const char *text = t->asked->identifier;
	if (strncmp(text, "dns:", 4) == 0 && host_valid(text + 4)) {
		t->host = text + 4;
		return 0;
	}
	if (strncmp(text, "ip:", 3) != 0 || !address_parse(text + 3, &t->address))
		return task_fail(t, "rejectedIdentifier", "\"%s\" is neither a domain name nor an address", task_quote(t, text, strlen(text)));
	if (!k->takes_addresses)
		return task_fail(t, "rejectedIdentifier", "an address can't be validated by %s (RFC 8738 7)", k->method);
	t->is_address = true;
	t->host = text + 3;
	return 0;
}

static int
run_kind(struct task *t)
{
	const struct kind *k = kind_of(t->asked->kind);
	if (!k)
		return task_fail(t, "serverInternal", "the task is of a kind that isn't known here");
	if (read_identifier(t, k) < 0)
		return -1;
	/* M09: what goes into a path is what tokens are made of, and nothing else. */
	if (k->has_token && (!is_base64url(t->asked->token, TOKEN_MIN, TOKEN_MAX) || !is_base64url(t->asked->thumbprint, THUMBPRINT, THUMBPRINT)))
		return task_fail(t, "serverInternal", "the task's token or thumbprint isn't base64url of the right length");
	t->key_authorization = arena_printf(t->arena, "%s.%s", t->asked->token, t->asked->thumbprint);
	if (k->run(t) < 0)
		return -1;
	return k != &caa_alone && (t->asked->check_caa || t->asked->n_caa_identities > 0) ? caa_check(t, k->method) : 0;
}

const Siegel__Finding *
task_run(const struct probe *p, const Siegel__Task *asked, struct arena *a)
{
	struct task t = {.probe = p, .asked = asked, .arena = a};
	Siegel__Finding *f = arena_alloc(a, sizeof(*f));
	int32_t ms = asked->deadline_ms;
	t.end_ms = frame_now_ms() + (ms < 1 || ms > LIMIT_PROBE_TASK_MS ? LIMIT_PROBE_DEFAULT_MS : ms);
	bool good = run_kind(&t) == 0;
	names_free(t.names);
	siegel__finding__init(f);
	f->good = good;
	if (!good) {
		f->problem = arena_strdup(a, t.problem ? t.problem : "serverInternal");
		f->detail = t.detail ? t.detail : arena_strdup(a, "the validation ended without a cause");
		f->temporary = t.temporary;
	}
	f->n_steps = t.n_steps;
	f->steps = arena_dup(a, t.steps, sizeof(t.steps));
	if (t.connected)
		f->address = t.connected;
	return f;
}
