/* dns-01 (RFC 8555 8.4) and dns-account-01 (draft-ietf-acme-dns-account-label): a TXT record with the digest of the key authorization. */
#include <openssl/evp.h>
#include <string.h>

#include "enroll/acme-probe/task.h"
#include "lib/text.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT = 43, SHOWN = 8 };

static int
sha256(struct task *t, const char *text, uint8_t ret[DIGEST_BYTES])
{
	if (EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) != 1)
		return task_fail_now(t, "serverInternal", "SHA-256 isn't available");
	return 0;
}

/* The strings of a TXT record, put together (RFC 1035 3.3.14): true when they are what is wanted. *ret_shown, when it is asked for, is what can be
 * shown of them. */
static bool
txt_is(struct task *t, const uint8_t *data, size_t len, const char *wanted, const char **ret_shown)
{
	uint8_t text[1024];
	size_t n = 0, more = 0;
	for (size_t at = 0; at < len; at += 1 + data[at]) {
		if (data[at] > len - at - 1)
			return false;
		size_t fits = data[at] < sizeof(text) - n ? data[at] : sizeof(text) - n;
		memcpy(text + n, data + at + 1, fits);
		n += fits;
		more += data[at] - fits;
	}
	if (ret_shown)
		*ret_shown = task_quote(t, text, n < 80 ? n : 80);
	return more == 0 && n == strlen(wanted) && memcmp(text, wanted, n) == 0;
}

static int
look(struct task *t, const char *name, const struct question *q, const char *wanted)
{
	size_t n = 0;
	if (q->answer->canonname)
		task_alias(t, name, q->answer->canonname);
	/* As many as a message of DNS holds; what is shown are the first. */
	for (; q->answer->data[n]; n++) {
		const char *one = NULL;
		if (txt_is(t, (const uint8_t *)q->answer->data[n], (size_t)q->answer->len[n], wanted, n < SHOWN ? &one : NULL)) {
			task_step(t, "asked for TXT of %s: record %zu is the one that is wanted", name, n + 1);
			return 0;
		}
		if (n < SHOWN)
			task_step(t, "asked for TXT of %s: \"%s\"", name, one ? one : "");
	}
	if (n > SHOWN)
		task_step(t, "and %zu more TXT records of %s", n - SHOWN, name);
	if (n == 1)
		return task_fail(t, "unauthorized", "the TXT record of %s isn't the one that this challenge and account need", name);
	return task_fail(t, "unauthorized", "none of the %zu TXT records of %s is the one that this challenge and account need", n, name);
}

static int
run_at(struct task *t, const char *name)
{
	struct question q = {.name = name, .type = RR_TXT};
	uint8_t digest[DIGEST_BYTES];
	char wanted[DIGEST_TEXT + 1];
	if (!host_valid(name))
		return task_fail(t, "dns", "%s is longer than a name can be", name);
	if (sha256(t, t->key_authorization, digest) < 0 || names_ask(t, &q, 1) < 0)
		return -1;
	base64url_put((struct bytes){digest, DIGEST_BYTES}, wanted);
	enum names_result r = names_result(&q);
	if (r == NAMES_FOUND)
		return look(t, name, &q, wanted);
	const char *why = names_why(t, &q);
	task_step(t, "asked for TXT of %s: %s", name, why);
	if (r == NAMES_FAILED || r == NAMES_LATE)
		return task_fail_now(t, "dns", "TXT of %s: %s", name, why);
	if (r == NAMES_BOGUS || r == NAMES_NXDOMAIN)
		return task_fail(t, "dns", "TXT of %s: %s", name, why);
	return task_fail(t, "unauthorized", "there is no TXT record at %s: %s", name, why);
}

static int
run(struct task *t)
{
	return run_at(t, arena_printf(t->arena, "_acme-challenge.%s", t->host));
}

/* RFC 4648 6, in lower case as names are written, of ten octets: 16 characters. */
static void
base32(const uint8_t in[10], char ret[17])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t bits = 0;
	int have = 0, at = 0;
	for (int i = 0; i < 10; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 5; have -= 5)
			ret[at++] = alphabet[bits >> (have - 5) & 31];
	}
	ret[at] = '\0';
}

static int
run_account(struct task *t)
{
	uint8_t digest[DIGEST_BYTES];
	char label[17];
	if (!*t->asked->account_url)
		return task_fail(t, "serverInternal", "the task doesn't say whose account it is");
	if (sha256(t, t->asked->account_url, digest) < 0)
		return -1;
	base32(digest, label);
	return run_at(t, arena_printf(t->arena, "_%s._acme-challenge.%s", label, t->host));
}

const struct kind dns_01 = {.method = "dns-01", .has_token = true, .run = run};
const struct kind dns_account_01 = {.method = "dns-account-01", .has_token = true, .run = run_account};
