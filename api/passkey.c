/* A challenge is its end (8 octets, µs) ‖ 16 random ‖ HMAC-SHA256(key, use ‖ NUL ‖ binding ‖ NUL ‖ those): one that nobody answers is nowhere, so that
 * asking for them fills no table. One that is answered is noted in the store until its end (passkey_challenge), and answered once. */
#include "config.h"
#include "api/passkey.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "lib/limits.h"
#include "lib/x509/der.h"
#include "lib/x509/jose.h"
#include "lib/x509/webauthn.h"

#define LIFE_SEC 300
#define ORIGINS_MAX 32
enum { TIME_BYTES = 8, RANDOM_BYTES = 16, MAC_BYTES = 32, CHALLENGE_BYTES = TIME_BYTES + RANDOM_BYTES + MAC_BYTES };

static const char AT_PROOF[] = "/data/attributes/passkey";

/* --- who we are --- */

static bool
is_domain(const char *host)
{
	return *host && *host != '[' && strspn(host, "0123456789.") != strlen(host);
}

const char *
passkey_site(struct call *c)
{
	const char *site = config_str(c->api->config, OPT_api_passkey_site), *url = c->api->base_url;

	if (*site)
		return site;
	if (strncmp(url, "https://", 8) != 0)
		return NULL;
	site = url[8] == '[' ? "[" : arena_strndup(c->arena, url + 8, strcspn(url + 8, ":/"));
	return is_domain(site) ? site : NULL;
}

static int
find_site(struct call *c, struct webauthn_site *ret, struct error *e)
{
	const char **origins = arena_alloc(c->arena, (ORIGINS_MAX + 2) * sizeof *origins);
	const char *more = config_str(c->api->config, OPT_api_passkey_origins);
	int n = 0;

	ret->rp_id = passkey_site(c);
	if (!ret->rp_id)
		return fail(e, E_CONFLICT, "there are no passkeys here: the edge is called by an address, and they want a name");
	origins[n++] = c->api->base_url;
	for (more += strspn(more, " "); *more && n <= ORIGINS_MAX; more += strspn(more, " ")) {
		size_t len = strcspn(more, " ");

		origins[n++] = arena_strndup(c->arena, more, len);
		more += len;
	}
	origins[n] = NULL;
	ret->origins = origins;
	return 0;
}

/* --- challenges --- */

static int
mac(struct call *c, enum passkey_use use, const char *binding, const uint8_t *head, uint8_t ret[EVP_MAX_MD_SIZE], struct error *e)
{
	static const char *const uses[] = {"register", "prove", "sign in"};
	char *text = arena_printf(c->arena, "passkey %s|%s|", uses[use], binding);
	size_t n = strlen(text);
	uint8_t *whole = arena_alloc(c->arena, n + TIME_BYTES + RANDOM_BYTES);
	unsigned len;

	memcpy(whole, text, n);
	memcpy(whole + n, head, TIME_BYTES + RANDOM_BYTES);
	return HMAC(EVP_sha256(), c->api->cursor_key, sizeof c->api->cursor_key, whole, n + TIME_BYTES + RANDOM_BYTES, ret, &len)
	           ? 0
	           : fail(e, E_INTERNAL, "no HMAC");
}

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
passkey_challenge(struct call *c, enum passkey_use use, const char *binding, char **ret, struct error *e)
{
	uint8_t text[TIME_BYTES + RANDOM_BYTES + EVP_MAX_MD_SIZE];
	uint64_t end = (uint64_t)now_us() + LIFE_SEC * 1000000ull;

	for (int i = 0; i < TIME_BYTES; i++)
		text[i] = (uint8_t)(end >> (56 - 8 * i));
	if (RAND_bytes(text + TIME_BYTES, RANDOM_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (mac(c, use, binding, text, text + TIME_BYTES + RANDOM_BYTES, e))
		return -1;
	*ret = base64url_encode(c->arena, (struct bytes){text, CHALLENGE_BYTES});
	return 0;
}

static int
refuse(struct error *e, const char *why)
{
	return fail_at(e, E_UNAUTHENTICATED, AT_PROOF, "%s", why);
}

static int
check_challenge(struct call *c, enum passkey_use use, const char *binding, struct bytes challenge, struct passkey_challenge *ret, struct error *e)
{
	uint8_t wanted[EVP_MAX_MD_SIZE];
	uint64_t end = 0;

	if (challenge.len != CHALLENGE_BYTES)
		return refuse(e, "the challenge isn't one of ours");
	if (mac(c, use, binding, challenge.data, wanted, e))
		return -1;
	if (CRYPTO_memcmp(wanted, challenge.data + TIME_BYTES + RANDOM_BYTES, MAC_BYTES) != 0)
		return refuse(e, "the challenge isn't one of ours for this session");
	for (int i = 0; i < TIME_BYTES; i++)
		end = end << 8 | challenge.data[i];
	if ((int64_t)end < now_us())
		return refuse(e, "the challenge is over: it is good for five minutes");
	if (EVP_Digest(challenge.data, challenge.len, wanted, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	memcpy(ret->hash, wanted, sizeof ret->hash);
	ret->expires_us = (int64_t)end;
	return 0;
}

int
passkey_use_challenge(struct call *c, struct db *db, const struct passkey_challenge *challenge, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_param params[] = {DB_BYTES(challenge->hash, sizeof challenge->hash),
	                            DB_TEXT(arena_printf(c->arena, "%lld", (long long)(challenge->expires_us / 1000000 + 1)))};

	if (db_query(db, "SELECT passkey_challenge_use($1::bytea, to_timestamp($2::text::float8))", params, 2, false, &r, e))
		return -1;
	return db_bool(r, 0, 0) ? 0 : refuse(e, "the challenge was answered before: each is good once");
}

int
passkey_accept(struct call *c, struct db *db, const struct passkey_proof *proof, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_param params[] = {DB_INT(proof->id), DB_INT(proof->sign_count)};

	if (passkey_use_challenge(c, db, &proof->challenge, e) ||
	    db_query(db, "SELECT passkey_used($1::int8, $2::int8)", params, 2, false, &r, e))
		return -1;
	return db_bool(r, 0, 0) ? 0 : refuse(e, "the passkey's counter went back: there are two of it, and one of them is a copy");
}

/* --- what browsers bring --- */

/* What is wrong with a text that came is its attribute's fault; what is wrong with the machine stays what it is. */
static int
fault_of(struct error *e, const char *at)
{
	char why[sizeof e->detail];

	if (e->code == E_INTERNAL || e->code == E_STORE)
		return -1;
	memcpy(why, e->detail, sizeof why);
	return fail_at(e, E_BAD_VALUE, at, "%s", why);
}

static int
decode(struct call *c, const char *text, const char *name, struct bytes *ret, struct error *e)
{
	return base64url_decode(c->arena, text, strlen(text), name, ret, e);
}

int
passkey_read_made(struct call *c, const char *attestation_object, const char *client_data, const char *binding, struct passkey_made *ret,
                  struct error *e)
{
	struct bytes object, json, data, challenge;
	struct passkey_made made = {0};
	struct webauthn_site site;
	struct webauthn_data d;

	if (find_site(c, &site, e))
		return -1;
	if (decode(c, client_data, "client_data", &json, e) || webauthn_client_data(json, "webauthn.create", &site, c->arena, &challenge, e) ||
	    check_challenge(c, PASSKEY_REGISTER, binding, challenge, &made.challenge, e))
		return fault_of(e, "/data/attributes/client_data");
	if (decode(c, attestation_object, "attestation_object", &object, e) || webauthn_object_parse(object, &data, e) ||
	    webauthn_data_parse(data, site.rp_id, true, &d, e) || webauthn_key_parse(d.cose_key, c->arena, &made.public_key, e))
		return fault_of(e, "/data/attributes/attestation_object");
	if (!d.user_present)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/attestation_object", "nobody touched the authenticator (WebAuthn 7.1 step 14)");
	made.credential_id = d.credential_id;
	made.sign_count = d.sign_count;
	made.user_verified = d.user_verified;
	*ret = made;
	return 0;
}

/* The members of an assertion. */
struct assertion {
	struct bytes id, data, client_data, signature, handle;
};

static int
read_assertion(struct call *c, const json_t *proof, struct assertion *ret, struct error *e)
{
	const struct {
		const char *name;
		struct bytes *ret;
		size_t max;
	} members[] = {{"id", &ret->id, WEBAUTHN_ID_BYTES},
	               {"authenticator_data", &ret->data, WEBAUTHN_DATA_BYTES},
	               {"client_data", &ret->client_data, WEBAUTHN_CLIENT_DATA_BYTES},
	               {"signature", &ret->signature, WEBAUTHN_SIGNATURE_BYTES},
	               {"user_handle", &ret->handle, 64}};
	size_t n = 0;

	if (!json_is_object(proof))
		return fail_at(e, E_BAD_VALUE, AT_PROOF, "passkey: an object is wanted");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *value = json_object_get(proof, members[i].name);
		const char *text = json_string_value(value);

		*members[i].ret = (struct bytes){0};
		n += value != NULL;
		if (!value && i == ARRAY_LEN(members) - 1)
			continue; /* of a passkey whose owner is known */
		if (!text || decode(c, text, members[i].name, members[i].ret, e) || members[i].ret->len > members[i].max)
			return fail_at(e, E_BAD_VALUE, AT_PROOF, "passkey: %s has to be base64url of up to %zu octets", members[i].name,
			               members[i].max);
	}
	return n == json_object_size(proof)
	           ? 0
	           : fail_at(e, E_BAD_VALUE, AT_PROOF, "passkey: it has id, authenticator_data, client_data, signature and user_handle alone");
}

static int
find_passkey(struct call *c, const struct assertion *a, int64_t account, struct passkey_proof *p, struct bytes *ret_spki, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (call_db(c, e) || db_query(c->db,
	                              "SELECT passkey_id, handle, public_key, tenant_id, account_id, name, role, rights FROM passkey_find($1::bytea)",
	                              (struct db_param[]){DB_BYTES(a->id.data, a->id.len)}, 1, false, &r, e))
		return -1;
	if (db_rows(r) != 1 || !auth_principal(r, 0, 3, EVIDENCE_PASSKEY, c->arena, &p->who))
		return refuse(e, "the passkey isn't registered here, or its account is disabled");
	/* 7.2 step 6: whose it is has to be known beforehand, or said by the authenticator. */
	if (account ? p->who.account_id != account : a->handle.len == 0)
		return refuse(e, account ? "the passkey is another account's" : "the passkey doesn't say whose it is");
	if (a->handle.len && !bytes_equal(a->handle, db_bytes(r, 0, 1, c->arena)))
		return refuse(e, "the passkey is for another account");
	p->id = db_int(r, 0, 0);
	*ret_spki = db_bytes(r, 0, 2, c->arena);
	return 0;
}

int
passkey_read_proof(struct call *c, const json_t *proof, enum passkey_use use, const char *binding, bool verified, int64_t account,
                   struct passkey_proof *ret, struct error *e)
{
	struct passkey_proof p = {0};
	struct webauthn_site site;
	struct webauthn_data d;
	struct bytes challenge, spki;
	struct assertion a;

	if (find_site(c, &site, e) || read_assertion(c, proof, &a, e))
		return -1;
	if (webauthn_client_data(a.client_data, "webauthn.get", &site, c->arena, &challenge, e) ||
	    webauthn_data_parse(a.data, site.rp_id, false, &d, e))
		return fault_of(e, AT_PROOF);
	if (check_challenge(c, use, binding, challenge, &p.challenge, e) || find_passkey(c, &a, account, &p, &spki, e))
		return -1;
	p.sign_count = d.sign_count;
	*ret = p; /* whose log tells of it, whatever comes */
	if (webauthn_signature(spki, a.data, a.client_data, a.signature, e))
		return e->code == E_FORBIDDEN ? refuse(e, "the signature isn't by this passkey (WebAuthn 7.2 step 20)") : -1;
	if (!d.user_present)
		return refuse(e, "nobody touched the authenticator (WebAuthn 7.2 step 16)");
	if (verified && !d.user_verified)
		return refuse(e, "the authenticator asked for no PIN and no finger: alone it doesn't sign in (WebAuthn 7.2 step 17)");
	return 0;
}
