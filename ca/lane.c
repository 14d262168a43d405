#include "ca/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/fault.h"
#include "ca/reply.h"
#include "lib/log.h"

#define BUSY_PAUSE_MS 10
#define MAX_TRIES 3
/* How long a repetition waits for the first request of its key before it is told to come again. */
#define BUSY_LIMIT_US 10000000

int
lane_open(struct lane *l, const struct config *c, struct error *e)
{
	if (!l->db ? db_connect(c, "siegel_ca", &l->db, e) < 0 : db_reconnect(l->db, e) < 0)
		return -1;
	if (audit_open(l->db, l->name, &l->chain, e) < 0)
		return -1;
	/* Whoever holds the chain's lock is the only one that writes intents of this chain: what is left over has no owner. */
	if (intents_abandon(l->db, l->name, e) < 0 || db_listen(l->db, "rules_changed", e) < 0)
		return -1;
	/* A new descriptor isn't watched, also when it has the number of the one that was closed. */
	l->watched_fd = -1;
	l->state = LANE_IDLE;
	return 0;
}

void
lane_close(struct lane *l)
{
	batch_free(&l->batch);
	batch_free(&l->lost);
	db_free(l->db);
	l->db = NULL;
	l->state = LANE_DOWN;
}

/* Orders that weren't signed or stored are answered once their intents are marked, so that a repetition finds its key free. */
static void
answer_lost(struct lane *l)
{
	for (size_t i = 0; i < l->lost.n; i++) {
		struct error e;
		bool later = l->lost_jobs[i]->failure != E_INTERNAL;
		(void)fail(&e, l->lost_jobs[i]->failure, later ? "the certificate can't be issued at the moment" : "the certificate wasn't signed");
		e.retry_after_sec = later ? 2 : 0;
		worker_answer_error(l->worker, l->lost_jobs[i], &e);
	}
	l->lost.n = 0;
}

static void
lose(struct lane *l, struct job *job, enum error_code failure)
{
	job->failure = failure;
	l->lost_jobs[l->lost.n] = job;
	l->lost.items[l->lost.n++] = (struct batch_item){.order = job->order};
}

/* The connection is gone and with it what was under way; nothing of it was handed out. An intent that may be there is abandoned when
 * the lane opens again, a certificate that may be there answers the repetition of its request key. */
static void
lane_lost(struct lane *l, const struct error *cause)
{
	enum lane_state state = l->state;
	log_error(LOG_LEVEL_WARNING, "a database connection was lost", cause);
	l->state = LANE_DOWN;
	for (size_t i = 0; i < l->n_jobs; i++) {
		struct job *job = l->jobs[i];
		struct error e;
		/* Before anything was signed a new try is safe, with a new serial: the intent of this one may be there. */
		if ((state == LANE_FIND || state == LANE_INTENT) && job->tries++ < MAX_TRIES && order_renumber(job->order, &e) == 0) {
			worker_requeue(l->worker, job, BUSY_PAUSE_MS * 10);
			continue;
		}
		(void)fail(&e, E_STORE, "the store was lost on the way: the outcome is unknown; repeat the request with its request key");
		e.retry_after_sec = 1;
		worker_answer_error(l->worker, job, &e);
	}
	l->n_jobs = 0;
	answer_lost(l);
	l->retry_at_us = now_us() + 100000;
}

static void
send_statement(struct lane *l, struct batch *b, enum lane_state state)
{
	struct error e;
	l->state = state;
	if (db_send(l->db, b->sql, b->params, b->n_params, true, &e) < 0)
		lane_lost(l, &e);
}

/* Takes job i out of the batch, and leaves the others in their order. */
static struct job *
take_out(struct lane *l, size_t i)
{
	struct job *job = l->jobs[i];
	memmove(&l->jobs[i], &l->jobs[i + 1], (l->n_jobs - i - 1) * sizeof(l->jobs[0]));
	l->n_jobs--;
	return job;
}

static void
fill_batch(struct lane *l)
{
	l->batch.n = l->n_jobs;
	for (size_t i = 0; i < l->n_jobs; i++)
		l->batch.items[i] = (struct batch_item){.order = l->jobs[i]->order};
}

static void
fail_all(struct lane *l, const struct error *e)
{
	for (size_t i = 0; i < l->n_jobs; i++)
		worker_answer_error(l->worker, l->jobs[i], e);
	l->n_jobs = 0;
	l->state = LANE_IDLE;
}

/* An intent for nothing is a row for nothing: whose key is in a store that is away is told so at once. */
static void
refuse_unready(struct lane *l)
{
	struct hsm *hsm = worker_hsm(l->worker);
	struct error e;
	for (size_t i = 0; i < l->n_jobs;) {
		const char *ref = l->jobs[i]->order->ca->key_ref;
		if ((hsm ? hsm_ready(hsm, ref, &e) : fail(&e, E_KEY_STORE, "there is no key store")) == 0)
			i++;
		else
			worker_answer_error(l->worker, take_out(l, i), &e);
	}
}

static void
begin_intents(struct lane *l)
{
	struct error e;
	if (l->n_jobs == 0) {
		l->state = LANE_IDLE;
		return;
	}
	refuse_unready(l);
	if (l->n_jobs == 0) {
		l->state = LANE_IDLE;
		return;
	}
	fill_batch(l);
	if (batch_intents(&l->batch, &l->chain, &e) < 0) {
		fail_all(l, &e);
		return;
	}
	FAULT("intent-sent");
	send_statement(l, &l->batch, LANE_INTENT);
}

static void
begin_find(struct lane *l)
{
	struct error e;
	struct batch *b = &l->batch;
	bool keyed = false;
	batch_free(b);
	db_array_init(&b->arrays[0], DB_ARRAY_BYTEA, LIMIT_BATCH * 64);
	b->n_arrays = 1;
	for (size_t i = 0; i < l->n_jobs; i++) {
		ProtobufCBinaryData key = l->jobs[i]->request->issue->request_key;
		if (key.len) {
			db_array_add(&b->arrays[0], key.data, key.len);
			keyed = true;
		}
	}
	if (!keyed) {
		begin_intents(l);
		return;
	}
	if (db_array_param(&b->arrays[0], &b->params[b->n_params++], &e) < 0) {
		fail_all(l, &e);
		return;
	}
	b->sql = "SELECT r_key, r_body, r_abandoned, " STORED_COLUMNS("r_id", "r_status") " FROM request_find($1::bytea[])";
	send_statement(l, b, LANE_FIND);
}

/* What a row of request_find() begins with. */
enum { FOUND_KEY, FOUND_BODY, FOUND_ABANDONED };

/* One job whose request key the store knows: answered, put back, or to go on (an abandoned intent). True: it has left the batch. */
static bool
known_key(struct lane *l, size_t i, const struct db_result *r, int row)
{
	struct job *job = l->jobs[i];
	const Siegel__Issue *q = job->request->issue;
	struct error e;
	if (!bytes_equal(db_bytes(r, row, FOUND_BODY, NULL), (struct bytes){q->body_hash.data, q->body_hash.len})) {
		(void)fail(&e, E_KEY_REUSED, "the request key was used for another request: take a new one");
		worker_refuse(l->worker, take_out(l, i), &e);
		return true;
	}
	if (!db_is_null(r, row, STORED_FIRST)) {
		struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
		struct stored s;
		stored_read(&s, r, row, worker_registry(l->worker), q->requestor->tenant_id);
		reply_repeated(&frame, job->order->arena, &s);
		worker_answer(l->worker, take_out(l, i), &frame);
		return true;
	}
	if (db_bool(r, row, FOUND_ABANDONED))
		return false;
	if (now_us() - job->started_us > BUSY_LIMIT_US) {
		(void)fail(&e, E_BUSY, "the first request of this key is still being worked on");
		e.retry_after_sec = 1;
		worker_answer_error(l->worker, take_out(l, i), &e);
	} else {
		worker_requeue(l->worker, take_out(l, i), BUSY_PAUSE_MS);
	}
	return true;
}

static void
found(struct lane *l, const struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct bytes key = db_bytes(r, row, FOUND_KEY, NULL);
		for (size_t i = 0; i < l->n_jobs; i++) {
			ProtobufCBinaryData have = l->jobs[i]->request->issue->request_key;
			if (bytes_equal(key, (struct bytes){have.data, have.len}) && known_key(l, i, r, row))
				break;
		}
	}
	begin_intents(l);
}

static void
abandoned(struct lane *l)
{
	answer_lost(l);
	l->state = LANE_IDLE;
}

/* After the certificates: marks the intents of orders that weren't signed. */
static void
begin_abandon(struct lane *l)
{
	struct error e;
	if (l->lost.n == 0) {
		l->state = LANE_IDLE;
		return;
	}
	if (batch_abandon(&l->lost, &e) < 0) {
		abandoned(l);
		return;
	}
	send_statement(l, &l->lost, LANE_ABANDON);
}

/* Orders whose signatures never leave. */
static void
lose_all(struct lane *l, enum error_code failure)
{
	while (l->n_jobs > 0)
		lose(l, take_out(l, l->n_jobs - 1), failure);
	begin_abandon(l);
}

static void
begin_store(struct lane *l)
{
	struct error e;
	l->lost.n = 0;
	FAULT("intent-committed");
	for (size_t i = 0; i < l->n_jobs;) {
		struct job *job = l->jobs[i];
		struct hsm *hsm = worker_hsm(l->worker);
		int rc = hsm ? order_sign(job->order, hsm, &e) : fail(&e, E_KEY_STORE, "the key store isn't available");
		if (rc == 0) {
			i++;
			continue;
		}
		log_error(LOG_LEVEL_ERROR, "not signed", &e);
		lose(l, take_out(l, i), e.code == E_KEY_STORE ? E_KEY_STORE : E_INTERNAL);
	}
	if (l->n_jobs == 0) {
		begin_abandon(l);
		return;
	}
	fill_batch(l);
	if (batch_certificates(&l->batch, &l->chain, &e) < 0) {
		log_error(LOG_LEVEL_ERROR, "signed, but too large to be stored", &e);
		lose_all(l, E_INTERNAL);
		return;
	}
	FAULT("issued-sent");
	send_statement(l, &l->batch, LANE_STORE);
}

static void
stored(struct lane *l, const struct db_result *r)
{
	struct error e;
	FAULT("issued-committed");
	l->chain = l->batch.next;
	if (batch_take_ids(&l->batch, r, &e) < 0) {
		log_error(LOG_LEVEL_ERROR, "certificates are stored, but not answered", &e);
		fail_all(l, &e);
		begin_abandon(l);
		return;
	}
	for (size_t i = 0; i < l->n_jobs; i++) {
		struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
		struct job *job = l->jobs[i];
		if (reply_issued(&frame, job->order, l->batch.items[i].id, l->batch.items[i].created_at, &e) < 0 || buf_check(&frame, &e) < 0)
			worker_answer_error(l->worker, job, &e);
		else
			worker_answer(l->worker, job, &frame);
		FAULT("answered");
	}
	l->n_jobs = 0;
	begin_abandon(l);
}

/* intent_add() said which key of the batch can't be certified: that job is refused, the others go again. */
static void
refuse_key(struct lane *l, bool blocked)
{
	struct error e;
	long place = strtol(db_last_message(l->db), NULL, 10);
	if (place < 1 || (size_t)place > l->n_jobs) {
		(void)fail(&e, E_INTERNAL, "the store refused the batch");
		fail_all(l, &e);
		return;
	}
	if (blocked)
		(void)fail_at(&e, E_BAD_KEY, "csr", "key: it was reported as compromised and is never certified again");
	else
		(void)fail_at(&e, E_BAD_KEY, "csr", "key: it is certified for another subject already; make a new one");
	worker_refuse(l->worker, take_out(l, (size_t)place - 1), &e);
	begin_intents(l);
}

/* A statement was refused and the connection lives: nothing of it is in the store. */
static void
refused(struct lane *l, const struct error *e)
{
	const char *state = db_sqlstate(l->db);
	struct error told;
	if (l->state == LANE_INTENT && strcmp(state, "SG001") == 0) {
		begin_find(l); /* another worker was faster with a request key */
		return;
	}
	if (l->state == LANE_INTENT && (strcmp(state, "SG003") == 0 || strcmp(state, "SG004") == 0)) {
		refuse_key(l, state[4] == '3');
		return;
	}
	if (l->state == LANE_REVOKE && (strcmp(state, "SG005") == 0 || strcmp(state, "SG006") == 0)) {
		if (state[4] == '5')
			(void)fail(&told, E_NOT_FOUND, "there is no such certificate");
		else
			(void)fail(&told, E_FORBIDDEN, "a certificate of a CA or an OCSP signer isn't revoked by this request");
		worker_refuse(l->worker, take_out(l, 0), &told);
		l->state = LANE_IDLE;
		return;
	}
	if (l->state == LANE_REVOKE && strcmp(state, "55P03") == 0 && l->jobs[0]->tries++ < MAX_TRIES) {
		worker_requeue(l->worker, take_out(l, 0), BUSY_PAUSE_MS); /* a long CRL of its CA is being made */
		l->state = LANE_IDLE;
		return;
	}
	log_event(LOG_LEVEL_ERROR, "the store refused", "sqlstate", state, "message", db_last_message(l->db), "detail", e->detail, NULL);
	if (strncmp(state, "23", 2) == 0) { /* chain or serial isn't what the lane takes it for: it reads its chain anew */
		lane_lost(l, e);
		return;
	}
	(void)fail(&told, E_STORE, "the store can't take it at the moment");
	told.retry_after_sec = 1;
	if (l->state == LANE_STORE) { /* signed, not stored: the intents are marked, the signatures never leave */
		lose_all(l, E_STORE);
		return;
	}
	if (l->state == LANE_ABANDON) {
		abandoned(l);
		return;
	}
	fail_all(l, &told);
}

static void
revoked(struct lane *l, const struct db_result *r)
{
	struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct job *job = l->jobs[0];
	struct stored s;
	bool repeated = db_bool(r, 0, REVOKED_REPEATED);
	FAULT("revoke-committed");
	if (!repeated)
		l->chain = l->batch.next;
	stored_read(&s, r, 0, worker_registry(l->worker), job->request->revoke->requestor->tenant_id);
	reply_revoked(&frame, a, &s, db_int(r, 0, REVOKED_AT), (int)db_int(r, 0, REVOKED_REASON), repeated);
	worker_answer(l->worker, job, &frame);
	l->n_jobs = 0;
	l->state = LANE_IDLE;
}

static void
begin_revoke(struct lane *l)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct batch_revocation row;
	struct error e;
	batch_revoke(&row, l->jobs[0]->request->revoke, &l->chain, a);
	l->batch.next = row.next;
	l->state = LANE_REVOKE;
	FAULT("revoke-sent");
	if (db_send(l->db, row.sql, row.params, BATCH_REVOKE_PARAMS, true, &e) < 0)
		lane_lost(l, &e);
}

void
lane_begin(struct lane *l, struct job **jobs, size_t n)
{
	memcpy(l->jobs, jobs, n * sizeof(*jobs));
	l->n_jobs = n;
	if (jobs[0]->order)
		begin_find(l);
	else
		begin_revoke(l);
}

void
lane_note(struct lane *l, const struct note *notes, size_t n)
{
	struct error e;
	if (batch_notes(&l->batch, &l->chain, notes, n, &e) < 0)
		log_error(LOG_LEVEL_ERROR, "refusals aren't in the audit log", &e);
	else
		send_statement(l, &l->batch, LANE_NOTE);
}

static void
done(struct lane *l, const struct db_result *r)
{
	switch (l->state) {
	case LANE_FIND:
		found(l, r);
		break;
	case LANE_INTENT:
		l->chain = l->batch.next;
		begin_store(l);
		break;
	case LANE_STORE:
		stored(l, r);
		break;
	case LANE_ABANDON:
		abandoned(l);
		break;
	case LANE_REVOKE:
		revoked(l, r);
		break;
	case LANE_NOTE:
		l->chain = l->batch.next;
		l->state = LANE_IDLE;
		break;
	case LANE_DOWN:
	case LANE_IDLE:
		break;
	}
}

void
lane_ready(struct lane *l)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct error e;
	switch (db_poll(l->db, &r, &e)) {
	case DB_DONE:
		done(l, r);
		break;
	case DB_FAILED:
		/* A failure without a state is a doubt whether the work was kept: the store knows, when the lane opens again. */
		if (db_alive(l->db) && *db_sqlstate(l->db))
			refused(l, &e);
		else
			lane_lost(l, &e);
		break;
	case DB_IDLE:
		if (!db_alive(l->db)) {
			(void)fail(&e, E_STORE, "the store ended the connection");
			lane_lost(l, &e);
		}
		break;
	case DB_BUSY:
		break;
	}
	if (l->state != LANE_DOWN && db_notified(l->db))
		worker_rules_changed(l->worker);
}
