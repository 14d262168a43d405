/* The directory, RFC 8555 7.1.1: what anybody may read. */
#include <string.h>

#include "enroll/acme/acme.h"
#include "enroll/kept.h"
#include "lib/text.h"

/* Words of a setting with commas between them. */
static json_t *
words(const char *text)
{
	json_t *list = json_array();
	const char *word;
	size_t len;
	while (words_next(&text, &word, &len))
		json_array_append_new(list, json_stringn(word, len));
	return list;
}

static void
put_text(struct acme_exchange *x, json_t *meta, const char *member, const char *setting)
{
	const char *text = endpoint_text(&x->endpoint, x->arena, setting, "");
	if (*text)
		json_object_set_new(meta, member, json_string(text));
}

static int
make(void *ctx, struct bytes *ret, struct error *e)
{
	static const struct {
		const char *member, *path;
	} resources[] = {
	    {"newNonce", "new-nonce"},   {"newAccount", "new-account"}, {"newOrder", "new-order"},       {"newAuthz", "new-authz"},
	    {"keyChange", "key-change"}, {"revokeCert", "revoke-cert"}, {"renewalInfo", "renewal-info"},
	};
	struct acme_exchange *x = ctx;
	CLEANUP(db_result_free) struct db_result *r = NULL;
	json_t *d CLEANUP(json_decref) = json_object();
	json_t *meta = json_object();
	json_object_set_new(d, "meta", meta);
	for (size_t i = 0; i < ARRAY_LEN(resources); i++)
		json_object_set_new(d, resources[i].member, json_string(arena_printf(x->arena, "%s/%s", x->url, resources[i].path)));
	put_text(x, meta, "termsOfService", "terms_of_service");
	put_text(x, meta, "website", "website");
	const char *caa = endpoint_text(&x->endpoint, x->arena, "caa_identities", "");
	if (*caa)
		json_object_set_new(meta, "caaIdentities", words(caa));
	json_object_set_new(meta, "externalAccountRequired",
	                    json_boolean(strcmp(endpoint_text(&x->endpoint, x->arena, "external_account", "off"), "required") == 0));
	if (acme_query(x, "SELECT r_name, r_description FROM acme_profiles($1::int8)", (struct db_param[]){DB_INT(x->endpoint.id)}, 1, &r, e) < 0)
		return -1;
	if (db_rows(r) > 0) { /* draft-ietf-acme-profiles 3 */
		json_t *profiles = json_object();
		for (int i = 0; i < db_rows(r); i++)
			json_object_set_new(profiles, db_text(r, i, 0), json_string(db_text(r, i, 1)));
		json_object_set_new(meta, "profiles", profiles);
	}
	struct http_answer a = {0};
	acme_answer_json(x, &a, TAKE(d));
	*ret = a.body;
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	static struct kept answers = KEPT_INIT;
	const char *key = arena_printf(x->arena, "%lld %s %s", (long long)x->endpoint.id, x->endpoint.label, x->endpoint.settings);
	if (kept_get(&answers, x->arena, x->endpoint.label, key, make, x, &a->body, e) < 0)
		return -1;
	a->status = 200;
	a->content_type = "application/json";
	return 0;
}

const struct acme_operation acme_directory = {.name = "directory", .path = "directory", .get = handle};
