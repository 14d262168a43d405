/* TLS feature, RFC 7633: a server with this certificate answers with an OCSP response of its own ("must staple"), or isn't believed. */
#include "ca/ext.h"
#include "ca/profile_read.h"
#include "lib/x509/oid.h"

#define MAX_FEATURES 2

struct features {
	long n[MAX_FEATURES]; /* numbers of TLS extensions (RFC 6066 8, RFC 6961 2.2) */
	size_t count;
};
static const char *const words[] = {"status_request", "status_request_v2"};
static const long numbers[] = {5, 17};

extern const struct ext ext_tls_feature;

static bool
present(const struct ext_input *in)
{
	return ext_option(in->profile, &ext_tls_feature) != NULL;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	const struct features *own = ext_option(in->profile, &ext_tls_feature);
	size_t list = der_begin(value, DER_SEQUENCE);
	for (size_t i = 0; i < own->count; i++)
		der_put_small(value, own->n[i]);
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	const struct features *own = ext_option(in->profile, &ext_tls_feature);
	struct der d = der_of(value), list;
	long have;
	if (der_get(&d, DER_SEQUENCE, "TLS feature", &list, e) < 0 || der_end(&d, "TLS feature", e) < 0)
		return -1;
	for (size_t i = 0; i < own->count; i++) {
		if (der_get_small(&list, "TLS feature", 65535, &have, e) < 0)
			return -1;
		if (have != own->n[i])
			return fail(e, E_INTERNAL, "lint: TLS feature isn't the profile's (RFC 7633 4.1)");
	}
	return der_end(&list, "TLS feature", e);
}

static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	struct features *own = arena_alloc(a, sizeof(*own));
	size_t i, place;
	json_t *item;
	if (json_array_size(value) == 0 || json_array_size(value) > MAX_FEATURES)
		return profile_wrong(member, "a list of features", e);
	json_array_foreach(value, i, item)
	{
		if (profile_read_word(item, member, words, ARRAY_LEN(words), &place, e) < 0)
			return -1;
		if (i == 1 && own->n[0] == numbers[place])
			return fail_at(e, E_BAD_VALUE, member, "profile: %s: one comes twice", member);
		own->n[own->count++] = numbers[place];
	}
	*ret = own;
	return 0;
}

static int
check(const struct profile *p, const void *option, struct error *e)
{
	(void)option;
	for (size_t i = 0; i < p->n_purposes; i++)
		if (bytes_equal(p->purposes[i], OID_EKU_SERVER_AUTH) && p->status_information)
			return 0;
	return fail_at(e, E_BAD_VALUE, "tls_feature", "profile: tls_feature: for TLS servers whose status can be asked for (RFC 7633 4.2.2)");
}

const struct ext ext_tls_feature = {
    .name = "tlsFeature",
    .oid = {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x01\x18", 8},
    .present = present,
    .critical = ext_never,
    .build = build,
    .lint = lint,
    .member = "tls_feature",
    .read = read,
    .check = check,
    .words = words,
    .n_words = ARRAY_LEN(words),
};
