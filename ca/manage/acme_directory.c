/* Directories of ACME (RFC 8555 7.1.1): doors as those of endpoint.c, with the profiles that they offer. What proves control of a name is a list of
 * kinds of challenge in the place of evidence. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/acme.h"
#include "ca/manage/endpoint.h"
#include "ca/manage/settings.h"
#include "ca/profile.h"
#include "ca/subtree.h"
#include "lib/limits.h"

#define NAME_MAX_BYTES 63
#define LABEL_MAX_BYTES 64
#define TEXT_MAX_BYTES 512
#define LIST_MAX 64
#define DESCRIPTION_MAX_BYTES 200
#define DEFINITION_ARENA_BYTES (1024 * 1024)

static const char *const challenges[] = {
#define CHALLENGE_OF_PROBE(id, word) word,
#define CHALLENGE_OF_CLIENT(id, word) word,
#include "lib/acme_challenges.def"
#undef CHALLENGE_OF_PROBE
#undef CHALLENGE_OF_CLIENT
    NULL};
static const char *const external_account[] = {"off", "optional", "required", NULL};

/* --- settings --- */

int
acme_check_page(const char *text, size_t len, struct error *e)
{
	const char *host = NULL;
	if (text && strlen(text) == len && len <= TEXT_MAX_BYTES)
		host = strncmp(text, "https://", 8) == 0 ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
	if (!host || strspn(host, "/?#") || !*host)
		return fail(e, E_BAD_VALUE, "an address that begins with https:// or http:// is wanted, of up to %d characters", TEXT_MAX_BYTES);
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p))
			return fail(e, E_BAD_VALUE, "an address has a character that isn't allowed (RFC 3986 2)");
	return 0;
}

static int
check_page(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)m;
	(void)s;
	(void)ret_text;
	return acme_check_page(json_string_value(value), json_string_length(value), e);
}

static int
put_domain(struct arena *a, const char *item, const char **ret, struct error *e)
{
	struct name name;
	if (name_make(a, NAME_DNS, item, strlen(item), false, &name, e) < 0)
		return -1;
	*ret = name.text;
	return 0;
}

static int
put_network(struct arena *a, const char *item, const char **ret, struct error *e)
{
	struct subtree network;
	*ret = item;
	return subtree_make(a, NAME_IP, item, &network, e);
}

/* Items separated by commas, and by nothing else. */
static int
check_list(struct manage *m, const json_t *value, int (*put)(struct arena *, const char *, const char **, struct error *), const char **ret_text,
           struct error *e)
{
	const char *text = json_string_value(value), *out = "", *item;
	int n = 0;
	if (!text || strlen(text) != json_string_length(value))
		return fail(e, E_BAD_VALUE, "a text is wanted, with commas and no blanks between its items");
	for (const char *p = *text ? text : NULL, *comma; p; p = comma ? comma + 1 : NULL) {
		comma = strchr(p, ',');
		const char *one = comma ? arena_strndup(m->arena, p, (size_t)(comma - p)) : p;
		if (++n > LIST_MAX)
			return fail(e, E_BAD_VALUE, "over %d items", LIST_MAX);
		if (put(m->arena, one, &item, e) < 0) {
			const char *why = arena_strdup(m->arena, e->detail);
			return fail(e, E_BAD_VALUE, "\"%.64s\": %s", one, why);
		}
		out = arena_printf(m->arena, "%s%s%s", out, *out ? "," : "", item);
	}
	*ret_text = out;
	return 0;
}

static int
check_domains(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)s;
	return check_list(m, value, put_domain, ret_text, e);
}

static int
check_networks(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)s;
	if (check_list(m, value, put_network, ret_text, e) < 0)
		return -1;
	return **ret_text ? 0 : fail(e, E_BAD_VALUE, "networks such as 10.0.0.0/8,fd00::/8 are wanted; left out: all that the operator allows");
}

static const struct setting settings[] = {
    {"external_account", setting_words, external_account, 0, 0},
    {"terms_of_service", check_page, NULL, 0, 0},
    {"website", check_page, NULL, 0, 0},
    {"caa_identities", check_domains, NULL, 0, 0},
    {"networks", check_networks, NULL, 0, 0},
#define ACME_NUMBER(name, least, most, absent) {#name, setting_number, NULL, least, most},
#include "lib/acme_settings.def"
#undef ACME_NUMBER
    {0},
};

/* --- profiles --- */

/* What a directory offers under one name. */
struct offer {
	const char *name, *description, *profile;
	int64_t profile_id;
	bool caa, is_default;
};

/* A directory as it is to be: what the body says, else what the store has. */
struct form {
	const char *label, *settings, *auth;
	int64_t ca_id, profile_id;    /* ca_id 0: the tenant's default; profile_id: that of the default offer */
	const char *profile;
	bool enabled, has_profile;    /* has_profile: the body says which the default offer is of */
	struct offer offers[LIMIT_DIRECTORY_PROFILES];
	size_t n_offers;              /* 0: they stay as they are, but for the default's profile */
	struct endpoint_anchors anchors;
	struct ownership own;
};

/* draft-ietf-acme-profiles: a name is what clients write into their configuration. */
static bool
is_offer_name(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(name);
	if (len == 0 || len > 64 || !strchr(first, name[0]))
		return false;
	for (const char *p = name; *p; p++)
		if (!strchr(first, *p) && !strchr("._-", *p))
			return false;
	return true;
}

static int
read_offer(struct manage *m, const char *name, json_t *said, struct offer *ret, struct error *e)
{
	const char *key, *title, *profile = NULL, *description = NULL;
	json_t *value;
	*ret = (struct offer){.name = arena_strdup(m->arena, name)};
	if (!is_offer_name(name))
		return fail_at(e, E_BAD_VALUE, "profiles",
			       "profiles: \"%.64s\": a name has letters, digits, and . _ - behind the first, up to 64", name);
	if (!json_is_object(said))
		return fail_at(e, E_BAD_VALUE, "profiles", "profiles: %s: an object is wanted, with profile, description, caa and default", name);
	json_object_foreach(said, key, value) {
		const char *text = json_string_value(value);
		bool is_text = text && *text && strlen(text) == json_string_length(value);
		if (strcmp(key, "profile") == 0 && is_text && json_string_length(value) <= NAME_MAX_BYTES)
			profile = text;
		else if (strcmp(key, "description") == 0 && is_text && json_string_length(value) <= DESCRIPTION_MAX_BYTES)
			description = text;
		else if (strcmp(key, "caa") == 0 && json_is_boolean(value))
			ret->caa = json_is_true(value);
		else if (strcmp(key, "default") == 0 && json_is_boolean(value))
			ret->is_default = json_is_true(value);
		else
			return fail_at(e, E_BAD_VALUE, "profiles",
				       "profiles: %s: \"%.40s\" isn't known or isn't of its type: profile (a name), description (a text of up to"
				       " %d octets), caa and default (true or false)", name, key, DESCRIPTION_MAX_BYTES);
	}
	if (!profile)
		return fail_at(e, E_BAD_VALUE, "profiles", "profiles: %s: the name of a profile has to be there", name);
	if (endpoint_find_profile(m, "profiles", profile, &ret->profile_id, &title, e) < 0)
		return -1;
	ret->profile = profile;
	ret->description = description ? description : title;
	return 0;
}

/* The one that is the default: the one that says so, or the only one. */
static int
choose_default(struct form *f, struct error *e)
{
	size_t n = 0, which = 0;
	for (size_t i = 0; i < f->n_offers; i++)
		if (f->offers[i].is_default) {
			which = i;
			n++;
		}
	if (n > 1 || (n == 0 && f->n_offers > 1))
		return fail_at(e, E_BAD_VALUE, "profiles", "profiles: one of them has to be the default: {\"default\": true}");
	if (f->has_profile && f->profile_id != f->offers[which].profile_id)
		return fail_at(e, E_BAD_VALUE, "profile", "profile: profiles says that the default is %s", f->offers[which].profile);
	f->offers[which].is_default = true;
	f->profile_id = f->offers[which].profile_id;
	f->profile = f->offers[which].profile;
	return 0;
}

static int
read_profiles(struct manage *m, struct form *f, bool is_new, struct error *e)
{
	const char *name, *title = NULL, *profile;
	json_t *given, *said;
	if (manage_text(m, "profile", 0, NAME_MAX_BYTES, &profile, e) < 0 || manage_object(m, "profiles", 0, &given, e) < 0)
		return -1;
	f->has_profile = profile != NULL;
	if (profile && endpoint_find_profile(m, "profile", profile, &f->profile_id, &title, e) < 0)
		return -1;
	if (profile)
		f->profile = profile;
	if (given && (json_object_size(given) == 0 || json_object_size(given) > LIMIT_DIRECTORY_PROFILES))
		return fail_at(e, E_BAD_VALUE, "profiles", "profiles: 1 to %d are wanted", LIMIT_DIRECTORY_PROFILES);
	if (given) {
		json_object_foreach(given, name, said)
			if (read_offer(m, name, said, &f->offers[f->n_offers++], e) < 0)
				return -1;
		return choose_default(f, e);
	}
	if (is_new && !profile)
		return fail_at(e, E_BAD_VALUE, "profile", "profile or profiles has to be there");
	if (is_new)
		f->offers[f->n_offers++] = (struct offer){.name = "default", .description = title, .profile = profile, .profile_id = f->profile_id,
		                                          .is_default = true};
	return 0;
}

/* --- the form --- */

static int
read_challenges(struct manage *m, unsigned flags, const char **ret, struct error *e)
{
	json_t *list, *item;
	const char *text = "";
	bool taken[ARRAY_LEN(challenges)] = {false};
	size_t i;
	if (manage_array(m, "challenges", flags, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	json_array_foreach(list, i, item) {
		const char *word = json_string_value(item);
		if (!word || !word_is_one_of(word, challenges))
			return manage_text_refused(m, "challenges", item, i,
			                           arena_printf(m->arena, "isn't a challenge of ACME here: %s", manage_words(m, challenges)), e);
		for (size_t k = 0; challenges[k]; k++)
			taken[k] = taken[k] || strcmp(word, challenges[k]) == 0;
	}
	for (size_t k = 0; challenges[k]; k++)
		if (taken[k])
			text = arena_printf(m->arena, "%s%s%s", text, *text ? "," : "", challenges[k]);
	if (!*text)
		return fail_at(e, E_BAD_VALUE, "challenges", "challenges: at least one is wanted: nobody gets a certificate without proof");
	*ret = arena_printf(m->arena, "{%s}", text);
	return 0;
}

/* Whether the profile itself gives the attribute. */
static bool
gives(const struct profile *p, const struct dn_type *type)
{
	for (size_t i = 0; i < p->n_fixed; i++)
		if (p->fixed[i].type == type)
			return true;
	for (size_t i = 0; i < p->n_defaults; i++)
		if (p->defaults[i].type == type)
			return true;
	return false;
}

/* What a profile wants and an order can't have: its names are those that were proved, and its CSR is made by clients that send no subject (certbot),
 * but for a device's name and number (ca/order.c). */
static int
check_can_be_ordered(const char *member, const struct profile *p, bool by_devices, struct error *e)
{
	static const enum name_kind kinds[] = {NAME_DNS, NAME_IP, NAME_PERMANENT_IDENTIFIER};
	bool named = false;
	unsigned known = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		named = named || p->name_allowed[kinds[i]];
		known |= 1u << kinds[i];
	}
	for (size_t i = 0; i < p->n_required; i++) {
		const char *name = p->required[i]->name;
		bool sent = by_devices && (strcmp(name, "CN") == 0 || strcmp(name, "serialNumber") == 0);
		if (!sent && !gives(p, p->required[i]))
			return fail_at(e, E_BAD_VALUE, member,
				       "%s: \"%s\" wants a %s in the subject, which clients of ACME don't send: take it out of subject_required, or"
				       " give it by subject_fixed or subject_defaults", member, p->name, name);
	}
	for (int i = 0; i < NAME_KIND_COUNT; i++)
		if (p->name_required[i] && !(known & 1u << i))
			return fail_at(e, E_BAD_VALUE, member, "%s: \"%s\" wants a name of the kind %s, which no order of ACME has", member, p->name,
				       name_kind_word((enum name_kind)i));
	if (!named)
		return fail_at(e, E_BAD_VALUE, member, "%s: \"%s\" takes no names of hosts, addresses or devices, and orders of ACME have no others",
			       member, p->name);
	if (p->key_origin == ORIGIN_APPLIANCE)
		return fail_at(e, E_BAD_VALUE, member, "%s: \"%s\" wants its keys made here, and clients of ACME make them themselves", member,
			       p->name);
	return 0;
}

/* Of the profiles that are to be offered newly. */
static int
check_profiles(struct manage *m, const struct form *f, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *ids = f->has_profile ? arena_printf(m->arena, "%lld", (long long)f->profile_id) : "";
	for (size_t i = 0; i < f->n_offers; i++)
		ids = arena_printf(m->arena, "%s%s%lld", ids, *ids ? "," : "", (long long)f->offers[i].profile_id);
	struct db_param row[] = {DB_TEXT(arena_printf(m->arena, "{%s}", ids))};
	if (!*ids)
		return 0;
	if (db_query(m->desk->db, "SELECT name, kind, definition FROM profile WHERE id = ANY ($1::int[]) ORDER BY id", row, 1, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		struct profile *p CLEANUP(profile_free) = NULL;
		if (profile_new(arena_new(DEFINITION_ARENA_BYTES), 0, m->who->tenant_id, db_text(r, i, 0), db_text(r, i, 1), db_text(r, i, 2), &p,
				e) < 0 ||
		    check_can_be_ordered(f->n_offers && !f->has_profile ? "profiles" : "profile", p,
					 strcmp(f->auth, "{device-attest-01}") == 0, e) < 0)
			return -1;
	}
	return 0;
}

/* With caa and no name of ours to be found in those records nothing could be issued, or anything. */
static int
check_caa(struct manage *m, const struct form *f, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(m->id)};
	json_t *set CLEANUP(json_decref) = json_loads(f->settings, 0, NULL);
	const char *identities = json_string_value(json_object_get(set, "caa_identities")), *offer = NULL;
	if (identities && *identities)
		return 0;
	for (size_t i = 0; i < f->n_offers; i++)
		offer = f->offers[i].caa ? f->offers[i].name : offer;
	if (f->n_offers == 0) { /* those that are there stay */
		if (db_query(m->desk->db, "SELECT name FROM directory_profile WHERE endpoint_id = $1::int8 AND caa LIMIT 1", id, 1, false, &r, e) < 0)
			return -1;
		offer = db_rows(r) ? db_text(r, 0, 0) : NULL;
	}
	return !offer ? 0
	       : fail_at(e, E_BAD_VALUE, f->n_offers ? "profiles" : "settings",
			 "%s: \"%s\" wants CAA records asked for: caa_identities in settings has to say which names they may have",
			 f->n_offers ? "profiles" : "settings", offer);
}

/* old NULL: a new one. Of the old: the columns of load(). */
static int
read_form(struct manage *m, const struct db_result *old, struct form *f, struct error *e)
{
	int enabled;
	*f = (struct form){.settings = "{}", .enabled = true};
	if (old) {
		f->label = arena_strdup(m->arena, db_text(old, 0, 0));
		f->ca_id = db_int(old, 0, 1);
		f->profile_id = db_int(old, 0, 2);
		f->enabled = db_bool(old, 0, 3);
		f->auth = arena_strdup(m->arena, db_text(old, 0, 4));
		f->settings = arena_strdup(m->arena, db_text(old, 0, 5));
		f->profile = arena_strdup(m->arena, db_text(old, 0, 7));
		f->anchors.n = (size_t)db_int(old, 0, 8);
	} else if (manage_text(m, "name", MANAGE_REQUIRED, LABEL_MAX_BYTES, &f->label, e) < 0) {
		return -1;
	}
	if (endpoint_read_ca(m, &f->ca_id, e) < 0 || read_profiles(m, f, !old, e) < 0 || manage_bool(m, "enabled", 0, &enabled, e) < 0 ||
	    read_challenges(m, old ? 0 : MANAGE_REQUIRED, &f->auth, e) < 0 || settings_read(m, "ACME directory", settings, &f->settings, e) < 0 ||
	    endpoint_read_anchors(m, &f->anchors, e) < 0 || manage_ownership(m, &f->own, e) < 0)
		return -1;
	bool attests = strstr(f->auth, "device-attest-01") != NULL;
	if (attests != (f->anchors.n > 0))
		return fail_at(e, E_BAD_VALUE, "anchors", "anchors: %s",
			       attests ? "device-attest-01 wants certificates of manufacturers that are trusted to attest"
			               : "no challenge of the directory asks for them: device-attest-01 does");
	f->enabled = enabled < 0 ? f->enabled : enabled;
	return check_profiles(m, f, e) < 0 || check_caa(m, f, e) < 0 ? -1 : manage_body_end(m, e);
}

/* --- the store --- */

static int
store_row(struct manage *m, const struct form *f, bool is_new, struct db_param anchors, struct error *e)
{
	static const char insert[] =
	    "INSERT INTO endpoint (tenant_id, protocol, label, ca_id, profile_id, enabled, auth, settings, owner, metadata, anchors)"
	    " SELECT $1::int, 'acme', $2::text, $3::int, $4::int, $5::boolean, $6::text[], $7::jsonb, $9::text, $11::jsonb, $13::bytea[]"
	    "  WHERE $12::int8 = 0 AND $8::boolean IS NOT NULL AND $10::boolean IS NOT NULL AND $14::boolean IS NOT NULL RETURNING id";
	static const char change[] =
	    "UPDATE endpoint SET ca_id = $3::int, profile_id = $4::int, enabled = $5::boolean, auth = $6::text[], settings = $7::jsonb,"
	    " version = version + 1, owner = CASE WHEN $8::boolean THEN $9::text ELSE owner END,"
	    " metadata = CASE WHEN $10::boolean THEN $11::jsonb ELSE metadata END,"
	    " anchors = CASE WHEN $14::boolean THEN $13::bytea[] ELSE anchors END"
	    " WHERE id = $12::int8 AND tenant_id = $1::int AND protocol = 'acme' AND label = $2::text RETURNING id";
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(f->label), f->ca_id ? DB_INT(f->ca_id) : DB_NULL, DB_INT(f->profile_id),
	                         DB_TEXT(f->enabled ? "true" : "false"), DB_TEXT(f->auth), DB_TEXT(f->settings),
	                         DB_TEXT(f->own.has_owner ? "true" : "false"), DB_TEXT(f->own.owner),
	                         DB_TEXT(f->own.has_metadata ? "true" : "false"), DB_TEXT(f->own.metadata), DB_INT(is_new ? 0 : m->id), anchors,
	                         DB_TEXT(f->anchors.given ? "true" : "false")};
	if (db_query(m->desk->db, is_new ? insert : change, row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits, and . _ - behind the first", e);
	m->ret_id = db_int(r, 0, 0);
	return 0;
}

/* The set of offers as a whole, or the default's profile alone. */
static int
store_offers(struct manage *m, const struct form *f, struct error *e)
{
	struct db_param id[] = {DB_INT(m->ret_id), DB_INT(f->profile_id)};
	if (f->n_offers == 0 && !f->has_profile)
		return 0;
	if (f->n_offers == 0)
		return db_query(m->desk->db, "UPDATE directory_profile SET profile_id = $2::int WHERE endpoint_id = $1::int8 AND is_default", id, 2,
				false, NULL, e);
	if (db_query(m->desk->db, "DELETE FROM directory_profile WHERE endpoint_id = $1::int8", id, 1, false, NULL, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_offers; i++) {
		const struct offer *o = &f->offers[i];
		struct db_param row[] = {DB_INT(m->ret_id), DB_INT(m->who->tenant_id), DB_TEXT(o->name), DB_INT(o->profile_id),
		                         DB_TEXT(o->is_default ? "true" : "false"), DB_TEXT(o->description), DB_TEXT(o->caa ? "true" : "false")};
		if (db_query(m->desk->db,
			     "INSERT INTO directory_profile (endpoint_id, tenant_id, name, profile_id, is_default, description, caa)"
			     " VALUES ($1::int8, $2::int, $3::text, $4::int, $5::boolean, $6::text, $7::boolean)",
			     row, ARRAY_LEN(row), false, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int
store(struct manage *m, const struct form *f, bool is_new, struct error *e)
{
	const char *profiles = "";
	struct db_array anchors;
	struct db_param list;
	int rc = endpoint_anchors_param(&f->anchors, &anchors, &list, e);
	if (rc == 0)
		rc = store_row(m, f, is_new, list, e);
	db_array_free(&anchors);
	if (rc < 0 || store_offers(m, f, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_offers; i++)
		profiles = arena_printf(m->arena, "%s%s%s=%s%s", profiles, i ? ", " : "", f->offers[i].name, f->offers[i].profile,
					f->offers[i].caa ? " (caa)" : "");
	m->object = arena_printf(m->arena, "acme_directory/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", f->label, "ca", f->ca_id ? arena_printf(m->arena, "ca/%lld", (long long)f->ca_id) : "default",
				"profile", f->profile, "profiles", f->n_offers ? profiles : "unchanged", "enabled", f->enabled ? "true" : "false",
				"challenges", f->auth, "settings", f->settings, "anchors", arena_printf(m->arena, "%zu", f->anchors.n), NULL);
	return 0;
}

static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT n.label, n.ca_id, n.profile_id, n.enabled, n.auth, n.settings, n.version, p.name, cardinality(n.anchors) FROM endpoint n"
		     " JOIN profile p ON p.id = n.profile_id WHERE n.id = $1::int8 AND n.tenant_id = $2::int AND n.protocol = 'acme' FOR UPDATE OF n",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such ACME directory");
	if (m->version && m->version != db_int(*ret, 0, 6))
		return fail(e, E_PRECONDITION, "the ACME directory was changed meanwhile");
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct form f;
	return read_form(m, NULL, &f, e) < 0 ? -1 : store(m, &f, true, e);
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct form f;
	return load(m, &old, e) < 0 || read_form(m, old, &f, e) < 0 ? -1 : store(m, &f, false, e);
}

/* It is no door any more, and its name is free; a job does the rest, of which there may be much. */
static int
delete(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL, *accounts CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || load(m, &old, e) < 0 ||
	    db_query(m->desk->db,
		     "UPDATE endpoint SET protocol = 'deleted', label = 'deleted-' || id, enabled = false, profile_id = NULL, ca_id = NULL"
		     " WHERE id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM directory_profile WHERE endpoint_id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "SELECT count(*) FROM acme_account WHERE endpoint_id = $1::int8", row, 1, false, &accounts, e) < 0)
		return -1;
	json_t *parameters CLEANUP(json_decref) = json_pack("{s:I,s:s,s:I}", "directory", (json_int_t)m->id, "name", db_text(old, 0, 0),
							    "accounts", (json_int_t)db_int(accounts, 0, 0));
	if (manage_job(m, "remove_directory", parameters, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "acme_directory/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), NULL);
	return 0;
}

extern const struct manage_op manage_acme_directory[];
const struct manage_op manage_acme_directory[] = {
    {"acme_directory.create", "acme_directory.created", RIGHT_ENROLMENT, 0, create},
    {"acme_directory.update", "acme_directory.changed", RIGHT_ENROLMENT, 0, update},
    {"acme_directory.delete", "acme_directory.deleted", RIGHT_ENROLMENT, 0, delete},
    {0},
};
