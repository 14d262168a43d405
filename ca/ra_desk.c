#include "ca/ra_desk.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca/acme_mac.h"
#include "ca/csr_attributes.h"
#include "ca/ra_key.h"
#include "ca/reply.h"
#include "ca/second_factor.h"
#include "lib/utf8.h"

#define KEYS_MAX 512            /* registration authorities in memory; the one that was used least lately makes room */
#define FRESH_US 5000000        /* a certificate that is revoked signs and decrypts for this long at most while a lane is idle now and then */
#define STALE_US 60000000       /* and for this long when none is */
#define WAIT_US 3000000         /* a request waits this long for the store */
#define WAITING_MAX 256
#define SERIAL_MAX 20

struct kept {
	struct ra_key *key;
	int64_t read_us, used_us;
};

struct ra_desk {
	struct kept keys[KEYS_MAX];
	size_t n_keys;
	struct job *first, **last;
	size_t n_waiting;
};

/* Not now: to be tried again when a lane is idle. */
enum { DONE = 0, LATER = 1 };

struct ra_desk *
ra_desk_new(void)
{
	struct ra_desk *d = xcalloc(1, sizeof(*d));
	d->last = &d->first;
	return d;
}

void
ra_desk_free(struct ra_desk *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_keys; i++)
		ra_key_free(d->keys[i].key);
	free(d);
}

bool
ra_desk_is_for(Siegel__Request__OperationCase operation)
{
	return operation == SIEGEL__REQUEST__OPERATION_RA_SIGN || operation == SIEGEL__REQUEST__OPERATION_RA_DECRYPT ||
	    operation == SIEGEL__REQUEST__OPERATION_PASSWORD || operation == SIEGEL__REQUEST__OPERATION_WRAP_KEY ||
	    operation == SIEGEL__REQUEST__OPERATION_CSR_ATTRIBUTES || operation == SIEGEL__REQUEST__OPERATION_MAC ||
	    operation == SIEGEL__REQUEST__OPERATION_SECOND_FACTOR;
}

/* --- certificates of registration authorities --- */

static struct kept *
find(struct ra_desk *d, int32_t ca_id, struct bytes serial)
{
	for (size_t i = 0; i < d->n_keys; i++)
		if (d->keys[i].key->ca_id == ca_id && bytes_equal(d->keys[i].key->cert.serial, serial))
			return &d->keys[i];
	return NULL;
}

static struct kept *
room(struct ra_desk *d)
{
	struct kept *oldest = &d->keys[0];
	if (d->n_keys < KEYS_MAX)
		return &d->keys[d->n_keys++];
	for (size_t i = 1; i < d->n_keys; i++)
		if (d->keys[i].used_us < oldest->used_us)
			oldest = &d->keys[i];
	ra_key_free(oldest->key);
	return oldest;
}

static void
forget(struct ra_desk *d, struct kept *k)
{
	ra_key_free(k->key);
	*k = d->keys[--d->n_keys];
}

static int
read_key(struct ra_desk *d, struct db *db, int32_t ca_id, struct bytes serial, int64_t now, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct arena *a CLEANUP(arena_free) = arena_new(4 * LIMIT_CERT_BYTES);
	struct db_param row[] = {DB_INT(ca_id), DB_BYTES(serial.data, serial.len)};
	struct kept *k = find(d, ca_id, serial);
	struct ra_key *key;
	if (db_query(db,
		     "SELECT r.tenant_id, r.key_ref, r.certificate FROM ra r JOIN certificate x ON x.ca_id = r.ca_id AND x.serial = r.serial"
		     " WHERE r.ca_id = $1::int AND r.serial = $2::bytea AND r.not_after > now() AND x.status = 1",
		     row, 2, true, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0) {
		if (k)
			forget(d, k);
		return fail(e, E_NOT_FOUND, "there is no such registration authority, or its certificate isn't good any more");
	}
	if (!k) {
		struct bytes ref = db_bytes(r, 0, 1, NULL);
		const char *text = arena_strndup(a, (const char *)ref.data, ref.len);
		if (ra_key_new((int32_t)db_int(r, 0, 0), ca_id, db_bytes(r, 0, 2, NULL), text, &key, e) < 0)
			return -1;
		k = room(d);
		*k = (struct kept){.key = key, .used_us = now};
	}
	k->read_us = now;
	return 0;
}

/* The key of a certificate of a CA that is in service. */
static int
take_key(struct ra_desk *d, struct worker *w, int32_t tenant_id, int32_t ca_id, ProtobufCBinaryData octets, struct ra_key **ret, struct error *e)
{
	const struct authority *ca = registry_authority_by_id(worker_registry(w), ca_id);
	struct bytes serial = {octets.data, octets.len};
	int64_t now = now_us();
	struct kept *k = find(d, ca_id, serial);
	struct db *db = worker_idle_db(w);
	if (serial.len == 0 || serial.len > SERIAL_MAX)
		return fail(e, E_MALFORMED, "a certificate of a registration authority has a serial number of 1 to %d octets", SERIAL_MAX);
	if (ca && (ca->tenant_id != tenant_id || (ca->status != AUTHORITY_ACTIVE && ca->status != AUTHORITY_SUPERSEDED)))
		return fail(e, E_FORBIDDEN, "the CA is another tenant's, or out of service");
	if (!k || now - k->read_us > FRESH_US) {
		if (!db && (!k || now - k->read_us > STALE_US))
			return LATER;
		if (db && read_key(d, db, ca_id, serial, now, e) < 0)
			return -1;
		k = find(d, ca_id, serial);
	}
	if (!ca || !k || k->key->tenant_id != tenant_id)
		return fail(e, E_NOT_FOUND, "the tenant has no such registration authority");
	k->used_us = now;
	*ret = k->key;
	return DONE;
}

/* --- the operations --- */

static int
sign(struct ra_desk *d, struct worker *w, const Siegel__RaSign *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	Siegel__RaSigned *made = arena_alloc(a, sizeof(*made));
	struct ra_key *key;
	int rc = take_key(d, w, q->tenant_id, q->ca_id, q->serial, &key, e);
	if (rc != DONE)
		return rc;
	siegel__ra_signed__init(made);
	if (ra_key_sign(key, worker_hsm(w), q, a, made, e) < 0)
		return -1;
	reply->result_case = SIEGEL__REPLY__RESULT_RA_SIGNED;
	reply->ra_signed = made;
	return DONE;
}

static void
give_key(const uint8_t *key, size_t len, struct arena *a, Siegel__Reply *reply)
{
	Siegel__ContentKey *made = arena_alloc(a, sizeof(*made));
	siegel__content_key__init(made);
	made->key = (ProtobufCBinaryData){.len = len, .data = arena_dup(a, key, len)};
	reply->result_case = SIEGEL__REPLY__RESULT_CONTENT_KEY;
	reply->content_key = made;
}

static int
decrypt(struct ra_desk *d, struct worker *w, const Siegel__RaDecrypt *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	uint8_t content[RA_CONTENT_KEY_MAX];
	struct ra_key *key;
	int rc = take_key(d, w, q->tenant_id, q->ca_id, q->serial, &key, e);
	if (rc != DONE)
		return rc;
	if (ra_key_decrypt(key, worker_hsm(w), q, content, e) < 0)
		return -1;
	give_key(content, (size_t)q->key_bytes, a, reply);
	OPENSSL_cleanse(content, sizeof(content));
	return DONE;
}

/* The sealed challenge of an endpoint or of a code, and for what it was sealed: the engine's own rows say it, not whoever asks. */
static int
find_challenge(struct db *db, const Siegel__Password *q, struct arena *a, const char **ret_context, struct bytes *ret_sealed, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(q->tenant_id), DB_INT(q->endpoint_id), DB_INT(q->code_id)};
	if (db_query(db,
		     "SELECT 'endpoint:' || protocol || '/' || label, challenge_sealed FROM endpoint"
		     " WHERE id = $2::int8 AND tenant_id = $1::int AND challenge_sealed IS NOT NULL"
		     " UNION ALL SELECT 'enrollment_code:' || encode(hash, 'hex'), sealed FROM enrollment_code"
		     " WHERE id = $3::int8 AND tenant_id = $1::int AND sealed IS NOT NULL AND revoked_at IS NULL",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_NOT_FOUND, "there is no such challenge");
	*ret_context = arena_strdup(a, db_text(r, 0, 0));
	*ret_sealed = db_bytes(r, 0, 1, a);
	return 0;
}

static int
password(struct worker *w, const Siegel__Password *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	struct secret *challenge CLEANUP(secret_free) = NULL;
	uint8_t out[RA_WRAPPED_MAX];
	size_t len = 0;
	if ((q->endpoint_id > 0) == (q->code_id > 0))
		return fail(e, E_MALFORMED, "the challenge is that of an endpoint or that of an enrollment code");
	struct db *db = worker_idle_db(w);
	const char *context;
	struct bytes sealed;
	if (!db)
		return LATER;
	if (find_challenge(db, q, a, &context, &sealed, e) < 0 || hsm_unseal(worker_hsm(w), context, sealed, &challenge, e) < 0 ||
	    ra_password((struct bytes){challenge->data, challenge->len}, q, out, &len, e) < 0)
		return -1;
	give_key(out, len, a, reply);
	OPENSSL_cleanse(out, sizeof(out));
	return DONE;
}

/* The newest version of the secret that the client names (RFC 7030 4.4.1.1). It isn't handed out, so that one for a single delivery stays. */
static int
find_secret(struct db *db, const Siegel__WrapKey *q, struct arena *a, const char **ret_context, struct bytes *ret_wrapped, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(q->tenant_id), DB_BYTES(q->identifier.data, q->identifier.len)};
	if (db_query(db,
		     "SELECT s.id, s.current, v.wrapped, s.name = convert_from($2::bytea, 'UTF8')"
		     " FROM secret s JOIN secret_version v ON v.secret_id = s.id AND v.n = s.current"
		     " WHERE s.tenant_id = $1::int AND convert_from($2::bytea, 'UTF8') IN (s.name, s.device) AND s.kind = 'symmetric'"
		     " AND (s.expires_at IS NULL OR s.expires_at > now()) AND v.wrapped IS NOT NULL ORDER BY 4 DESC LIMIT 2",
		     row, 2, true, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND,
			    "there is no key of this identifier to encrypt for: a secret of kind symmetric, by name or device (RFC 7030 4.4.1.1)");
	if (db_rows(r) > 1 && !db_bool(r, 0, 3))
		return fail(e, E_CONFLICT, "several secrets are for this device: name the one that is meant");
	*ret_context = arena_printf(a, "secret:%lld:%lld", (long long)db_int(r, 0, 0), (long long)db_int(r, 0, 1));
	struct bytes wrapped = db_bytes(r, 0, 2, NULL);
	*ret_wrapped = (struct bytes){arena_dup(a, wrapped.data, wrapped.len), wrapped.len};
	return 0;
}

static int
wrap(struct worker *w, const Siegel__WrapKey *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	struct secret *kek CLEANUP(secret_free) = NULL;
	Siegel__WrappedKey *made = arena_alloc(a, sizeof(*made));
	struct db *db = worker_idle_db(w);
	uint8_t out[RA_CONTENT_KEY_MAX + 8];
	const char *context;
	struct bytes wrapped;
	size_t len = 0;
	if (!db)
		return LATER;
	if (q->identifier.len == 0 || q->identifier.len > 200 || !utf8_valid((const char *)q->identifier.data, q->identifier.len) ||
	    memchr(q->identifier.data, 0, q->identifier.len))
		return fail(e, E_BAD_VALUE, "DecryptKeyIdentifier: up to 200 octets of text are wanted");
	if (find_secret(db, q, a, &context, &wrapped, e) < 0 || hsm_unseal(worker_hsm(w), context, wrapped, &kek, e) < 0 ||
	    ra_wrap_key((struct bytes){kek->data, kek->len}, (struct bytes){q->content_key.data, q->content_key.len}, out, &len, e) < 0)
		return -1;
	siegel__wrapped_key__init(made);
	made->encrypted_key = (ProtobufCBinaryData){.len = len, .data = arena_dup(a, out, len)};
	made->kek_bytes = (int32_t)kek->len;
	reply->result_case = SIEGEL__REPLY__RESULT_WRAPPED_KEY;
	reply->wrapped_key = made;
	return DONE;
}

static int
check_mac(struct worker *w, const Siegel__CheckMac *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	Siegel__CheckedMac *made = arena_alloc(a, sizeof(*made));
	struct db *db = worker_idle_db(w);
	bool good;
	if (!db)
		return LATER;
	if (acme_mac_check(db, worker_hsm(w), q, a, &good, e) < 0)
		return -1;
	siegel__checked_mac__init(made);
	made->good = good;
	reply->result_case = SIEGEL__REPLY__RESULT_MAC;
	reply->mac = made;
	return DONE;
}

static int
check_second_factor(struct worker *w, const Siegel__CheckSecondFactor *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	Siegel__CheckedSecondFactor *made = arena_alloc(a, sizeof(*made));
	struct db *db = worker_idle_db(w);
	bool good;
	if (!db)
		return LATER;
	if (second_factor_check(db, worker_hsm(w), q, a, &good, e) < 0)
		return -1;
	siegel__checked_second_factor__init(made);
	made->good = good;
	reply->result_case = SIEGEL__REPLY__RESULT_SECOND_FACTOR;
	reply->second_factor = made;
	return DONE;
}

static int
describe(struct worker *w, const Siegel__CsrAttributes *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES / 2);
	Siegel__CsrAttributesMade *made = arena_alloc(a, sizeof(*made));
	const struct profile *p = registry_profile(worker_registry(w), q->tenant_id, q->profile);
	if (!p || p->internal || p->disabled)
		return fail(e, E_NOT_FOUND, "profile: there is none of this name that issues");
	if (csr_attributes_put(&b, p, e) < 0)
		return -1;
	siegel__csr_attributes_made__init(made);
	made->der = (ProtobufCBinaryData){.len = b.len, .data = arena_dup(a, b.data, b.len)};
	reply->result_case = SIEGEL__REPLY__RESULT_CSR_ATTRIBUTES;
	reply->csr_attributes = made;
	return DONE;
}

static int
run(struct ra_desk *d, struct worker *w, const Siegel__Request *q, struct arena *a, Siegel__Reply *reply, struct error *e)
{
	if (q->operation_case == SIEGEL__REQUEST__OPERATION_CSR_ATTRIBUTES)
		return describe(w, q->csr_attributes, a, reply, e);
	if (!worker_hsm(w)) {
		(void)fail(e, E_KEY_STORE, "there is no key store at the moment");
		e->retry_after_sec = 2;
		return -1;
	}
	switch (q->operation_case) {
	case SIEGEL__REQUEST__OPERATION_RA_SIGN:
		return sign(d, w, q->ra_sign, a, reply, e);
	case SIEGEL__REQUEST__OPERATION_RA_DECRYPT:
		return decrypt(d, w, q->ra_decrypt, a, reply, e);
	case SIEGEL__REQUEST__OPERATION_PASSWORD:
		return password(w, q->password, a, reply, e);
	case SIEGEL__REQUEST__OPERATION_MAC:
		return check_mac(w, q->mac, a, reply, e);
	case SIEGEL__REQUEST__OPERATION_SECOND_FACTOR:
		return check_second_factor(w, q->second_factor, a, reply, e);
	default:
		return wrap(w, q->wrap_key, a, reply, e);
	}
}

/* True when it is answered; the job is gone then. */
static bool
try(struct ra_desk *d, struct worker *w, struct job *job)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	struct error e;
	int rc = run(d, w, job->request, a, &reply, &e);
	if (rc == LATER)
		return false;
	if (rc < 0) {
		worker_answer_error(w, job, &e);
		return true;
	}
	reply_put(&frame, &reply);
	worker_answer(w, job, &frame);
	return true;
}

static void
give_up(struct worker *w, struct job *job)
{
	struct error e;
	(void)fail(&e, E_STORE, "the store isn't available at the moment");
	e.retry_after_sec = 2;
	worker_answer_error(w, job, &e);
}

void
ra_desk_take(struct ra_desk *d, struct worker *w, struct job *job)
{
	if (try(d, w, job))
		return;
	if (d->n_waiting == WAITING_MAX) {
		give_up(w, job);
		return;
	}
	job->next = NULL;
	*d->last = job;
	d->last = &job->next;
	d->n_waiting++;
}

bool
ra_desk_tend(struct ra_desk *d, struct worker *w)
{
	struct job *job = d->first;
	int64_t now = now_us();
	d->first = NULL;
	d->last = &d->first;
	d->n_waiting = 0;
	while (job) {
		struct job *next = job->next;
		if (now - job->started_us > WAIT_US)
			give_up(w, job);
		else
			ra_desk_take(d, w, job);
		job = next;
	}
	return d->first != NULL;
}
