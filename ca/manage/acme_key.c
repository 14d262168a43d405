/* External account keys of ACME (RFC 8555 7.3.4): 256 random bits, shown once, sealed by the key store; the engine alone checks with them. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ca/acme_mac.h"
#include "ca/batch.h"
#include "ca/manage/acme.h"
#include "ca/subtree.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "lib/text.h"

#define LABEL_MAX_BYTES 64
#define KID_BYTES 10        /* 16 letters: not a secret, and nobody's by chance */
#define KEY_HOURS 720
#define NETWORK4_MIN 8       /* bits of a prefix: what has fewer isn't one house's */
#define NETWORK6_MIN 16
#define MAX_ACCOUNTS 1000000
#define BASE64URL_DASH 62    /* RFC 4648 5 */

struct form {
	int64_t endpoint_id;      /* 0: all of the tenant's */
	const char *directory;    /* "" with endpoint_id 0 */
	const char *names;        /* one a line */
	int64_t hours, max_accounts; /* hours 0: for ever */
	struct ownership own;
};

/* --- names --- */

static int
put_dns(struct manage *m, const char *text, const char *at, struct buf *out, struct error *e)
{
	bool domain = *text == '.';
	struct name name;
	if (*text == '*')
		return fail_at(e, E_BAD_VALUE, at, "names: \"dns:%.64s\": a domain with all below it is written dns:.example.com", text);
	if (name_make(m->arena, NAME_DNS, text + domain, strlen(text + domain), false, &name, e) < 0) {
		const char *why = arena_strdup(m->arena, e->detail);
		return fail_at(e, E_BAD_VALUE, at, "names: \"dns:%.64s\": %s", text, why);
	}
	if (domain && !strchr(name.text, '.'))
		return fail_at(e, E_BAD_VALUE, at, "names: \"dns:%.64s\": a domain of one label isn't anybody's as a whole", text);
	buf_printf(out, "%sdns:%s%s", out->len ? "\n" : "", domain ? "." : "", name.text);
	return 0;
}

/* An address stands for itself. */
static int
put_ip(struct manage *m, const char *text, const char *at, struct buf *out, struct error *e)
{
	bool v6 = strchr(text, ':') != NULL;
	const char *network = strchr(text, '/') ? text : arena_printf(m->arena, "%s/%d", text, v6 ? 128 : 32);
	int most = v6 ? NETWORK6_MIN : NETWORK4_MIN;
	char *end;
	struct subtree t;
	if (subtree_make(m->arena, NAME_IP, network, &t, e) < 0) {
		const char *why = arena_strdup(m->arena, e->detail);
		return fail_at(e, E_BAD_VALUE, at, "names: \"ip:%.64s\": %s", text, why);
	}
	if (strtol(strchr(network, '/') + 1, &end, 10) < most || *end)
		return fail_at(e, E_BAD_VALUE, at, "names: \"ip:%.64s\": the largest network is one of /%d", text, most);
	buf_printf(out, "%sip:%s", out->len ? "\n" : "", network);
	return 0;
}

int
acme_read_names(struct manage *m, const char **ret, struct error *e)
{
	struct buf text BUF_CLEANUP = BUF_INIT(LIMIT_SAN_COUNT * (LIMIT_SAN_BYTES + 16));
	json_t *list, *item;
	size_t i;
	bool there = manage_has(m, "names");
	*ret = NULL;
	if (manage_array(m, "names", 0, &list, e) < 0)
		return -1;
	if (json_array_size(list) > LIMIT_SAN_COUNT)
		return fail_at(e, E_BAD_VALUE, "names", "names: over %d", LIMIT_SAN_COUNT);
	json_array_foreach(list, i, item) {
		const char *said = json_string_value(item), *at = arena_printf(m->arena, "names/%zu", i);
		int rc = -1;
		if (said && strlen(said) == json_string_length(item) && strncmp(said, "dns:", 4) == 0)
			rc = put_dns(m, said + 4, at, &text, e);
		else if (said && strlen(said) == json_string_length(item) && strncmp(said, "ip:", 3) == 0)
			rc = put_ip(m, said + 3, at, &text, e);
		else
			rc = manage_text_refused(m, "names", item, i, "has to be dns:host, dns:.domain (with all below it) or ip:network", e);
		if (rc < 0)
			return -1;
	}
	if (there)
		*ret = arena_strndup(m->arena, text.data ? (const char *)text.data : "", text.len);
	return buf_check(&text, e);
}

/* Names are authorised without any proof: who may do that for accounts may do it by their keys, and nobody else. */
static int
check_names_right(const struct manage *m, const char *names, struct error *e)
{
	return !names || !*names || m->rights & RIGHT_BIT(RIGHT_ENROLMENT)
	           ? 0 : fail_at(e, E_FORBIDDEN, "names", "names: the account doesn't have the right %s", right_word(RIGHT_ENROLMENT));
}

/* --- one that is made --- */

static int
read_directory(struct manage *m, struct form *f, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *label;
	f->directory = "";
	if (manage_text(m, "directory", 0, LABEL_MAX_BYTES, &label, e) < 0)
		return -1;
	if (!label)
		return 0;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(label)};
	if (db_query(m->desk->db,
		     "SELECT id, coalesce(settings->>'external_account', 'off') FROM endpoint WHERE tenant_id = $1::int AND protocol = 'acme'"
		     " AND label = $2::text",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "directory", "directory: there is none of this name");
	if (strcmp(db_text(r, 0, 1), "off") == 0)
		return fail_at(e, E_BAD_VALUE, "directory",
			       "directory: it takes no external accounts: {\"external_account\": \"required\"} or \"optional\" in its settings");
	f->endpoint_id = db_int(r, 0, 0);
	f->directory = label;
	return 0;
}

static int
read_form(struct manage *m, struct form *f, struct error *e)
{
	*f = (struct form){0};
	bool for_ever = json_is_null(json_object_get(m->body, "hours"));
	if (read_directory(m, f, e) < 0 || acme_read_names(m, &f->names, e) < 0 || check_names_right(m, f->names, e) < 0 ||
	    manage_int(m, "hours", 0, 1, LIMIT_ACME_KEY_HOURS, for_ever ? 0 : KEY_HOURS, &f->hours, e) < 0 ||
	    manage_int(m, "max_accounts", 0, 1, MAX_ACCOUNTS, 1, &f->max_accounts, e) < 0 || manage_ownership(m, &f->own, e) < 0)
		return -1;
	f->names = f->names ? f->names : "";
	return manage_body_end(m, e);
}

/* base64url, as clients of ACME want it. */
static struct secret *
to_text(const struct secret *key)
{
	struct secret *text = secret_new(NULL, BASE64URL_BYTES(key->len) - 1);
	base64url_put((struct bytes){key->data, key->len}, (char *)text->data);
	return text;
}

static int
store_key(struct manage *m, const struct form *f, const char *kid, const struct secret *key, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(ACME_KEY_BYTES + HSM_SEAL_OVERHEAD);
	if (hsm_seal(m->desk->hsm, "", arena_printf(m->arena, ACME_KEY_CONTEXT, kid), key->data, key->len, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), f->endpoint_id ? DB_INT(f->endpoint_id) : DB_NULL, DB_TEXT(kid),
	                         DB_BYTES(sealed.data, sealed.len), DB_TEXT(f->names), DB_INT(f->max_accounts),
	                         f->hours ? DB_INT(f->hours) : DB_NULL, DB_TEXT(m->actor), DB_TEXT(f->own.owner), DB_TEXT(f->own.metadata)};
	if (db_query(m->desk->db,
		     "INSERT INTO acme_key (tenant_id, endpoint_id, kid, sealed, names, max_accounts, expires_at, requestor, owner, metadata)"
		     " VALUES ($1::int, $2::int8, $3::text, $4::bytea, " ACME_NAMES_SQL("$5") ", $6::int, now() + make_interval(hours => $7::int),"
		     " $8::text, $9::text, $10::jsonb) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->ret_id = db_int(r, 0, 0);
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct secret *kid CLEANUP(secret_free) = NULL, *key CLEANUP(secret_free) = secret_new(NULL, ACME_KEY_BYTES);
	struct form f;
	if (read_form(m, &f, e) < 0 || secret_random_text(KID_BYTES, &kid, e) < 0)
		return -1;
	do { /* none that begins with "-": certbot, and whoever reads command lines like it, takes that for an option */
		if (RAND_priv_bytes(key->data, ACME_KEY_BYTES) != 1)
			return fail(e, E_INTERNAL, "there are no random octets");
	} while (key->data[0] >> 2 == BASE64URL_DASH);
	struct secret *text CLEANUP(secret_free) = to_text(key);
	if (store_key(m, &f, (const char *)kid->data, key, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:s}", "key", text->data);
	m->object = arena_printf(m->arena, "acme_key/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "kid", kid->data, "directory", f.directory, "names", f.names, "max_accounts",
				arena_printf(m->arena, "%lld", (long long)f.max_accounts), "hours", f.hours
				? arena_printf(m->arena, "%lld", (long long)f.hours) : "for ever", NULL);
	return 0;
}

/* --- one that is there --- */

static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT kid, revoked_at IS NOT NULL FROM acme_key WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE", row, 2,
		     false, ret, e) < 0)
		return -1;
	return db_rows(*ret) ? 0 : fail(e, E_NOT_FOUND, "there is no such external account key");
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct ownership own;
	const char *names;
	if (load(m, &old, e) < 0 || acme_read_names(m, &names, e) < 0 || check_names_right(m, names, e) < 0 || manage_ownership(m, &own, e) < 0 ||
	    manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(names), DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner),
	                         DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	m->object = arena_printf(m->arena, "acme_key/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "kid", db_text(old, 0, 0), "names", names ? names : "unchanged", NULL);
	return db_query(m->desk->db,
			"UPDATE acme_key SET names = CASE WHEN $2::text IS NULL THEN names ELSE " ACME_NAMES_SQL("$2") " END,"
			" owner = CASE WHEN $3::boolean THEN $4::text ELSE owner END,"
			" metadata = CASE WHEN $5::boolean THEN $6::jsonb ELSE metadata END WHERE id = $1::int8",
			row, ARRAY_LEN(row), false, NULL, e);
}

static int
revoke(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL, *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	int accounts;
	if (manage_bool(m, "accounts", 0, &accounts, e) < 0 || manage_body_end(m, e) < 0 || load(m, &old, e) < 0)
		return -1;
	if (!db_bool(old, 0, 1) &&
	    db_query(m->desk->db, "UPDATE acme_key SET revoked_at = now() WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	if (accounts == 1 &&
	    db_query(m->desk->db,
		     "UPDATE acme_account SET status = 'revoked', version = version + 1 WHERE key_id = $1::int8 AND status = 'valid' RETURNING id",
		     row, 1, false, &r, e) < 0)
		return -1;
	int n = r ? db_rows(r) : 0;
	if (db_bool(old, 0, 1) && n == 0)
		return 0; /* it is so already */
	m->object = arena_printf(m->arena, "acme_key/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "kid", db_text(old, 0, 0), "accounts", arena_printf(m->arena, "%d", n), NULL);
	return 0;
}

extern const struct manage_op manage_acme_key[];
const struct manage_op manage_acme_key[] = {
    {"acme_key.create", "acme_key.created", RIGHT_CODES, MANAGE_KEYS | MANAGE_NEVER_WAITS, create},
    {"acme_key.update", "acme_key.changed", RIGHT_CODES, 0, update},
    {"acme_key.revoke", "acme_key.revoked", RIGHT_CODES, 0, revoke},
    {0},
};
