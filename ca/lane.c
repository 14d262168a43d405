#include "ca/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/fault.h"
#include "ca/reply.h"
#include "lib/log.h"

#define BUSY_PAUSE_MS 10
#define PENDING_RETRY_SEC 60 /* people aren't quicker */
#define MAX_TRIES 3
/* The longest wait for one statement: less than a client waits for its answer (LIMIT_ENGINE_CALL_MS). The server's own timeouts don't cover a
 * COMMIT, nor a server that is stopped. */
#define STATEMENT_LIMIT_US 15000000
/* How long a repetition waits for the first request of its key before it is told to come again. */
#define BUSY_LIMIT_US 10000000

int
lane_open(struct lane *l, const struct config *c, struct error *e)
{
	/* A connection that waits for its chain (a former holder is still going away) is kept from try to try. */
	if (!l->waits_for_chain && (!l->db ? db_connect(c, "siegel_ca", &l->db, e) < 0 : db_reconnect(l->db, e) < 0))
		return -1;
	int rc = audit_try(l->db, l->name, &l->chain, e);
	l->waits_for_chain = rc < 0 && e->code == E_CONFLICT && db_alive(l->db);
	if (rc < 0)
		return -1;
	/* Whoever holds the chain's lock is the only one that writes intents of this chain: what is left over has no owner. */
	if (intents_abandon(l->db, l->name, e) < 0 || db_listen(l->db, "rules_changed", e) < 0 || db_listen(l->db, "endpoints_changed", e) < 0)
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
		if (l->lost.items[i].fault) {
			batch_fault_error(l->lost.items[i].fault, &e);
			worker_refuse(l->worker, l->lost_jobs[i], &e);
			continue;
		}
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
		bool early = state == LANE_LOOKUP || state == LANE_FIND || state == LANE_POLICY || state == LANE_APPROVAL || state == LANE_INTENT;
		if (early && job->tries++ < MAX_TRIES && (!job->order || order_renumber(job->order, &e) == 0)) {
			worker_requeue(l->worker, job, BUSY_PAUSE_MS * 10);
			continue;
		}
		(void)fail(&e, E_STORE, "the store was lost on the way: the outcome is unknown; repeat the request with its request key");
		e.retry_after_sec = 1;
		worker_answer_error(l->worker, job, &e);
	}
	l->n_jobs = 0;
	while (l->n_held) {
		struct error e;
		(void)fail(&e, E_STORE, "the store was lost on the way: repeat the request with its request key");
		e.retry_after_sec = 1;
		worker_answer_error(l->worker, l->held[--l->n_held], &e);
	}
	answer_lost(l);
	l->retry_at_us = now_us() + 100000;
}

static void
send_statement(struct lane *l, struct batch *b, enum lane_state state)
{
	struct error e;
	l->state = state;
	l->sent_us = now_us();
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
	while (l->n_held)
		worker_answer_error(l->worker, l->held[--l->n_held], e);
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
	l->batch.epoch = l->epoch;
	if (l->batch.epoch == 0) { /* not read yet */
		(void)fail(&e, E_STORE, "the policies can't be read at the moment");
		e.retry_after_sec = 1;
		fail_all(l, &e);
		return;
	}
	if (batch_intents(&l->batch, &l->chain, &e) < 0) {
		fail_all(l, &e);
		return;
	}
	FAULT("intent-sent");
	send_statement(l, &l->batch, LANE_INTENT);
}

/* --- policies --- */

static size_t
place_of(const struct lane *l, const struct job *job)
{
	size_t i = 0;
	while (i < l->n_jobs && l->jobs[i] != job)
		i++;
	return i;
}

/* The policies are asked about requests of tenants that have rules, unless they were since the rules changed. One that was approved is held against
 * them too: what they set is part of what was approved, and what they refuse by now isn't done. The epoch is that of this moment, in which it is
 * chosen whom to ask. */
static void
begin_policy(struct lane *l)
{
	const struct policy_tenants *p = worker_policies(l->worker);
	struct batch *b = &l->batch;
	struct error e;
	b->n = 0;
	l->epoch = p->epoch;
	for (size_t i = 0; i < l->n_jobs; i++) {
		struct job *job = l->jobs[i];
		if (job->judged == p->epoch || !policy_tenants_have(p, job->request->issue->requestor->tenant_id))
			continue;
		l->asked[b->n] = job;
		b->items[b->n++] = (struct batch_item){.order = job->order};
	}
	if (b->n == 0)
		begin_intents(l);
	else if (verdicts_ask(b, &e) < 0)
		fail_all(l, &e);
	else
		send_statement(l, b, LANE_POLICY);
}

/* What a rule does to one job. True: it waits for an approval. */
static bool
carry_out(struct lane *l, struct job *job, const struct verdict *v)
{
	struct error e;
	bool waits = v->effect == VERDICT_APPROVE && !job->approved;
	int rc = 0;
	if (v->document)
		rc = worker_decide_again(l->worker, job, v->document, &e);
	if (rc == 0 && v->effect == VERDICT_REFUSE) {
		verdict_error(v, &e);
		rc = -1;
	}
	if (rc == 0 && waits && job->request->issue->request_key.len == 0) /* nothing to find it by when it comes again */
		rc = fail(&e, E_POLICY, "the request needs an approval: send it with a request key, so that it can be repeated (policy \"%s\")",
			  v->policy);
	if (rc < 0)
		worker_refuse(l->worker, take_out(l, place_of(l, job)), &e);
	return rc == 0 && waits;
}

static void
judged(struct lane *l, const struct db_result *r)
{
	struct approvals approvals;
	struct error e;
	size_t n = l->batch.n;
	l->n_held = 0;
	for (size_t i = 0; i < n; i++)
		l->asked[i]->judged = l->epoch;
	approvals_begin(&approvals, &l->batch, &l->chain);
	for (int row = 0; row < db_rows(r); row++) {
		struct verdict v;
		verdict_read(&v, r, row);
		struct job *job = v.place < n ? l->asked[v.place] : NULL;
		if (!job || !carry_out(l, job, &v))
			continue;
		l->held[l->n_held++] = take_out(l, place_of(l, job));
		approvals_add(&approvals, job->order, job->outdated_approval, &v);
	}
	if (l->n_held && approvals_finish(&approvals, &e) < 0)
		while (l->n_held)
			worker_answer_error(l->worker, l->held[--l->n_held], &e);
	if (l->n_held)
		send_statement(l, &l->batch, LANE_APPROVAL);
	else
		begin_intents(l);
}

static void
answer_pending(struct lane *l, struct job *job, int64_t approval)
{
	struct error e;
	char pointer[32];
	snprintf(pointer, sizeof(pointer), "approval/%lld", (long long)approval);
	(void)fail_at(&e, E_PENDING, pointer, "the request waits for an approval; repeat it as it is to get the certificate");
	e.retry_after_sec = PENDING_RETRY_SEC;
	worker_answer_error(l->worker, job, &e);
}

/* The approvals are asked for: those who asked are told, the rest of the batch goes on. */
static void
held(struct lane *l, const struct db_result *r)
{
	l->chain = l->batch.next;
	for (size_t i = 0; i < l->n_held; i++)
		answer_pending(l, l->held[i], db_int(r, (int)i, 1));
	l->n_held = 0;
	begin_intents(l);
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
		begin_policy(l);
		return;
	}
	if (db_array_param(&b->arrays[0], &b->params[b->n_params++], &e) < 0) {
		fail_all(l, &e);
		return;
	}
	b->sql = "SELECT r_key, r_body, r_abandoned, " STORED_COLUMNS("r_id") ", r_approval, r_state, r_request FROM request_find($1::bytea[])";
	send_statement(l, b, LANE_FIND);
}

/* What a row of request_find() begins and ends with. */
enum { FOUND_KEY, FOUND_BODY, FOUND_ABANDONED, FOUND_APPROVAL = STORED_END, FOUND_STATE, FOUND_REQUEST };

/* One job whose request key belongs to an approval. True: it has left the batch. One that is approved goes on: the certificate, and a key
 * that is made for it, go to the one who asks. Where the same request comes to something else by now, what people said or are to say isn't about
 * that: it goes on as a new one. */
static bool
known_approval(struct lane *l, size_t i, const struct db_result *r, int row)
{
	struct job *job = l->jobs[i];
	const char *state = db_text(r, row, FOUND_STATE);
	struct error e;
	enum approval_match match = approval_match(db_bytes(r, row, FOUND_REQUEST, NULL), job->order);
	if (match == APPROVAL_OTHER_REQUEST) {
		(void)fail(&e, E_KEY_REUSED, "the request key was used for another request: take a new one");
		worker_refuse(l->worker, take_out(l, i), &e);
		return true;
	}
	if (match == APPROVAL_OTHER_TERMS) {
		job->outdated_approval = db_int(r, row, FOUND_APPROVAL);
		return false;
	}
	if (strcmp(state, "approved") == 0) {
		job->approved = true;
		return false;
	}
	if (strcmp(state, "open") == 0) {
		answer_pending(l, take_out(l, i), db_int(r, row, FOUND_APPROVAL));
		return true;
	}
	(void)fail_at(&e, E_POLICY, "approval", "the request is %s (approval %lld)",
		      strcmp(state, "failed") == 0 ? "approved, but couldn't be carried out" : state, (long long)db_int(r, row, FOUND_APPROVAL));
	worker_refuse(l->worker, take_out(l, i), &e);
	return true;
}

/* One job whose request key the store knows: answered, put back, or to go on (an abandoned intent). True: it has left the batch. */
static bool
known_key(struct lane *l, size_t i, const struct db_result *r, int row)
{
	struct job *job = l->jobs[i];
	const Siegel__Issue *q = job->request->issue;
	struct error e;
	if (!db_is_null(r, row, FOUND_APPROVAL))
		return known_approval(l, i, r, row);
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
	begin_policy(l);
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

/* The signed orders of the batch. */
static void
send_certificates(struct lane *l)
{
	struct error e;
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
	if (l->n_jobs)
		send_certificates(l);
	else
		begin_abandon(l);
}

/* Keys that another request of the same instant got certified, or that were blocked since the intent: these signatures never leave, their
 * intents are marked, the others are stored. */
static void
store_without_faults(struct lane *l)
{
	for (size_t i = l->n_jobs; i-- > 0;) {
		enum batch_fault fault = l->batch.items[i].fault;
		if (!fault)
			continue;
		lose(l, take_out(l, i), E_BAD_KEY);
		l->lost.items[l->lost.n - 1].fault = fault;
	}
	if (l->n_jobs)
		send_certificates(l);
	else
		begin_abandon(l);
}

static void
stored(struct lane *l, const struct db_result *r)
{
	struct error e;
	int rc = batch_take_ids(&l->batch, r, &e);
	if (rc == 0 && batch_has_faults(&l->batch)) {
		store_without_faults(l);
		return;
	}
	FAULT("issued-committed");
	l->chain = l->batch.next;
	if (rc < 0) {
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
	worker_took(l->worker, now_us() - l->begun_us);
	l->n_jobs = 0;
	begin_abandon(l);
}

/* A deadlock, a serialization failure or a lock that wasn't given: the same statement may succeed a moment later, and nothing of it is in the
 * store (D02). True: it was sent again. */
static bool
tried_again(struct lane *l, const char *state)
{
	if (strcmp(state, "40001") != 0 && strcmp(state, "40P01") != 0 && (strcmp(state, "55P03") != 0 || l->state == LANE_REVOKE))
		return false;
	if (l->state == LANE_REVOKE || l->tries++ == MAX_TRIES)
		return false;
	send_statement(l, l->state == LANE_ABANDON ? &l->lost : &l->batch, l->state);
	return true;
}

/* Policies have a say in a revocation: the client is sent to the manager, which asks them. */
static void
unjudged(struct lane *l)
{
	struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	reply_unjudged(&frame);
	worker_answer(l->worker, take_out(l, 0), &frame);
	l->state = LANE_IDLE;
}

/* A statement was refused and the connection lives: nothing of it is in the store. */
static void
refused(struct lane *l, const struct error *e)
{
	const char *state = db_sqlstate(l->db);
	struct error told;
	if (tried_again(l, state))
		return;
	if (l->state == LANE_INTENT && strcmp(state, "SG008") == 0) {
		if (worker_policies_changed(l->worker, l->db, &told) < 0)
			lane_lost(l, &told);
		else
			begin_policy(l);
		return;
	}
	if (l->state == LANE_INTENT && strcmp(state, "SG001") == 0) {
		begin_find(l); /* another worker was faster with a request key */
		return;
	}
	if (l->state == LANE_REVOKE && strcmp(state, REVOKE_WANTS_JUDGING) == 0) {
		unjudged(l);
		return;
	}
	if (l->state == LANE_REVOKE && batch_revoke_error(state, db_last_message(l->db), &told)) {
		worker_refuse(l->worker, take_out(l, 0), &told);
		l->state = LANE_IDLE;
		return;
	}
	if (l->state == LANE_REVOKE && (strcmp(state, "55P03") == 0 || strncmp(state, "40", 2) == 0) && l->jobs[0]->tries++ < MAX_TRIES) {
		worker_requeue(l->worker, take_out(l, 0), BUSY_PAUSE_MS); /* a long CRL of its CA is being made, or a deadlock */
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
	struct revocation v = {db_int(r, 0, REVOKED_AT), (int)db_int(r, 0, REVOKED_REASON), repeated, db_text(r, 0, STORED_END)};
	reply_revoked(&frame, a, &s, &v);
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
	batch_revoke(&row, l->jobs[0]->request->revoke, false, &l->chain, a);
	l->batch.next = row.next;
	l->state = LANE_REVOKE;
	l->sent_us = now_us();
	FAULT("revoke-sent");
	if (db_send(l->db, row.sql, row.params, row.n_params, true, &e) < 0)
		lane_lost(l, &e);
}

static void
begin_lookup(struct lane *l)
{
	struct error e;
	predecessors_begin(&l->batch);
	for (size_t i = 0; i < l->n_jobs; i++) {
		const Siegel__Issue *q = l->jobs[i]->request->issue;
		predecessors_add(&l->batch, q->requestor->tenant_id, q->replaces_id);
	}
	if (batch_finish(&l->batch, &e) < 0)
		fail_all(l, &e);
	else
		send_statement(l, &l->batch, LANE_LOOKUP);
}

void
lane_overdue(struct lane *l, int64_t now)
{
	struct error e;
	if (l->state == LANE_DOWN || l->state == LANE_IDLE || now - l->sent_us < STATEMENT_LIMIT_US)
		return;
	(void)fail(&e, E_STORE, "the store doesn't answer");
	lane_lost(l, &e);
}

void
lane_begin(struct lane *l, struct job **jobs, size_t n)
{
	memcpy(l->jobs, jobs, n * sizeof(*jobs));
	l->n_jobs = n;
	l->tries = 0;
	l->begun_us = now_us();
	switch (job_step(jobs[0])) {
	case JOB_ISSUE:
		begin_find(l);
		break;
	case JOB_LOOKUP:
		begin_lookup(l);
		break;
	case JOB_REVOKE:
		begin_revoke(l);
		break;
	}
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

/* The intents are stored, or intent_add() said which keys of the batch can't be certified: those jobs are refused, the others go again. */
static void
intended(struct lane *l, const struct db_result *r)
{
	batch_take_faults(&l->batch, r);
	if (!batch_has_faults(&l->batch)) {
		l->chain = l->batch.next;
		begin_store(l);
		return;
	}
	for (size_t i = l->n_jobs; i-- > 0;)
		if (l->batch.items[i].fault) {
			struct error e;
			batch_fault_error(l->batch.items[i].fault, &e);
			worker_refuse(l->worker, take_out(l, i), &e);
		}
	begin_intents(l);
}

/* Each job goes on with its certificate, or without when the tenant has none of that id. */
static void
looked_up(struct lane *l, const struct db_result *r)
{
	struct job *jobs[LIMIT_BATCH];
	size_t n = l->n_jobs;
	memcpy(jobs, l->jobs, n * sizeof(jobs[0]));
	l->n_jobs = 0;
	l->state = LANE_IDLE;
	for (size_t i = 0; i < n; i++) {
		const Siegel__Issue *q = jobs[i]->request->issue;
		struct error e;
		if (predecessor_find(r, q->requestor->tenant_id, q->replaces_id, &jobs[i]->predecessor, &e) < 0)
			worker_refuse(l->worker, jobs[i], &e);
		else
			worker_found(l->worker, jobs[i]);
	}
}

static void
done(struct lane *l, const struct db_result *r)
{
	switch (l->state) {
	case LANE_FIND:
		found(l, r);
		break;
	case LANE_POLICY:
		judged(l, r);
		break;
	case LANE_APPROVAL:
		held(l, r);
		break;
	case LANE_INTENT:
		intended(l, r);
		break;
	case LANE_LOOKUP:
		looked_up(l, r);
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
