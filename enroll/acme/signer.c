/* Who signs: the nonce, the account, its key. */
#include "enroll/acme/signer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/rate_limit.h"
#include "lib/auth/auth.h"

#define WRONG_MOST 100  /* signatures by another key, and accounts that don't exist, of one address within a minute */
#define KEY_PLACES 4096 /* an account has one place, by its number; those that share one take turns */

struct acme_keys {
	pthread_mutex_t lock;
	struct key_place {
		int64_t account; /* 0: empty */
		EVP_PKEY *key;
		struct bytes spki;
		uint8_t thumbprint[JWK_THUMBPRINT_BYTES];
	} places[KEY_PLACES];
};

struct acme_keys *
acme_keys_new(void)
{
	struct acme_keys *p = xcalloc(1, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
acme_keys_free(struct acme_keys *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < KEY_PLACES; i++) {
		EVP_PKEY_free(p->places[i].key);
		free((void *)(uintptr_t)p->places[i].spki.data);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool
find_key(struct acme_keys *p, int64_t account, struct arena *a, struct jwk *ret)
{
	pthread_mutex_lock(&p->lock);
	const struct key_place *place = &p->places[account % KEY_PLACES];
	bool found = place->account == account && EVP_PKEY_up_ref(place->key) == 1;
	if (found) {
		*ret = (struct jwk){.key = place->key, .spki = {arena_dup(a, place->spki.data, place->spki.len), place->spki.len}, .canonical = ""};
		memcpy(ret->thumbprint, place->thumbprint, JWK_THUMBPRINT_BYTES);
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

static void
keep_key(struct acme_keys *p, int64_t account, const struct jwk *jwk)
{
	if (EVP_PKEY_up_ref(jwk->key) != 1)
		return;
	uint8_t *spki = xcalloc(1, jwk->spki.len);
	memcpy(spki, jwk->spki.data, jwk->spki.len);
	pthread_mutex_lock(&p->lock);
	struct key_place *place = &p->places[account % KEY_PLACES];
	const struct key_place old = *place;
	*place = (struct key_place){.account = account, .key = jwk->key, .spki = {spki, jwk->spki.len}};
	memcpy(place->thumbprint, jwk->thumbprint, JWK_THUMBPRINT_BYTES);
	pthread_mutex_unlock(&p->lock);
	EVP_PKEY_free(old.key);
	free((void *)(uintptr_t)old.spki.data);
}

/* kid → the account's number; an account of another directory, or none of this server, doesn't exist here. */
static int
account_of_kid(struct acme_exchange *x, int64_t *ret, struct error *e)
{
	const char *prefix = arena_printf(x->arena, "%s/acct/", x->url);
	size_t len = strlen(prefix);
	if (strncmp(x->jws.kid, prefix, len) != 0 || !acme_read_id(x->jws.kid + len, strlen(x->jws.kid + len), ret))
		return fail(e, E_NO_ACCOUNT, "kid isn't the address of an account of this directory (RFC 8555 6.2)");
	return 0;
}

/* Takes the nonce, and finds the account: one statement. */
static int
begin(struct acme_exchange *x, const int64_t *account_id, struct db_result **ret, struct error *e)
{
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_BYTES(x->nonce.key, sizeof(x->nonce.key)),
	                               DB_BYTES(x->nonce.octets, sizeof(x->nonce.octets)),
	                               account_id ? DB_INT(*account_id) : DB_NULL,
	                               x->jws.jwk ? DB_BYTES(x->key.thumbprint, JWK_THUMBPRINT_BYTES) : DB_NULL};
	x->nonce.due = false;
	if (acme_query(x,
	               "SELECT r_nonce, r_id, r_status, r_jwk, r_contacts, r_terms, r_binding"
	               " FROM acme_begin($1::int8, $2::bytea, $3::bytea, $4::int8, $5::bytea)",
	               row, ARRAY_LEN(row), ret, e) < 0)
		return -1;
	const char *word = db_text(*ret, 0, 0);
	if (strcmp(word, "key") == 0)
		acme_nonces_forget(acme_nonces(x->acme));
	return strcmp(word, "good") == 0 ? 0 : fail(e, E_BAD_NONCE, "the nonce was used already, or is too old (RFC 8555 6.5)");
}

static int
key_of_account(struct acme_exchange *x, const char *text, struct error *e)
{
	json_t *jwk CLEANUP(json_decref) = json_loads(text, 0, NULL);
	jwk_free(&x->key); /* one that we knew */
	return jwk_parse_known(x->arena, jwk, &x->key, e);
}

static const char *
throttle_of(struct acme_exchange *x)
{
	return arena_printf(x->arena, "acme:%s", acme_limit_address(x->arena, x->request->client));
}

static void
take_account(struct acme_exchange *x, const struct db_result *r)
{
	enum { ID = 1, STATUS, JWK, CONTACTS, TERMS, BINDING };
	x->account = (struct acme_account){
	    .id = db_int(r, 0, ID),
	    .status = arena_strdup(x->arena, db_text(r, 0, STATUS)),
	    .contacts = arena_strdup(x->arena, db_text(r, 0, CONTACTS)),
	    .terms = db_bool(r, 0, TERMS),
	    .binding = arena_strdup(x->arena, db_text(r, 0, BINDING)),
	};
}

/* Whoever claims to be an account has a nonce taken before his signature can be verified: one address may be wrong so often within a minute. */
int
acme_signer_begin(struct acme_exchange *x, struct error *e)
{
	enum { ID = 1, STATUS, JWK };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	int64_t id = 0;
	if (account_of_kid(x, &id, e) < 0 || throttle_check_of(throttle_of(x), WRONG_MOST, e) < 0 || begin(x, &id, &r, e) < 0)
		return -1;
	if (db_is_null(r, 0, ID)) {
		throttle_failed(throttle_of(x));
		return fail(e, E_NO_ACCOUNT, "there is no such account (RFC 8555 6.2)");
	}
	x->account.id = id; /* for the log */
	if (key_of_account(x, db_text(r, 0, JWK), e) < 0)
		return -1;
	if (jwk_verify(&x->key, x->jws.alg, x->jws.signed_data, x->jws.signature, e) < 0) {
		throttle_failed(throttle_of(x));
		return -1;
	}
	const char *status = db_text(r, 0, STATUS);
	if (strcmp(status, "valid") != 0)
		return fail(e, E_FORBIDDEN, "the account is %s (RFC 8555 7.3.6)", status);
	keep_key(acme_keys(x->acme), id, &x->key);
	take_account(x, r);
	return 0;
}

/* By a key that we knew. False: it isn't known, or signed something else; the account may have another one by now. */
static bool
knows(struct acme_exchange *x)
{
	struct error ignored;
	int64_t id = 0;
	if (account_of_kid(x, &id, &ignored) < 0 || !find_key(acme_keys(x->acme), id, x->arena, &x->key) ||
	    jwk_verify(&x->key, x->jws.alg, x->jws.signed_data, x->jws.signature, &ignored) < 0)
		return false;
	x->account = (struct acme_account){.id = id, .status = "valid", .contacts = "", .binding = ""};
	return true;
}

/* A nonce that isn't ours is found first, which costs next to nothing; a key that comes with the request is verified before the store is asked
 * anything. */
int
acme_signer_check(struct acme_exchange *x, bool late, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	if (acme_nonce_check(acme_nonces(x->acme), x->jws.nonce, x->nonce.octets, x->nonce.key, e) < 0)
		return -1;
	if (!x->jws.jwk) {
		x->nonce.due = late && knows(x);
		return x->nonce.due ? 0 : acme_signer_begin(x, e);
	}
	if (jwk_parse(x->arena, x->jws.jwk, &x->key, e) < 0 || jwk_verify(&x->key, x->jws.alg, x->jws.signed_data, x->jws.signature, e) < 0 ||
	    begin(x, NULL, &r, e) < 0)
		return -1;
	take_account(x, r);
	return 0;
}
