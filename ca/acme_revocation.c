#include "ca/acme_revocation.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/jose.h"
#include "lib/x509/keytype.h"

DEFINE_CLEANUP(json_t, json_decref)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

/* A part of the message: base64url of a JSON object. */
static int
read_part(struct arena *a, struct bytes text, const char *what, json_t **ret, struct error *e)
{
	struct bytes json;
	if (base64url_decode(a, (const char *)text.data, text.len, what, &json, e) < 0)
		return -1;
	json_t *v = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(v)) {
		json_decref(v);
		return fail(e, E_MALFORMED, "%s: an object of JSON is wanted (RFC 7515 4, RFC 8555 7.6)", what);
	}
	*ret = v;
	return 0;
}

/* The message taken apart: the algorithm, and the certificate that it is about. */
static int
take_apart(struct arena *a, const Siegel__Revoke *q, const char **ret_alg, struct bytes *ret_der, struct error *e)
{
	json_t *header CLEANUP(json_decref) = NULL, *payload CLEANUP(json_decref) = NULL;
	const uint8_t *dot = q->signed_data.len ? memchr(q->signed_data.data, '.', q->signed_data.len) : NULL;
	if (!dot || q->signed_data.len > LIMIT_REVOKE_MESSAGE_BYTES || q->signature.len == 0 || q->signature.len > LIMIT_RSA_MAX_BITS / 8)
		return fail(e, E_MALFORMED, "the message of the certificate's key is wanted, of up to %d octets (RFC 8555 7.6)",
			    LIMIT_REVOKE_MESSAGE_BYTES);
	struct bytes first = {q->signed_data.data, (size_t)(dot - q->signed_data.data)};
	struct bytes second = {dot + 1, q->signed_data.len - first.len - 1};
	if (read_part(a, first, "protected header", &header, e) < 0 || read_part(a, second, "payload", &payload, e) < 0)
		return -1;
	if (json_object_get(header, "crit") || json_object_get(header, "b64") || json_object_get(header, "kid") || !json_object_get(header, "jwk"))
		return fail(e, E_MALFORMED, "protected header: the key that signs is wanted, and no extension (RFC 8555 6.2, 7.6)");
	const char *alg = json_string_value(json_object_get(header, "alg")), *text = json_string_value(json_object_get(payload, "certificate"));
	if (!alg || !text)
		return fail(e, E_MALFORMED, "the message has no %s (RFC 8555 7.6)", alg ? "certificate" : "algorithm");
	*ret_alg = arena_strdup(a, alg);
	return base64url_decode(a, text, strlen(text), "certificate", ret_der, e);
}

/* Of a type that signs messages, in the form in which it is certified: nothing else is given to the library to read. */
static EVP_PKEY *
key_of(const struct cert *c)
{
	static const char *const types[] = {"p256", "p384", "p521", "ed25519", "ed448", "rsa2048"};
	struct der d = der_of(c->spki), content;
	struct bytes algorithm;
	struct error ignored;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, &ignored) < 0 ||
	    der_get_any(&content, "public key's algorithm", NULL, &algorithm, NULL, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (bytes_equal(keytype_by_name(types[i])->algorithm, algorithm)) {
			const uint8_t *p = c->spki.data;
			return d2i_PUBKEY(NULL, &p, (long)c->spki.len);
		}
	return NULL;
}

int
acme_revocation_check(const Siegel__Revoke *q, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(4 * LIMIT_REVOKE_MESSAGE_BYTES);
	const char *alg;
	struct bytes der;
	struct cert c;
	struct error why;
	if (take_apart(a, q, &alg, &der, e) < 0)
		return -1;
	if (cert_parse(der, &c, &why) < 0)
		return fail(e, E_MALFORMED, "certificate: %s", why.detail);
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = key_of(&c);
	if (!key || EVP_PKEY_get_bits(key) > LIMIT_RSA_MAX_BITS)
		return fail(e, E_BAD_ALGORITHM, "the certificate's key isn't one that signs such messages (RFC 7518 3.1)");
	return jose_verify(key, alg, (struct bytes){q->signed_data.data, q->signed_data.len}, (struct bytes){q->signature.data, q->signature.len}, e);
}

struct bytes
acme_revocation_certificate(struct arena *a, const Siegel__Revoke *q)
{
	const char *alg;
	struct bytes der;
	struct error ignored;
	return q->signed_data.len && take_apart(a, q, &alg, &der, &ignored) == 0 ? der : (struct bytes){0};
}
