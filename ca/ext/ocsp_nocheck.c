/* id-pkix-ocsp-nocheck, RFC 6960 4.2.2.2.1: a short-lived signer isn't asked about. */
#include "ca/ext.h"
#include "ca/profile_read.h"
#include "lib/x509/oid.h"

extern const struct ext ext_ocsp_nocheck;

static bool
present(const struct ext_input *in)
{
	const bool *wanted = ext_option(in->profile, &ext_ocsp_nocheck);
	return wanted && *wanted;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	(void)in;
	der_put(value, DER_NULL, NULL, 0);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), content;
	(void)in;
	if (der_get(&d, DER_NULL, "ocsp-nocheck", &content, e) < 0 || der_end(&content, "ocsp-nocheck", e) < 0)
		return -1;
	return der_end(&d, "ocsp-nocheck", e);
}

static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	bool *wanted = arena_alloc(a, sizeof(*wanted));
	*ret = wanted;
	return profile_read_bool(value, member, wanted, e);
}

/* Whoever else carried it could never be revoked. */
static int
check(const struct profile *p, const void *option, struct error *e)
{
	const bool *wanted = option;
	for (size_t i = 0; i < p->n_purposes; i++)
		if (bytes_equal(p->purposes[i], OID_EKU_OCSP_SIGNING))
			return 0;
	return *wanted ? fail_at(e, E_BAD_VALUE, "ocsp_nocheck", "profile: ocsp_nocheck: for OCSP signers alone") : 0;
}

const struct ext ext_ocsp_nocheck = {
    .name = "ocsp-nocheck",
    .oid = {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x30\x01\x05", 9},
    .present = present,
    .critical = ext_never,
    .build = build,
    .lint = lint,
    .member = "ocsp_nocheck",
    .read = read,
    .check = check,
};
