#include "ca/tbs.h"

#include <string.h>

#include "lib/limits.h"

#define MIN_SERIAL_BYTES 8 /* of 127 random bits, fewer than 64 are left once in 2^63 */

static void
put_extensions(struct buf *b, const struct ext_input *in)
{
	size_t wrapped = der_begin(b, DER_CONTEXT_CONSTRUCTED(3)), list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < ext_count; i++) {
		const struct ext *x = ext_list[i];
		if (!x->present(in))
			continue;
		size_t ext = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OID, x->oid.data, x->oid.len);
		if (x->critical(in))
			der_put_bool(b, true);
		size_t value = der_begin(b, DER_OCTET_STRING);
		x->build(in, b);
		der_close(b, value);
		der_close(b, ext);
	}
	der_close(b, list);
	der_close(b, wrapped);
}

void
tbs_put(struct buf *b, const struct tbs_input *in)
{
	size_t tbs = der_begin(b, DER_SEQUENCE);
	size_t version = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
	der_put_small(b, 2);
	der_close(b, version);
	der_put_unsigned(b, in->serial, in->serial_len);
	der_put_raw(b, in->signature_algorithm);
	der_put_raw(b, in->issuer);
	size_t validity = der_begin(b, DER_SEQUENCE);
	der_put_time(b, in->not_before);
	der_put_time(b, in->not_after);
	der_close(b, validity);
	dn_put(b, in->subject, in->n_subject);
	der_put_raw(b, in->spki);
	put_extensions(b, &in->ext);
	der_close(b, tbs);
}

static int
lint_extensions(const struct cert *c, const struct ext_input *in, struct error *e)
{
	int found = 0;
	for (size_t i = 0; i < ext_count; i++) {
		const struct ext *x = ext_list[i];
		const struct cert_extension *have = cert_extension_find(c, x->oid);
		if (!have != !x->present(in))
			return fail(e, E_INTERNAL, "lint: %s is %s", x->name, have ? "there, unasked" : "missing");
		if (!have)
			continue;
		found++;
		if (have->critical != x->critical(in))
			return fail(e, E_INTERNAL, "lint: %s has the wrong criticality", x->name);
		if (x->lint(in, have->value, e) < 0) {
			e->code = E_INTERNAL;
			return -1;
		}
	}
	if (found != c->n_extensions)
		return fail(e, E_INTERNAL, "lint: an extension that isn't in the list");
	return 0;
}

static int
lint_subject(struct bytes name, const struct tbs_input *in, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct dn_value values[LIMIT_RDN_COUNT];
	size_t n = 0;
	if (dn_parse(a, name, values, ARRAY_LEN(values), &n, e) < 0 || n != in->n_subject)
		return fail(e, E_INTERNAL, "lint: the subject isn't the one that was asked for (RFC 5280 4.1.2.6)");
	for (size_t i = 0; i < n; i++)
		if (values[i].type != in->subject[i].type || strcmp(values[i].value, in->subject[i].value) != 0)
			return fail(e, E_INTERNAL, "lint: the subject isn't the one that was asked for (RFC 5280 4.1.2.6)");
	if (n == 0 && in->ext.n_names == 0)
		return fail(e, E_INTERNAL, "lint: neither subject nor names (RFC 5280 4.1.2.6)");
	return 0;
}

int
tbs_lint(struct bytes tbs, const struct tbs_input *in, struct error *e)
{
	struct cert c;
	int64_t ceiling = (int64_t)(in->ext.profile->ca ? LIMIT_VALIDITY_DAYS : LIMIT_LEAF_VALIDITY_DAYS) * 86400;
	if (cert_parse_tbs(tbs, &c, e) < 0) {
		e->code = E_INTERNAL;
		return -1;
	}
	if (c.serial.len < MIN_SERIAL_BYTES || c.serial.len > LIMIT_SERIAL_BYTES ||
	    !bytes_equal(c.serial, (struct bytes){in->serial, in->serial_len}))
		return fail(e, E_INTERNAL, "lint: serial number (RFC 5280 4.1.2.2)");
	if (!bytes_equal(c.signature_algorithm, in->signature_algorithm) || !bytes_equal(c.issuer, in->issuer) ||
	    !bytes_equal(c.spki, in->spki))
		return fail(e, E_INTERNAL, "lint: algorithm, issuer or public key aren't those that were wanted");
	if (c.not_before != in->not_before || c.not_after != in->not_after || c.not_after < c.not_before ||
	    c.not_after > in->issuer_not_after || c.not_after - c.not_before >= ceiling)
		return fail(e, E_INTERNAL, "lint: validity (RFC 5280 4.1.2.5)");
	if (lint_subject(c.subject, in, e) < 0)
		return -1;
	return lint_extensions(&c, &in->ext, e);
}

void
certificate_put(struct buf *b, struct bytes tbs, struct bytes algorithm, const uint8_t *signature, size_t len)
{
	size_t whole = der_begin(b, DER_SEQUENCE);
	der_put_raw(b, tbs);
	der_put_raw(b, algorithm);
	der_put_bits(b, signature, len);
	der_close(b, whole);
}
