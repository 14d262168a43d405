/* GetCACaps, GetCACert, GetNextCACert: RFC 8894 3.5.2, 4.2, 4.7. Anybody may ask. */
#include <openssl/evp.h>
#include <string.h>

#include "enroll/kept.h"
#include "enroll/scep/scep.h"
#include "lib/x509/oid.h"

static int
query(struct scep_exchange *x, const char *sql, int32_t ca_id, int max, struct db_result **ret, struct error *e)
{
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int result = auth_set_tenant(db, x->endpoint.tenant_id, e);
	if (result == 0)
		result = db_query(db, sql, (struct db_param[]){DB_INT(ca_id), DB_INT(max)}, 2, false, ret, e);
	db_pool_give(pool, db);
	return result;
}

int
scep_line(struct scep_exchange *x, struct scep_ca ret[SCEP_LINE_MAX], int *ret_n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (query(x,
	          "WITH RECURSIVE line AS ("
	          "  SELECT id, certificate, ski, crl_url, 1 AS n FROM ca"
	          "   WHERE id = $1::int AND status NOT IN ('pending', 'disabled', 'revoked', 'retired')"
	          "  UNION ALL SELECT c.id, c.certificate, c.ski, c.crl_url, l.n + 1 FROM ca c JOIN line l ON c.successor_id = l.id"
	          "   WHERE c.status = 'superseded' AND c.not_after > now() AND l.n < $2::int)"
	          " SELECT id, certificate, encode(ski, 'hex'), crl_url FROM line ORDER BY n LIMIT $2::int",
	          x->endpoint.ca_id, SCEP_LINE_MAX, &res, e) < 0)
		return -1;
	int n = db_rows(res);
	if (n < 1)
		return fail(e, E_UNAVAILABLE, "this profile's CA isn't in service");
	for (int i = 0; i < n; i++)
		ret[i] = (struct scep_ca){
		    .id = (int32_t)db_int(res, i, 0),
		    .certificate = db_bytes(res, i, 1, x->arena),
		    .key_id = arena_strdup(x->arena, db_text(res, i, 2)),
		    .crl_url = arena_strdup(x->arena, db_text(res, i, 3)),
		};
	*ret_n = n;
	return 0;
}

int
scep_chain(struct scep_exchange *x, int32_t ca_id, struct bytes ret[SCEP_CHAIN_MAX], int *ret_n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (query(x,
	          "WITH RECURSIVE chain AS ("
	          "  SELECT id, parent_id, certificate, 1 AS depth FROM ca WHERE id = $1::int"
	          "  UNION ALL SELECT p.id, p.parent_id, p.certificate, c.depth + 1 FROM ca p JOIN chain c ON p.id = c.parent_id"
	          "   WHERE c.depth < $2::int)"
	          " SELECT certificate FROM (SELECT certificate, depth, 0 AS place FROM chain"
	          "  UNION ALL SELECT k.certificate, c.depth + 1, 1 FROM ca_certificate k JOIN chain c ON c.id = k.ca_id WHERE k.kind = 'chain') a"
	          " ORDER BY depth, place LIMIT $2::int",
	          ca_id, SCEP_CHAIN_MAX, &res, e) < 0)
		return -1;
	int n = db_rows(res);
	if (n < 1)
		return fail(e, E_UNAVAILABLE, "this profile's CA isn't in service");
	for (int i = 0; i < n; i++)
		ret[i] = db_bytes(res, i, 0, x->arena);
	*ret_n = n;
	return 0;
}

/* RFC 8894 3.5.2. Beside SCEPStandard what it stands for is named too, for clients that are older than the word. */
static int
get_caps(struct scep_exchange *x, struct http_answer *ret, struct error *e)
{
	struct scep_ca line[SCEP_LINE_MAX];
	int n = 0;
	if (scep_line(x, line, &n, e) < 0)
		return -1;
	const char *text = arena_printf(x->arena, "AES\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-256\nSHA-512\n%s%s",
	                                n > 1 ? "GetNextCACert\n" : "", x->legacy ? "SHA-1\nDES3\n" : "");
	if (strcmp(endpoint_text(&x->endpoint, x->arena, "capabilities", "exact"), "all") == 0)
		/* Some versions of strongSwan's pki take each word for another one's (its issue 1607): with all of them it finds what it needs. */
		text = arena_printf(x->arena, "%s%sSHA-224\nSHA-384\nUpdate\n", text, x->legacy ? "" : "SHA-1\nDES3\n");
	ret->status = 200;
	ret->content_type = "text/plain";
	ret->body = BYTES_STR(text);
	return 0;
}

/* RFC 8894 4.2.1.2: CA and registration authority as a degenerate SignedData. Clients tell them by basicConstraints and keyUsage. */
static int
get_ca_cert(struct scep_exchange *x, struct http_answer *ret, struct error *e)
{
	struct bytes certs[SCEP_CHAIN_MAX + 1];
	struct enroll_ra ra;
	int n = 0;
	if (enroll_ra_certificate(scep_enroll(x->scep), x->endpoint.tenant_id, x->endpoint.ca_id, x->arena, &ra, e) < 0 ||
	    scep_chain(x, x->endpoint.ca_id, certs, &n, e) < 0)
		return -1;
	certs[n] = ra.certificate;
	ret->status = 200;
	ret->content_type = "application/x-x509-ca-ra-cert";
	return cms_certs_only_encode(x->arena, certs, n + 1, NULL, 0, &ret->body, e);
}

static int
sign_next(struct scep_exchange *x, const struct enroll_ra *ra, struct bytes content, struct bytes *ret, struct error *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = 0;
	char name[] = "sha256";
	Siegel__RaSign q;
	Siegel__ScepNextCa next;
	struct enroll_ra_signature made;
	if (EVP_Q_digest(NULL, "SHA256", NULL, content.data, content.len, digest, &len) != 1)
		return fail(e, E_INTERNAL, "no digest");
	siegel__ra_sign__init(&q);
	siegel__scep_next_ca__init(&next);
	q.digest = name;
	q.content_digest = (ProtobufCBinaryData){.len = len, .data = digest};
	q.answer_case = SIEGEL__RA_SIGN__ANSWER_SCEP_NEXT_CA;
	q.scep_next_ca = &next;
	if (enroll_ra_sign(scep_enroll(x->scep), ra, &q, x->arena, &made, e) < 0)
		return -1;
	const struct cms_signature s = {made.signed_attributes, made.digest_algorithm, made.signature_algorithm, made.signature, ra->certificate,
	                                NULL, 0};
	return cms_signed_encode(x->arena, OID_PKCS7_DATA, content, true, &s, ret, e);
}

static int
make_next(void *ctx, struct bytes *ret, struct error *e)
{
	struct scep_exchange *x = ctx;
	struct scep_ca line[SCEP_LINE_MAX];
	struct bytes certs[SCEP_CHAIN_MAX + 1], content;
	struct enroll_ra old, new;
	int n_line = 0, n = 0;
	if (scep_line(x, line, &n_line, e) < 0)
		return -1;
	if (n_line < 2)
		return fail(e, E_NOT_FOUND, "this profile's CA has no successor");
	if (enroll_ra_certificate(scep_enroll(x->scep), x->endpoint.tenant_id, line[1].id, x->arena, &old, e) < 0 ||
	    enroll_ra_certificate(scep_enroll(x->scep), x->endpoint.tenant_id, line[0].id, x->arena, &new, e) < 0 ||
	    scep_chain(x, line[0].id, certs, &n, e) < 0)
		return -1;
	certs[n] = new.certificate;
	return cms_certs_only_encode(x->arena, certs, n + 1, NULL, 0, &content, e) < 0 ? -1 : sign_next(x, &old, content, ret, e);
}

/* RFC 8894 4.7.1. Who asks has the certificates of the CA that this one followed: they vouch for the new ones, by its registration authority. Anybody
 * may ask, and it costs a signature: what was signed is kept for some seconds. */
static int
get_next_ca_cert(struct scep_exchange *x, struct http_answer *ret, struct error *e)
{
	static struct kept answers = KEPT_INIT;
	const char *key = arena_printf(x->arena, "%d %s %d", x->endpoint.tenant_id, x->endpoint.label, x->endpoint.ca_id);
	if (kept_get(&answers, x->arena, x->endpoint.label, key, make_next, x, &ret->body, e) < 0)
		return -1;
	ret->status = 200;
	ret->content_type = "application/x-x509-next-ca-cert";
	return 0;
}

const struct scep_operation scep_get_ca_caps = {.name = "GetCACaps", .handle = get_caps};
const struct scep_operation scep_get_ca_cert = {.name = "GetCACert", .handle = get_ca_cert};
const struct scep_operation scep_get_next_ca_cert = {.name = "GetNextCACert", .handle = get_next_ca_cert};
