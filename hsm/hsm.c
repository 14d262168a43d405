#include "hsm/hsm.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "hsm/filestore.h"
#include "hsm/token.h"
#include "lib/limits.h"
#include "lib/seal.h"

struct hsm {
	struct token *token;   /* NULL: none configured */
	struct secret *pin;    /* kept for making keys */
	struct secret *master; /* NULL: no encrypted key store configured */
	const char *key_dir;
};

int
hsm_open(const struct config *c, struct hsm **ret, struct error *e)
{
	struct hsm *h CLEANUP(hsm_close) = xcalloc(1, sizeof(*h));
	const char *module = config_str(c, OPT_ca_pkcs11_module), *master = config_str(c, OPT_ca_master_key_file);
	h->key_dir = config_str(c, OPT_ca_key_dir);
	if (*master && seal_key_read(master, &h->master, e) < 0)
		return -1;
	if (*module) {
		if (secret_read_file(config_str(c, OPT_ca_pin_file), LIMIT_SECRET_FILE_BYTES, &h->pin, e) < 0 ||
		    token_open(module, config_str(c, OPT_ca_token_label), h->pin, &h->token, e) < 0)
			return -1;
	}
	if (!h->token && !h->master)
		return fail(e, E_KEY_STORE, "neither [ca] pkcs11_module nor [ca] master_key_file is set: there is nowhere to keep keys");
	*ret = TAKE(h);
	return 0;
}

void
hsm_close(struct hsm *h)
{
	if (!h)
		return;
	token_close(h->token);
	secret_free(h->pin);
	secret_free(h->master);
	free(h);
}

static int
load(struct hsm *h, const char *ref, EVP_PKEY **ret, struct error *e)
{
	uint8_t id[TOKEN_ID_BYTES];
	size_t n = 0;
	if (strncmp(ref, "file:", 5) == 0) {
		if (!h->master)
			return fail(e, E_KEY_STORE, "the key is in the encrypted key store, but [ca] master_key_file isn't set");
		return filestore_load(h->key_dir, ref + 5, h->master, ret, e);
	}
	if (strncmp(ref, "token:", 6) != 0 || OPENSSL_hexstr2buf_ex(id, sizeof(id), &n, ref + 6, '\0') != 1)
		return fail(e, E_KEY_STORE, "unknown kind of key reference");
	if (!h->token)
		return fail(e, E_KEY_STORE, "the key is on a token, but [ca] pkcs11_module isn't set");
	return token_key_load(h->token, id, n, ret, e);
}

int
hsm_key_load(struct hsm *h, const char *ref, EVP_PKEY *expected, EVP_PKEY **ret, struct error *e)
{
	EVP_PKEY *key = NULL;
	if (load(h, ref, &key, e) < 0)
		return -1;
	if (EVP_PKEY_eq(key, expected) != 1) {
		EVP_PKEY_free(key);
		return fail(e, E_KEY_STORE, "the key that the store gave isn't that of the certificate");
	}
	*ret = key;
	return 0;
}

int
hsm_key_generate(struct hsm *h, const struct keytype *t, const char *label, char *ret_ref, EVP_PKEY **ret, struct error *e)
{
	uint8_t id[TOKEN_ID_BYTES];
	char hex[2 * TOKEN_ID_BYTES + 1], ref[HSM_REF_BYTES];
	if (h->token && t->on_token) {
		if (token_key_generate(h->token, t, label, h->pin, id, e) < 0)
			return -1;
		OPENSSL_buf2hexstr_ex(hex, sizeof(hex), NULL, id, sizeof(id), '\0');
		snprintf(ref, sizeof(ref), "token:%s", hex);
		if (load(h, ref, ret, e) < 0)
			return -1;
		memcpy(ret_ref, ref, sizeof(ref));
		return 0;
	}
	if (!h->master)
		return fail(e, E_UNSUPPORTED, "the token can't hold a %s key, and [ca] master_key_file isn't set", t->name);
	EVP_PKEY *key = NULL;
	if (RAND_bytes(id, sizeof(id)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if (keytype_generate(t, &key, e) < 0)
		return -1;
	if (filestore_save(h->key_dir, hex, h->master, key, e) < 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	snprintf(ref, sizeof(ref), "file:%s", hex);
	memcpy(ret_ref, ref, sizeof(ref));
	*ret = key;
	return 0;
}
