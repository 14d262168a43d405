/* One-time codes for the doors of the enrolment protocols: of 160 random bits, shown once, stored as their hash; sealed as well where something has
 * to be opened with them (SCEP's PasswordRecipientInfo). */
#include <openssl/evp.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "lib/x509/names.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "lib/x509/dn.h"

#define LABEL_MAX_BYTES 64
#define SECRET_BYTES 20
#define CODE_HOURS 24

struct form {
	int64_t endpoint_id; /* 0: all of the tenant's */
	const char *door;    /* "est/line1"; "" with endpoint_id 0 */
	bool sealed;
	const char *common_name, *serial_number, *names; /* NULL: not said; names one a line */
	int64_t hours, count;
	struct ownership own;
};

/* The door by its name, of one protocol. */
static int
read_door(struct manage *m, const char *member, const char *protocol, struct form *f, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *label;
	if (manage_text(m, member, 0, LABEL_MAX_BYTES, &label, e) < 0)
		return -1;
	if (!label)
		return 0;
	if (f->endpoint_id)
		return fail_at(e, E_BAD_VALUE, member,
			       "%s: a code is for one EST label or one SCEP profile, or without either for all that take codes", member);
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(protocol), DB_TEXT(label)};
	if (db_query(m->desk->db, "SELECT id, 'code' = ANY (auth) OR 'both' = ANY (auth) FROM endpoint WHERE tenant_id = $1::int"
		     " AND protocol = $2::text AND label = $3::text",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, member, "%s: there is none of this name", member);
	if (!db_bool(r, 0, 1))
		return fail_at(e, E_BAD_VALUE, member, "%s: its auth doesn't take codes", member);
	f->endpoint_id = db_int(r, 0, 0);
	f->door = arena_printf(m->arena, "%s/%s", protocol, label);
	f->sealed = strcmp(protocol, "scep") == 0;
	return 0;
}

static int
read_subject(struct manage *m, const char *member, const char *type, const char **ret, struct error *e)
{
	struct error why;
	struct dn_value value = {dn_type_by_name(type), NULL};
	if (manage_text(m, member, 0, LIMIT_SAN_BYTES, ret, e) < 0)
		return -1;
	value.value = *ret;
	return *ret && dn_check(&value, &why) < 0 ? fail_at(e, E_BAD_VALUE, member, "%s: %s", member, why.detail) : 0;
}

/* "dns:a.example", brought into the form in which a request's names are compared. */
static int
read_name(struct manage *m, const json_t *item, size_t place, struct buf *out, struct error *e)
{
	const char *text = json_string_value(item), *colon = text ? strchr(text, ':') : NULL;
	struct name name;
	for (int kind = 0; colon && kind < NAME_KIND_COUNT; kind++) {
		const char *word = name_kind_word((enum name_kind)kind);
		if (strlen(word) != (size_t)(colon - text) || strncmp(word, text, strlen(word)) != 0)
			continue;
		if (name_make(m->arena, (enum name_kind)kind, colon + 1, strlen(colon + 1), true, &name, e) < 0)
			return fail_again(e, E_BAD_VALUE, arena_printf(m->arena, "names/%zu", place));
		buf_printf(out, "%s%s:%s", out->len ? "\n" : "", word, name.text);
		return 0;
	}
	return manage_text_refused(m, "names", item, place, "has to begin with its kind, such as dns:", e);
}

static int
read_names(struct manage *m, const char **ret, struct error *e)
{
	struct buf text BUF_CLEANUP = BUF_INIT(LIMIT_SAN_COUNT * (LIMIT_SAN_BYTES + 16));
	json_t *list, *item;
	size_t i;
	if (manage_array(m, "names", 0, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	if (json_array_size(list) > LIMIT_SAN_COUNT)
		return fail_at(e, E_BAD_VALUE, "names", "names: over %d", LIMIT_SAN_COUNT);
	json_array_foreach(list, i, item)
		if (read_name(m, item, i, &text, e) < 0)
			return -1;
	*ret = arena_strndup(m->arena, text.data ? (const char *)text.data : "", text.len);
	return buf_check(&text, e);
}

static int
read_form(struct manage *m, struct form *f, struct error *e)
{
	*f = (struct form){.door = "", .sealed = true};
	if (read_door(m, "est_label", "est", f, e) < 0 || read_door(m, "scep_profile", "scep", f, e) < 0 ||
	    read_subject(m, "common_name", "CN", &f->common_name, e) < 0 ||
	    read_subject(m, "serial_number", "serialNumber", &f->serial_number, e) < 0 ||
	    read_names(m, &f->names, e) < 0 || manage_int(m, "hours", 0, 1, LIMIT_CODE_HOURS, CODE_HOURS, &f->hours, e) < 0 ||
	    manage_int(m, "count", 0, 1, LIMIT_CODES, 1, &f->count, e) < 0 || manage_ownership(m, &f->own, e) < 0)
		return -1;
	return manage_body_end(m, e);
}

static int
seal(struct manage *m, const uint8_t hash[32], const struct secret *secret, struct buf *out, struct error *e)
{
	const char *context = arena_printf(m->arena, "enrollment_code:%s", arena_hex(m->arena, hash, 32));
	return hsm_seal(m->desk->hsm, "", context, secret->data, secret->len, out, e);
}

/* One code; its secret goes into the list. */
static int
make_one(struct manage *m, const struct form *f, json_t *secrets, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct secret *secret CLEANUP(secret_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(SECRET_BYTES * 2 + HSM_SEAL_OVERHEAD);
	uint8_t hash[32];
	if (secret_random_text(SECRET_BYTES, &secret, e) < 0)
		return -1;
	if (EVP_Digest(secret->data, secret->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	if (f->sealed && seal(m, hash, secret, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), f->endpoint_id ? DB_INT(f->endpoint_id) : DB_NULL, DB_BYTES(hash, sizeof(hash)),
	                         f->sealed ? DB_BYTES(sealed.data, sealed.len) : DB_NULL, DB_TEXT(f->common_name), DB_TEXT(f->serial_number),
	                         DB_TEXT(f->names), DB_INT(f->hours), DB_TEXT(m->actor), DB_TEXT(f->own.owner), DB_TEXT(f->own.metadata)};
	if (db_query(m->desk->db,
		     "INSERT INTO enrollment_code (tenant_id, endpoint_id, hash, sealed, common_name, serial_number, names, expires_at, requestor,"
		     " owner, metadata) SELECT $1::int, $2::int8, $3::bytea, $4::bytea, $5::text, $6::text,"
		     " CASE $7::text WHEN '' THEN '{}'::text[] ELSE string_to_array($7::text, E'\\n') END, now() + make_interval(hours => $8::int),"
		     " $9::text, $10::text, $11::jsonb RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	int64_t id = db_int(r, 0, 0);
	m->ret_id = m->ret_id ? m->ret_id : id;
	json_array_append_new(secrets, json_pack("{s:s, s:s}", "id", arena_printf(m->arena, "%lld", (long long)id), "secret", secret->data));
	return manage_audit(m, "enrollment_code.created", arena_printf(m->arena, "enrollment_code/%lld", (long long)id),
			    detail_text(m->arena, "door", f->door, "common_name", f->common_name ? f->common_name : "", "serial_number",
					f->serial_number ? f->serial_number : "", "names", f->names ? f->names : "", "hours",
					arena_printf(m->arena, "%lld", (long long)f->hours), NULL),
			    e);
}

static int
create(struct manage *m, struct error *e)
{
	struct form f;
	json_t *secrets CLEANUP(json_decref) = json_array();
	if (read_form(m, &f, e) < 0)
		return -1;
	for (int64_t i = 0; i < f.count; i++)
		if (make_one(m, &f, secrets, e) < 0)
			return -1;
	m->ret_result = f.count > 1 ? json_pack("{s:O}", "secrets", secrets)
				    : json_pack("{s:O}", "secret", json_object_get(json_array_get(secrets, 0), "secret"));
	return 0;
}

static int
revoke(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0 ||
	    db_query(m->desk->db, "SELECT revoked_at IS NOT NULL FROM enrollment_code WHERE id = $1::int8 AND tenant_id = $2::int", row, 2, false,
	             &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such code");
	if (db_bool(r, 0, 0))
		return 0; /* it is so already */
	m->object = arena_printf(m->arena, "enrollment_code/%lld", (long long)m->id);
	return db_query(m->desk->db, "UPDATE enrollment_code SET revoked_at = now() WHERE id = $1::int8", row, 1, false, NULL, e);
}

extern const struct manage_op manage_code[];
const struct manage_op manage_code[] = {
    {"enrollment_code.create", "enrollment_code.created", RIGHT_CODES, MANAGE_KEYS | MANAGE_NEVER_WAITS, create}, /* writes its rows itself */
    {"enrollment_code.revoke", "enrollment_code.revoked", RIGHT_CODES, 0, revoke},
    {0},
};
