#include "ca/acme_mac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/secret.h"

static const EVP_MD *
digest_of(const char *algorithm)
{
	return strcmp(algorithm, "HS256") == 0 ? EVP_sha256() : strcmp(algorithm, "HS384") == 0 ? EVP_sha384()
	    : strcmp(algorithm, "HS512") == 0 ? EVP_sha512() : NULL;
}

/* The sealed key, and for what it was sealed. *ret_context NULL: there is none that counts. */
static int
find_key(struct db *db, const Siegel__CheckMac *q, struct arena *a, const char **ret_context, struct bytes *ret_sealed, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(q->tenant_id), DB_INT(q->key_id)};
	*ret_context = NULL;
	if (db_query(db,
		     "SELECT kid, sealed FROM acme_key WHERE id = $2::int8 AND tenant_id = $1::int AND revoked_at IS NULL"
		     " AND (expires_at IS NULL OR expires_at > now())",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return 0;
	*ret_context = arena_printf(a, ACME_KEY_CONTEXT, db_text(r, 0, 0));
	*ret_sealed = db_bytes(r, 0, 1, a);
	return 0;
}

int
acme_mac_check(struct db *db, struct hsm *hsm, const Siegel__CheckMac *q, struct arena *a, bool *ret_good, struct error *e)
{
	struct secret *key CLEANUP(secret_free) = NULL;
	const EVP_MD *digest = digest_of(q->algorithm);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	const char *context;
	struct bytes sealed = {0};
	if (!digest)
		return fail(e, E_MALFORMED, "the algorithm of an external account's MAC is HS256, HS384 or HS512 (RFC 8555 7.3.4)");
	if (q->content.len == 0 || q->content.len > LIMIT_MAC_CONTENT_BYTES)
		return fail(e, E_MALFORMED, "a MAC is asked for over 1 to %d octets", LIMIT_MAC_CONTENT_BYTES);
	if (find_key(db, q, a, &context, &sealed, e) < 0)
		return -1;
	if (!context) {
		*ret_good = false;
		return 0;
	}
	if (hsm_unseal(hsm, context, sealed, &key, e) < 0)
		return -1;
	if (!HMAC(digest, key->data, (int)key->len, q->content.data, q->content.len, mac, &len))
		return fail(e, E_INTERNAL, "the MAC can't be made");
	*ret_good = secret_equal(mac, len, q->mac.data, q->mac.len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}
