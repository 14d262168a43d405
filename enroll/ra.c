#include "enroll/ra.h"

#include <stdio.h>
#include <string.h>

#include "lib/ipc/engine.h"

#define TRY_AGAIN_SEC 5

/* The request's views are what it is packed from: nothing is changed there. */
static ProtobufCBinaryData
view(struct bytes b)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = b.data};
	return (ProtobufCBinaryData){.len = b.len, .data = b.len ? u.out : NULL};
}

static struct bytes
kept(struct arena *a, ProtobufCBinaryData b)
{
	return (struct bytes){arena_dup(a, b.data, b.len), b.len};
}

/* A result's octets outlive it. */
static struct bytes
field(struct arena *a, const struct db_result *r, int row, int column)
{
	struct bytes b = db_bytes(r, row, column, NULL);
	return (struct bytes){arena_dup(a, b.data, b.len), b.len};
}

static int
query(struct db *db, int32_t tenant_id, int32_t ca_id, struct db_result **ret, struct error *e)
{
	struct db_param key[] = {DB_INT(ca_id)};
	if (auth_set_tenant(db, tenant_id, e) < 0)
		return -1;
	if (db_query(db, "SELECT serial, certificate, not_before, not_after FROM ra_list($1::int)", key, 1, true, ret, e) < 0)
		return -1;
	if (db_rows(*ret) > 0)
		return 0;
	/* It is made on demand: from now on siegel-sched sees to it. */
	return db_query(db, "SELECT ra_want($1::int)", key, 1, false, NULL, e);
}

int
enroll_ra_list(struct enroll *en, int32_t tenant_id, int32_t ca_id, struct arena *a, struct enroll_ra ret[ENROLL_RA_MAX], size_t *ret_n,
               struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db *db = NULL;
	if (db_pool_take(enroll_db(en), &db, e) < 0)
		return -1;
	int rc = query(db, tenant_id, ca_id, &r, e);
	db_pool_give(enroll_db(en), db);
	if (rc < 0)
		return -1;
	if (db_rows(r) == 0) {
		(void)fail(e, E_UNAVAILABLE, "the registration authority of this CA has no certificate yet; it is being made");
		e->retry_after_sec = TRY_AGAIN_SEC;
		return -1;
	}
	int n = db_rows(r) < ENROLL_RA_MAX ? db_rows(r) : ENROLL_RA_MAX;
	for (int i = 0; i < n; i++)
		ret[i] = (struct enroll_ra){.tenant_id = tenant_id,
		                            .ca_id = ca_id,
		                            .serial = field(a, r, i, 0),
		                            .certificate = field(a, r, i, 1),
		                            .not_before = db_int(r, i, 2),
		                            .not_after = db_int(r, i, 3)};
	*ret_n = (size_t)n;
	return 0;
}

int
enroll_ra_certificate(struct enroll *en, int32_t tenant_id, int32_t ca_id, struct arena *a, struct enroll_ra *ret, struct error *e)
{
	struct enroll_ra all[ENROLL_RA_MAX];
	size_t n = 0;
	if (enroll_ra_list(en, tenant_id, ca_id, a, all, &n, e) < 0)
		return -1;
	*ret = all[0];
	return 0;
}

/* Asks the engine, and wants that kind of reply. */
static int
call(struct enroll *en, const Siegel__Request *request, Siegel__Reply__ResultCase wanted, Siegel__Reply **ret, struct error *e)
{
	if (enroll_call(en, request, ret, e) < 0)
		return -1;
	if ((*ret)->result_case == wanted)
		return 0;
	engine_reply_free(*ret);
	return fail(e, E_INTERNAL, "the engine answered something else than it was asked for");
}

int
enroll_ra_sign(struct enroll *en, const struct enroll_ra *ra, Siegel__RaSign *request, struct arena *a, struct enroll_ra_signature *ret,
               struct error *e)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply;
	request->tenant_id = ra->tenant_id;
	request->ca_id = ra->ca_id;
	request->serial = view(ra->serial);
	q.operation_case = SIEGEL__REQUEST__OPERATION_RA_SIGN;
	q.ra_sign = request;
	if (call(en, &q, SIEGEL__REPLY__RESULT_RA_SIGNED, &reply, e) < 0)
		return -1;
	const Siegel__RaSigned *s = reply->ra_signed;
	*ret = (struct enroll_ra_signature){
	    .signed_attributes = kept(a, s->signed_attributes),
	    .digest_algorithm = kept(a, s->digest_algorithm),
	    .signature_algorithm = kept(a, s->signature_algorithm),
	    .signature = kept(a, s->signature),
	};
	engine_reply_free(reply);
	return 0;
}

static int
content_key(struct enroll *en, const Siegel__Request *q, size_t key_bytes, struct secret **ret, struct error *e)
{
	Siegel__Reply *reply;
	if (call(en, q, SIEGEL__REPLY__RESULT_CONTENT_KEY, &reply, e) < 0)
		return -1;
	ProtobufCBinaryData key = reply->content_key->key;
	int rc = key.len == key_bytes ? 0 : fail(e, E_INTERNAL, "the engine answered a content key of another length");
	if (rc == 0)
		*ret = secret_new(key.data, key.len);
	engine_reply_free(reply);
	return rc;
}

int
enroll_ra_decrypt(struct enroll *en, const struct enroll_ra *ra, const char *scheme, struct bytes encrypted_key, size_t key_bytes,
                  struct secret **ret, struct error *e)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__RaDecrypt d;
	char text[32];
	snprintf(text, sizeof(text), "%s", scheme);
	siegel__ra_decrypt__init(&d);
	d.tenant_id = ra->tenant_id;
	d.ca_id = ra->ca_id;
	d.serial = view(ra->serial);
	d.scheme = text;
	d.encrypted_key = view(encrypted_key);
	d.key_bytes = (int32_t)key_bytes;
	q.operation_case = SIEGEL__REQUEST__OPERATION_RA_DECRYPT;
	q.ra_decrypt = &d;
	return content_key(en, &q, key_bytes, ret, e);
}

/* Texts of a password message: views into them. */
struct words {
	char prf[32], cipher[32];
};

static void
password_fill(const struct enroll_ra_password *p, struct words *w, Siegel__Password *ret)
{
	siegel__password__init(ret);
	snprintf(w->prf, sizeof(w->prf), "%s", p->prf);
	snprintf(w->cipher, sizeof(w->cipher), "%s", p->cipher);
	ret->tenant_id = p->tenant_id;
	ret->endpoint_id = p->endpoint_id;
	ret->code_id = p->code_id;
	ret->salt = view(p->salt);
	ret->iterations = p->iterations;
	ret->prf = w->prf;
	ret->cipher = w->cipher;
	ret->iv = view(p->iv);
}

int
enroll_ra_password_unwrap(struct enroll *en, const struct enroll_ra_password *p, struct bytes encrypted_key, size_t key_bytes,
                          struct secret **ret, struct error *e)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__Password m;
	struct words w;
	password_fill(p, &w, &m);
	m.direction_case = SIEGEL__PASSWORD__DIRECTION_ENCRYPTED_KEY;
	m.encrypted_key = view(encrypted_key);
	m.key_bytes = (int32_t)key_bytes;
	q.operation_case = SIEGEL__REQUEST__OPERATION_PASSWORD;
	q.password = &m;
	return content_key(en, &q, key_bytes, ret, e);
}

int
enroll_ra_password_wrap(struct enroll *en, const struct enroll_ra_password *p, struct bytes key, struct arena *a, struct bytes *ret,
                        struct error *e)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__Password m;
	Siegel__Reply *reply;
	struct words w;
	password_fill(p, &w, &m);
	m.direction_case = SIEGEL__PASSWORD__DIRECTION_CONTENT_KEY;
	m.content_key = view(key);
	q.operation_case = SIEGEL__REQUEST__OPERATION_PASSWORD;
	q.password = &m;
	if (call(en, &q, SIEGEL__REPLY__RESULT_CONTENT_KEY, &reply, e) < 0)
		return -1;
	*ret = kept(a, reply->content_key->key);
	engine_reply_free(reply);
	return 0;
}
