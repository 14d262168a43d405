/* cacerts, RFC 7030 4.1: the chain of the path's CA up to and with its root, and after a roll-over what leads from the old key to the new one and
 * back (4.1.3). */
#include "enroll/cms.h"
#include "enroll/est/est.h"
#include "enroll/kept.h"
#include "lib/limits.h"

enum {
	DEPTH_MAX = 8,
	CHAIN_MAX = 24, /* with old roots and link certificates */
};

static struct kept chains = KEPT_INIT;

static int
make(void *ctx, struct bytes *ret, struct error *e)
{
	struct est_exchange *x = ctx;
	CLEANUP(db_result_free) struct db_result *res = NULL;
	const struct db_param row[] = {DB_INT(x->door.tenant_id), DB_INT(x->door.ca_id), DB_INT(DEPTH_MAX), DB_INT(CHAIN_MAX)};
	if (enroll_query(est_enroll(x->est), x->door.tenant_id,
	             "WITH RECURSIVE chain AS ("
	             "  SELECT id, parent_id, certificate, 1 AS depth FROM ca"
	             "   WHERE tenant_id = $1::int AND id = $2::int AND status NOT IN ('pending', 'disabled', 'revoked', 'retired')"
	             "  UNION ALL SELECT p.id, p.parent_id, p.certificate, c.depth + 1"
	             "    FROM ca p JOIN chain c ON p.id = c.parent_id WHERE c.depth < $3::int),"
	             " other AS (SELECT o.id, o.certificate, c.depth FROM chain c JOIN ca t ON t.id = c.id"
	             "             JOIN ca o ON o.successor_id = c.id OR o.id = t.successor_id"
	             "            WHERE o.parent_id IS NULL AND NOT o.external AND o.status NOT IN ('pending', 'retired') AND o.not_after > now()),"
	             " roots AS (SELECT id, depth FROM chain UNION ALL SELECT id, depth FROM other)"
	             " SELECT certificate FROM (SELECT certificate, depth, 0 AS place FROM chain"
	             "  UNION ALL SELECT k.certificate, c.depth + 1, 0 FROM ca_certificate k JOIN chain c ON c.id = k.ca_id WHERE k.kind = 'chain'"
	             "  UNION ALL SELECT certificate, depth, 1 FROM other"
	             "  UNION ALL SELECT k.certificate, r.depth, 2 FROM ca_certificate k JOIN roots r ON r.id = k.ca_id"
	             "             WHERE k.kind IN ('link_new_with_old', 'link_old_with_new') AND k.not_after > now()) a"
	             " ORDER BY place, depth LIMIT $4::int",
	             row, ARRAY_LEN(row), &res, e) < 0)
		return -1;
	int n = db_rows(res);
	if (n < 1 || n > CHAIN_MAX)
		return fail(e, E_UNAVAILABLE, "no CA is in service on this path");
	struct bytes certs[CHAIN_MAX];
	for (int i = 0; i < n; i++)
		certs[i] = db_bytes(res, i, 0, x->request->arena);
	return cms_certs_only_encode(x->request->arena, certs, n, NULL, 0, ret, e);
}

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	const char *key = arena_printf(x->request->arena, "%d %s %d", x->door.tenant_id, x->door.label, x->door.ca_id);
	return kept_get(&chains, x->request->arena, x->door.label, key, make, x, ret_body, e);
}

const struct est_operation est_cacerts = {
    .name = "cacerts",
    .method = "GET",
    .content_type = NULL,
    .auth = EST_AUTH_NONE,
    .handle = handle,
};
