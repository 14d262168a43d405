#include "ca/tbs.h"

#include <string.h>

#include "ca/constraints.h"
#include "ca/purpose.h"
#include "lib/limits.h"

#define MIN_SERIAL_BYTES 8 /* 128 random bits behind the time, which has no zeros in front until 2088 */

/* Up to its value, which follows; ret_marks are for close_extension(). */
static void
begin_extension(struct buf *b, struct bytes oid, bool critical, size_t ret_marks[2])
{
	ret_marks[0] = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, oid.data, oid.len);
	if (critical)
		der_put_bool(b, true);
	ret_marks[1] = der_begin(b, DER_OCTET_STRING);
}

static void
close_extension(struct buf *b, const size_t marks[2])
{
	der_close(b, marks[1]);
	der_close(b, marks[0]);
}

static void
put_extensions(struct buf *b, const struct ext_input *in)
{
	size_t wrapped = der_begin(b, DER_CONTEXT_CONSTRUCTED(3)), list = der_begin(b, DER_SEQUENCE), marks[2];
	for (size_t i = 0; i < ext_count; i++) {
		const struct ext *x = ext_list[i];
		if (!x->present(in))
			continue;
		begin_extension(b, x->oid, x->critical(in), marks);
		x->build(in, b);
		close_extension(b, marks);
	}
	for (size_t i = 0; i < in->profile->n_extensions; i++) {
		const struct fixed_extension *x = &in->profile->extensions[i];
		begin_extension(b, x->oid, x->critical, marks);
		der_put_raw(b, x->value);
		close_extension(b, marks);
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
	if (in->exact_subject.len)
		der_put_raw(b, in->exact_subject);
	else
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
	for (size_t i = 0; i < in->profile->n_extensions; i++, found++) {
		const struct fixed_extension *x = &in->profile->extensions[i];
		const struct cert_extension *have = cert_extension_find(c, x->oid);
		if (!have || have->critical != x->critical || !bytes_equal(have->value, x->value))
			return fail(e, E_INTERNAL, "lint: an extension with a fixed value isn't the profile's");
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
	/* Each value in the one encoding of its type, too: RFC 5280 4.1.2.4 and appendix A. */
	struct buf again BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	if (in->exact_subject.len)
		der_put_raw(&again, in->exact_subject);
	else
		dn_put(&again, in->subject, in->n_subject);
	if (!bytes_equal((struct bytes){again.data, again.len}, name))
		return fail(e, E_INTERNAL, "lint: the subject isn't encoded as it should be (RFC 5280 4.1.2.6)");
	if (n == 0 && in->ext.n_names == 0)
		return fail(e, E_INTERNAL, "lint: neither subject nor names (RFC 5280 4.1.2.6)");
	if (n == 0 && in->ext.profile->ca)
		return fail(e, E_INTERNAL, "lint: a CA without a subject (RFC 5280 4.1.2.6)");
	return 0;
}

static int
lint_validity(const struct cert *c, const struct tbs_input *in, struct error *e)
{
	const struct profile *p = in->ext.profile;
	int64_t ceiling = (int64_t)(p->ca ? LIMIT_VALIDITY_DAYS : LIMIT_LEAF_VALIDITY_DAYS) * 86400;
	bool endless = p->no_expiry && c->not_after == PROFILE_NO_EXPIRY;
	if (c->not_before != in->not_before || c->not_after != in->not_after || c->not_after < c->not_before)
		return fail(e, E_INTERNAL, "lint: validity (RFC 5280 4.1.2.5)");
	/* UTCTime through 2049, GeneralizedTime from 2050 on. */
	struct buf again BUF_CLEANUP = BUF_INIT(64);
	size_t validity = der_begin(&again, DER_SEQUENCE);
	der_put_time(&again, in->not_before);
	der_put_time(&again, in->not_after);
	der_close(&again, validity);
	if (!bytes_equal((struct bytes){again.data, again.len}, c->validity))
		return fail(e, E_INTERNAL, "lint: validity isn't encoded as it should be (RFC 5280 4.1.2.5)");
	if (!endless && (c->not_after > in->issuer_not_after || c->not_after - c->not_before >= ceiling))
		return fail(e, E_INTERNAL, "lint: validity beyond its ceiling or that of the issuer (RFC 5280 4.1.2.5)");
	return 0;
}

/* Key usage and purposes go together, also when the type of the key took some of the usages away. */
static int
lint_purposes(const struct ext_input *in, struct error *e)
{
	const struct profile *p = in->profile;
	for (size_t i = 0; i < p->n_purposes && !p->ca; i++)
		if (!purpose_is_served(p->purposes[i], p->key_usage & in->key->usages))
			return fail(e, E_INTERNAL, "lint: a purpose that no key usage serves (RFC 5280 4.2.1.12)");
	return 0;
}

/* RFC 5280 6.1: a path through the issuer would be valid. */
static int
lint_issuer(const struct tbs_input *in, struct error *e)
{
	if (!in->ext.ca || constraints_check(&in->ext.ca->cert, 0, in, e) == 0)
		return 0;
	e->code = E_INTERNAL;
	return -1;
}

int
tbs_lint(struct bytes tbs, const struct tbs_input *in, struct error *e)
{
	struct cert c;
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
	if (!in->ext.ca && !bytes_equal(c.issuer, c.subject))
		return fail(e, E_INTERNAL, "lint: self-signed, and not its own issuer (RFC 5280 3.2)");
	if (lint_validity(&c, in, e) < 0 || lint_subject(c.subject, in, e) < 0 || lint_extensions(&c, &in->ext, e) < 0 ||
	    lint_purposes(&in->ext, e) < 0)
		return -1;
	return lint_issuer(in, e);
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
