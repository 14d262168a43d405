/* Secrets: made here or handed in, kept wrapped, handed out. What leaves is committed before: that it was handed out stands in the audit log,
 * and a secret for one delivery is gone then. */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "ca/manage/secret_wrap.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

#define NAME_MAX_BYTES 200

static const char *
context(struct arena *a, int64_t id, int64_t n)
{
	return arena_printf(a, "secret:%lld:%lld", (long long)id, (long long)n);
}

/* --- making --- */

struct recipe {
	const char *kind;
	const char *name, *alphabet; /* of a password: the name of the letters, and all of them */
	size_t least;                /* letters of a password that is worth the name */
	size_t length;               /* before it is read: what is taken when nothing is said; 0: by kind */
};

/* Letters of a password, each equally likely. */
static int
make_password(const struct recipe *r, struct secret **ret, struct error *e)
{
	size_t letters = strlen(r->alphabet), n = 0;
	struct secret *s CLEANUP(secret_free) = secret_new(NULL, r->length);
	while (n < r->length) {
		uint8_t octets[64];
		if (RAND_priv_bytes(octets, sizeof(octets)) != 1)
			return fail(e, E_INTERNAL, "no random numbers");
		for (size_t i = 0; i < sizeof(octets) && n < r->length; i++)
			if (octets[i] < 256 / letters * letters) /* beyond that the first letters would come more often */
				s->data[n++] = (unsigned char)r->alphabet[octets[i] % letters];
		OPENSSL_cleanse(octets, sizeof(octets));
	}
	*ret = TAKE(s);
	return 0;
}

static int
make_value(const struct recipe *r, struct secret **ret, struct error *e)
{
	if (strcmp(r->kind, "password") == 0 && r->length < r->least)
		return fail_at(e, E_BAD_VALUE, "length", "length: at least %zu letters of this alphabet are wanted", r->least);
	if (strcmp(r->kind, "password") == 0)
		return make_password(r, ret, e);
	struct secret *s CLEANUP(secret_free) = secret_new(NULL, r->length);
	if (RAND_priv_bytes(s->data, (int)r->length) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	*ret = TAKE(s);
	return 0;
}

static int
read_length(struct manage *m, struct recipe *r, struct error *e)
{
	static const struct {
		const char *name;
		size_t length;
	} algorithms[] = {{"aes128", 16}, {"aes192", 24}, {"aes256", 32}, {"hmac-sha256", 32}, {"hmac-sha512", 64}};
	bool symmetric = strcmp(r->kind, "symmetric") == 0, password = strcmp(r->kind, "password") == 0;
	const char *algorithm;
	int64_t length, usual = r->length ? (int64_t)r->length : symmetric ? 32 : 24;
	if (manage_text(m, "algorithm", 0, 32, &algorithm, e) < 0 ||
	    manage_int(m, "length", 0, password ? 4 : 1, password ? 256 : LIMIT_SECRET_BYTES, usual, &length, e) < 0)
		return -1;
	r->length = (size_t)length;
	if (!algorithm)
		return 0;
	for (size_t i = 0; symmetric && i < ARRAY_LEN(algorithms); i++)
		if (strcmp(algorithms[i].name, algorithm) == 0) {
			r->length = algorithms[i].length;
			return 0;
		}
	return fail_at(e, E_BAD_VALUE, "algorithm",
	               "algorithm: aes128, aes192, aes256, hmac-sha256 or hmac-sha512 is wanted, for kind symmetric alone");
}

static int
read_alphabet(struct manage *m, struct recipe *r, struct error *e)
{
	static const struct {
		const char *name, *letters;
		size_t least; /* about 60 bits; a PIN may have less where devices count tries */
	} alphabets[] = {
	    {"readable", "abcdefghijkmnpqrstuvwxyz23456789", 12},
	    {"letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 10},
	    {"all", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-./:;<=>?@[]_{|}~", 10},
	    {"digits", "0123456789", 4},
	};
	const char *name;
	if (manage_text(m, "alphabet", 0, 20, &name, e) < 0)
		return -1;
	name = name ? name : r->name;
	for (size_t i = 0; i < ARRAY_LEN(alphabets); i++)
		if (!name || strcmp(alphabets[i].name, name) == 0) {
			r->name = alphabets[i].name;
			r->alphabet = alphabets[i].letters;
			r->least = alphabets[i].least;
			return 0;
		}
	return fail_at(e, E_BAD_VALUE, "alphabet", "alphabet: readable, letters, all or digits is wanted");
}

/* A value that is handed in (base64), or one that is made. r says what it is like when the body doesn't, and then what it was. */
static int
read_value(struct manage *m, struct recipe *r, struct secret **ret, const char **ret_made, struct error *e)
{
	struct bytes value;
	if (manage_bytes(m, "value", 0, LIMIT_SECRET_BYTES, &value, e) < 0 || read_length(m, r, e) < 0 || read_alphabet(m, r, e) < 0)
		return -1;
	*ret_made = value.len ? "imported" : "generated";
	if (!value.len)
		return make_value(r, ret, e);
	*ret = secret_new(value.data, value.len);
	return 0;
}

static int
store_version(struct manage *m, int64_t id, int64_t n, const char *made, const struct secret *value, struct error *e)
{
	struct buf wrapped BUF_CLEANUP = BUF_INIT(LIMIT_SECRET_BYTES + HSM_SEAL_OVERHEAD);
	if (hsm_seal(m->desk->hsm, "", context(m->arena, id, n), value->data, value->len, &wrapped, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->tenant_id), DB_INT(n), DB_TEXT(made), DB_INT((int64_t)value->len),
	    DB_BYTES(wrapped.data, wrapped.len)};
	return db_query(m->desk->db,
	                "INSERT INTO secret_version (secret_id, tenant_id, n, made, length, wrapped) VALUES ($1::int8, $2::int, $3::int, "
	                "$4::text, $5::int, $6::bytea)",
	                row, ARRAY_LEN(row), false, NULL, e);
}

/* Which certificate it goes with; 0: none. */
static int
check_certificate(struct manage *m, int64_t id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->tenant_id)};
	if (!id)
		return 0;
	if (db_query(m->desk->db, "SELECT 1 FROM certificate WHERE tenant_id = $2::int AND id = $1::int8", row, 2, false, &r, e) < 0)
		return -1;
	return db_rows(r) ? 0 : fail_at(e, E_BAD_VALUE, "certificate", "certificate: there is none with this id");
}

static bool
one_of(const char *word, const char *a, const char *b, const char *c)
{
	return word && (strcmp(word, a) == 0 || strcmp(word, b) == 0 || (c && strcmp(word, c) == 0));
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct secret *value CLEANUP(secret_free) = NULL;
	const char *name, *kind, *delivery, *device, *made;
	int64_t certificate, days;
	struct ownership own;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 ||
	    manage_text(m, "kind", MANAGE_REQUIRED, 20, &kind, e) < 0 || manage_text(m, "delivery", 0, 10, &delivery, e) < 0 ||
	    manage_text(m, "device", 0, NAME_MAX_BYTES, &device, e) < 0 ||
	    manage_int(m, "certificate", 0, 1, INT64_MAX, 0, &certificate, e) < 0 ||
	    manage_int(m, "days", 0, 1, LIMIT_VALIDITY_DAYS, 0, &days, e) < 0 || manage_ownership(m, &own, e) < 0)
		return -1;
	if (!one_of(kind, "symmetric", "password", "data"))
		return fail_at(e, E_BAD_VALUE, "kind", "kind: symmetric, password or data is wanted");
	if (delivery && !one_of(delivery, "once", "many", NULL))
		return fail_at(e, E_BAD_VALUE, "delivery", "delivery: once or many is wanted");
	if (strcmp(kind, "data") == 0 && !manage_has(m, "value"))
		return fail_at(e, E_BAD_VALUE, "value", "value: data is handed in, as base64");
	struct recipe recipe = {.kind = kind};
	if (read_value(m, &recipe, &value, &made, e) < 0 || manage_body_end(m, e) < 0 || check_certificate(m, certificate, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name), DB_TEXT(kind), DB_TEXT(delivery ? delivery : "many"), DB_TEXT(device),
	    certificate ? DB_INT(certificate) : DB_NULL, days ? DB_INT(days) : DB_NULL, DB_TEXT(own.owner), DB_TEXT(own.metadata),
	        DB_TEXT(m->actor), DB_TEXT(strcmp(kind, "password") == 0 ? recipe.name : NULL)};
	if (db_query(m->desk->db,
	             "INSERT INTO secret (tenant_id, name, kind, delivery, device, certificate_id, expires_at, owner, metadata, requestor, "
	             "alphabet) "
	             "VALUES ($1::int, $2::text, $3::text, $4::text, $5::text, $6::int8, now() + make_interval(days => $7::int), $8::text, "
	             "$9::jsonb, $10::text, $11::text) "
	             "RETURNING id",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_taken(m, "name", "name: it is taken", e);
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "secret/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", name, "kind", kind, "made", made, "device", device ? device : "", NULL);
	return store_version(m, m->ret_id, 1, made, value, e);
}

/* --- looking --- */

struct found {
	const char *name, *kind, *alphabet;
	bool once, expired;
	int64_t current, length; /* of the newest version: its number, and its octets */
};

/* Locks the row. */
static int
find(struct manage *m, int64_t id, struct found *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->tenant_id), DB_INT(m->version)};
	if (db_query(m->desk->db,
	             "SELECT name, kind, delivery = 'once', coalesce(expires_at <= now(), false), current, $3::int IN (0, version), alphabet,"
	             " (SELECT v.length FROM secret_version v WHERE v.secret_id = s.id AND v.n = s.current)"
	             " FROM secret s WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such secret");
	if (!db_bool(r, 0, 5))
		return fail(e, E_PRECONDITION, "the secret was changed meanwhile");
	*ret = (struct found){.name = arena_strdup(m->arena, db_text(r, 0, 0)),
	                      .kind = arena_strdup(m->arena, db_text(r, 0, 1)),
	                      .once = db_bool(r, 0, 2),
	                      .expired = db_bool(r, 0, 3),
	                      .current = db_int(r, 0, 4),
	                      .alphabet = db_is_null(r, 0, 6) ? NULL : arena_strdup(m->arena, db_text(r, 0, 6)),
	                      .length = db_int(r, 0, 7)};
	m->object = arena_printf(m->arena, "secret/%lld", (long long)id);
	return 0;
}

static int
open_version(struct manage *m, int64_t id, int64_t n, struct secret **ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(n), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT wrapped FROM secret_version WHERE secret_id = $1::int8 AND n = $2::int AND tenant_id = $3::int",
	             row, 3, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_NOT_FOUND, "version", "version: the secret has none of this number");
	if (db_is_null(r, 0, 0))
		return fail(e, E_CONFLICT, "the secret was handed out, which could be done once, or destroyed: make a new version");
	return hsm_unseal(m->desk->hsm, context(m->arena, id, n), db_bytes(r, 0, 0, m->arena), ret, e);
}

/* That it was handed out; a version for one delivery is gone with that. */
static int
mark(struct manage *m, int64_t id, int64_t n, bool once, struct error *e)
{
	struct db_param row[] = {DB_INT(id), DB_INT(n), DB_TEXT(once ? "true" : "false")};
	return db_query(m->desk->db,
	                "UPDATE secret_version SET fetched = fetched + 1, last_fetched_at = now(), wrapped = CASE WHEN $3::boolean THEN "
	                "NULL ELSE wrapped END, destroyed_at = CASE WHEN $3::boolean THEN now() ELSE destroyed_at END WHERE secret_id = "
	                "$1::int8 AND n = $2::int",
	                row, ARRAY_LEN(row), false, NULL, e);
}

static void
put_base64(struct manage *m, const char *name, const void *data, size_t len)
{
	char *text = base64_encode(m->arena, (struct bytes){data, len});
	json_object_set_new(m->ret_result, name, json_string(text));
}

/* How it is dressed for delivery. */
static int
dress(struct manage *m, const char *format, int64_t kek, const char *recipient, const struct found *f, const struct secret *value, struct error *e)
{
	struct buf out BUF_CLEANUP = BUF_INIT(LIMIT_SECRET_BYTES * 2 + 8192);
	struct secret *key CLEANUP(secret_free) = NULL;
	struct found of_key;
	m->ret_result = json_pack("{s:s, s:s}", "kind", f->kind, "format", format);
	if (strcmp(format, "plain") == 0) {
		put_base64(m, "value", value->data, value->len);
		if (strcmp(f->kind, "password") == 0)
			json_object_set_new(m->ret_result, "text", json_stringn((const char *)value->data, value->len));
		return 0;
	}
	if (strcmp(format, "cms") == 0) {
		if (!recipient)
			return fail_at(e, E_BAD_VALUE, "recipient", "recipient: the certificate for which it is encrypted has to be there");
		if (secret_wrap_cms(m->arena, recipient, (struct bytes){value->data, value->len}, &out, e) < 0)
			return -1;
	} else {
		const char *object = m->object;
		if (!kek)
			return fail_at(e, E_BAD_VALUE, "kek", "kek: the id of the secret under which it is wrapped has to be there");
		m->version = 0;
		if (find(m, kek, &of_key, e) < 0 || open_version(m, kek, of_key.current, &key, e) < 0)
			return fail_at(e, e->code, "kek", "kek: %s", arena_strdup(m->arena, e->detail));
		m->object = object;
		if (of_key.once || of_key.expired || strcmp(of_key.kind, "symmetric") != 0)
			return fail_at(e, E_BAD_VALUE, "kek", "kek: a symmetric key that hasn't expired and isn't for one delivery is wanted");
		if (secret_wrap_aes(key, strcmp(format, "aes-kwp") == 0, value, &out, e) < 0)
			return -1;
	}
	put_base64(m, "value", out.data, out.len);
	return 0;
}

static int
fetch(struct manage *m, struct error *e)
{
	struct secret *value CLEANUP(secret_free) = NULL;
	const char *format, *recipient;
	int64_t version, kek;
	struct found f;
	if (manage_int(m, "number", 0, 1, INT32_MAX, 0, &version, e) < 0 || manage_text(m, "format", 0, 20, &format, e) < 0 ||
	    manage_int(m, "kek", 0, 1, INT64_MAX, 0, &kek, e) < 0 || manage_text(m, "recipient", 0, 0, &recipient, e) < 0 ||
	    manage_body_end(m, e) < 0)
		return -1;
	format = format ? format : "plain";
	if (!one_of(format, "plain", "cms", "aes-kw") && strcmp(format, "aes-kwp") != 0)
		return fail_at(e, E_BAD_VALUE, "format", "format: plain, cms, aes-kw (RFC 3394) or aes-kwp (RFC 5649) is wanted");
	if (find(m, m->id, &f, e) < 0)
		return -1;
	if (f.expired)
		return fail(e, E_CONFLICT, "the secret has expired");
	int64_t n = version ? version : f.current;
	if (open_version(m, m->id, n, &value, e) < 0 || dress(m, format, kek, recipient, &f, value, e) < 0)
		return -1;
	json_object_set_new(m->ret_result, "number", json_integer(n));
	m->detail = detail_text(m->arena, "name", f.name, "number", arena_printf(m->arena, "%lld", (long long)n), "format", format, NULL);
	return mark(m, m->id, n, f.once, e);
}

/* --- changing --- */

static int
update(struct manage *m, struct error *e)
{
	const char *name, *device;
	int64_t days;
	struct ownership own;
	struct found f;
	if (manage_text(m, "name", 0, NAME_MAX_BYTES, &name, e) < 0 || manage_text(m, "device", 0, NAME_MAX_BYTES, &device, e) < 0 ||
	    manage_int(m, "days", 0, 1, LIMIT_VALIDITY_DAYS, 0, &days, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0 ||
	    find(m, m->id, &f, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id),
	                         DB_TEXT(name),
	                         DB_TEXT(device),
	                         days ? DB_INT(days) : DB_NULL,
	                         DB_TEXT(own.has_owner ? "true" : "false"),
	                         DB_TEXT(own.owner),
	                         DB_TEXT(own.has_metadata ? "true" : "false"),
	                         DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE secret SET name = coalesce($2::text, name), device = coalesce($3::text, device),"
		     " expires_at = CASE WHEN $4::int IS NULL THEN expires_at ELSE now() + make_interval(days => $4::int) END, version = version + 1,"
		     " owner = CASE WHEN $5::boolean THEN $6::text ELSE owner END, metadata = CASE WHEN $7::boolean THEN $8::jsonb ELSE metadata END"
		     " WHERE id = $1::int8",
		     row, ARRAY_LEN(row), false, NULL, e) < 0)
		return manage_taken(m, "name", "name: it is taken", e);
	m->detail = detail_text(m->arena, "name", name ? name : f.name, NULL);
	return 0;
}

static int
rotate(struct manage *m, struct error *e)
{
	struct secret *value CLEANUP(secret_free) = NULL;
	const char *made;
	struct found f;
	if (find(m, m->id, &f, e) < 0)
		return -1;
	struct recipe recipe = {.kind = f.kind, .name = f.alphabet, .length = (size_t)f.length};
	if (strcmp(f.kind, "data") == 0 && !manage_has(m, "value"))
		return fail_at(e, E_BAD_VALUE, "value", "value: data is handed in, as base64");
	if (read_value(m, &recipe, &value, &made, e) < 0 || manage_body_end(m, e) < 0 || store_version(m, m->id, f.current + 1, made, value, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(strcmp(f.kind, "password") == 0 ? recipe.name : NULL)};
	m->detail = detail_text(m->arena, "name", f.name, "number", arena_printf(m->arena, "%lld", (long long)f.current + 1), "made", made, NULL);
	return db_query(m->desk->db, "UPDATE secret SET current = current + 1, version = version + 1, alphabet = $2::text WHERE id = $1::int8",
	    row, 2,
	                false, NULL, e);
}

static int
delete(struct manage *m, struct error *e)
{
	struct found f;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || find(m, m->id, &f, e) < 0)
		return -1;
	m->detail = detail_text(m->arena, "name", f.name, NULL);
	return db_query(m->desk->db, "DELETE FROM secret WHERE id = $1::int8", row, 1, false, NULL, e);
}

extern const struct manage_op manage_secret[];
const struct manage_op manage_secret[] = {
    {"secret.create", "secret.created", RIGHT_SECRETS, MANAGE_KEYS | MANAGE_NEVER_WAITS, create},
    {"secret.update", "secret.changed", RIGHT_SECRETS, 0, update},
    {"secret.rotate", "secret.rotated", RIGHT_SECRETS, MANAGE_KEYS | MANAGE_NEVER_WAITS, rotate},
    {"secret.fetch", "secret.fetched", RIGHT_SECRETS_TAKE, MANAGE_KEYS | MANAGE_NEVER_WAITS, fetch},
    {"secret.delete", "secret.deleted", RIGHT_SECRETS, 0, delete},
    {0},
};
