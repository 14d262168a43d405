/* Attestation objects. */
#include "enroll/acme/attest_parts.h"

#include <string.h>

#include "lib/x509/cbor.h"

static bool
is(struct bytes text, const char *word)
{
	return bytes_equal(text, BYTES_STR(word));
}

static int
get_chain(struct cbor_in *in, struct attest_statement *s, struct error *e)
{
	struct cbor_item list, der;
	if (cbor_item_next(in, CBOR_ITEM_ARRAY, "x5c", &list, e) < 0)
		return -1;
	if (list.head == 0 || list.head > LIMIT_ATTESTATION_CERTS)
		return fail(e, E_MALFORMED, "attestation object: x5c has 1 to %d certificates, not %llu", LIMIT_ATTESTATION_CERTS,
		            (unsigned long long)list.head);
	for (size_t i = 0; i < list.head; i++) {
		if (cbor_item_next(in, CBOR_ITEM_BYTES, "a certificate of x5c", &der, e) < 0)
			return -1;
		if (der.bytes.len == 0 || der.bytes.len > LIMIT_CERT_BYTES)
			return fail(e, E_MALFORMED, "attestation object: a certificate of x5c is empty or too large");
		s->x5c[i] = der.bytes;
	}
	s->n_x5c = (size_t)list.head;
	return 0;
}

/* The members of attStmt, WebAuthn 8.2 and 8.3; a bit of each for those that were there. */
enum { ALG = 1, SIG = 2, X5C = 4, VER = 8, CERT_INFO = 16, PUB_AREA = 32 };

static int
get_member(struct cbor_in *in, struct bytes name, struct attest_statement *s, unsigned *seen, struct error *e)
{
	const struct {
		const char *name;
		unsigned bit;
		enum cbor_item_kind kind;
		struct bytes *ret;
	} members[] = {{"alg", ALG, CBOR_ITEM_INT, NULL},        {"sig", SIG, CBOR_ITEM_BYTES, &s->sig},
		       {"x5c", X5C, CBOR_ITEM_ARRAY, NULL},      {"ver", VER, CBOR_ITEM_TEXT, &s->ver},
		       {"certInfo", CERT_INFO, CBOR_ITEM_BYTES, &s->cert_info}, {"pubArea", PUB_AREA, CBOR_ITEM_BYTES, &s->pub_area}};
	struct cbor_item item;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!is(name, members[i].name))
			continue;
		if (*seen & members[i].bit)
			return fail(e, E_MALFORMED, "attestation object: %s comes twice", members[i].name);
		*seen |= members[i].bit;
		if (members[i].bit == X5C)
			return get_chain(in, s, e);
		if (cbor_item_next(in, members[i].kind, members[i].name, &item, e) < 0)
			return -1;
		if (members[i].bit == ALG)
			s->alg = item.number;
		else
			*members[i].ret = item.bytes;
		return 0;
	}
	return fail(e, E_MALFORMED, "attestation object: attStmt has a member \"%.*s\" that isn't known here", (int)(name.len > 32 ? 32 : name.len),
	            (const char *)name.data);
}

static int
get_statement(struct cbor_in *in, struct attest_statement *s, unsigned *seen, struct error *e)
{
	struct cbor_item map, name;
	if (cbor_item_next(in, CBOR_ITEM_MAP, "attStmt", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++) /* each turn takes octets, or ends it */
		if (cbor_item_next(in, CBOR_ITEM_TEXT, "a member's name in attStmt", &name, e) < 0 || get_member(in, name.bytes, s, seen, e) < 0)
			return -1;
	return 0;
}

static int
check_members(const struct attest_statement *s, unsigned seen, struct error *e)
{
	bool tpm = is(s->format, "tpm");
	if (!tpm && !is(s->format, "packed"))
		return fail(e, E_UNSUPPORTED, "attestation object: the format \"%.*s\" isn't taken; tpm and packed are",
		            (int)(s->format.len > 32 ? 32 : s->format.len), (const char *)s->format.data);
	if (!(seen & X5C))
		return fail(e, E_FORBIDDEN, "attestation object: there is no x5c, and a key that speaks for itself names no device (WebAuthn 8.2)");
	if (seen != (tpm ? ALG | SIG | X5C | VER | CERT_INFO | PUB_AREA : ALG | SIG | X5C))
		return fail(e, E_MALFORMED, "attestation object: attStmt has %s (WebAuthn %s)",
		            tpm ? "ver, alg, x5c, sig, certInfo and pubArea" : "alg, sig and x5c alone", tpm ? "8.3" : "8.2");
	return 0;
}

int
attest_statement_parse(struct bytes object, struct attest_statement *ret, struct error *e)
{
	static const char *const names[] = {"fmt", "attStmt", "authData"};
	struct attest_statement s = {.format = {0}};
	struct cbor_in in = {object, "attestation object"};
	struct cbor_item map, name, item;
	unsigned members = 0, seen = 0;
	if (object.len > LIMIT_ATTESTATION_BYTES)
		return fail(e, E_TOO_LARGE, "attestation object: over %d octets", LIMIT_ATTESTATION_BYTES);
	if (cbor_item_next(&in, CBOR_ITEM_MAP, "a map", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++) {
		if (cbor_item_next(&in, CBOR_ITEM_TEXT, "a member's name", &name, e) < 0)
			return -1;
		unsigned at = 0;
		while (at < ARRAY_LEN(names) && !is(name.bytes, names[at]))
			at++;
		if (at == ARRAY_LEN(names) || members & 1u << at)
			return fail(e, E_MALFORMED, "attestation object: it has fmt, attStmt and perhaps authData, each once (WebAuthn 6.5.4)");
		members |= 1u << at;
		if (at == 1 ? get_statement(&in, &s, &seen, e) < 0 : cbor_item_next(&in, at ? CBOR_ITEM_BYTES : CBOR_ITEM_TEXT, names[at], &item, e) < 0)
			return -1;
		if (at == 0)
			s.format = item.bytes;
	}
	if ((members & 3) != 3)
		return fail(e, E_MALFORMED, "attestation object: fmt or attStmt is missing (WebAuthn 6.5.4)");
	if (in.rest.len)
		return fail(e, E_MALFORMED, "attestation object: %zu octets follow it", in.rest.len);
	if (check_members(&s, seen, e) < 0)
		return -1;
	*ret = s;
	return 0;
}
