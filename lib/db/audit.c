/* The audit log: see audit.h. */
#include "config.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/db/audit.h"

#define OPEN_TRIES 100
#define OPEN_PAUSE_MS 100

/* Looked up once: a look-up for each row costs more than the hash. */
static EVP_MD *sha256;

static void
sha256_fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

static void
add_field(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	uint8_t n[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

	/* Updates of a digest that was initialized don't fail. */
	EVP_DigestUpdate(ctx, n, sizeof(n));
	EVP_DigestUpdate(ctx, data, len);
}

static void
add_number(EVP_MD_CTX *ctx, int64_t v)
{
	uint8_t p[8];

	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	add_field(ctx, p, sizeof(p));
}

void
audit_hash(const uint8_t prev[AUDIT_HASH_BYTES], const char *chain, int64_t seq, const struct audit_row *row,
           uint8_t ret[AUDIT_HASH_BYTES])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, sha256_fetch);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	/* Without SHA-256 no row may be written and nothing may be issued: the process ends. */
	if (!sha256 || !ctx || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		abort();
	EVP_DigestUpdate(ctx, prev, AUDIT_HASH_BYTES);
	add_field(ctx, chain, strlen(chain));
	add_number(ctx, seq);
	add_number(ctx, row->at_us);
	add_number(ctx, row->tenant_id);
	add_field(ctx, row->actor, strlen(row->actor));
	add_field(ctx, row->action, strlen(row->action));
	add_field(ctx, row->object, strlen(row->object));
	add_field(ctx, row->detail, strlen(row->detail));
	if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

/* The lock is the session's: it goes with its holder, however that ends. */
static int
take_lock(struct db *db, const char *name, int tries, struct error *e)
{
	const struct db_param params[] = {DB_TEXT(name)};

	for (int i = 0; i < tries; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){.tv_nsec = OPEN_PAUSE_MS * 1000000L}, NULL);
		CLEANUP(db_result_free)
		struct db_result *r = NULL;
		if (db_query(db, "SELECT pg_try_advisory_lock(hashtextextended('audit ' || $1::text, 0))", params, 1, false, &r, e) < 0)
			return -1;
		if (db_bool(r, 0, 0))
			return 0;
	}
	return fail(e, E_CONFLICT, "the audit chain has another writer");
}

static int
open_chain(struct db *db, const char *name, int tries, struct audit_chain *ret, struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	const struct db_param params[] = {DB_TEXT(name)};
	struct audit_chain chain = {.seq = 0};

	if (strlen(name) >= sizeof(chain.name))
		return fail(e, E_INTERNAL, "the audit chain's name is too long");
	if (take_lock(db, name, tries, e) < 0)
		return -1;
	if (db_query(db, "SELECT seq, hash FROM audit WHERE chain = $1::text ORDER BY seq DESC LIMIT 1", params, 1, true, &r, e) < 0)
		return -1;
	snprintf(chain.name, sizeof(chain.name), "%s", name);
	if (db_rows(r) > 0) {
		struct bytes hash = db_bytes(r, 0, 1, NULL);
		if (hash.len != AUDIT_HASH_BYTES)
			return fail(e, E_INTERNAL, "the audit chain's head has a wrong length");
		chain.seq = db_int(r, 0, 0);
		memcpy(chain.head, hash.data, hash.len);
	}
	*ret = chain;
	return 0;
}

int
audit_open(struct db *db, const char *name, struct audit_chain *ret, struct error *e)
{
	return open_chain(db, name, OPEN_TRIES, ret, e);
}

int
audit_try(struct db *db, const char *name, struct audit_chain *ret, struct error *e)
{
	return open_chain(db, name, 1, ret, e);
}

int
audit_append(struct db *db, struct audit_chain *chain, const struct audit_row *row, struct error *e)
{
	uint8_t hash[AUDIT_HASH_BYTES];

	audit_hash(chain->head, chain->name, chain->seq + 1, row, hash);
	const struct db_param params[] = {DB_TEXT(chain->name), DB_INT(chain->seq + 1), DB_INT(row->at_us),
	                                  DB_INT(row->tenant_id), DB_TEXT(row->actor), DB_TEXT(row->action),
	                                  DB_TEXT(row->object), DB_TEXT(row->detail), DB_BYTES(hash, sizeof(hash))};
	if (db_query(db,
	             "INSERT INTO audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash) "
	             "VALUES ($1::text, $2::int8, $3::int8, $4::int4, $5::text, $6::text, $7::text, $8::text, $9::bytea)",
	             params, ARRAY_LEN(params), false, NULL, e) < 0)
		return -1;
	memcpy(chain->head, hash, sizeof(hash));
	chain->seq++;
	return 0;
}
