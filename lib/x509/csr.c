#include "lib/x509/csr.h"

#include "lib/limits.h"
#include "lib/x509/csr_parts.h"
#include "lib/x509/oid.h"

#define MAX_REQUESTED 32

/* Extensions that a client may mark critical, because what the profile puts in their place has the same meaning or none. */
static bool
is_known(struct bytes oid)
{
	const struct bytes known[] = {OID_KEY_USAGE, OID_EKU, OID_BASIC_CONSTRAINTS, OID_SAN, OID_SKI, OID_AKI, OID_CERTIFICATE_POLICIES};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (bytes_equal(oid, known[i]))
			return true;
	return false;
}

int
csr_parse_extensions(struct der list, struct csr *csr, struct error *e)
{
	struct bytes seen[MAX_REQUESTED];
	size_t n = 0;
	while (!der_at_end(&list)) {
		struct der ext, value;
		struct bytes oid;
		bool critical = false;
		if (der_get(&list, DER_SEQUENCE, "requested extension", &ext, e) < 0 ||
		    der_get_oid(&ext, "requested extension", &oid, e) < 0)
			return -1;
		if (der_peek(&ext) == DER_BOOLEAN && der_get_bool(&ext, "requested extension", &critical, e) < 0)
			return -1;
		if (der_get(&ext, DER_OCTET_STRING, "requested extension", &value, e) < 0 || der_end(&ext, "requested extension", e) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (bytes_equal(seen[i], oid))
				return fail(e, E_BAD_CSR, "requested extensions: one comes twice (RFC 5280 4.2)");
		if (n == MAX_REQUESTED)
			return fail(e, E_BAD_CSR, "requested extensions: over %d", MAX_REQUESTED);
		seen[n++] = oid;
		if (critical && !is_known(oid))
			return fail(e, E_BAD_CSR, "requested extensions: a critical one isn't known here");
		if (bytes_equal(oid, OID_SAN))
			csr->san = der_bytes(&value);
	}
	return 0;
}

/* extensionRequest (RFC 2985 5.4.2). */
static int
parse_extensions(struct der values, struct csr *csr, struct error *e)
{
	struct der list;
	if (der_get(&values, DER_SEQUENCE, "requested extensions", &list, e) < 0)
		return -1;
	if (!der_at_end(&values))
		return fail(e, E_BAD_CSR, "requested extensions: the attribute has exactly one value");
	return csr_parse_extensions(list, csr, e);
}

/* challengePassword is a DirectoryString (RFC 2985 5.4.1); IA5String is seen as well. */
static void
parse_challenge(struct der values, struct csr *csr)
{
	struct error e;
	struct der content;
	int tag;
	csr->has_challenge = true;
	if (der_get_any(&values, "challengePassword", &tag, NULL, &content, &e) == 0 && der_at_end(&values) &&
	    (tag == DER_PRINTABLE_STRING || tag == DER_UTF8_STRING || tag == DER_IA5_STRING || tag == DER_T61_STRING))
		csr->challenge = der_bytes(&content);
}

static int
parse_attributes(struct der set, struct csr *csr, struct error *e)
{
	struct bytes seen[LIMIT_CSR_ATTRIBUTES];
	size_t n = 0;
	csr->attributes = der_bytes(&set);
	while (!der_at_end(&set)) {
		struct der attribute, values;
		struct bytes oid;
		if (der_get(&set, DER_SEQUENCE, "attribute", &attribute, e) < 0 || der_get_oid(&attribute, "attribute", &oid, e) < 0 ||
		    der_get(&attribute, DER_SET, "attribute's values", &values, e) < 0 || der_end(&attribute, "attribute", e) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (bytes_equal(seen[i], oid))
				return fail(e, E_BAD_CSR, "attributes: one comes twice (RFC 2986 4.1)");
		if (n == LIMIT_CSR_ATTRIBUTES)
			return fail(e, E_BAD_CSR, "attributes: over %d", LIMIT_CSR_ATTRIBUTES);
		seen[n++] = oid;
		if (bytes_equal(oid, OID_EXTENSION_REQUEST) && parse_extensions(values, csr, e) < 0)
			return -1;
		if (bytes_equal(oid, OID_CHALLENGE_PASSWORD))
			parse_challenge(values, csr);
	}
	return 0;
}

int
csr_parse_key(struct csr *csr, struct error *e)
{
	struct der d = der_of(csr->spki), spki;
	if (der_get(&d, DER_SEQUENCE, "public key", &spki, e) < 0)
		return -1;
	if (der_peek(&spki) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "public key: its algorithm is missing");
	if (der_get_any(&spki, "public key", NULL, &csr->spki_algorithm, NULL, e) < 0 || der_get_bits(&spki, "public key", &csr->key, e) < 0)
		return -1;
	return der_end(&spki, "public key", e);
}

/* CertificationRequestInfo, RFC 2986 4.1. */
static int
parse_info(struct der info, struct csr *csr, struct error *e)
{
	struct der attributes;
	long version;
	if (der_get_small(&info, "version", 0, &version, e) < 0)
		return -1;
	if (der_peek(&info) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "subject: not a name");
	if (der_get_any(&info, "subject", NULL, &csr->subject, NULL, e) < 0)
		return -1;
	if (der_peek(&info) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "public key: missing");
	if (der_get_any(&info, "public key", NULL, &csr->spki, NULL, e) < 0 || csr_parse_key(csr, e) < 0)
		return -1;
	/* RFC 2986 wants the attributes there, if empty; clients that leave them out are common. */
	if (!der_at_end(&info) && (der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "attributes", &attributes, e) < 0 ||
				   parse_attributes(attributes, csr, e) < 0))
		return -1;
	return der_end(&info, "certification request info", e);
}

static int
parse(struct bytes der, struct csr *csr, struct error *e)
{
	struct der d = der_of(der), request, info;
	if (der_get(&d, DER_SEQUENCE, "certification request", &request, e) < 0 || der_end(&d, "certification request", e) < 0)
		return -1;
	if (der_peek(&request) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "certification request info: missing");
	if (der_get_any(&request, "certification request info", NULL, &csr->info, &info, e) < 0 || parse_info(info, csr, e) < 0)
		return -1;
	if (der_peek(&request) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "signature algorithm: missing");
	if (der_get_any(&request, "signature algorithm", NULL, &csr->signature_algorithm, NULL, e) < 0 ||
	    der_get_bits(&request, "signature", &csr->signature, e) < 0)
		return -1;
	return der_end(&request, "certification request", e);
}

int
csr_parse(struct bytes der, struct csr *ret, struct error *e)
{
	struct csr csr = {.whole = der};
	if (der.len > LIMIT_CSR_BYTES)
		return fail(e, E_TOO_LARGE, "the certification request is over %d octets", LIMIT_CSR_BYTES);
	if (parse(der, &csr, e) < 0) /* what the DER reader calls malformed is, to the client, something else than a request */
		return e->code == E_MALFORMED ? fail(e, E_BAD_CSR, CSR_UNREADABLE, e->detail) : fail_again(e, E_BAD_CSR, e->pointer);
	*ret = csr;
	return 0;
}

int
csr_attribute(const struct csr *csr, struct bytes oid, int tag, const char *what, struct bytes *ret, struct error *e)
{
	struct der set = der_of(csr->attributes), attribute, values, content;
	struct bytes type;
	while (!der_at_end(&set)) {
		if (der_get(&set, DER_SEQUENCE, "attribute", &attribute, e) < 0 || der_get_oid(&attribute, "attribute", &type, e) < 0)
			return -1;
		if (!bytes_equal(type, oid))
			continue;
		if (der_get(&attribute, DER_SET, what, &values, e) < 0 || der_get(&values, tag, what, &content, e) < 0 ||
		    der_end(&values, what, e) < 0) {
			e->code = E_BAD_CSR;
			return -1;
		}
		*ret = der_bytes(&content);
		return 0;
	}
	return fail(e, E_NOT_FOUND, "%s: the request has no such attribute", what);
}

int
csr_change(const struct csr *csr, struct bytes *ret_subject, struct bytes *ret_names, struct error *e)
{
	static const char what[] = "changeSubjectName";
	struct bytes content, part, subject = {0}, names = {0};
	struct der inner;
	int tag;
	if (csr_attribute(csr, OID_BYTES("\x2b\x06\x01\x05\x05\x07\x07\x24"), DER_SEQUENCE, what, &content, e) < 0)
		return -1;
	struct der d = der_of(content);
	while (!der_at_end(&d)) {
		/* Both are a SEQUENCE: of sets the one, of names with tags of their own the other. */
		if (der_get_any(&d, what, &tag, &part, &inner, e) < 0)
			return fail(e, E_BAD_CSR, "%s: can't be read", what);
		bool is_names = !der_at_end(&inner) && der_peek(&inner) != DER_SET;
		if (tag != DER_SEQUENCE || names.len || (subject.len && !is_names))
			return fail(e, E_BAD_CSR, "%s: a subject, alternative names or both are wanted (RFC 6402 2.8)", what);
		*(is_names ? &names : &subject) = part;
	}
	if (!subject.len && !names.len)
		return fail(e, E_BAD_CSR, "%s: it changes nothing (RFC 6402 2.8)", what);
	*ret_subject = subject;
	*ret_names = names;
	return 0;
}
