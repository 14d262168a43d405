#include "enroll/acme/attest_parts.h"

#include <openssl/sha.h>
#include <string.h>

#include "enroll/anchor.h"
#include "enroll/cms.h"
#include "lib/x509/oid.h"
#include "lib/x509/text.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

#define RSA(number, word, index, hash, id) {number, word, KEY_RSA, &sigalg_list[index], hash, 0x0014, id}
#define PSS(number, word, index, hash, id) {number, word, KEY_RSA, &sigalg_list[index], hash, 0x0016, id}
#define ECDSA(number, word, index, hash, id) {number, word, KEY_EC, &sigalg_list[index], hash, 0x0018, id}
static const struct attest_algorithm algorithms[] = {
    ECDSA(-7, "ES256", ECDSA_SHA256, "SHA256", 0x000b), ECDSA(-35, "ES384", ECDSA_SHA384, "SHA384", 0x000c),
    ECDSA(-36, "ES512", ECDSA_SHA512, "SHA512", 0x000d), RSA(-257, "RS256", RSA_SHA256, "SHA256", 0x000b),
    RSA(-258, "RS384", RSA_SHA384, "SHA384", 0x000c),   RSA(-259, "RS512", RSA_SHA512, "SHA512", 0x000d),
    PSS(-37, "PS256", RSAPSS_SHA256, "SHA256", 0x000b), PSS(-38, "PS384", RSAPSS_SHA384, "SHA384", 0x000c),
    PSS(-39, "PS512", RSAPSS_SHA512, "SHA512", 0x000d), {-8, "EdDSA", KEY_ED, NULL, NULL, 0, 0},
};

int
attest_algorithm(int64_t cose, const struct attest_algorithm **ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].cose == cose) {
			*ret = &algorithms[i];
			return 0;
		}
	return fail(e, E_UNSUPPORTED, "attStmt: the algorithm %lld isn't taken; RS256, PS256, ES256, their kin and EdDSA are",
	            (long long)cose);
}

int
attest_signature(const struct cert *c, const struct attest_algorithm *alg, struct bytes data, struct bytes signature, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	EVP_PKEY_CTX *kept CLEANUP(EVP_PKEY_CTX_free) = NULL;
	const struct keytype *type;
	if (cms_public_key(c->spki, &type, &key, e) < 0)
		return -1;
	if (type->family != alg->family)
		return fail(e, E_FORBIDDEN, "attStmt: the attestation certificate's key (%s) doesn't sign with %s", type->name, alg->name);
	if (!sigalg_verify(alg->signature ? alg->signature : type->signature, key, &kept, data, signature))
		return fail(e, E_FORBIDDEN, "attStmt: the signature is wrong: not of this certificate's key, or made for another challenge");
	return 0;
}

/* RFC 5280 4.2.1.12: one purpose at least, and nothing but purposes (CVE-2026-40097). */
static int
check_purposes(const struct cert *c, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(c, OID_EKU);
	static const char what[] = "the attestation certificate's extended key usage";
	struct der d, list;
	struct bytes purpose;
	if (!x)
		return 0;
	d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, what, &list, e) < 0 || der_end(&d, what, e) < 0)
		return -1;
	if (der_at_end(&list))
		return fail(e, E_MALFORMED, "%s is empty (RFC 5280 4.2.1.12)", what);
	while (!der_at_end(&list))
		if (der_get_oid(&list, what, &purpose, e) < 0)
			return -1;
	return 0;
}

/* All of x5c is read, and its keys are held to our limits, before anything is verified with one of them. */
static int
check_certificates(const struct endpoint *ep, const struct attest_statement *s, struct arena *a, struct cert *ret, struct error *e)
{
	struct cert c;
	for (size_t i = s->n_x5c; i-- > 0;) {
		EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
		const struct keytype *type;
		if (cert_parse(s->x5c[i], &c, e) < 0 || cms_public_key(c.spki, &type, &key, e) < 0)
			return fail(e, E_FORBIDDEN, "x5c: certificate %zu can't be taken: %s", i, arena_strdup(a, e->detail));
	}
	if (cert_is_ca(&c))
		return fail(e, E_FORBIDDEN, "x5c: the first certificate is a CA's (WebAuthn 8.2.1)");
	if (!cert_has_usage(&c, USAGE_DIGITAL_SIGNATURE, true))
		return fail(e, E_FORBIDDEN, "x5c: the key usage of the first certificate lacks digitalSignature (RFC 5280 4.2.1.3)");
	if (check_purposes(&c, e) < 0 || enroll_anchor_chain(ep, s->x5c[0], s->x5c + 1, s->n_x5c - 1, 0, "attestation certificate", a, e) < 0)
		return -1;
	*ret = c;
	return 0;
}

static int
verify(const struct endpoint *ep, struct bytes object, struct bytes key_authorization, const char *identifier, struct arena *a,
       struct attest_result *ret, struct error *e)
{
	struct attest_statement s;
	struct cert c;
	struct bytes spki;
	const char *text;
	if (ep->n_anchors == 0)
		return fail(e, E_FORBIDDEN, "this directory has no anchors: it trusts no manufacturer's attestations");
	if (acme_attest_identifier_check(a, identifier, e) < 0 || attest_statement_parse(object, &s, e) < 0 ||
	    check_certificates(ep, &s, a, &c, e) < 0)
		return -1;
	bool tpm = bytes_equal(s.format, BYTES_STR("tpm"));
	if ((tpm ? attest_tpm : attest_packed)(&s, &c, key_authorization, a, &spki, &text, e) < 0 || attest_device(&c, identifier, !tpm, a, e) < 0)
		return -1;
	struct attest_result r = {.format = tpm ? "tpm" : "packed", .device = arena_strdup(a, identifier)};
	SHA256(spki.data, spki.len, r.key);
	r.text = arena_printf(a, "%s: %s: %s; attestation certificate of %s, serial number %s", r.format, r.device, text, dn_text(a, c.issuer),
	                      arena_hex(a, c.serial.data, c.serial.len));
	*ret = r;
	return 0;
}

int
acme_attest_verify(const struct endpoint *ep, struct bytes attestation_object, struct bytes key_authorization, const char *identifier,
                   struct arena *a, struct attest_result *ret, struct error *e)
{
	if (verify(ep, attestation_object, key_authorization, identifier, a, ret, e) == 0)
		return 0;
	if (e->code == E_INTERNAL)
		return -1;
	return fail(e, E_BAD_ATTESTATION, "%s", arena_strdup(a, e->detail));
}
