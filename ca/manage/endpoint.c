/* The doors by which devices enrol: labels of EST, profiles of SCEP. Two resources over one table; what differs stands in struct protocol. The third
 * kind, directories of ACME, is in acme_directory.c. */
#include <openssl/evp.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/endpoint.h"
#include "ca/manage/settings.h"
#include "ca/profile.h"
#include "lib/db/array.h"
#include "lib/https_url.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "lib/x509/cert.h"
#include "lib/x509/pem.h"

#define NAME_MAX_BYTES 63
#define LABEL_MAX_BYTES 64
#define CHALLENGE_BYTES 20 /* of one that is made here */
#define DEFINITION_ARENA_BYTES (1024 * 1024)

struct protocol {
	const char *name, *what;        /* "est", "label" */
	const char *const *auth;        /* what can be evidence there */
	const char *const *reserved;    /* what isn't a label */
	const struct setting *settings; /* ended by a row without a name */
	bool has_challenge;
};

static const char *const algorithms[] = {"current", "legacy", NULL};
static const char *const capabilities[] = {"exact", "all", NULL};
static const char *const names_from[] = {"serial_number", "serial_number_only", "same", "any", NULL};
static const char *const devices_of[] = {"ca", "tenant", NULL};
static const char *const key_delivery[] = {"any", "encrypted", NULL};

/* The address of a webhook, among those that the operator allows. */
static int
check_url(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)s;
	(void)ret_text;
	return json_is_string(value) ? https_url_check(json_string_value(value), config_str(m->desk->config, OPT_scep_webhook_hosts), e)
	                             : fail(e, E_BAD_VALUE, "an address is wanted");
}

static const struct protocol est = {
    .name = "est",
    .what = "EST label",
    .auth = (const char *const[]){"password", "code", "certificate", "both", NULL},
    /* Operations of RFC 7030 3.2.2 and RFC 8295 1: a path's second segment is one of them or a label. */
    .reserved = (const char *const[]){"cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs", "pal", "eecerts", "crls",
                                      "symmetrickeys", "firmware", "tamp", NULL},
    .settings =
        (const struct setting[]){{"names_from", setting_words, names_from, 0, 0}, {"retry_window_sec", setting_number, NULL, 60, 86400},
                                 {"key_delivery", setting_words, key_delivery, 0, 0}, {"devices_of", setting_words, devices_of, 0, 0}, {0}},
};

static const struct protocol scep = {
    .name = "scep",
    .what = "SCEP profile",
    .auth = (const char *const[]){"challenge", "code", "webhook", "certificate", NULL},
    /* What clients put behind an address, or expect in its place. */
    .reserved = (const char *const[]){"pkiclient.exe", "mscep.dll", "mscep", "mscep_admin", "certsrv", "cgi-bin", "scep", NULL},
    .settings = (const struct setting[]){{"algorithms", setting_words, algorithms, 0, 0}, {"capabilities", setting_words, capabilities, 0, 0},
                                         {"names_from", setting_words, names_from, 0, 0}, {"retry_window_sec", setting_number, NULL, 60, 2592000},
                                         {"webhook_url", check_url, NULL, 0, 0}, {0}},
    .has_challenge = true,
};

/* A door as it is to be: what the body says, else what the store has. */
struct form {
	const struct protocol *protocol;
	const char *label, *profile, *settings, *auth;
	int64_t ca_id, profile_id; /* ca_id 0: the tenant's default */
	bool enabled;
	struct endpoint_anchors anchors;
	bool has_challenge;
	const char *challenge;     /* NULL with has_challenge: none any more */
	struct ownership own;
};

/* The paths without a label are one tenant's: no other gets them by taking the name. */
static int
check_default(struct manage *m, const char *label, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const struct config *c = m->desk->config;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(config_str(c, OPT_scep_tenant))};
	if (strcmp(label, config_str(c, OPT_scep_label)) != 0)
		return 0;
	if (db_query(m->desk->db, "SELECT 1 FROM tenant WHERE id = $1::int AND name = $2::text", row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "name", "name: the paths without a label go to it, which are another tenant's ([scep] tenant)");
	return 0;
}

static int
read_label(struct manage *m, struct form *f, struct error *e)
{
	if (manage_text(m, "name", MANAGE_REQUIRED, LABEL_MAX_BYTES, &f->label, e) < 0)
		return -1;
	if (word_is_one_of(f->label, f->protocol->reserved))
		return fail_at(e, E_BAD_VALUE, "name", "name: a path of the protocol has it, so that it can't be a label (RFC 7030 3.2.2)");
	return f->protocol == &scep ? check_default(m, f->label, e) : 0;
}

int
endpoint_read_ca(struct manage *m, int64_t *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name;
	if (!manage_has(m, "ca"))
		return 0;
	if (manage_text(m, "ca", 0, NAME_MAX_BYTES, &name, e) < 0)
		return -1;
	*ret = 0;
	if (!name)
		return 0;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name)};
	if (db_query(m->desk->db, "SELECT id FROM ca WHERE tenant_id = $1::int AND name = $2::text AND key_ref <> '' AND status <> 'pending'", row,
		     ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "ca", "ca: there is none of this name that issues here");
	*ret = db_int(r, 0, 0);
	return 0;
}

/* Who comes with the name of a template gets the way out. */
static int
unknown_profile(struct manage *m, const char *member, const char *name, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_TEXT(name)};
	if (db_query(m->desk->db, "SELECT 1 FROM profile_template WHERE name = $1::text", row, 1, false, &r, e) < 0)
		return -1;
	if (db_rows(r))
		return fail_at(e, E_BAD_VALUE, member,
			       "profile: \"%s\" is a template alone: make a profile of it first (POST /profiles with name and template; siegelctl"
			       " profiles create name=NAME template=%s)", name, name);
	return fail_at(e, E_BAD_VALUE, member,
		       "profile: there is none of this name; GET /profiles has those that there are, GET /profile_templates what others are made"
		       " of (siegelctl profiles list, siegelctl profile_templates list)");
}

int
endpoint_find_profile(struct manage *m, const char *member, const char *name, int64_t *ret, const char **ret_title, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct profile *p CLEANUP(profile_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name)};
	if (db_query(m->desk->db, "SELECT id, kind, definition, title FROM profile WHERE tenant_id = $1::int AND name = $2::text", row,
		     ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return unknown_profile(m, member, name, e);
	if (profile_new(arena_new(DEFINITION_ARENA_BYTES), 0, m->who->tenant_id, name, db_text(r, 0, 1), db_text(r, 0, 2), &p, e) < 0)
		return fail_at(e, E_BAD_VALUE, member, "profile: its definition has to be mended first");
	if (p->internal || p->ca)
		return fail_at(e, E_BAD_VALUE, member, "profile: one for devices is wanted, not for CAs or the engine itself");
	*ret = db_int(r, 0, 0);
	*ret_title = arena_strdup(m->arena, db_text(r, 0, 3));
	return 0;
}

static int
read_profile(struct manage *m, struct form *f, unsigned flags, struct error *e)
{
	const char *name, *title;
	if (manage_text(m, "profile", flags, NAME_MAX_BYTES, &name, e) < 0)
		return -1;
	if (!name)
		return 0;
	f->profile = name;
	return endpoint_find_profile(m, "profile", name, &f->profile_id, &title, e);
}

static int
read_auth(struct manage *m, struct form *f, unsigned flags, struct error *e)
{
	json_t *list, *item;
	const char *text = "";
	size_t i;
	if (manage_array(m, "auth", flags, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	json_array_foreach(list, i, item)
	{
		const char *word = json_string_value(item);
		if (!word || !word_is_one_of(word, f->protocol->auth))
			return manage_text_refused(m, "auth", item, i,
			                           arena_printf(m->arena, "isn't evidence that an %s takes: %s", f->protocol->what,
			                                        manage_words(m, f->protocol->auth)), e);
		if (!strstr(text, word)) /* no word is part of another one */
			text = arena_printf(m->arena, "%s%s%s", text, *text ? "," : "", word);
	}
	if (!*text)
		return fail_at(e, E_BAD_VALUE, "auth", "auth: at least one is wanted: nobody gets in without evidence");
	f->auth = arena_printf(m->arena, "{%s}", text);
	return 0;
}

/* The next PEM block of a text, from its first line to its last. Lines between blocks are for people (RFC 7468 5.2), such as openssl's of
 * subject and issuer; blocks of another kind aren't passed over. NULL with 0: there is none. */
static int
next_block(const char **text, const char **ret, size_t *ret_len, struct error *e)
{
	static const char end[] = "-----END CERTIFICATE-----";
	*ret = NULL;
	*text += strspn(*text, " \t\r\n");
	while (**text && strncmp(*text, "-----", 5) != 0) {
		*text += strcspn(*text, "\n");
		*text += strspn(*text, " \t\r\n");
	}
	if (!**text)
		return 0;
	const char *last = strstr(*text, end);
	if (strncmp(*text, "-----BEGIN CERTIFICATE-----", 27) != 0 || !last)
		return fail_at(e, E_BAD_VALUE, "anchors", "anchors: certificates as PEM, one after the other, are wanted, and no other blocks");
	*ret = *text;
	*text = last + sizeof(end) - 1;
	*ret_len = (size_t)(*text - *ret);
	return 0;
}

int
endpoint_read_anchors(struct manage *m, struct endpoint_anchors *ret, struct error *e)
{
	const char *text, *block;
	size_t len;
	struct cert cert;
	if (!manage_has(m, "anchors"))
		return 0;
	if (manage_text(m, "anchors", 0, 0, &text, e) < 0)
		return -1;
	*ret = (struct endpoint_anchors){.given = true};
	if (text && strlen(text) > LIMIT_ANCHORS_BYTES)
		return fail_at(e, E_BAD_VALUE, "anchors", "anchors: over %d octets", LIMIT_ANCHORS_BYTES);
	while (text) {
		if (next_block(&text, &block, &len, e) < 0)
			return -1;
		if (!block)
			break;
		if (ret->n == LIMIT_ANCHORS)
			return fail_at(e, E_BAD_VALUE, "anchors", "anchors: over %d", LIMIT_ANCHORS);
		struct bytes *anchor = &ret->items[ret->n++];
		if (pem_decode(m->arena, block, len, "CERTIFICATE", NULL, anchor, e) < 0 || cert_parse(*anchor, &cert, e) < 0)
			return fail_at(e, E_BAD_VALUE, "anchors", "anchors: number %zu can't be read: %s", ret->n,
				       arena_strdup(m->arena, e->detail));
	}
	if (text && !ret->n)
		return fail_at(e, E_BAD_VALUE, "anchors", "anchors: there is no certificate in it; PEM is wanted");
	return 0;
}

int
endpoint_anchors_param(const struct endpoint_anchors *anchors, struct db_array *list, struct db_param *ret, struct error *e)
{
	db_array_init(list, DB_ARRAY_BYTEA, LIMIT_ANCHORS_BYTES + 1024);
	for (size_t i = 0; anchors->given && i < anchors->n; i++)
		db_array_add(list, anchors->items[i].data, anchors->items[i].len);
	return db_array_param(list, ret, e);
}

static int
read_challenge(struct manage *m, struct form *f, struct error *e)
{
	f->has_challenge = f->protocol->has_challenge && manage_has(m, "challenge");
	if (!f->has_challenge)
		return 0;
	if (manage_text(m, "challenge", 0, LIMIT_CHALLENGE_BYTES, &f->challenge, e) < 0)
		return -1;
	if (f->challenge && strlen(f->challenge) < 12)
		return fail_at(e, E_BAD_VALUE, "challenge", "challenge: at least 12 letters are wanted: whoever knows it gets certificates");
	return 0;
}

/* What a profile and the evidence want of each other. */
static int
check_form(const struct form *f, struct error *e)
{
	bool takes_certificates = strstr(f->auth, "certificate") || strstr(f->auth, "both");
	if (f->anchors.n && !takes_certificates)
		return fail_at(e, E_BAD_VALUE, "anchors", "anchors: auth doesn't take certificates");
	if (strstr(f->auth, "webhook") && !strstr(f->settings, "\"webhook_url\""))
		return fail_at(e, E_BAD_VALUE, "settings", "settings: auth has a webhook, so there has to be a webhook_url");
	return 0;
}

/* old NULL: a new one. Of the old: label, ca_id, profile_id, enabled, auth, settings, number of anchors, version, profile's name. */
static int
read_form(struct manage *m, const struct protocol *protocol, const struct db_result *old, struct form *ret, struct error *e)
{
	unsigned flags = old ? 0 : MANAGE_REQUIRED;
	int enabled;
	*ret = (struct form){.protocol = protocol, .settings = "{}", .enabled = true};
	if (old) {
		ret->label = arena_strdup(m->arena, db_text(old, 0, 0));
		ret->ca_id = db_int(old, 0, 1);
		ret->profile_id = db_int(old, 0, 2);
		ret->enabled = db_bool(old, 0, 3);
		ret->auth = arena_strdup(m->arena, db_text(old, 0, 4));
		ret->settings = arena_strdup(m->arena, db_text(old, 0, 5));
		ret->anchors.n = (size_t)db_int(old, 0, 6);
		ret->profile = arena_strdup(m->arena, db_text(old, 0, 8));
	} else if (read_label(m, ret, e) < 0) {
		return -1;
	}
	if (endpoint_read_ca(m, &ret->ca_id, e) < 0 || read_profile(m, ret, flags, e) < 0 || manage_bool(m, "enabled", 0, &enabled, e) < 0 ||
	    read_auth(m, ret, flags, e) < 0 || settings_read(m, protocol->what, protocol->settings, &ret->settings, e) < 0 ||
	    endpoint_read_anchors(m, &ret->anchors, e) < 0 || read_challenge(m, ret, e) < 0 ||
	    manage_ownership(m, &ret->own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	ret->enabled = enabled < 0 ? ret->enabled : enabled;
	return check_form(ret, e);
}

/* The static challenge: its hash for who compares, and sealed for what has to be opened with it. A new one that isn't given is made. */
static int
store_challenge(struct manage *m, const struct form *f, bool is_new, struct error *e)
{
	struct secret *made CLEANUP(secret_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_CHALLENGE_BYTES + HSM_SEAL_OVERHEAD);
	const char *challenge = f->challenge;
	uint8_t hash[32];
	bool wanted = strstr(f->auth, "challenge") != NULL;
	if (!f->has_challenge && !(is_new && wanted))
		return 0;
	if (!f->has_challenge) {
		if (secret_random_text(CHALLENGE_BYTES, &made, e) < 0)
			return -1;
		challenge = (const char *)made->data;
		m->ret_result = json_pack("{s:s}", "challenge", challenge);
	}
	if (!challenge && wanted)
		return fail_at(e, E_BAD_VALUE, "challenge", "challenge: auth takes one, so there has to be one");
	if (challenge && (EVP_Digest(challenge, strlen(challenge), hash, NULL, EVP_sha256(), NULL) != 1 ||
	                  hsm_seal(m->desk->hsm, "", arena_printf(m->arena, "endpoint:%s/%s", f->protocol->name, f->label), challenge,
	                           strlen(challenge), &sealed, e) < 0))
		return -1;
	struct db_param row[] = {DB_INT(m->ret_id), challenge ? DB_BYTES(hash, sizeof(hash)) : DB_NULL,
	                         challenge ? DB_BYTES(sealed.data, sealed.len) : DB_NULL};
	return db_query(m->desk->db, "UPDATE endpoint SET challenge_hash = $2::bytea, challenge_sealed = $3::bytea WHERE id = $1::int8", row,
	                ARRAY_LEN(row), false, NULL, e);
}

static void
tell(struct manage *m, const struct form *f)
{
	m->object = arena_printf(m->arena, "%s/%lld", strcmp(f->protocol->name, "est") == 0 ? "est_label" : "scep_profile", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", f->label, "ca", f->ca_id ? arena_printf(m->arena, "ca/%lld", (long long)f->ca_id) : "default",
				"profile", f->profile, "enabled", f->enabled ? "true" : "false", "auth", f->auth, "settings", f->settings, "anchors",
				arena_printf(m->arena, "%zu", f->anchors.n), NULL);
}

static int
store_row(struct manage *m, const struct form *f, bool is_new, struct db_param anchors, struct error *e)
{
	static const char insert[] =
	    "INSERT INTO endpoint (tenant_id, protocol, label, ca_id, profile_id, enabled, auth, settings, anchors, owner, metadata)"
	    " SELECT $1::int, $2::text, $3::text, $4::int, $5::int, $6::boolean, $7::text[], $8::jsonb, $9::bytea[], $11::text, $13::jsonb"
	    "  WHERE $14::int8 = 0 AND $10::boolean IS NOT NULL AND $12::boolean IS NOT NULL AND $15::boolean IS NOT NULL RETURNING id";
	static const char change[] =
	    "UPDATE endpoint SET ca_id = $4::int, profile_id = $5::int, enabled = $6::boolean, auth = $7::text[], settings = $8::jsonb,"
	    " anchors = CASE WHEN $15::boolean THEN $9::bytea[] ELSE anchors END, version = version + 1,"
	    " owner = CASE WHEN $10::boolean THEN $11::text ELSE owner END, metadata = CASE WHEN $12::boolean THEN $13::jsonb ELSE metadata END"
	    " WHERE id = $14::int8 AND tenant_id = $1::int AND protocol = $2::text AND label = $3::text RETURNING id";
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(f->protocol->name), DB_TEXT(f->label), f->ca_id ? DB_INT(f->ca_id) : DB_NULL,
	                         DB_INT(f->profile_id), DB_TEXT(f->enabled ? "true" : "false"), DB_TEXT(f->auth), DB_TEXT(f->settings), anchors,
	                         DB_TEXT(f->own.has_owner ? "true" : "false"), DB_TEXT(f->own.owner),
	                         DB_TEXT(f->own.has_metadata ? "true" : "false"), DB_TEXT(f->own.metadata), DB_INT(is_new ? 0 : m->id),
	                         DB_TEXT(f->anchors.given ? "true" : "false")};
	if (db_query(m->desk->db, is_new ? insert : change, row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits, and . _ - behind the first", e);
	m->ret_id = db_int(r, 0, 0);
	return 0;
}

static int
store(struct manage *m, const struct form *f, bool is_new, struct error *e)
{
	struct db_array anchors;
	struct db_param list;
	int rc = endpoint_anchors_param(&f->anchors, &anchors, &list, e);
	if (rc == 0)
		rc = store_row(m, f, is_new, list, e);
	db_array_free(&anchors);
	if (rc < 0 || (f->protocol->has_challenge && store_challenge(m, f, is_new, e) < 0))
		return -1;
	tell(m, f);
	return 0;
}

static int
load(struct manage *m, const struct protocol *protocol, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_TEXT(protocol->name)};
	if (db_query(m->desk->db,
		     "SELECT n.label, n.ca_id, n.profile_id, n.enabled, n.auth, n.settings, cardinality(n.anchors), n.version, p.name FROM endpoint n"
		     " JOIN profile p ON p.id = n.profile_id WHERE n.id = $1::int8 AND n.tenant_id = $2::int AND n.protocol = $3::text"
		     " FOR UPDATE OF n",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such %s", protocol->what);
	if (m->version && m->version != db_int(*ret, 0, 7))
		return fail(e, E_PRECONDITION, "the %s was changed meanwhile", protocol->what);
	return 0;
}

static int
create(struct manage *m, const struct protocol *protocol, struct error *e)
{
	struct form f;
	return read_form(m, protocol, NULL, &f, e) < 0 ? -1 : store(m, &f, true, e);
}

static int
update(struct manage *m, const struct protocol *protocol, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct form f;
	return load(m, protocol, &old, e) < 0 || read_form(m, protocol, old, &f, e) < 0 ? -1 : store(m, &f, false, e);
}

static int
delete(struct manage *m, const struct protocol *protocol, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || load(m, protocol, &old, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM endpoint WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "%s/%lld", protocol == &est ? "est_label" : "scep_profile", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), NULL);
	return 0;
}

int
endpoints_follow(struct manage *m, int64_t old_ca, int64_t new_ca, struct error *e)
{
	struct db_param row[] = {DB_INT(old_ca), DB_INT(new_ca)};
	return db_query(m->desk->db, "UPDATE endpoint SET ca_id = $2::int WHERE ca_id = $1::int", row, 2, false, NULL, e);
}

#define OPERATIONS(p)                                                                                                              \
	static int p##_create(struct manage *m, struct error *e) { return create(m, &p, e); }                                      \
	static int p##_update(struct manage *m, struct error *e) { return update(m, &p, e); }                                      \
	static int p##_delete(struct manage *m, struct error *e) { return delete(m, &p, e); }
OPERATIONS(est)
OPERATIONS(scep)

extern const struct manage_op manage_endpoint[];
const struct manage_op manage_endpoint[] = {
    {"est_label.create", "est_label.created", RIGHT_ENROLMENT, 0, est_create},
    {"est_label.update", "est_label.changed", RIGHT_ENROLMENT, 0, est_update},
    {"est_label.delete", "est_label.deleted", RIGHT_ENROLMENT, 0, est_delete},
    {"scep_profile.create", "scep_profile.created", RIGHT_ENROLMENT, MANAGE_KEYS | MANAGE_NEVER_WAITS, scep_create},
    {"scep_profile.update", "scep_profile.changed", RIGHT_ENROLMENT, MANAGE_KEYS | MANAGE_NEVER_WAITS, scep_update},
    {"scep_profile.delete", "scep_profile.deleted", RIGHT_ENROLMENT, 0, scep_delete},
    {0},
};
