/* Reading SignedData and EnvelopedData, RFC 5652. */
#include <string.h>
#include "enroll/cms.h"
#include "lib/x509/ber.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

/* ContentInfo, RFC 5652 3: the content of that type, whose SEQUENCE's elements go to *ret. */
static int
open_content_info(struct arena *a, struct bytes in, struct bytes type, const char *type_name, struct der *ret, struct error *e)
{
	struct bytes der, oid;
	if (ber_to_der(a, in, &der, e) < 0)
		return -1;
	struct der d = der_of(der), info, content;
	if (der_get(&d, DER_SEQUENCE, "ContentInfo", &info, e) < 0 || der_end(&d, "ContentInfo", e) < 0 ||
	    der_get_oid(&info, "contentType", &oid, e) < 0)
		return -1;
	if (!bytes_equal(oid, type))
		return fail(e, E_UNSUPPORTED, "the content isn't %s (RFC 5652 3)", type_name);
	if (der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "content", &content, e) < 0 || der_end(&info, "ContentInfo", e) < 0 ||
	    der_get(&content, DER_SEQUENCE, type_name, ret, e) < 0)
		return -1;
	return der_end(&content, type_name, e);
}

/* An AlgorithmIdentifier: its OID, whether it has no parameters or NULL, and the whole. */
static int
get_algorithm(struct der *d, const char *what, struct bytes *ret_oid, struct der *ret_parameters, struct bytes *ret_whole, struct error *e)
{
	struct der content;
	struct bytes whole;
	if (der_peek(d) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "%s: an algorithm is wanted", what);
	if (der_get_any(d, what, NULL, &whole, &content, e) < 0 || der_get_oid(&content, what, ret_oid, e) < 0)
		return -1;
	if (ret_parameters)
		*ret_parameters = content;
	if (ret_whole)
		*ret_whole = whole;
	return 0;
}

/* EncapsulatedContentInfo, RFC 5652 5.2. */
static int
get_encapsulated(struct der *d, struct cms_signed *s, struct error *e)
{
	struct der info, explicit_content, octets;
	if (der_get(d, DER_SEQUENCE, "encapContentInfo", &info, e) < 0 || der_get_oid(&info, "eContentType", &s->content_type, e) < 0)
		return -1;
	if (der_at_end(&info))
		return 0;
	if (der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "eContent", &explicit_content, e) < 0 || der_end(&info, "encapContentInfo", e) < 0 ||
	    der_get(&explicit_content, DER_OCTET_STRING, "eContent", &octets, e) < 0 || der_end(&explicit_content, "eContent", e) < 0)
		return -1;
	s->content = der_bytes(&octets);
	s->has_content = true;
	return 0;
}

static int
get_certificates(struct der *d, struct cms_signed *s, struct error *e)
{
	struct der set;
	int tag;
	if (der_peek(d) != DER_CONTEXT_CONSTRUCTED(0))
		return 0;
	if (der_get(d, DER_CONTEXT_CONSTRUCTED(0), "certificates", &set, e) < 0)
		return -1;
	while (!der_at_end(&set)) {
		if (s->n_certificates == CMS_MAX_CERTIFICATES)
			return fail(e, E_UNSUPPORTED, "certificates: over %d", CMS_MAX_CERTIFICATES);
		if (der_get_any(&set, "certificates", &tag, &s->certificates[s->n_certificates], NULL, e) < 0)
			return -1;
		if (tag != DER_SEQUENCE)
			return fail(e, E_UNSUPPORTED, "certificates: only X.509 certificates are taken (RFC 5652 10.2.2)");
		s->n_certificates++;
	}
	return 0;
}

/* IssuerAndSerialNumber, RFC 5652 10.2.4. */
static int
get_issuer_and_serial(struct der *d, const char *what, struct bytes *ret_issuer, struct bytes *ret_serial, struct error *e)
{
	struct der content;
	if (der_get(d, DER_SEQUENCE, what, &content, e) < 0)
		return -1;
	if (der_peek(&content) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "%s: the issuer is missing", what);
	if (der_get_any(&content, what, NULL, ret_issuer, NULL, e) < 0 || der_get_unsigned(&content, what, ret_serial, e) < 0)
		return -1;
	return der_end(&content, what, e);
}

static int
get_identifier(struct der *d, const char *what, struct bytes *ret_issuer, struct bytes *ret_serial, struct bytes *ret_key_id, struct error *e)
{
	struct der octets;
	if (der_peek(d) != DER_CONTEXT(0))
		return get_issuer_and_serial(d, what, ret_issuer, ret_serial, e);
	if (der_get(d, DER_CONTEXT(0), what, &octets, e) < 0)
		return -1;
	*ret_key_id = der_bytes(&octets);
	if (ret_key_id->len == 0)
		return fail(e, E_MALFORMED, "%s: an empty key identifier", what);
	return 0;
}

/* SignerInfo, RFC 5652 5.3. Unsigned attributes say nothing to us. */
static int
get_signer(struct der *set, struct cms_signed *s, struct error *e)
{
	struct cms_signer *g = &s->signer;
	struct der info, attributes, signature;
	struct bytes digest;
	long version;
	if (der_at_end(set))
		return 0;
	if (der_get(set, DER_SEQUENCE, "SignerInfo", &info, e) < 0)
		return -1;
	if (!der_at_end(set))
		return fail(e, E_UNSUPPORTED, "signerInfos: exactly one signer is wanted");
	if (der_get_small(&info, "SignerInfo version", 3, &version, e) < 0 ||
	    get_identifier(&info, "signer identifier", &g->issuer, &g->serial, &g->key_id, e) < 0 ||
	    get_algorithm(&info, "digest algorithm", &digest, NULL, NULL, e) < 0)
		return -1;
	g->digest = cms_digest_by_oid(digest);
	if (!g->digest)
		return fail(e, E_UNSUPPORTED, "the signer's digest isn't taken; SHA-256, SHA-384 and SHA-512 are");
	if (der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "signed attributes", &attributes, e) < 0 ||
	    get_algorithm(&info, "signature algorithm", &digest, NULL, &g->signature_algorithm, e) < 0 ||
	    der_get(&info, DER_OCTET_STRING, "signature", &signature, e) < 0)
		return -1;
	g->signed_attributes = der_bytes(&attributes);
	g->signature = der_bytes(&signature);
	if (der_peek(&info) == DER_CONTEXT_CONSTRUCTED(1) && der_get(&info, DER_CONTEXT_CONSTRUCTED(1), "unsigned attributes", &attributes, e) < 0)
		return -1;
	s->has_signer = true;
	return der_end(&info, "SignerInfo", e);
}

int
cms_signed_parse(struct arena *a, struct bytes in, struct cms_signed *ret, struct error *e)
{
	struct cms_signed s = {0};
	struct der d, set;
	long version;
	if (open_content_info(a, in, OID_PKCS7_SIGNED_DATA, "SignedData", &d, e) < 0 ||
	    der_get_small(&d, "SignedData version", 5, &version, e) < 0 || der_get(&d, DER_SET, "digestAlgorithms", &set, e) < 0 ||
	    get_encapsulated(&d, &s, e) < 0 || get_certificates(&d, &s, e) < 0)
		return -1;
	if (der_peek(&d) == DER_CONTEXT_CONSTRUCTED(1) && der_get(&d, DER_CONTEXT_CONSTRUCTED(1), "crls", &set, e) < 0)
		return -1;
	if (der_get(&d, DER_SET, "signerInfos", &set, e) < 0 || get_signer(&set, &s, e) < 0 || der_end(&d, "SignedData", e) < 0)
		return -1;
	*ret = s;
	return 0;
}

int
cms_signed_attribute(const struct cms_signed *s, struct bytes oid, int tag, const char *what, struct bytes *ret, struct error *e)
{
	struct der set = der_of(s->signer.signed_attributes);
	struct bytes found = {0};
	bool is_there = false;
	for (int n = 0; s->has_signer && !der_at_end(&set); n++) {
		struct der attribute, values, content;
		struct bytes type;
		if (n == CMS_MAX_ATTRIBUTES)
			return fail(e, E_MALFORMED, "signed attributes: over %d", CMS_MAX_ATTRIBUTES);
		if (der_get(&set, DER_SEQUENCE, "signed attribute", &attribute, e) < 0 ||
		    der_get_oid(&attribute, "signed attribute", &type, e) < 0 || der_get(&attribute, DER_SET, what, &values, e) < 0 ||
		    der_end(&attribute, what, e) < 0)
			return -1;
		if (!bytes_equal(type, oid))
			continue;
		if (is_there)
			return fail(e, E_MALFORMED, "%s: the signed attribute comes twice (RFC 5652 5.3)", what);
		if (der_get(&values, tag, what, &content, e) < 0 || der_end(&values, what, e) < 0)
			return -1;
		found = der_bytes(&content);
		is_there = true;
	}
	if (!is_there)
		return fail(e, E_NOT_FOUND, "%s: the signed attribute is missing", what);
	*ret = found;
	return 0;
}

const struct bytes *
cms_signer_certificate(const struct cms_signed *s)
{
	for (int i = 0; s->has_signer && i < s->n_certificates; i++) {
		struct error e;
		struct cert c;
		if (cert_parse_strange(s->certificates[i], &c, &e) < 0)
			continue;
		if (s->signer.key_id.len ? cert_has_key_id(&c, s->signer.key_id)
		                         : bytes_equal(c.issuer, s->signer.issuer) && bytes_equal(c.serial, s->signer.serial))
			return &s->certificates[i];
	}
	return NULL;
}

/* KeyTransRecipientInfo, RFC 5652 6.2.1. */
static int
get_key_transport(struct der *d, struct cms_enveloped *v, struct error *e)
{
	struct der info, octets;
	struct bytes oid;
	long version;
	if (der_get(d, DER_SEQUENCE, "KeyTransRecipientInfo", &info, e) < 0 || der_get_small(&info, "recipient's version", 2, &version, e) < 0 ||
	    get_identifier(&info, "recipient identifier", &v->issuer, &v->serial, &v->key_id, e) < 0 ||
	    get_algorithm(&info, "key encryption algorithm", &oid, NULL, &v->key_algorithm, e) < 0 ||
	    der_get(&info, DER_OCTET_STRING, "encrypted key", &octets, e) < 0)
		return -1;
	v->encrypted_key = der_bytes(&octets);
	return der_end(&info, "KeyTransRecipientInfo", e);
}

/* PasswordRecipientInfo, RFC 5652 6.2.4. */
static int
get_password(struct der *d, struct cms_enveloped *v, struct error *e)
{
	struct der info, derivation, octets;
	struct bytes oid;
	long version;
	if (der_get(d, DER_CONTEXT_CONSTRUCTED(3), "PasswordRecipientInfo", &info, e) < 0 ||
	    der_get_small(&info, "recipient's version", 0, &version, e) < 0 ||
	    der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "key derivation algorithm", &derivation, e) < 0 ||
	    get_algorithm(&info, "key encryption algorithm", &oid, NULL, &v->key_algorithm, e) < 0 ||
	    der_get(&info, DER_OCTET_STRING, "encrypted key", &octets, e) < 0)
		return -1;
	v->derivation_algorithm = der_bytes(&derivation);
	v->encrypted_key = der_bytes(&octets);
	return der_end(&info, "PasswordRecipientInfo", e);
}

/* Exactly one, of a kind that is taken. Two recipients have been used to learn from one what the other's padding is (CVE-2019-1563). */
static int
get_recipient(struct der *d, struct cms_enveloped *v, struct error *e)
{
	struct der set;
	if (der_get(d, DER_SET, "recipientInfos", &set, e) < 0)
		return -1;
	int tag = der_peek(&set);
	if (tag == DER_SEQUENCE) {
		v->kind = CMS_KEY_TRANSPORT;
		if (get_key_transport(&set, v, e) < 0)
			return -1;
	} else if (tag == DER_CONTEXT_CONSTRUCTED(3)) {
		v->kind = CMS_PASSWORD;
		if (get_password(&set, v, e) < 0)
			return -1;
	} else {
		return fail(e, E_UNSUPPORTED, "recipientInfos: key transport or a password is wanted (RFC 8894 3.1)");
	}
	if (!der_at_end(&set))
		return fail(e, E_UNSUPPORTED, "recipientInfos: exactly one recipient is wanted");
	return 0;
}

/* [0] IMPLICIT OCTET STRING, in one piece or in several (X.690 8.7.3). */
static int
get_encrypted(struct arena *a, struct der *d, struct bytes *ret, struct error *e)
{
	struct der content, piece;
	if (der_peek(d) == DER_CONTEXT(0)) {
		if (der_get(d, DER_CONTEXT(0), "encrypted content", &content, e) < 0)
			return -1;
		*ret = der_bytes(&content);
		return 0;
	}
	if (der_get(d, DER_CONTEXT_CONSTRUCTED(0), "encrypted content", &content, e) < 0)
		return -1;
	uint8_t *out = arena_alloc(a, der_bytes(&content).len + 1);
	size_t len = 0;
	while (!der_at_end(&content)) {
		if (der_get(&content, DER_OCTET_STRING, "encrypted content", &piece, e) < 0)
			return -1;
		struct bytes b = der_bytes(&piece);
		if (b.len)
			memcpy(out + len, b.data, b.len);
		len += b.len;
	}
	*ret = (struct bytes){out, len};
	return 0;
}

/* EncryptedContentInfo, RFC 5652 6.1. */
static int
get_content(struct arena *a, struct der *d, struct cms_enveloped *v, struct error *e)
{
	struct der info, parameters, iv;
	struct bytes oid;
	if (der_get(d, DER_SEQUENCE, "encryptedContentInfo", &info, e) < 0 || der_get_oid(&info, "contentType", &v->content_type, e) < 0 ||
	    get_algorithm(&info, "content encryption algorithm", &oid, &parameters, NULL, e) < 0)
		return -1;
	v->cipher = cms_cipher_by_oid(oid);
	if (!v->cipher)
		return fail(e, E_UNSUPPORTED, "the content's cipher isn't taken; AES-128, AES-192 and AES-256 in CBC are (RFC 8894 3.1)");
	if (der_get(&parameters, DER_OCTET_STRING, "initialization vector", &iv, e) < 0 || der_end(&parameters, "initialization vector", e) < 0)
		return -1;
	v->iv = der_bytes(&iv);
	if (v->iv.len != v->cipher->iv_bytes)
		return fail(e, E_MALFORMED, "initialization vector: %zu octets are wanted", v->cipher->iv_bytes);
	if (get_encrypted(a, &info, &v->encrypted, e) < 0 || der_end(&info, "encryptedContentInfo", e) < 0)
		return -1;
	if (v->encrypted.len == 0 || v->encrypted.len % v->cipher->iv_bytes != 0)
		return fail(e, E_MALFORMED, "encrypted content: whole blocks are wanted");
	return 0;
}

int
cms_enveloped_parse(struct arena *a, struct bytes in, struct cms_enveloped *ret, struct error *e)
{
	struct cms_enveloped v = {0};
	struct der d, skipped;
	long version;
	if (open_content_info(a, in, OID_ENVELOPED_DATA, "EnvelopedData", &d, e) < 0 ||
	    der_get_small(&d, "EnvelopedData version", 4, &version, e) < 0)
		return -1;
	if (der_peek(&d) == DER_CONTEXT_CONSTRUCTED(0) && der_get(&d, DER_CONTEXT_CONSTRUCTED(0), "originatorInfo", &skipped, e) < 0)
		return -1;
	if (get_recipient(&d, &v, e) < 0 || get_content(a, &d, &v, e) < 0)
		return -1;
	if (der_peek(&d) == DER_CONTEXT_CONSTRUCTED(1) && der_get(&d, DER_CONTEXT_CONSTRUCTED(1), "unprotected attributes", &skipped, e) < 0)
		return -1;
	if (der_end(&d, "EnvelopedData", e) < 0)
		return -1;
	*ret = v;
	return 0;
}
