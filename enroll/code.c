#include "enroll/code.h"

#include <openssl/sha.h>
#include <string.h>

#include "lib/limits.h"

/* Texts of a list, one a line. */
static void
read_names(struct arena *a, const char *text, struct enroll_identity *ret)
{
	size_t n = *text != '\0';
	for (const char *p = text; *p; p++)
		n += *p == '\n';
	const char **names = arena_alloc(a, (n + 1) * sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(text, "\n");
		names[i] = arena_strndup(a, text, len);
		text += len + (text[len] == '\n');
	}
	ret->names = names;
	ret->n_names = n;
}

int
enroll_code_find(struct db *db, const struct endpoint *ep, struct bytes secret, struct arena *a, struct principal *ret_who,
                 struct enroll_identity *ret_rule, int64_t *ret_id, struct error *e)
{
	enum { ID, COMMON_NAME, SERIAL_NUMBER, NAMES };
	uint8_t hash[SHA256_DIGEST_LENGTH];
	CLEANUP(db_result_free) struct db_result *r = NULL;
	if (secret.len == 0 || secret.len > LIMIT_PASSWORD_BYTES)
		return fail(e, E_UNAUTHENTICATED, AUTH_SECRET_REFUSED);
	SHA256(secret.data, secret.len, hash);
	const struct db_param row[] = {DB_INT(ep->tenant_id), DB_INT(ep->id), DB_BYTES(hash, sizeof(hash))};
	if (db_query(db, "SELECT r_id, r_common_name, r_serial_number, r_names FROM enrollment_code_find($1::int, $2::int8, $3::bytea)", row,
	             ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_UNAUTHENTICATED, AUTH_SECRET_REFUSED);
	struct enroll_identity rule = {0};
	if (!db_is_null(r, 0, COMMON_NAME))
		rule.common_name = arena_strdup(a, db_text(r, 0, COMMON_NAME));
	if (!db_is_null(r, 0, SERIAL_NUMBER))
		rule.serial_number = arena_strdup(a, db_text(r, 0, SERIAL_NUMBER));
	read_names(a, db_text(r, 0, NAMES), &rule);
	/* A code for somebody is for that somebody alone: other names aren't his. */
	rule.names_bound = rule.common_name || rule.serial_number || !db_is_null(r, 0, NAMES);
	*ret_id = db_int(r, 0, ID);
	*ret_rule = rule;
	*ret_who = (struct principal){
	    .tenant_id = ep->tenant_id,
	    .name = arena_printf(a, "code %lld", (long long)*ret_id),
	    .identity = arena_printf(a, "code:%lld", (long long)*ret_id),
	    .role = ROLE_NONE,
	    .evidence = EVIDENCE_CODE,
	};
	return 0;
}

int
enroll_code_take(struct db *db, int64_t id, const uint8_t key[ENROLL_KEY_BYTES], struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(id), DB_BYTES(key, ENROLL_KEY_BYTES)};
	if (db_query(db, "SELECT enrollment_code_take($1::int8, $2::bytea)", row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	return db_bool(r, 0, 0) ? 0 : fail(e, E_FORBIDDEN, "the one-time code was used for another request");
}

static bool
is_refusal(enum error_code code)
{
	static const enum error_code refusals[] = {E_MALFORMED, E_BAD_VALUE, E_BAD_CSR, E_BAD_KEY, E_POLICY, E_UNSUPPORTED, E_FORBIDDEN, E_NOT_FOUND};
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (refusals[i] == code)
			return true;
	return false;
}

void
enroll_code_give(struct db_pool *pool, int64_t id, const uint8_t key[ENROLL_KEY_BYTES], const struct error *refused)
{
	struct db *db = NULL;
	struct error e;
	const struct db_param row[] = {DB_INT(id), DB_BYTES(key, ENROLL_KEY_BYTES)};
	if (!is_refusal(refused->code) || db_pool_take(pool, &db, &e) < 0)
		return; /* it stays with this request, which may come again */
	(void)!db_query(db, "SELECT enrollment_code_give($1::int8, $2::bytea)", row, ARRAY_LEN(row), false, NULL, &e);
	db_pool_give(pool, db);
}
