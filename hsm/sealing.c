#include "hsm/sealing.h"

#include <openssl/rand.h>
#include <string.h>

#define LABEL "siegel-seal"
#define KEYS_MAX 256 /* sealing keys of one token: one a week for five years */
#define KEY_BYTES 32

static void *
plain_pointer(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = {.in = p};
	return u.out;
}

/* Sealing keys on the token; with an id, that one alone. */
static CK_RV
find(const struct token *t, const uint8_t *id, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_n)
{
	CK_FUNCTION_LIST *f = token_functions(t);
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE template[] = {
	    {CKA_CLASS, &class, sizeof(class)},
	    {CKA_LABEL, plain_pointer(LABEL), strlen(LABEL)},
	    {CKA_ID, plain_pointer(id), SEALING_ID_BYTES}, /* last: left out without an id */
	};
	CK_RV rv = f->C_FindObjectsInit(token_session(t), template, ARRAY_LEN(template) - !id);
	if (rv != CKR_OK)
		return rv;
	CK_ULONG n = 0, got = 1;
	while (rv == CKR_OK && n < max && got > 0) {
		rv = f->C_FindObjects(token_session(t), ret + n, max - n, &got);
		n += rv == CKR_OK ? got : 0;
	}
	CK_RV last = f->C_FindObjectsFinal(token_session(t));
	*ret_n = n;
	return rv != CKR_OK ? rv : last;
}

/* A key that somebody else put there doesn't count unless it stays there. */
static CK_RV
read_key(const struct token *t, CK_OBJECT_HANDLE object, uint8_t ret_id[SEALING_ID_BYTES], bool *ret_good)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	uint8_t id[64];
	CK_ATTRIBUTE a[] = {
	    {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
	    {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
	    {CKA_ID, id, sizeof(id)},
	};
	CK_RV rv = token_functions(t)->C_GetAttributeValue(token_session(t), object, a, ARRAY_LEN(a));
	*ret_good = rv == CKR_OK && sensitive == CK_TRUE && extractable == CK_FALSE && a[2].ulValueLen == SEALING_ID_BYTES;
	if (*ret_good)
		memcpy(ret_id, id, SEALING_ID_BYTES);
	return rv;
}

static CK_RV
newest(const struct token *t, uint8_t ret_id[SEALING_ID_BYTES], bool *ret_found)
{
	CK_OBJECT_HANDLE keys[KEYS_MAX];
	CK_ULONG n = 0;
	CK_RV rv = find(t, NULL, keys, KEYS_MAX, &n);
	*ret_found = false;
	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++) {
		uint8_t id[SEALING_ID_BYTES];
		bool good = false;
		rv = read_key(t, keys[i], id, &good);
		if (rv == CKR_OK && good && (!*ret_found || memcmp(id, ret_id, sizeof(id)) > 0)) {
			memcpy(ret_id, id, sizeof(id));
			*ret_found = true;
		}
	}
	return rv;
}

/* The one after the given; all zeros: the first. */
static CK_RV
make_next(const struct token *t, uint8_t id[SEALING_ID_BYTES], bool *ret_good)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = KEY_BYTES;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
	CK_ATTRIBUTE template[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)}, {CKA_SENSITIVE, &yes, sizeof(yes)},
	    {CKA_EXTRACTABLE, &no, sizeof(no)}, {CKA_ENCRYPT, &yes, sizeof(yes)}, {CKA_DECRYPT, &yes, sizeof(yes)},
	    {CKA_ID, id, SEALING_ID_BYTES},     {CKA_VALUE_LEN, &len, sizeof(len)}, {CKA_LABEL, plain_pointer(LABEL), strlen(LABEL)},
	};
	uint32_t number = ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) + 1;
	for (int i = 0; i < 4; i++)
		id[i] = (uint8_t)(number >> (24 - 8 * i));
	*ret_good = false;
	if (RAND_bytes(id + 4, SEALING_ID_BYTES - 4) != 1)
		return CKR_FUNCTION_FAILED;
	CK_RV rv = token_functions(t)->C_GenerateKey(token_session(t), &mechanism, template, ARRAY_LEN(template), &key);
	if (rv != CKR_OK)
		return rv;
	rv = read_key(t, key, id, ret_good);
	if (rv != CKR_OK || !*ret_good)
		token_functions(t)->C_DestroyObject(token_session(t), key);
	return rv;
}

static int
newest_or_next(struct token *t, bool next, uint8_t ret_id[SEALING_ID_BYTES], struct error *e)
{
	uint8_t id[SEALING_ID_BYTES] = {0};
	bool found = false, good = true;
	if (!token_can(t, CKM_AES_GCM, KEY_BYTES, CKF_ENCRYPT | CKF_DECRYPT) && token_is_open(t))
		return fail(e, E_UNSUPPORTED, "the token \"%s\" has no AES-GCM with keys of 256 bits", token_name(t));
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_RV rv = newest(t, id, &found);
	if (rv == CKR_OK && (next || !found))
		rv = make_next(t, id, &good);
	if (token_end(t, rv, "make a sealing key", e) < 0)
		return -1;
	if (!good)
		return fail(e, E_KEY_STORE, "the token \"%s\" made a key that it would give out: it was destroyed", token_name(t));
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

int
sealing_key(struct token *t, uint8_t ret_id[SEALING_ID_BYTES], struct error *e)
{
	return newest_or_next(t, false, ret_id, e);
}

int
sealing_key_rotate(struct token *t, struct error *e)
{
	uint8_t id[SEALING_ID_BYTES];
	return newest_or_next(t, true, id, e);
}

/* One key with that id that the token keeps to itself. */
static CK_RV
find_one(const struct token *t, const uint8_t *id, CK_OBJECT_HANDLE *ret)
{
	uint8_t read_id[SEALING_ID_BYTES];
	CK_ULONG n = 0;
	bool good = false;
	CK_RV rv = find(t, id, ret, 1, &n);
	if (rv == CKR_OK && n == 1)
		rv = read_key(t, *ret, read_id, &good);
	if (!good)
		*ret = CK_INVALID_HANDLE;
	return rv;
}

static CK_GCM_PARAMS
gcm_params(const uint8_t *nonce, struct bytes aad)
{
	return (CK_GCM_PARAMS){
	    .pIv = plain_pointer(nonce),
	    .ulIvLen = SEALING_NONCE_BYTES,
	    .ulIvBits = SEALING_NONCE_BYTES * 8,
	    .pAAD = plain_pointer(aad.data),
	    .ulAADLen = aad.len,
	    .ulTagBits = SEALING_TAG_BYTES * 8,
	};
}

int
sealing_encrypt(struct token *t, const uint8_t id[SEALING_ID_BYTES], struct bytes aad, struct bytes plain, struct buf *out, struct error *e)
{
	uint8_t nonce[SEALING_NONCE_BYTES];
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_GCM_PARAMS params = gcm_params(nonce, aad);
	CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
	CK_ULONG len = plain.len + SEALING_TAG_BYTES, wanted = len;
	struct secret *sealed CLEANUP(secret_free) = secret_new(NULL, len);
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_FUNCTION_LIST *f = token_functions(t);
	CK_RV rv = find_one(t, id, &key);
	if (rv == CKR_OK && key == CK_INVALID_HANDLE)
		rv = CKR_KEY_HANDLE_INVALID;
	if (rv == CKR_OK)
		rv = f->C_EncryptInit(token_session(t), &mechanism, key);
	if (rv == CKR_OK)
		rv = f->C_Encrypt(token_session(t), plain_pointer(plain.data), plain.len, sealed->data, &len);
	token_worked(t);
	if (token_end(t, rv, "encrypt", e) < 0)
		return -1;
	if (len != wanted)
		return fail(e, E_KEY_STORE, "the token \"%s\" encrypted to an unexpected length", token_name(t));
	buf_add(out, nonce, sizeof(nonce));
	buf_add(out, sealed->data, len);
	return buf_check(out, e);
}

int
sealing_decrypt(struct token *t, const uint8_t id[SEALING_ID_BYTES], struct bytes aad, struct bytes sealed, struct secret **ret,
		struct error *e)
{
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	if (sealed.len < SEALING_NONCE_BYTES + SEALING_TAG_BYTES)
		return fail(e, E_KEY_STORE, "sealed data is too short");
	CK_GCM_PARAMS params = gcm_params(sealed.data, aad);
	CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
	CK_ULONG len = sealed.len; /* some modules want room for the tag */
	struct secret *plain CLEANUP(secret_free) = secret_new(NULL, len);
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_FUNCTION_LIST *f = token_functions(t);
	CK_RV rv = find_one(t, id, &key), opened = CKR_OK;
	bool found = rv == CKR_OK && key != CK_INVALID_HANDLE;
	if (found)
		rv = f->C_DecryptInit(token_session(t), &mechanism, key);
	if (found && rv == CKR_OK)
		opened = f->C_Decrypt(token_session(t), plain_pointer(sealed.data + SEALING_NONCE_BYTES), sealed.len - SEALING_NONCE_BYTES,
				      plain->data, &len);
	token_worked(t);
	/* Modules say in different ways that the tag is wrong: that is the data's fault, unless the token says that it is gone. */
	bool bad = opened == CKR_ENCRYPTED_DATA_INVALID || opened == CKR_ENCRYPTED_DATA_LEN_RANGE || opened == CKR_DATA_INVALID ||
	    opened == CKR_GENERAL_ERROR || opened == CKR_FUNCTION_FAILED;
	if (token_end(t, rv != CKR_OK ? rv : bad ? CKR_OK : opened, "decrypt", e) < 0)
		return -1;
	if (!found)
		return fail(e, E_NOT_FOUND, "the token \"%s\" doesn't hold the key that sealed this", token_name(t));
	if (bad)
		return fail(e, E_KEY_STORE, "sealed data doesn't open");
	*ret = secret_new(plain->data, len);
	return 0;
}
