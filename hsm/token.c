#include "hsm/token.h"

#include <dlfcn.h>
#include <libp11.h>
#include <openssl/rand.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

struct token {
	PKCS11_CTX *ctx;
	PKCS11_SLOT *slots, *slot;
	unsigned n_slots;
	bool loaded;
	char *module;
};

static int
find_slot(struct token *t, const char *label, struct error *e)
{
	if (PKCS11_enumerate_slots(t->ctx, &t->slots, &t->n_slots) < 0)
		return fail(e, E_KEY_STORE, "the PKCS#11 module names no slots");
	for (unsigned i = 0; i < t->n_slots; i++)
		if (t->slots[i].token && t->slots[i].token->label && strcmp(t->slots[i].token->label, label) == 0)
			t->slot = &t->slots[i];
	if (!t->slot)
		return fail(e, E_KEY_STORE, "no token with the label \"%s\" is there", label);
	return 0;
}

int
token_open(const char *module, const char *label, const struct secret *pin, struct token **ret, struct error *e)
{
	struct token *t = xcalloc(1, sizeof(*t));
	t->module = xstrdup(module);
	t->ctx = PKCS11_CTX_new();
	if (!t->ctx || PKCS11_CTX_load(t->ctx, module) < 0) {
		token_close(t);
		return fail(e, E_KEY_STORE, "the PKCS#11 module %s can't be loaded", module);
	}
	t->loaded = true;
	if (find_slot(t, label, e) < 0) {
		token_close(t);
		return -1;
	}
	if (PKCS11_open_session(t->slot, 0) < 0) {
		token_close(t);
		return fail(e, E_KEY_STORE, "the token \"%s\" opens no session", label);
	}
	/* Once and never again by itself: a real token locks after three wrong PINs. */
	if (PKCS11_login(t->slot, 0, (const char *)pin->data) < 0) {
		token_close(t);
		return fail(e, E_FORBIDDEN, "the token \"%s\" refused the PIN", label);
	}
	*ret = t;
	return 0;
}

void
token_close(struct token *t)
{
	if (!t)
		return;
	if (t->slots)
		PKCS11_release_all_slots(t->ctx, t->slots, t->n_slots);
	if (t->loaded)
		PKCS11_CTX_unload(t->ctx);
	if (t->ctx)
		PKCS11_CTX_free(t->ctx);
	free(t->module);
	free(t);
}

int
token_key_load(struct token *t, const uint8_t *id, size_t id_len, EVP_PKEY **ret, struct error *e)
{
	PKCS11_KEY *keys;
	unsigned n;
	if (PKCS11_enumerate_keys(t->slot->token, &keys, &n) < 0)
		return fail(e, E_KEY_STORE, "the token doesn't list its keys");
	for (unsigned i = 0; i < n; i++) {
		if (keys[i].id_len != id_len || memcmp(keys[i].id, id, id_len) != 0)
			continue;
		EVP_PKEY *key = PKCS11_get_private_key(&keys[i]);
		if (!key)
			return fail(e, E_KEY_STORE, "the token's key can't be used");
		*ret = key;
		return 0;
	}
	return fail(e, E_KEY_STORE, "the token doesn't hold the key that is wanted");
}

/* The module's own functions; it was loaded and initialised by libp11 in this process. */
static int
functions(const struct token *t, void **ret_handle, CK_FUNCTION_LIST **ret, struct error *e)
{
	CK_FUNCTION_LIST *f = NULL;
	void *handle = dlopen(t->module, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;
	if (handle)
		*(void **)&get = dlsym(handle, "C_GetFunctionList");
	if (!get || get(&f) != CKR_OK) {
		if (handle)
			dlclose(handle);
		return fail(e, E_KEY_STORE, "%s is no PKCS#11 module", t->module);
	}
	*ret_handle = handle;
	*ret = f;
	return 0;
}

static CK_RV
generate(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, const struct keytype *type, const char *label, uint8_t *id)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = (CK_ULONG)type->bits;
	CK_BYTE exponent[] = {1, 0, 1};
	CK_OBJECT_HANDLE pub, priv;
	/* EC parameters are the AlgorithmIdentifier's second element: SEQUENCE head 2, id-ecPublicKey 9. */
	uint8_t params[32];
	size_t params_len = type->family == KEY_EC ? type->algorithm.len - 11 : 0;
	memcpy(params, type->algorithm.data + 11, params_len);
	union {
		const char *in;
		void *out;
	} name = {.in = label};
	CK_ATTRIBUTE private_template[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)}, {CKA_SENSITIVE, &yes, sizeof(yes)},
	    {CKA_EXTRACTABLE, &no, sizeof(no)}, {CKA_SIGN, &yes, sizeof(yes)},    {CKA_DECRYPT, &no, sizeof(no)},
	    {CKA_ID, id, TOKEN_ID_BYTES},       {CKA_LABEL, name.out, strlen(label)},
	};
	CK_ATTRIBUTE public_template[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_VERIFY, &yes, sizeof(yes)},
	    {CKA_ID, id, TOKEN_ID_BYTES},
	    {CKA_LABEL, name.out, strlen(label)},
	    {type->family == KEY_EC ? CKA_EC_PARAMS : CKA_MODULUS_BITS, type->family == KEY_EC ? (void *)params : (void *)&bits,
	     type->family == KEY_EC ? params_len : sizeof(bits)},
	    {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}, /* last: left out for EC */
	};
	CK_MECHANISM mechanism = {type->family == KEY_EC ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ULONG n_public = ARRAY_LEN(public_template) - (type->family == KEY_EC);
	return f->C_GenerateKeyPair(session, &mechanism, public_template, n_public, private_template, ARRAY_LEN(private_template), &pub,
				    &priv);
}

int
token_key_generate(struct token *t, const struct keytype *type, const char *label, const struct secret *pin, uint8_t ret_id[TOKEN_ID_BYTES],
		   struct error *e)
{
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	void *handle;
	if (RAND_bytes(ret_id, TOKEN_ID_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (functions(t, &handle, &f, e) < 0)
		return -1;
	CK_RV rv = f->C_OpenSession(PKCS11_get_slotid_from_slot(t->slot), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv == CKR_OK) {
		rv = f->C_Login(session, CKU_USER, pin->data, pin->len);
		if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
			rv = generate(f, session, type, label, ret_id);
		f->C_CloseSession(session);
	}
	dlclose(handle);
	if (rv != CKR_OK)
		return fail(e, E_KEY_STORE, "the token made no %s key (PKCS#11 error 0x%lx)", type->name, (unsigned long)rv);
	return 0;
}
