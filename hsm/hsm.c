#include "hsm/hsm.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hsm/filestore.h"
#include "hsm/object.h"
#include "hsm/provider.h"
#include "hsm/source.h"
#include "hsm/stores.h"
#include "lib/limits.h"

#define FILES_PAUSE_US 1000000
#define SUSPECT_PAUSE_FIRST_US 1000000
#define SUSPECT_PAUSE_LONGEST_US 300000000
#define SUSPECT_TOGETHER_US 60000000 /* two keys that turn bad within this are the token's fault */

static int64_t
clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- the configuration --- */

static int
add_token(struct hsm *h, struct token *t, struct error *e)
{
	if (stores_token(h, token_name(t)) || strcmp(token_name(t), HSM_FILE_STORE) == 0) {
		(void)fail(e, E_BAD_VALUE, "[ca] tokens: two stores have the name \"%s\"; name one of them by its serial alone", token_name(t));
		token_free(t);
		return -1;
	}
	h->tokens[h->n_tokens++] = t;
	return 0;
}

static int
add_uris(struct hsm *h, const char *text, struct error *e)
{
	char uri[1024];
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		struct token *t = NULL;
		size_t len = strcspn(text, " \t");
		if (len >= sizeof(uri) || h->n_tokens == BOARD_STORES)
			return fail(e, E_BAD_VALUE, "[ca] tokens: at most %d tokens, each URI of at most %zu bytes", BOARD_STORES, sizeof(uri) - 1);
		memcpy(uri, text, len);
		uri[len] = '\0';
		text += len;
		if (token_new(uri, (unsigned)h->n_tokens, &t, e) < 0 || add_token(h, t, e) < 0)
			return -1;
	}
	return 0;
}

static int
read_config(const struct config *c, struct hsm *h, struct error *e)
{
	const char *module = config_str(c, OPT_ca_pkcs11_module), *pin = config_str(c, OPT_ca_pin_file);
	const char *key_file = config_str(c, OPT_ca_master_key_file), *master = config_str(c, OPT_ca_master_key);
	struct token *t = NULL;
	h->key_dir = config_str(c, OPT_ca_key_dir);
	board_set_call_ms((int)config_int(c, OPT_ca_token_call_ms));
	if (*module && !*pin)
		return fail(e, E_BAD_VALUE, "[ca]: pin_file must be set with pkcs11_module");
	if (*module && (token_new_plain(module, config_str(c, OPT_ca_token_label), pin, 0, &t, e) < 0 || add_token(h, t, e) < 0))
		return -1;
	h->plain_first = *module != '\0';
	if (add_uris(h, config_str(c, OPT_ca_tokens), e) < 0)
		return -1;
	if (*key_file && *master)
		return fail(e, E_BAD_VALUE, "[ca]: master_key and master_key_file are both set; write master_key = key:%s …", key_file);
	if (*key_file) {
		size_t size = strlen(key_file) + 5;
		h->master_text = xcalloc(1, size);
		snprintf(h->master_text, size, "key:%s", key_file);
	} else if (*master) {
		h->master_text = xstrdup(master);
	}
	if (h->master_text && master_check(h->master_text, e) < 0)
		return -1;
	if (h->n_tokens == 0 && !h->master_text)
		return fail(e, E_BAD_VALUE, "[ca]: pkcs11_module, tokens or master_key must be set: there is nowhere to keep keys");
	if (h->n_tokens == 0 && strstr(h->master_text, "sealed:"))
		return fail(e, E_BAD_VALUE, "[ca] master_key: sealed: needs a token");
	return 0;
}

int
hsm_check(const struct config *c, struct error *e)
{
	struct hsm *h CLEANUP(hsm_close) = xcalloc(1, sizeof(*h));
	return read_config(c, h, e);
}

int
hsm_open(const struct config *c, struct hsm **ret, struct error *e)
{
	struct hsm *h CLEANUP(hsm_close) = xcalloc(1, sizeof(*h));
	struct error away;
	if (read_config(c, h, e) < 0)
		return -1;
	for (size_t i = 0; i < h->n_tokens; i++)
		(void)!token_ready(h->tokens[i], &away);
	if (h->master_text)
		(void)!stores_open_files(h, &away);
	*ret = TAKE(h);
	return 0;
}

void
hsm_close(struct hsm *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_tokens; i++)
		token_free(h->tokens[i]);
	master_free(h->master);
	free(h->master_text);
	free(h->suspects);
	free(h);
}

/* --- stores --- */

struct token *
stores_token(const struct hsm *h, const char *name)
{
	for (size_t i = 0; i < h->n_tokens; i++)
		if (strcmp(token_name(h->tokens[i]), name) == 0)
			return h->tokens[i];
	return NULL;
}

static int
seal_master(void *arg, const char *context, struct bytes plain, struct buf *out, struct error *e)
{
	struct hsm *h = arg;
	return hsm_seal(h, token_name(h->tokens[0]), context, plain.data, plain.len, out, e);
}

static int
unseal_master(void *arg, const char *context, struct bytes sealed, struct secret **ret, struct error *e)
{
	return hsm_unseal(arg, context, sealed, ret, e);
}

int
stores_open_files(struct hsm *h, struct error *e)
{
	const struct master_seal seal = {seal_master, unseal_master, h};
	if (h->master)
		return 0;
	if (!h->master_text)
		return fail(e, E_KEY_STORE, "there is no encrypted key store: [ca] master_key isn't set");
	if (clock_us() < h->files_retry_us) {
		*e = h->files_why;
		return -1;
	}
	if (master_open(h->master_text, h->key_dir, &seal, &h->master, e) == 0)
		return 0;
	e->code = E_KEY_STORE;
	if (e->retry_after_sec == 0)
		e->retry_after_sec = 2;
	h->files_why = *e;
	h->files_retry_us = clock_us() + FILES_PAUSE_US;
	return -1;
}

/* Where a key is. token NULL: in the file of that name. */
struct place {
	struct token *token;
	uint8_t id[OBJECT_ID_BYTES];
	size_t id_len;
	const char *file;
};

static int
place_of_uri(const struct hsm *h, const char *ref, struct place *ret, struct error *e)
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_ATTRIBUTE *id = NULL;
	if (p11_kit_uri_parse(ref, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri) == P11_KIT_URI_OK)
		id = p11_kit_uri_get_attribute(uri, CKA_ID);
	for (size_t i = 0; id && !ret->token && i < h->n_tokens; i++)
		if (token_is(h->tokens[i], uri))
			ret->token = h->tokens[i];
	bool good = id && id->ulValueLen > 0 && id->ulValueLen <= sizeof(ret->id);
	if (good) {
		memcpy(ret->id, id->pValue, id->ulValueLen);
		ret->id_len = id->ulValueLen;
	}
	p11_kit_uri_free(uri);
	if (!good)
		return fail(e, E_KEY_STORE, "unknown kind of key reference");
	return ret->token ? 0 : fail(e, E_KEY_STORE, "the key is on a token that isn't named in [ca] tokens");
}

static int
place_of(const struct hsm *h, const char *ref, struct place *ret, struct error *e)
{
	*ret = (struct place){.token = NULL};
	if (strncmp(ref, "file:", 5) == 0) {
		ret->file = ref + 5;
		return 0;
	}
	if (strncmp(ref, "pkcs11:", 7) == 0)
		return place_of_uri(h, ref, ret, e);
	if (strncmp(ref, "token:", 6) != 0 || OPENSSL_hexstr2buf_ex(ret->id, sizeof(ret->id), &ret->id_len, ref + 6, '\0') != 1)
		return fail(e, E_KEY_STORE, "unknown kind of key reference");
	if (h->n_tokens == 0)
		return fail(e, E_KEY_STORE, "the key is on a token, but [ca] pkcs11_module isn't set");
	ret->token = h->tokens[0];
	return 0;
}

/* The reference of a key on a token. */
static int
make_ref(const struct hsm *h, const struct token *t, uint8_t *id, char *ret, struct error *e)
{
	const CK_TOKEN_INFO *info = token_info(t);
	CK_ATTRIBUTE a = {CKA_ID, id, OBJECT_ID_BYTES};
	char *text = NULL;
	if (t == h->tokens[0] && h->plain_first) {
		snprintf(ret, HSM_REF_BYTES, "token:");
		for (size_t i = 0; i < OBJECT_ID_BYTES; i++)
			snprintf(ret + 6 + 2 * i, 3, "%02X", id[i]);
		return 0;
	}
	P11KitUri *uri = p11_kit_uri_new();
	CK_TOKEN_INFO *in_uri = p11_kit_uri_get_token_info(uri);
	memcpy(in_uri->label, info->label, sizeof(in_uri->label));
	memcpy(in_uri->serialNumber, info->serialNumber, sizeof(in_uri->serialNumber));
	p11_kit_uri_set_attribute(uri, &a);
	int rc = p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text);
	bool good = rc == P11_KIT_URI_OK && text && strlen(text) < HSM_REF_BYTES;
	if (good)
		snprintf(ret, HSM_REF_BYTES, "%s", text);
	free(text);
	p11_kit_uri_free(uri);
	return good ? 0 : fail(e, E_INTERNAL, "the reference of a key can't be written");
}

int
hsm_ready(struct hsm *h, const char *ref, struct error *e)
{
	struct place p;
	if (hsm_rests(h, ref, e) < 0 || place_of(h, ref, &p, e) < 0)
		return -1;
	return p.token ? token_ready(p.token, e) : stores_open_files(h, e);
}

/* --- keys whose signatures don't verify --- */

static struct suspect *
find_suspect(const struct hsm *h, const char *ref)
{
	for (size_t i = 0; i < h->n_suspects; i++)
		if (strcmp(h->suspects[i].ref, ref) == 0)
			return &h->suspects[i];
	return NULL;
}

static struct suspect *
add_suspect(struct hsm *h, const char *ref, const struct token *token, int64_t now)
{
	h->suspects = xrealloc(h->suspects, (h->n_suspects + 1) * sizeof(*h->suspects));
	struct suspect *s = &h->suspects[h->n_suspects++];
	*s = (struct suspect){.token = token, .since_us = now};
	snprintf(s->ref, sizeof(s->ref), "%s", ref);
	return s;
}

/* Another key of the token turned bad lately, too. One of which that has been known for longer says nothing of the token. */
static bool
falls_in(const struct hsm *h, const struct suspect *s, int64_t now)
{
	for (size_t i = 0; i < h->n_suspects; i++) {
		const struct suspect *other = &h->suspects[i];
		if (other != s && other->token == s->token && now - other->since_us < SUSPECT_TOGETHER_US)
			return true;
	}
	return false;
}

void
hsm_distrust(struct hsm *h, const char *ref)
{
	struct place p;
	struct error e;
	int64_t now = clock_us(), pause = SUSPECT_PAUSE_FIRST_US;
	if (place_of(h, ref, &p, &e) < 0)
		return;
	struct suspect *s = find_suspect(h, ref);
	if (!s)
		s = add_suspect(h, ref, p.token, now);
	for (unsigned i = 0; i < s->failures && pause < SUSPECT_PAUSE_LONGEST_US; i++)
		pause *= 2;
	s->failures++;
	s->until_us = now + (pause < SUSPECT_PAUSE_LONGEST_US ? pause : SUSPECT_PAUSE_LONGEST_US);
	if (p.token && s->failures == 1 && falls_in(h, s, now))
		token_distrust(p.token, "gave signatures of two keys that don't verify");
}

void
hsm_trust(struct hsm *h, const char *ref)
{
	struct suspect *s = h->n_suspects ? find_suspect(h, ref) : NULL;
	if (s)
		*s = h->suspects[--h->n_suspects];
}

int
hsm_rests(const struct hsm *h, const char *ref, struct error *e)
{
	const struct suspect *s = h->n_suspects ? find_suspect(h, ref) : NULL;
	int64_t left = s ? s->until_us - clock_us() : 0;
	if (left <= 0)
		return 0;
	(void)fail(e, E_KEY_STORE, "the key store gave a signature with this key that doesn't verify: the key rests");
	e->retry_after_sec = (unsigned)(left / 1000000) + 1;
	return -1;
}

/* --- keys --- */

int
hsm_key_load(struct hsm *h, const char *ref, EVP_PKEY *expected, EVP_PKEY **ret, struct error *e)
{
	struct place p;
	CK_OBJECT_HANDLE handle;
	EVP_PKEY *key = NULL;
	if (place_of(h, ref, &p, e) < 0)
		return -1;
	if (p.token) {
		struct bytes id = {p.id, p.id_len};
		return object_find(p.token, id, expected, &handle, e) < 0 ? -1 : provider_key(p.token, id, expected, handle, ret, e);
	}
	if (stores_open_files(h, e) < 0 || filestore_load(h->key_dir, p.file, h->master, &key, e) < 0)
		return -1;
	if (EVP_PKEY_eq(key, expected) != 1) {
		EVP_PKEY_free(key);
		return fail(e, E_KEY_STORE, "the key that the store gave isn't that of the certificate");
	}
	*ret = key;
	return 0;
}

static int
new_file_name(char ret[2 * OBJECT_ID_BYTES + 1], struct error *e)
{
	uint8_t id[OBJECT_ID_BYTES];
	if (RAND_bytes(id, sizeof(id)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
	return 0;
}

static int
save_file(struct hsm *h, EVP_PKEY *key, char *ret_ref, struct error *e)
{
	char name[2 * OBJECT_ID_BYTES + 1];
	if (stores_open_files(h, e) < 0 || new_file_name(name, e) < 0 || filestore_save(h->key_dir, name, h->master, key, e) < 0)
		return -1;
	snprintf(ret_ref, HSM_REF_BYTES, "file:%s", name);
	return 0;
}

/* The token that is named, or NULL for the files. */
static int
choose(struct hsm *h, const char *store, struct token **ret, struct error *e)
{
	*ret = NULL;
	if (strcmp(store, HSM_FILE_STORE) == 0)
		return h->master_text ? 0 : fail(e, E_BAD_VALUE, "there is no encrypted key store: [ca] master_key isn't set");
	*ret = *store ? stores_token(h, store) : h->n_tokens ? h->tokens[0] : NULL;
	return *ret || !*store ? 0 : fail(e, E_BAD_VALUE, "there is no key store \"%s\"", store);
}

/* What a token lacks the files take, when nobody named a store. A token that is away is no reason to use them. */
static bool
files_instead(const struct hsm *h, const char *store, const struct error *e)
{
	return !*store && h->master_text && e->code == E_UNSUPPORTED;
}

static int
fits(struct token *t, const struct keytype *type, struct error *e)
{
	if (token_ready(t, e) < 0)
		return -1;
	return object_type_fits(t, type) ? 0 : fail(e, E_UNSUPPORTED, "the token \"%s\" can't hold a %s key", token_name(t), type->name);
}

static int
generate_on(struct hsm *h, struct token *t, const struct keytype *type, const char *label, char *ret_ref, EVP_PKEY **ret, struct error *e)
{
	uint8_t id[OBJECT_ID_BYTES];
	EVP_PKEY *public = NULL;
	if (fits(t, type, e) < 0 || object_generate(t, type, label, id, &public, e) < 0)
		return -1;
	int rc = make_ref(h, t, id, ret_ref, e) < 0 ? -1 : provider_key(t, (struct bytes){id, sizeof(id)}, public, CK_INVALID_HANDLE, ret, e);
	EVP_PKEY_free(public);
	return rc;
}

int
hsm_key_generate(struct hsm *h, const char *store, const struct keytype *t, const char *label, char *ret_ref, EVP_PKEY **ret, struct error *e)
{
	struct token *token;
	EVP_PKEY *key = NULL;
	if (keytype_check(t, e) < 0 || choose(h, store, &token, e) < 0)
		return -1;
	if (token) {
		if (generate_on(h, token, t, label, ret_ref, ret, e) == 0)
			return 0;
		if (!files_instead(h, store, e))
			return -1;
	}
	if (stores_open_files(h, e) < 0 || keytype_generate(t, &key, e) < 0)
		return -1;
	if (save_file(h, key, ret_ref, e) < 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	*ret = key;
	return 0;
}

int
hsm_key_import(struct hsm *h, const char *store, EVP_PKEY *key, const struct keytype *t, const char *label, char *ret_ref, struct error *e)
{
	struct token *token;
	uint8_t id[OBJECT_ID_BYTES];
	if (choose(h, store, &token, e) < 0)
		return -1;
	if (token) {
		if (fits(token, t, e) == 0 && object_import(token, key, t, label, id, e) == 0)
			return make_ref(h, token, id, ret_ref, e);
		if (!files_instead(h, store, e))
			return -1;
	}
	return save_file(h, key, ret_ref, e);
}

int
hsm_key_delete(struct hsm *h, const char *ref, EVP_PKEY *expected, struct error *e)
{
	struct place p;
	EVP_PKEY *key = NULL;
	if (place_of(h, ref, &p, e) < 0)
		return -1;
	if (p.token)
		return object_delete(p.token, (struct bytes){p.id, p.id_len}, expected, e);
	if (stores_open_files(h, e) < 0)
		return -1;
	/* What can be opened must be the key that is meant; what can't is gone already, or nobody's any more. */
	if (filestore_load(h->key_dir, p.file, h->master, &key, e) == 0) {
		bool same = EVP_PKEY_eq(key, expected) == 1;
		EVP_PKEY_free(key);
		if (!same)
			return fail(e, E_KEY_STORE, "the key that the store gave isn't that of the certificate");
	}
	return filestore_delete(h->key_dir, p.file, e);
}

/* --- the stores' state --- */

static void
field(const unsigned char *in, size_t len, char *ret)
{
	while (len > 0 && (in[len - 1] == ' ' || in[len - 1] == '\0'))
		len--;
	memcpy(ret, in, len);
	ret[len] = '\0';
}

static void
list_types(struct token *t, char *ret, size_t size)
{
	const struct keytype *type;
	struct error e;
	size_t used = 0;
	for (size_t i = 0; (type = keytype_at(i)) != NULL; i++) {
		if (t ? !object_type_fits(t, type) : keytype_available(type, &e) < 0)
			continue;
		if (keytype_check(type, &e) < 0 || used + strlen(type->name) + 2 > size)
			continue;
		used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? " " : "", type->name);
	}
}

static void
describe_token(struct token *t, struct hsm_store *ret)
{
	struct error e;
	CK_TOKEN_INFO now;
	const CK_TOKEN_INFO *info;
	ret->kind = HSM_TOKEN;
	ret->sessions = ret->sessions_max = -1;
	snprintf(ret->name, sizeof(ret->name), "%s", token_name(t));
	ret->usable = token_ready(t, &e) == 0;
	if (ret->usable && token_begin(t, TOKEN_CALL_MS, &e) == 0) {
		CK_RV rv = token_functions(t)->C_GetTokenInfo(token_slot(t), &now);
		ret->usable = token_end(t, rv, "tell its state", &e) == 0;
		if (ret->usable && now.ulSessionCount != CK_UNAVAILABLE_INFORMATION)
			ret->sessions = (long)now.ulSessionCount;
		if (ret->usable && now.ulMaxSessionCount != CK_UNAVAILABLE_INFORMATION && now.ulMaxSessionCount != CK_EFFECTIVELY_INFINITE)
			ret->sessions_max = (long)now.ulMaxSessionCount;
	}
	if (ret->usable)
		list_types(t, ret->key_types, sizeof(ret->key_types));
	else
		snprintf(ret->why, sizeof(ret->why), "%s", e.detail);
	info = token_info(t);
	ret->present = info != NULL;
	if (info) {
		field(info->label, sizeof(info->label), ret->label);
		field(info->serialNumber, sizeof(info->serialNumber), ret->serial);
		field(info->manufacturerID, sizeof(info->manufacturerID), ret->manufacturer);
		field(info->model, sizeof(info->model), ret->model);
	}
}

static void
describe_files(struct hsm *h, struct hsm_store *ret)
{
	struct error e;
	ret->kind = HSM_FILES;
	ret->sessions = ret->sessions_max = -1;
	snprintf(ret->name, sizeof(ret->name), HSM_FILE_STORE);
	ret->present = access(h->key_dir, W_OK) == 0;
	ret->usable = stores_open_files(h, &e) == 0 && ret->present;
	if (ret->usable)
		list_types(NULL, ret->key_types, sizeof(ret->key_types));
	else
		snprintf(ret->why, sizeof(ret->why), "%s", h->master ? "the key folder isn't there, or can't be written" : e.detail);
}

static size_t
count(const struct hsm *h)
{
	return h->n_tokens + (h->master_text != NULL);
}

static void
describe(struct hsm *h, size_t i, struct hsm_store *ret)
{
	*ret = (struct hsm_store){.is_default = i == 0};
	if (i < h->n_tokens)
		describe_token(h->tokens[i], ret);
	else
		describe_files(h, ret);
}

size_t
hsm_stores(struct hsm *h, struct hsm_store *ret, size_t max)
{
	size_t n = count(h) < max ? count(h) : max;
	for (size_t i = 0; i < n; i++)
		describe(h, i, &ret[i]);
	return n;
}

bool
hsm_usable(const struct hsm *h)
{
	for (size_t i = 0; i < h->n_tokens; i++)
		if (!token_is_open(h->tokens[i]))
			return false;
	return !h->master_text || h->master;
}

bool
hsm_tend(struct hsm *h, struct hsm_store *ret)
{
	struct error e;
	for (size_t i = 0; i < count(h); i++) {
		bool usable = i < h->n_tokens ? token_ready(h->tokens[i], &e) == 0 : stores_open_files(h, &e) == 0;
		if (h->told[i] && h->usable[i] == usable)
			continue;
		h->told[i] = true;
		h->usable[i] = usable;
		describe(h, i, ret);
		return true;
	}
	return false;
}
