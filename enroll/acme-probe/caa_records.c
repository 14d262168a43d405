#include "enroll/acme-probe/caa_records.h"

#include <string.h>
#include <strings.h>

enum { CRITICAL = 0x80 };

struct property {
	bool critical;
	struct bytes tag, value;
};

static bool
is(struct bytes b, const char *text)
{
	return b.len == strlen(text) && strncasecmp((const char *)b.data, text, b.len) == 0;
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 8659 4.1 */
static bool
property_read(struct bytes rdata, struct property *ret)
{
	if (rdata.len < 3 || rdata.data[1] == 0 || rdata.data[1] > rdata.len - 2)
		return false;
	size_t tag = rdata.data[1];
	*ret = (struct property){rdata.data[0] & CRITICAL, {rdata.data + 2, tag}, {rdata.data + 2 + tag, rdata.len - 2 - tag}};
	for (size_t i = 0; i < ret->tag.len; i++)
		if (!is_alnum(ret->tag.data[i]))
			return false;
	return true;
}

static struct bytes
trim(struct bytes b)
{
	while (b.len && (b.data[0] == ' ' || b.data[0] == '\t')) {
		b.data++;
		b.len--;
	}
	while (b.len && (b.data[b.len - 1] == ' ' || b.data[b.len - 1] == '\t'))
		b.len--;
	return b;
}

/* Cuts what stands before the next c off *rest; false when there is no more. */
static bool
next_part(struct bytes *rest, char c, struct bytes *ret)
{
	if (!rest->data)
		return false;
	const uint8_t *end = rest->len ? memchr(rest->data, c, rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	*ret = (struct bytes){rest->data, len};
	*rest = end ? (struct bytes){end + 1, rest->len - len - 1} : (struct bytes){NULL, 0};
	return true;
}

/* RFC 8657 4: a list of labels. */
static bool
names_method(struct bytes list, const char *method)
{
	struct bytes one;
	bool found = false;
	while (next_part(&list, ',', &one))
		found = found || is(one, method);
	return found;
}

/* A tag=value of an issuer's parameters; false when it is malformed, or says no. */
static bool
parameter_allows(struct bytes text, const struct caa_question *q, int *accounts, int *methods)
{
	struct bytes rest = text, tag;
	if (!next_part(&rest, '=', &tag) || !rest.data)
		return false;
	tag = trim(tag);
	rest = trim(rest);
	if (tag.len == 0)
		return false;
	for (size_t i = 0; i < tag.len; i++)
		if (!is_alnum(tag.data[i]) && (tag.data[i] != '-' || i == 0 || i == tag.len - 1))
			return false;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] < 0x21 || rest.data[i] > 0x7e)
			return false;
	/* More than one of either can't be met (RFC 8657 3). */
	if (is(tag, "accounturi"))
		return ++*accounts == 1 && rest.len == strlen(q->account_url) && memcmp(rest.data, q->account_url, rest.len) == 0;
	if (is(tag, "validationmethods"))
		return ++*methods == 1 && names_method(rest, q->method);
	return true;
}

/* RFC 8659 4.2: issuer-domain-name, then parameters behind semicolons. What is malformed names nobody. */
static bool
value_allows(struct bytes value, const struct caa_question *q)
{
	struct bytes rest = value, part;
	bool ours = false;
	int accounts = 0, methods = 0;
	if (!value.len || !next_part(&rest, ';', &part))
		return false;
	part = trim(part);
	for (size_t i = 0; i < q->n_issuers; i++)
		ours = ours || (part.len > 0 && is(part, q->issuers[i]));
	if (!ours)
		return false;
	while (next_part(&rest, ';', &part)) {
		part = trim(part);
		if (part.len == 0 && !rest.data)
			break; /* nothing behind the last semicolon */
		if (!parameter_allows(part, q, &accounts, &methods))
			return false;
	}
	return true;
}

int
caa_judge(const struct bytes *records, size_t n, const struct caa_question *q, struct error *e)
{
	struct property p;
	size_t issue = 0, issuewild = 0;
	bool issue_allows = false, issuewild_allows = false;
	for (size_t i = 0; i < n; i++) {
		if (!property_read(records[i], &p))
			return fail(e, E_FORBIDDEN, "a CAA record can't be read (RFC 8659 4.1)");
		if (is(p.tag, "issue")) {
			issue++;
			issue_allows = issue_allows || value_allows(p.value, q);
		} else if (is(p.tag, "issuewild")) {
			issuewild++;
			issuewild_allows = issuewild_allows || value_allows(p.value, q);
		} else if (p.critical && !is(p.tag, "iodef") && !is(p.tag, "issuemail")) {
			return fail(e, E_FORBIDDEN, "a CAA record is critical and of a kind that isn't known: %.*s (RFC 8659 4.1)", (int)p.tag.len,
			            (const char *)p.tag.data);
		}
	}
	/* RFC 8659 4.3: issuewild counts for wildcards alone, and then issue doesn't. */
	bool by_wild = q->wildcard && issuewild > 0;
	size_t restricting = by_wild ? issuewild : issue;
	if (restricting == 0 || (by_wild ? issuewild_allows : issue_allows))
		return 0;
	const char *kind = by_wild ? "issuewild" : "issue";
	return fail(e, E_FORBIDDEN, "no CAA record of kind %s names this CA, with this account and way of validation", kind);
}
