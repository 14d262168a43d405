#include <string.h>
#include "lib/x509/der.h"
#include "lib/x509/oid.h"
#include "va/ocsp_request.h"

#define OID_OCSP_RESPONSE_TYPES OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x04")
#define OID_OCSP_SERVICE_LOCATOR OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x07")
#define OID_OCSP_PREFERRED_ALGORITHMS OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x08")

/* Extensions in one list. Clients send one or two; each is compared with those before it. */
#define MAX_EXTENSIONS 16

static const size_t hash_bytes[OCSP_HASH_COUNT] = {
    [OCSP_HASH_SHA1] = 20,
    [OCSP_HASH_SHA256] = 32,
    [OCSP_HASH_SHA384] = 48,
    [OCSP_HASH_SHA512] = 64,
};

size_t
ocsp_hash_bytes(enum ocsp_hash h)
{
	return h < OCSP_HASH_COUNT ? hash_bytes[h] : 0;
}

static enum ocsp_hash
hash_of_oid(struct bytes oid)
{
	if (bytes_equal(oid, OID_SHA1))
		return OCSP_HASH_SHA1;
	if (bytes_equal(oid, OID_SHA256))
		return OCSP_HASH_SHA256;
	if (bytes_equal(oid, OID_SHA384))
		return OCSP_HASH_SHA384;
	if (bytes_equal(oid, OID_SHA512))
		return OCSP_HASH_SHA512;
	return OCSP_HASH_UNKNOWN;
}

/* AlgorithmIdentifier (RFC 5280 4.1.1.2). For hashes the parameters are NULL or absent (RFC 5754 2); for others they are
 * left alone. */
static int
algorithm_parse(struct der *d, bool hash, struct bytes *ret_oid, struct error *e)
{
	struct der alg, params;
	struct bytes whole;
	int tag;

	if (der_get(d, DER_SEQUENCE, "algorithm identifier (RFC 5280 4.1.1.2)", &alg, e) < 0 ||
	    der_get_oid(&alg, "algorithm (RFC 5280 4.1.1.2)", ret_oid, e) < 0)
		return -1;
	if (der_at_end(&alg))
		return 0;
	if (der_get_any(&alg, "algorithm parameters (RFC 5280 4.1.1.2)", &tag, &whole, &params, e) < 0 ||
	    der_end(&alg, "algorithm identifier (RFC 5280 4.1.1.2)", e) < 0)
		return -1;
	if (hash && (tag != DER_NULL || !der_at_end(&params)))
		return fail(e, E_MALFORMED, "parameters of a certID's hash algorithm aren't NULL or absent (RFC 5754 2)");
	return 0;
}

/* CertID (RFC 6960 4.1.1). */
static int
certid_parse(struct der *d, struct ocsp_certid *ret, struct error *e)
{
	struct ocsp_certid id = {.hash = OCSP_HASH_UNKNOWN};
	struct der content, hash;
	struct bytes oid;
	int tag;

	if (der_get_any(d, "certID (RFC 6960 4.1.1)", &tag, &id.whole, &content, e) < 0)
		return -1;
	if (tag != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "certID isn't a SEQUENCE (RFC 6960 4.1.1)");
	if (algorithm_parse(&content, true, &oid, e) < 0)
		return -1;
	id.hash = hash_of_oid(oid);
	if (der_get(&content, DER_OCTET_STRING, "issuerNameHash (RFC 6960 4.1.1)", &hash, e) < 0)
		return -1;
	id.name_hash = der_bytes(&hash);
	if (der_get(&content, DER_OCTET_STRING, "issuerKeyHash (RFC 6960 4.1.1)", &hash, e) < 0)
		return -1;
	id.key_hash = der_bytes(&hash);
	if (id.hash != OCSP_HASH_UNKNOWN && (id.name_hash.len != hash_bytes[id.hash] || id.key_hash.len != hash_bytes[id.hash]))
		return fail(e, E_MALFORMED, "length of an issuer hash doesn't fit its algorithm (RFC 6960 4.1.1)");
	if (der_get_unsigned(&content, "serialNumber (RFC 6960 4.1.1)", &id.serial, e) < 0)
		return -1;
	if (id.serial.len > LIMIT_SERIAL_BYTES)
		return fail(e, E_MALFORMED, "serialNumber is longer than %d octets (RFC 5280 4.1.2.2)", LIMIT_SERIAL_BYTES);
	if (der_end(&content, "certID (RFC 6960 4.1.1)", e) < 0)
		return -1;
	*ret = id;
	return 0;
}

/* The content of a nonce's extnValue: an OCTET STRING of 1 to 128 octets (RFC 9654 2.1). */
static int
nonce_check(struct bytes value, struct error *e)
{
	struct der d = der_of(value), content;

	if (der_get(&d, DER_OCTET_STRING, "nonce (RFC 9654 2.1)", &content, e) < 0 || der_end(&d, "nonce (RFC 9654 2.1)", e) < 0)
		return -1;
	if (der_at_end(&content) || der_bytes(&content).len > LIMIT_OCSP_NONCE_BYTES)
		return fail(e, E_MALFORMED, "nonce isn't 1 to %d octets long (RFC 9654 2.1)", LIMIT_OCSP_NONCE_BYTES);
	return 0;
}

/* Extensions that change nothing here whether critical or not: we have one type of answer (4.4.3) and one signature algorithm
 * (4.4.7.2 rule 2 allows it), and locate no other service (4.4.6). */
static bool
extension_is_known(struct bytes oid)
{
	return bytes_equal(oid, OID_OCSP_RESPONSE_TYPES) || bytes_equal(oid, OID_OCSP_SERVICE_LOCATOR) ||
	       bytes_equal(oid, OID_OCSP_PREFERRED_ALGORITHMS);
}

/* Extension (RFC 5280 4.1). */
static int
extension_parse(struct der *d, struct bytes *ret_oid, bool *ret_critical, struct bytes *ret_value, struct error *e)
{
	struct der ext, value;

	*ret_critical = false;
	if (der_get(d, DER_SEQUENCE, "extension (RFC 5280 4.1)", &ext, e) < 0 ||
	    der_get_oid(&ext, "extnID (RFC 5280 4.1)", ret_oid, e) < 0)
		return -1;
	/* An encoded FALSE, the default, isn't DER (X.690 11.5) but is sent by some clients and means nothing else. */
	if (der_peek(&ext) == DER_BOOLEAN && der_get_bool(&ext, "critical (RFC 5280 4.1)", ret_critical, e) < 0)
		return -1;
	if (der_get(&ext, DER_OCTET_STRING, "extnValue (RFC 5280 4.1)", &value, e) < 0 ||
	    der_end(&ext, "extension (RFC 5280 4.1)", e) < 0)
		return -1;
	*ret_value = der_bytes(&value);
	return 0;
}

/* Extensions in their explicit tag. ret_nonce is NULL where a nonce has no meaning (RFC 6960 4.4.1: it is a requestExtension). */
static int
extensions_parse(struct der *explicit_tag, struct bytes *ret_nonce, struct error *e)
{
	struct bytes oids[MAX_EXTENSIONS], value;
	struct der list;
	bool critical;
	int n = 0;

	if (der_get(explicit_tag, DER_SEQUENCE, "extensions (RFC 6960 4.1.1)", &list, e) < 0 ||
	    der_end(explicit_tag, "extensions (RFC 6960 4.1.1)", e) < 0)
		return -1;
	if (der_at_end(&list))
		return fail(e, E_MALFORMED, "list of extensions is empty (RFC 5280 4.1)");
	while (!der_at_end(&list)) {
		if (n == MAX_EXTENSIONS)
			return fail(e, E_MALFORMED, "more than %d extensions (RFC 6960 4.4)", MAX_EXTENSIONS);
		if (extension_parse(&list, &oids[n], &critical, &value, e) < 0)
			return -1;
		for (int i = 0; i < n; i++) {
			if (bytes_equal(oids[i], oids[n]))
				return fail(e, E_MALFORMED, "extension comes twice (RFC 5280 4.2)");
		}
		if (ret_nonce && bytes_equal(oids[n], OID_OCSP_NONCE)) {
			if (nonce_check(value, e) < 0)
				return -1;
			*ret_nonce = value;
		} else if (critical && !extension_is_known(oids[n])) {
			return fail(e, E_MALFORMED, "critical extension isn't known (RFC 6960 4.4)");
		}
		n++;
	}
	return 0;
}

/* Request (RFC 6960 4.1.1). */
static int
single_parse(struct der *list, struct ocsp_certid *ret, struct error *e)
{
	struct der single, ext;

	if (der_get(list, DER_SEQUENCE, "request (RFC 6960 4.1.1)", &single, e) < 0 || certid_parse(&single, ret, e) < 0)
		return -1;
	if (der_peek(&single) == DER_CONTEXT_CONSTRUCTED(0)) {
		if (der_get(&single, DER_CONTEXT_CONSTRUCTED(0), "singleRequestExtensions (RFC 6960 4.1.1)", &ext, e) < 0 ||
		    extensions_parse(&ext, NULL, e) < 0)
			return -1;
	}
	return der_end(&single, "request (RFC 6960 4.1.1)", e);
}

static int
list_parse(struct der *tbs, struct ocsp_request *r, struct error *e)
{
	struct der list;

	if (der_get(tbs, DER_SEQUENCE, "requestList (RFC 6960 4.1.1)", &list, e) < 0)
		return -1;
	if (der_at_end(&list))
		return fail(e, E_MALFORMED, "requestList is empty (RFC 6960 4.1.1)");
	while (!der_at_end(&list)) {
		if (r->n_ids == LIMIT_OCSP_CERTIDS)
			return fail(e, E_MALFORMED, "more than %d certificate ids in one request (RFC 6960 4.1.1)", LIMIT_OCSP_CERTIDS);
		if (single_parse(&list, &r->ids[r->n_ids], e) < 0)
			return -1;
		r->n_ids++;
	}
	return 0;
}

/* Version ::= v1(0). Encoding the default isn't DER, but clients do it and it says what we assume anyway. */
static int
version_parse(struct der *tbs, struct error *e)
{
	struct der explicit_tag;
	long version;

	if (der_peek(tbs) != DER_CONTEXT_CONSTRUCTED(0))
		return 0;
	if (der_get(tbs, DER_CONTEXT_CONSTRUCTED(0), "version (RFC 6960 4.1.1)", &explicit_tag, e) < 0 ||
	    der_get_small(&explicit_tag, "version (RFC 6960 4.1.1)", 0, &version, e) < 0)
		return -1;
	return der_end(&explicit_tag, "version (RFC 6960 4.1.1)", e);
}

/* requestorName: any GeneralName, for signed requests (RFC 6960 4.1.2). Bounded by the size of the request. */
static int
requestor_parse(struct der *tbs, struct error *e)
{
	struct der explicit_tag, name;
	struct bytes whole;
	int tag;

	if (der_peek(tbs) != DER_CONTEXT_CONSTRUCTED(1))
		return 0;
	if (der_get(tbs, DER_CONTEXT_CONSTRUCTED(1), "requestorName (RFC 6960 4.1.1)", &explicit_tag, e) < 0 ||
	    der_get_any(&explicit_tag, "requestorName (RFC 6960 4.1.1)", &tag, &whole, &name, e) < 0)
		return -1;
	return der_end(&explicit_tag, "requestorName (RFC 6960 4.1.1)", e);
}

static int
tbs_parse(struct der *request, struct ocsp_request *r, struct error *e)
{
	struct der tbs, ext;

	if (der_get(request, DER_SEQUENCE, "tbsRequest (RFC 6960 4.1.1)", &tbs, e) < 0 || version_parse(&tbs, e) < 0 ||
	    requestor_parse(&tbs, e) < 0 || list_parse(&tbs, r, e) < 0)
		return -1;
	if (der_peek(&tbs) == DER_CONTEXT_CONSTRUCTED(2)) {
		if (der_get(&tbs, DER_CONTEXT_CONSTRUCTED(2), "requestExtensions (RFC 6960 4.1.1)", &ext, e) < 0 ||
		    extensions_parse(&ext, &r->nonce, e) < 0)
			return -1;
	}
	return der_end(&tbs, "tbsRequest (RFC 6960 4.1.1)", e);
}

/* Signature in its explicit tag: must be well-formed, is not verified. */
static int
signature_parse(struct der *request, struct error *e)
{
	struct der explicit_tag, sig, certs;
	struct bytes oid, bits;

	if (der_get(request, DER_CONTEXT_CONSTRUCTED(0), "optionalSignature (RFC 6960 4.1.1)", &explicit_tag, e) < 0 ||
	    der_get(&explicit_tag, DER_SEQUENCE, "signature (RFC 6960 4.1.1)", &sig, e) < 0 ||
	    der_end(&explicit_tag, "optionalSignature (RFC 6960 4.1.1)", e) < 0 || algorithm_parse(&sig, false, &oid, e) < 0 ||
	    der_get_bits(&sig, "signature (RFC 6960 4.1.1)", &bits, e) < 0)
		return -1;
	if (der_peek(&sig) == DER_CONTEXT_CONSTRUCTED(0) &&
	    der_get(&sig, DER_CONTEXT_CONSTRUCTED(0), "certs (RFC 6960 4.1.1)", &certs, e) < 0)
		return -1;
	return der_end(&sig, "signature (RFC 6960 4.1.1)", e);
}

int
ocsp_request_parse(struct bytes der, struct ocsp_request *ret, struct error *e)
{
	struct ocsp_request r = {.n_ids = 0};
	struct der d, request;

	if (der.len > LIMIT_OCSP_REQUEST_BYTES)
		return fail(e, E_MALFORMED, "request is larger than %d bytes", LIMIT_OCSP_REQUEST_BYTES);
	d = der_of(der);
	if (der_get(&d, DER_SEQUENCE, "OCSPRequest (RFC 6960 4.1.1)", &request, e) < 0 || der_end(&d, "OCSPRequest (RFC 6960 4.1.1)", e) < 0)
		return -1;
	if (tbs_parse(&request, &r, e) < 0)
		return -1;
	if (der_peek(&request) == DER_CONTEXT_CONSTRUCTED(0)) {
		if (signature_parse(&request, e) < 0)
			return -1;
		r.is_signed = true;
	}
	if (der_end(&request, "OCSPRequest (RFC 6960 4.1.1)", e) < 0)
		return -1;
	*ret = r;
	return 0;
}
