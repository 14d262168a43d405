/* Requests as CMP and CMC send them: CertReqMsg, RFC 4211. */
#include "lib/limits.h"
#include "lib/x509/csr.h"
#include "lib/x509/csr_parts.h"
#include "lib/x509/oid.h"

/* IMPLICIT: with the tag of a SEQUENCE, which is what the others read. */
static struct bytes
as_sequence(struct arena *a, struct bytes whole)
{
	uint8_t *copy = arena_dup(a, whole.data, whole.len);
	copy[0] = DER_SEQUENCE;
	return (struct bytes){copy, whole.len};
}

/* CertTemplate, RFC 4211 5: what a client may say. The others are the CA's: version, serial number, issuer, algorithm, unique identifiers; a validity
 * would be a wish that the profile doesn't take. */
static int
parse_template(struct arena *a, struct der d, struct csr *csr, struct error *e)
{
	int last = -1;
	while (!der_at_end(&d)) {
		struct der content;
		struct bytes whole;
		int tag;
		if (der_get_any(&d, "certificate template", &tag, &whole, &content, e) < 0)
			return -1;
		if (tag <= last)
			return fail(e, E_BAD_CSR, "certificate template: a member comes twice or out of its order (RFC 4211 5)");
		last = tag;
		if (tag == DER_CONTEXT_CONSTRUCTED(5)) {
			if (der_peek(&content) != DER_SEQUENCE)
				return fail(e, E_BAD_CSR, "subject: not a name");
			if (der_get_any(&content, "subject", NULL, &csr->subject, NULL, e) < 0 || der_end(&content, "subject", e) < 0)
				return -1;
		} else if (tag == DER_CONTEXT_CONSTRUCTED(6)) {
			csr->spki = as_sequence(a, whole);
			if (csr_parse_key(csr, e) < 0)
				return -1;
		} else if (tag == DER_CONTEXT_CONSTRUCTED(9)) {
			if (csr_parse_extensions(content, csr, e) < 0)
				return -1;
		} else {
			return fail(e, E_BAD_CSR, "certificate template: subject, public key and extensions are what a client may give");
		}
	}
	if (!csr->subject.len || !csr->spki.len)
		return fail(e, E_BAD_CSR, "certificate template: subject and public key are wanted");
	return 0;
}

/* CertRequest, RFC 4211 5. */
static int
parse_request(struct arena *a, struct der d, struct csr *csr, struct error *e)
{
	struct der template;
	struct bytes id;
	if (der_get_unsigned(&d, "request's number", &id, e) < 0 || der_get(&d, DER_SEQUENCE, "certificate template", &template, e) < 0)
		return -1;
	if (!der_at_end(&d))
		return fail(e, E_BAD_CSR, "controls of a request aren't taken (RFC 4211 6)");
	return parse_template(a, template, csr, e);
}

/* ProofOfPossession, RFC 4211 4: signature [1], without poposkInput. */
static int
parse_proof(struct der *d, struct csr *csr, struct error *e)
{
	struct der proof;
	if (der_at_end(d) || der_peek(d) == DER_SEQUENCE)
		return fail_at(e, E_BAD_CSR, CRMF_PROOF, "proof of possession: missing (RFC 4211 4)");
	if (der_peek(d) != DER_CONTEXT_CONSTRUCTED(1))
		return fail_at(e, E_BAD_CSR, CRMF_PROOF, "proof of possession: a signature is wanted (RFC 4211 4.1)");
	if (der_get(d, DER_CONTEXT_CONSTRUCTED(1), "proof of possession", &proof, e) < 0)
		return -1;
	if (der_peek(&proof) != DER_SEQUENCE)
		return fail_at(e, E_BAD_CSR, CRMF_PROOF, "proof of possession: a signature over the request itself is wanted (RFC 4211 4.1)");
	if (der_get_any(&proof, "signature algorithm", NULL, &csr->signature_algorithm, NULL, e) < 0 ||
	    der_get_bits(&proof, "signature", &csr->signature, e) < 0)
		return -1;
	return der_end(&proof, "proof of possession", e);
}

static int
parse(struct arena *a, struct bytes der, struct csr *csr, struct error *e)
{
	struct der d = der_of(der), message, request;
	if (der_get(&d, DER_SEQUENCE, "request message", &message, e) < 0 || der_end(&d, "request message", e) < 0)
		return -1;
	if (der_peek(&message) != DER_SEQUENCE)
		return fail(e, E_BAD_CSR, "request message: the request is missing");
	if (der_get_any(&message, "request", NULL, &csr->info, &request, e) < 0 || parse_request(a, request, csr, e) < 0 ||
	    parse_proof(&message, csr, e) < 0)
		return -1;
	/* regInfo (RFC 4211 7) is what a client tells the registration authority; nothing here reads it. */
	if (der_peek(&message) == DER_SEQUENCE && der_get(&message, DER_SEQUENCE, "regInfo", &request, e) < 0)
		return -1;
	return der_end(&message, "request message", e);
}

int
crmf_parse(struct arena *a, struct bytes der, struct csr *ret, struct error *e)
{
	struct csr csr = {.whole = der};
	if (der.len > LIMIT_CSR_BYTES)
		return fail(e, E_TOO_LARGE, "the certification request is over %d octets", LIMIT_CSR_BYTES);
	if (parse(a, der, &csr, e) < 0) {
		e->code = E_BAD_CSR; /* what the DER reader calls malformed is, to the client, the request */
		return -1;
	}
	*ret = csr;
	return 0;
}
