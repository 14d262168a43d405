#include "enroll/acme/identifier.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/limits.h"
#include "lib/x509/dn.h"
#include "lib/x509/names.h"

static int
parse_dns(struct arena *a, const char *value, const char **ret, struct error *e)
{
	struct name n;
	struct error why;
	if (name_make(a, NAME_DNS, value, strlen(value), true, &n, &why) < 0)
		return fail(e, E_REJECTED_NAME, "\"%.100s\": %s", value, why.detail);
	/* A name of one label is an intranet's; a wildcard of it names_make() refuses. */
	*ret = arena_printf(a, "dns:%s", n.text);
	return 0;
}

/* RFC 8738 3: the text of RFC 1123 2.1 or RFC 5952 4, and no other. */
static int
parse_ip(struct arena *a, const char *value, const char **ret, struct error *e)
{
	struct name n;
	struct error why;
	if (name_make(a, NAME_IP, value, strlen(value), false, &n, &why) < 0)
		return fail(e, E_MALFORMED, "\"%.100s\": %s (RFC 8738 3)", value, why.detail);
	if (strcmp(n.text, value) != 0)
		return fail(e, E_MALFORMED, "\"%.100s\": an address is written %s (RFC 8738 3, RFC 5952 4)", value, n.text);
	*ret = arena_printf(a, "ip:%s", n.text);
	return 0;
}

static int
parse_permanent(struct arena *a, const char *value, const char **ret, struct error *e)
{
	struct name n;
	struct error why;
	if (name_make(a, NAME_PERMANENT_IDENTIFIER, value, strlen(value), false, &n, &why) < 0)
		return fail(e, E_MALFORMED, "\"%.100s\": %s", value, why.detail);
	*ret = arena_printf(a, "permanent-identifier:%s", n.text);
	return 0;
}

static const struct {
	const char *type;
	int (*parse)(struct arena *a, const char *value, const char **ret, struct error *e);
	unsigned kinds, wildcard_kinds;
} types[] = {
    {"dns", parse_dns, ENDPOINT_HTTP_01 | ENDPOINT_DNS_01 | ENDPOINT_DNS_ACCOUNT_01 | ENDPOINT_TLS_ALPN_01,
     ENDPOINT_DNS_01 | ENDPOINT_DNS_ACCOUNT_01},
    {"ip", parse_ip, ENDPOINT_HTTP_01 | ENDPOINT_TLS_ALPN_01, 0},
    {"permanent-identifier", parse_permanent, ENDPOINT_DEVICE_ATTEST_01, 0},
};

int
acme_identifier_parse(struct arena *a, const json_t *object, const char **ret, struct error *e)
{
	const char *type = json_string_value(json_object_get(object, "type")), *value = json_string_value(json_object_get(object, "value"));
	if (!json_is_object(object) || !type || !value)
		return fail(e, E_MALFORMED, "an identifier is an object with \"type\" and \"value\" (RFC 8555 7.1.3)");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].parse(a, value, ret, e);
	return fail(e, E_NAME_TYPE, "identifiers of type \"%.60s\" aren't taken: dns, ip and permanent-identifier are", type);
}

json_t *
acme_identifier_json(const char *identifier)
{
	size_t len = strcspn(identifier, ":");
	json_t *v = json_pack("{s:s%, s:s}", "type", identifier, len, "value", identifier[len] ? identifier + len + 1 : "");
	if (!v)
		abort(); /* no memory: it was UTF-8 when it came */
	return v;
}

const char *
acme_identifier_kinds(struct arena *a, unsigned auth, const char *identifier)
{
	const char *list = "";
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len = strlen(types[i].type);
		if (strncmp(types[i].type, identifier, len) == 0 && identifier[len] == ':')
			auth &= identifier[len + 1] == '*' && types[i].parse == parse_dns ? types[i].wildcard_kinds : types[i].kinds;
	}
	for (size_t i = 0; i < ACME_CHALLENGE_COUNT; i++)
		if (auth & ENDPOINT_HTTP_01 << i)
			list = arena_printf(a, "%s%s%s", list, *list ? "," : "", acme_challenge_words[i]);
	return list;
}

static int
compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

size_t
acme_identifiers_sort(const char **identifiers, size_t n)
{
	size_t kept = 0;
	qsort(identifiers, n, sizeof(*identifiers), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(identifiers[kept - 1], identifiers[i]) != 0)
			identifiers[kept++] = identifiers[i];
	return kept;
}

/* A common name is a name too, and has to be one of the order's; an address or a DNS name by its looks. */
static const char *
name_of_cn(struct arena *a, const char *cn)
{
	uint8_t octets[16];
	if (inet_pton(AF_INET, cn, octets) == 1 || inet_pton(AF_INET6, cn, octets) == 1)
		return arena_printf(a, "ip:%s", cn);
	char *text = arena_printf(a, "dns:%s", cn);
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

int
acme_identifiers_of_csr(struct arena *a, const struct csr *csr, const char **ret, size_t max, size_t *ret_n, struct error *e)
{
	struct name names[LIMIT_SAN_COUNT];
	struct dn_value subject[LIMIT_RDN_COUNT];
	size_t n_names = 0, n_subject = 0, n = 0;
	struct error why;
	if (csr->san.len && names_parse(a, csr->san, true, names, LIMIT_SAN_COUNT, &n_names, &why) < 0)
		return fail(e, E_BAD_CSR, "alternative names: %s", why.detail);
	if (dn_parse(a, csr->subject, subject, LIMIT_RDN_COUNT, &n_subject, &why) < 0)
		return fail(e, E_BAD_CSR, "subject: %s", why.detail);
	if (n_names + n_subject > max)
		return fail(e, E_BAD_CSR, "it has more names than any order");
	for (size_t i = 0; i < n_names; i++)
		ret[n++] = arena_printf(a, "%s:%s", name_kind_word(names[i].kind), names[i].text);
	for (size_t i = 0; i < n_subject; i++)
		if (strcmp(subject[i].type->name, "CN") == 0)
			ret[n++] = name_of_cn(a, subject[i].value);
	*ret_n = acme_identifiers_sort(ret, n);
	return 0;
}
