/* One connection for all threads, under a lock: the chain has one writer, and signing in is rare. */
#include "config.h"
#include "api/token_store.h"

#include <stdio.h>
#include <time.h>
#include <openssl/evp.h>

#include "lib/limits.h"

#define TOKEN_BYTES 20 /* 160 bits: the store keeps its SHA-256 */

/* A connection with the chain open; after any doubt about the last transaction the chain is read again. */
static int
open_store(struct api *api, struct error *e)
{
	if (!api->token_db) {
		if (db_connect(api->config, "siegel_api", &api->token_db, e))
			return -1;
		api->token_chain.name[0] = '\0';
	} else if (!db_fresh(api->token_db)) { /* also when the store was restarted in between */
		api->token_chain.name[0] = '\0';
		if (db_reconnect(api->token_db, e))
			return -1;
	}
	/* Row-level security shows the chain to who says that it is his: it tells of all tenants. */
	if (!api->token_chain.name[0] && (db_exec(api->token_db, "SET siegel.chain = 'api.tokens'", e) ||
	                                  audit_open(api->token_db, "api.tokens", &api->token_chain, e))) {
		api->token_chain.name[0] = '\0';
		return -1;
	}
	return 0;
}

int
token_audit_word(struct call *c, const char *action, const char *object, const char *name, const char *word, struct error *e)
{
	const char *more = name ? arena_printf(c->arena, ",\"%s\":\"%s\"", name, word) : "";
	struct timespec now;
	struct audit_row row = {
		.tenant_id = c->who.tenant_id,
		.actor = arena_printf(c->arena, "rest:%s", c->who.name),
		.action = action,
		.object = object,
		.detail = arena_printf(c->arena, "{\"evidence\":\"%s\",\"client\":\"%s\"%s}", evidence_name(c->who.evidence),
		                       c->request->client, more),
	};

	clock_gettime(CLOCK_REALTIME, &now);
	row.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	return audit_append(c->api->token_db, &c->api->token_chain, &row, e);
}

int
token_audit(struct call *c, const char *action, const char *object, struct error *e)
{
	return token_audit_word(c, action, object, NULL, NULL, e);
}

static int
append(struct call *c, const char *action, int64_t id, struct error *e)
{
	return token_audit(c, action, arena_printf(c->arena, "token/%lld", (long long)id), e);
}

int
token_transaction(struct call *c, int (*work)(struct call *c, void *ctx, struct error *e), void *ctx, struct error *e)
{
	struct api *api = c->api;
	struct error ignored;
	int result = -1;

	pthread_mutex_lock(&api->token_lock);
	if (open_store(api, e) == 0 && db_exec(api->token_db, "BEGIN", e) == 0) {
		result = work(c, ctx, e);
		if (result == 0)
			result = db_exec(api->token_db, "COMMIT", e);
		if (result) {
			api->token_chain.name[0] = '\0';
			if (db_exec(api->token_db, "ROLLBACK", &ignored))
				api->token_chain.name[0] = '\0';
		}
	}
	pthread_mutex_unlock(&api->token_lock);
	return result;
}

struct make {
	const char *authorization;
	struct new_token *token;
};

#define OF_SIGNING_IN                                                                                                  \
	"account_id = $1::int8 AND kind = 'token' AND revoked_at IS NULL AND expires_at > now()"                              \
	" AND expires_at = created_at + interval '12 hours'"

/* Who signs in again and again and never out loses the oldest: a table doesn't grow by one account's habits. */
static int
end_oldest(struct call *c, struct db *db, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_param params[] = {DB_INT(c->who.account_id), DB_INT(LIMIT_TOKENS - 1)};

	if (db_query(db, "SELECT id FROM credential WHERE " OF_SIGNING_IN " ORDER BY id DESC OFFSET $2::int4 LIMIT 1", params, 2, false, &r, e))
		return -1;
	if (db_rows(r) == 0)
		return 0;
	params[1] = DB_INT(db_int(r, 0, 0));
	return db_query(db, "UPDATE credential SET revoked_at = now() WHERE " OF_SIGNING_IN " AND id <= $2::int8", params, 2, false, NULL, e);
}

/* A one-time code for somebody with a second factor leads to a session, which wants that: a code that somebody intercepted opens nothing else. It
 * isn't used up by being refused. */
static int
factor_free(struct call *c, struct db *db, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (c->who.evidence != EVIDENCE_ONE_TIME)
		return 0;
	if (db_query(db, "SELECT has_second_factor($1::int8)", (struct db_param[]){DB_INT(c->who.account_id)}, 1, false, &r, e))
		return -1;
	return db_bool(r, 0, 0) ? fail(e, E_FORBIDDEN, "the account has a second factor: its one-time codes are for signing in to the console") : 0;
}

static int
make_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct make *m = ctx;
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct db *db = c->api->token_db;

	if (auth_basic(db, m->authorization, true, c->arena, &c->who, e) || auth_set_tenant(db, c->who.tenant_id, e) || factor_free(c, db, e))
		return -1;
	if (end_oldest(c, db, e))
		return -1;
	if (EVP_Digest(m->token->text->data, m->token->text->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	if (db_query(db,
	             "INSERT INTO credential (tenant_id, account_id, kind, hash, expires_at)"
	             " VALUES ($1::int4, $2::int8, 'token', $3::bytea, now() + interval '12 hours')"
	             " RETURNING id, to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	             (struct db_param[]){DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_BYTES(hash, 32)}, 3, false, &r, e))
		return -1;
	m->token->id = db_int(r, 0, 0);
	m->token->expires_at = arena_strdup(c->arena, db_text(r, 0, 1));
	return append(c, "token.made", m->token->id, e);
}

int
token_make(struct call *c, const char *authorization, struct new_token *ret, struct error *e)
{
	CLEANUP(secret_free) struct secret *text = NULL;
	struct new_token token = {0};
	struct make m = {authorization, &token};

	if (secret_random_text(TOKEN_BYTES, &text, e))
		return -1;
	token.text = text;
	if (token_transaction(c, make_work, &m, e))
		return -1;
	token.text = TAKE(text);
	*ret = token;
	return 0;
}

static int
revoke_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db *db = c->api->token_db;
	const char *id = ctx;

	if (auth_set_tenant(db, c->who.tenant_id, e) ||
	    db_query(db,
	             "UPDATE credential SET revoked_at = now() WHERE id = $1::int8 AND account_id = $2::int8 AND kind = 'token'"
	             " AND revoked_at IS NULL RETURNING id",
	             (struct db_param[]){DB_TEXT(id), DB_INT(c->who.account_id)}, 2, false, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_NOT_FOUND, "there is no such token of this account in force");
	return append(c, "token.revoked", db_int(r, 0, 0), e);
}

int
token_revoke(struct call *c, const char *id, struct error *e)
{
	return token_transaction(c, revoke_work, arena_strdup(c->arena, id), e);
}

void
token_store_close(struct api *api)
{
	db_free(api->token_db);
	api->token_db = NULL;
}
