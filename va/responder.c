#include <pthread.h>
#include <stdlib.h>
#include <openssl/evp.h>
#include "va/ocsp_request.h"
#include "va/responder.h"

struct responder {
	struct responder_options o;
	pthread_key_t thread; /* struct thread_state, freed by the key's destructor when the thread ends */
};

/* A request under work. */
struct work {
	struct ocsp_job *job;  /* NULL once it is answered */
	struct ocsp_request q;
	int signer;            /* index in the set */
	int first_query;       /* of its q.n_ids queries */
};

/* A signer's key for one thread: a copy that this thread alone uses, so that threads share no counters; ready to sign digests when the
 * algorithm has one. */
struct signing {
	EVP_PKEY *key;
	EVP_PKEY_CTX *ctx;
};

/* What a thread keeps between answers: its reference to the signers and what it signs with, one for each signer. */
struct thread_state {
	struct signer_set *set;
	unsigned generation;
	struct signing *sign; /* set->n of them, made on first use */
	EVP_MD_CTX *digest;
	struct buf data, out; /* ResponseData and whole of the answer under work */
	struct work work[RESPONDER_BATCH];
	struct status_query queries[STATUS_BATCH];
	int n_queries;
};

static void
signing_clear(struct signing *s)
{
	EVP_PKEY_CTX_free(s->ctx);
	EVP_PKEY_free(s->key);
	*s = (struct signing){0};
}

static void
thread_drop_set(struct thread_state *t)
{
	if (!t->set)
		return;
	for (int i = 0; i < t->set->n; i++)
		signing_clear(&t->sign[i]);
	free(t->sign);
	signer_set_drop(t->set);
	t->set = NULL;
	t->sign = NULL;
}

static void
thread_free(void *arg)
{
	struct thread_state *t = arg;

	thread_drop_set(t);
	EVP_MD_CTX_free(t->digest);
	buf_free(&t->data);
	buf_free(&t->out);
	free(t);
}

int
responder_new(const struct responder_options *o, struct responder **ret, struct error *e)
{
	struct responder *r = xcalloc(1, sizeof(*r));

	r->o = *o;
	if (pthread_key_create(&r->thread, thread_free) != 0) {
		free(r);
		return fail(e, E_INTERNAL, "responder can't be set up");
	}
	*ret = r;
	return 0;
}

void
responder_free(struct responder *r)
{
	struct thread_state *t;

	if (!r)
		return;
	t = pthread_getspecific(r->thread);
	if (t)
		thread_free(t);
	pthread_key_delete(r->thread);
	free(r);
}

static struct thread_state *
thread_state(struct responder *r)
{
	struct thread_state *t = pthread_getspecific(r->thread);

	if (t)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->data = t->out = BUF_INIT(ocsp_response_max_bytes(LIMIT_CERT_BYTES));
	t->digest = EVP_MD_CTX_new();
	if (!t->digest || pthread_setspecific(r->thread, t) != 0) {
		thread_free(t);
		return NULL;
	}
	return t;
}

/* The thread's set, exchanged when there is a newer one. Without a change this takes no lock. */
static void
set_current(struct responder *r, struct thread_state *t)
{
	if (t->set && signers_generation(r->o.signers) == t->generation)
		return;
	thread_drop_set(t);
	t->set = signers_take(r->o.signers, &t->generation);
	if (t->set)
		t->sign = xcalloc((size_t)t->set->n + 1, sizeof(*t->sign));
}

static int
sign_digest(struct thread_state *t, const struct signer *s, struct signing *own, uint8_t *sig, size_t *len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;

	if (!own->ctx)
		own->ctx = sigalg_context(s->signature, own->key, EVP_PKEY_sign_init);
	if (!own->ctx || !EVP_DigestInit_ex2(t->digest, s->digest, NULL) || !EVP_DigestUpdate(t->digest, t->data.data, t->data.len) ||
	    !EVP_DigestFinal_ex(t->digest, digest, &digest_len))
		return -1;
	return EVP_PKEY_sign(own->ctx, sig, len, digest, digest_len) > 0 ? 0 : -1;
}

static int
data_sign(struct thread_state *t, int signer, uint8_t sig[SIGALG_MAX_BYTES], size_t *ret_len, struct error *e)
{
	const struct signer *s = &t->set->signers[signer];
	struct signing *own = &t->sign[signer];
	struct bytes data = {t->data.data, t->data.len};
	size_t len = SIGALG_MAX_BYTES;

	if (!own->key)
		own->key = EVP_PKEY_dup(s->key);
	if (!own->key || (s->digest ? sign_digest(t, s, own, sig, &len) < 0 : !sigalg_sign(s->signature, own->key, &own->ctx, data, sig, &len))) {
		signing_clear(own);
		return fail(e, E_INTERNAL, "signing failed");
	}
	*ret_len = len;
	return 0;
}

/* The one signer that speaks for all ids. An answer has one signer, and a delegated one speaks for its own CA (RFC 6960 4.2.2.2). */
static int
signer_for(const struct signer_set *set, const struct ocsp_request *q, int64_t now, int *ret, struct error *e)
{
	int signer = signer_set_find(set, &q->ids[0]);
	const struct signer *s;

	if (signer < 0)
		return fail(e, E_NOT_FOUND, "issuer of the certificate is none of ours (RFC 6960 2.3)");
	for (int i = 1; i < q->n_ids; i++) {
		if (signer_set_find(set, &q->ids[i]) != signer)
			return fail(e, E_NOT_FOUND, "certificates of several issuers in one request (RFC 6960 2.3)");
	}
	s = &set->signers[signer];
	if (!s->key || now < s->not_before || now >= s->not_after)
		return fail(e, E_UNAVAILABLE, "no living signer for this issuer (RFC 6960 2.3)");
	*ret = signer;
	return 0;
}

/* What was found, as the answer says it. A serial without a certificate is unknown, or as the configuration says revoked on hold since
 * 1970 (RFC 6960 2.2); never good. */
static int
statuses_take(const struct responder *r, const struct ocsp_request *q, const struct status_query *found, struct ocsp_answer *a,
              struct error *e)
{
	for (int i = 0; i < q->n_ids; i++) {
		struct ocsp_single *s = &a->singles[i];

		if (found[i].altered)
			return fail(e, E_INTERNAL, "status of a certificate was changed in the store, and not by the engine");
		if (found[i].broken)
			return fail(e, E_INTERNAL, "status of a certificate makes no sense in the store");
		s->certid = q->ids[i].whole;
		s->status = found[i].status;
		if (s->status.state == CERT_UNKNOWN && r->o.not_issued_revoked) {
			s->status = (struct cert_status){.state = CERT_REVOKED, .revoked_at = 0, .reason = REASON_CERTIFICATE_HOLD};
			a->extended_revoke = true;
		}
	}
	a->n_singles = q->n_ids;
	return 0;
}

/* The answer never outlives its signer: a client couldn't verify it then. */
static int64_t
next_update(const struct responder *r, const struct signer *s, int64_t now)
{
	return now + r->o.answer_sec < s->not_after ? now + r->o.answer_sec : s->not_after;
}

static int
answer_make(struct responder *r, struct thread_state *t, const struct work *w, int64_t now, struct error *e)
{
	struct ocsp_answer answer = {.produced_at = now, .this_update = now, .nonce = w->q.nonce};
	const struct signer *s = &t->set->signers[w->signer];
	struct ocsp_reply *ret = &w->job->reply;
	uint8_t sig[SIGALG_MAX_BYTES] NOT_ZEROED;
	size_t sig_len;

	if (statuses_take(r, &w->q, &t->queries[w->first_query], &answer, e) < 0)
		return -1;
	answer.next_update = next_update(r, s, now);
	answer.responder_id = (struct bytes){s->responder_id.data, s->responder_id.len};
	buf_clear(&t->data);
	ocsp_data_encode(&t->data, &answer);
	if (buf_check(&t->data, e) < 0 || data_sign(t, w->signer, sig, &sig_len, e) < 0)
		return -1;
	buf_clear(&t->out);
	ocsp_response_encode(&t->out, (struct bytes){t->data.data, t->data.len}, s->signature->algorithm, (struct bytes){sig, sig_len},
	                     (struct bytes){s->certs.data, s->certs.len});
	if (buf_check(&t->out, e) < 0)
		return -1;
	ret->der = (struct bytes){arena_dup(w->job->arena, t->out.data, t->out.len), t->out.len};
	ret->this_update = answer.this_update;
	ret->next_update = answer.next_update;
	return 0;
}

/* RFC 6960 2.3 in terms of our errors. */
static enum ocsp_response_status
status_of_error(enum error_code code)
{
	switch (code) {
	case E_MALFORMED:
		return OCSP_MALFORMED_REQUEST;
	case E_NOT_FOUND:
		return OCSP_UNAUTHORIZED;
	case E_STORE:
	case E_UNAVAILABLE:
		return OCSP_TRY_LATER;
	default:
		return OCSP_INTERNAL_ERROR;
	}
}

static void
refuse(struct ocsp_job *job, const struct error *e)
{
	job->reply.error = *e;
	job->reply.status = status_of_error(e->code);
	job->reply.der = ocsp_error_response(job->reply.status);
}

/* Reads a request and notes what is to be looked up for it. */
static int
work_begin(struct thread_state *t, struct work *w, int64_t now, struct error *e)
{
	if (ocsp_request_parse(w->job->request, &w->q, e) < 0)
		return -1;
	w->job->reply.has_nonce = w->q.nonce.len > 0;
	if (!t->set)
		return fail(e, E_UNAVAILABLE, "signers aren't loaded yet");
	if (signer_for(t->set, &w->q, now, &w->signer, e) < 0)
		return -1;
	w->first_query = t->n_queries;
	for (int i = 0; i < w->q.n_ids; i++)
		t->queries[t->n_queries++] = (struct status_query){.ca_id = t->set->signers[w->signer].ca_id, .serial = w->q.ids[i].serial};
	return 0;
}

/* Looks up what was noted and answers the first n of the work. */
static void
work_finish(struct responder *r, struct thread_state *t, int n, int64_t now)
{
	struct error all, e;
	int rc = t->n_queries > 0 ? r->o.lookup(r->o.lookup_ctx, t->queries, t->n_queries, &all) : 0;

	for (int i = 0; i < n; i++) {
		struct work *w = &t->work[i];

		if (!w->job)
			continue;
		if (rc < 0)
			refuse(w->job, &all);
		else if (answer_make(r, t, w, now, &e) < 0)
			refuse(w->job, &e);
	}
	t->n_queries = 0;
}

void
responder_answer_many(struct responder *r, struct ocsp_job *const *jobs, int n, int64_t now)
{
	struct thread_state *t = thread_state(r);
	struct error e;
	int n_work = 0;

	if (t)
		set_current(r, t);
	for (int i = 0; i < n; i++) {
		struct work *w;

		jobs[i]->reply = (struct ocsp_reply){.status = OCSP_SUCCESSFUL};
		if (!t) {
			if (fail(&e, E_INTERNAL, "no memory for a thread") < 0)
				refuse(jobs[i], &e);
			continue;
		}
		if (n_work == RESPONDER_BATCH || t->n_queries + LIMIT_OCSP_CERTIDS > STATUS_BATCH) {
			work_finish(r, t, n_work, now);
			n_work = 0;
		}
		w = &t->work[n_work++];
		w->job = jobs[i];
		if (work_begin(t, w, now, &e) < 0) {
			refuse(jobs[i], &e);
			w->job = NULL;
		}
	}
	if (t)
		work_finish(r, t, n_work, now);
}

void
responder_answer(struct responder *r, struct bytes request, struct arena *a, int64_t now, struct ocsp_reply *ret)
{
	struct ocsp_job job = {.request = request, .arena = a}, *jobs[] = {&job};

	responder_answer_many(r, jobs, 1, now);
	*ret = job.reply;
}
