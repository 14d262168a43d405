/* hsm_seal() and what belongs to it. A blob is: "S", format 1, kind of store, length of its name, the name, id of the key (12 octets on a
 * token, 8 of a master key), then what the store made. All before that is authenticated together with the context. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hsm/sealing.h"
#include "hsm/stores.h"
#include "lib/seal.h"

#define MAGIC 'S'
#define FORMAT 1
enum { BLOB_TOKEN = 1, BLOB_FILES = 2 };

struct head {
	int kind;
	char name[HSM_NAME_BYTES];
	const uint8_t *id;
	size_t len; /* of the head as a whole */
};

static void
put_head(struct buf *out, int kind, const char *name, const uint8_t *id, size_t id_len)
{
	buf_add_byte(out, MAGIC);
	buf_add_byte(out, FORMAT);
	buf_add_byte(out, (uint8_t)kind);
	buf_add_byte(out, (uint8_t)strlen(name));
	buf_add_str(out, name);
	buf_add(out, id, id_len);
}

static int
get_head(struct bytes sealed, struct head *ret, struct error *e)
{
	if (sealed.len < 4 || sealed.data[0] != MAGIC || sealed.data[1] != FORMAT ||
	    (sealed.data[2] != BLOB_TOKEN && sealed.data[2] != BLOB_FILES) || sealed.data[3] >= sizeof(ret->name))
		return fail(e, E_KEY_STORE, "this wasn't sealed here");
	size_t name = sealed.data[3], id = sealed.data[2] == BLOB_TOKEN ? SEALING_ID_BYTES : MASTER_ID_BYTES;
	if (sealed.len < 4 + name + id || memchr(sealed.data + 4, '\0', name))
		return fail(e, E_KEY_STORE, "this wasn't sealed here");
	ret->kind = sealed.data[2];
	memcpy(ret->name, sealed.data + 4, name);
	ret->name[name] = '\0';
	ret->id = sealed.data + 4 + name;
	ret->len = 4 + name + id;
	return 0;
}

/* What is authenticated: the head and the context. */
static void
put_aad(struct buf *out, struct bytes head, const char *context)
{
	buf_add(out, head.data, head.len);
	buf_add_str(out, context);
}

/* lib/seal.h takes text. */
static void
put_text(struct buf *out, struct bytes head, const char *context)
{
	for (size_t i = 0; i < head.len; i++)
		buf_printf(out, "%02x", head.data[i]);
	buf_add_str(out, ":");
	buf_add_str(out, context);
	buf_add_byte(out, 0);
}

static int
seal_on(struct token *t, const char *context, struct bytes plain, struct buf *out, struct error *e)
{
	uint8_t id[SEALING_ID_BYTES];
	struct buf head BUF_CLEANUP = BUF_INIT(HSM_SEAL_OVERHEAD), aad BUF_CLEANUP = BUF_INIT(HSM_SEAL_OVERHEAD + 512);
	if (sealing_key(t, id, e) < 0)
		return -1;
	put_head(&head, BLOB_TOKEN, token_name(t), id, sizeof(id));
	put_aad(&aad, (struct bytes){head.data, head.len}, context);
	if (buf_check(&aad, e) < 0)
		return -1;
	buf_add(out, head.data, head.len);
	return sealing_encrypt(t, id, (struct bytes){aad.data, aad.len}, plain, out, e);
}

static int
seal_files(struct hsm *h, const char *context, struct bytes plain, struct buf *out, struct error *e)
{
	struct buf head BUF_CLEANUP = BUF_INIT(HSM_SEAL_OVERHEAD), text BUF_CLEANUP = BUF_INIT(2 * HSM_SEAL_OVERHEAD + 512);
	if (stores_open_files(h, e) < 0)
		return -1;
	put_head(&head, BLOB_FILES, HSM_FILE_STORE, h->master->keys[0].id, MASTER_ID_BYTES);
	put_text(&text, (struct bytes){head.data, head.len}, context);
	if (buf_check(&text, e) < 0)
		return -1;
	buf_add(out, head.data, head.len);
	return seal(h->master->keys[0].key, (const char *)text.data, plain.data, plain.len, out, e);
}

/* The token that seals for that name; NULL: the files. */
static int
choose(const struct hsm *h, const char *store, struct token **ret, struct error *e)
{
	*ret = NULL;
	if (strcmp(store, HSM_FILE_STORE) == 0)
		return 0;
	*ret = *store ? stores_token(h, store) : h->n_tokens ? h->tokens[0] : NULL;
	return *ret || !*store ? 0 : fail(e, E_BAD_VALUE, "there is no key store \"%s\"", store);
}

int
hsm_seal(struct hsm *h, const char *store, const char *context, const void *plain, size_t len, struct buf *out, struct error *e)
{
	struct token *t;
	struct bytes data = {plain, len};
	if (len > HSM_SEAL_MAX)
		return fail(e, E_TOO_LARGE, "a secret has at most %d bytes", HSM_SEAL_MAX);
	if (choose(h, store, &t, e) < 0)
		return -1;
	if (t && seal_on(t, context, data, out, e) == 0)
		return 0;
	if (t && (*store || !h->master_text || e->code != E_UNSUPPORTED))
		return -1;
	return seal_files(h, context, data, out, e);
}

/* By its name; a token that was named anew since is found by its key. */
static int
unseal_on(const struct hsm *h, const struct head *head, struct bytes aad, struct bytes rest, struct secret **ret, struct error *e)
{
	struct token *named = stores_token(h, head->name);
	if (named)
		return sealing_decrypt(named, head->id, aad, rest, ret, e);
	(void)fail(e, E_KEY_STORE, "this was sealed by the token \"%s\", which isn't there", head->name);
	for (size_t i = 0; i < h->n_tokens; i++) {
		struct error other;
		if (sealing_decrypt(h->tokens[i], head->id, aad, rest, ret, &other) == 0)
			return 0;
		if (other.code != E_NOT_FOUND)
			*e = other;
	}
	return -1;
}

int
hsm_unseal(struct hsm *h, const char *context, struct bytes sealed, struct secret **ret, struct error *e)
{
	struct head head;
	struct buf aad BUF_CLEANUP = BUF_INIT(2 * HSM_SEAL_OVERHEAD + 512);
	if (get_head(sealed, &head, e) < 0)
		return -1;
	struct bytes whole = {sealed.data, head.len}, rest = {sealed.data + head.len, sealed.len - head.len};
	if (head.kind == BLOB_TOKEN) {
		put_aad(&aad, whole, context);
		return buf_check(&aad, e) < 0 ? -1 : unseal_on(h, &head, (struct bytes){aad.data, aad.len}, rest, ret, e);
	}
	put_text(&aad, whole, context);
	if (buf_check(&aad, e) < 0 || stores_open_files(h, e) < 0)
		return -1;
	for (size_t i = 0; i < h->master->n; i++)
		if (memcmp(h->master->keys[i].id, head.id, MASTER_ID_BYTES) == 0)
			return seal_open(h->master->keys[i].key, (const char *)aad.data, rest, ret, e);
	return fail(e, E_KEY_STORE, "this was sealed with a master key that [ca] master_key doesn't name");
}

int
hsm_seal_rotate(struct hsm *h, const char *store, struct error *e)
{
	struct token *t;
	if (choose(h, store, &t, e) < 0)
		return -1;
	return t ? sealing_key_rotate(t, e) : fail(e, E_UNSUPPORTED, "the master key of the encrypted key store is set in [ca] master_key");
}

int
hsm_seal_current(struct hsm *h, const char *store, struct bytes sealed, bool *ret, struct error *e)
{
	struct token *t;
	struct head head;
	uint8_t id[SEALING_ID_BYTES];
	if (get_head(sealed, &head, e) < 0 || choose(h, store, &t, e) < 0)
		return -1;
	if (t && sealing_key(t, id, e) == 0) {
		*ret = head.kind == BLOB_TOKEN && strcmp(head.name, token_name(t)) == 0 && memcmp(head.id, id, sizeof(id)) == 0;
		return 0;
	}
	if (t && (*store || !h->master_text || e->code != E_UNSUPPORTED))
		return -1;
	if (stores_open_files(h, e) < 0)
		return -1;
	*ret = head.kind == BLOB_FILES && memcmp(head.id, h->master->keys[0].id, MASTER_ID_BYTES) == 0;
	return 0;
}
