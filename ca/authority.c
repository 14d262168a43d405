#include "ca/authority.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <string.h>

#include "ca/fault.h"
#include "lib/x509/oid.h"

static const char *const status_words[] = {"pending", "active", "offline", "disabled", "superseded", "revoked", "retired"};

enum authority_status
authority_status_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
		if (strcmp(word, status_words[i]) == 0)
			return (enum authority_status)i;
	return AUTHORITY_DISABLED;
}

const char *
authority_status_word(enum authority_status s)
{
	return status_words[s];
}

int
authority_new(struct arena *a, const struct authority *fields, struct bytes certificate, struct authority **ret, struct error *e)
{
	struct authority *ca CLEANUP(authority_free) = xcalloc(1, sizeof(*ca));
	*ca = *fields;
	ca->arena = a;
	ca->users = 1;
	if (cert_parse(certificate, &ca->cert, e) < 0)
		return -1;
	struct der spki = der_of(ca->cert.spki), content;
	struct bytes algorithm;
	if (der_get(&spki, DER_SEQUENCE, "public key", &content, e) < 0 ||
	    der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0 ||
	    publickey_load(algorithm, ca->cert.spki_key, &ca->type, &ca->public_key, e) < 0)
		return -1;
	if (!ca->type->signature)
		return fail(e, E_BAD_KEY, "a CA with a %s key can't sign", ca->type->name);
	/* RFC 4055 1.2: a key that is bound to parameters signs with these alone. */
	const struct sigalg *bound = keytype_signature_by_algorithm(ca->type, algorithm);
	if (ca->signature && (bound ? ca->signature != bound : keytype_signature(ca->type, ca->signature->name) != ca->signature))
		return fail(e, E_BAD_VALUE, "a CA with a %s key doesn't sign with %s", ca->type->name, ca->signature->name);
	if (bound)
		ca->signature = bound;
	SHA256(ca->cert.spki.data, ca->cert.spki.len, ca->spki_hash);
	*ret = TAKE(ca);
	return 0;
}

struct authority *
authority_hold(struct authority *ca)
{
	if (ca)
		ca->users++;
	return ca;
}

void
authority_free(struct authority *ca)
{
	if (!ca || --ca->users > 0)
		return;
	authority_forget_key(ca);
	EVP_PKEY_CTX_free(ca->verify_ctx);
	EVP_PKEY_free(ca->public_key);
	arena_free(ca->arena);
	free(ca);
}

void
authority_forget_key(struct authority *ca)
{
	EVP_PKEY_CTX_free(ca->sign_ctx);
	EVP_PKEY_free(ca->private_key);
	ca->sign_ctx = NULL;
	ca->private_key = NULL;
}

int
authority_sign(struct authority *ca, struct hsm *hsm, struct bytes data, uint8_t *ret, size_t *ret_len, struct error *e)
{
	if (hsm && ca->key_ref && hsm_rests(hsm, ca->key_ref, e) < 0)
		return -1;
	if (!ca->private_key && hsm_key_load(hsm, ca->key_ref, ca->public_key, &ca->private_key, e) < 0)
		return -1;
	ERR_clear_error();
	const struct sigalg *s = authority_signature(ca);
	*ret_len = SIGNATURE_MAX_BYTES;
	if (!sigalg_sign(s, ca->private_key, &ca->sign_ctx, data, ret, ret_len))
		return hsm && hsm_ready(hsm, ca->key_ref, e) < 0 ? -1 : fail(e, E_KEY_STORE, "the key store made no signature");
	FAULT("signed");
	if (!sigalg_verify(s, ca->public_key, &ca->verify_ctx, data, (struct bytes){ret, *ret_len})) {
		(void)fail(e, E_KEY_STORE, "the key store made a signature that doesn't verify");
		if (hsm && ca->key_ref) {
			hsm_distrust(hsm, ca->key_ref);
			authority_forget_key(ca); /* the next one looks for it anew */
			e->retry_after_sec = 1;
		}
		return -1;
	}
	if (hsm && ca->key_ref)
		hsm_trust(hsm, ca->key_ref);
	FAULT("verified");
	return 0;
}
