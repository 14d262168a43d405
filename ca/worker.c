#include "ca/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/document.h"
#include "ca/fault.h"
#include "ca/lane.h"
#include "ca/maker.h"
#include "ca/notes.h"
#include "ca/queue.h"
#include "ca/ra_desk.h"
#include "ca/reply.h"
#include "ca/request.h"
#include "lib/daemon.h"
#include "lib/ipc/frame.h"
#include "lib/log.h"

/* A second batch is begun beside one that is in flight once this many wait: smaller ones cost more than they gain. */
#define BATCH_WORTH 8
/* Connections that have asked within this time are those of clients that are about to ask again. */
#define ACTIVE_US 50000
#define KEY_STORE_PAUSE_US 250000
#define STORE_WAIT_US 3000000 /* a request waits this long for a store that is away */
#define REFRESH_US 30000000 /* what changes is notified; this is for a notice that was lost with its connection */
#define UNREAD_US 200000    /* CAs and profiles that couldn't be read at all are asked for this often */
/* RSA keys that wait to be made, in all and of one tenant: some seconds of work, and none takes all of it */
#define KEYS_WAITING 16
#define KEYS_WAITING_OF_TENANT 8
#define DOORS_PAUSE_US 20000 /* as often they are read for requests by doors that aren't known */
/* For requests with names that aren't known CAs and profiles are read once more, and then not for this long, or for so many times as long as that
 * took: a twentieth of a worker's time is all that names make it spend on reading, whoever asks for them. */
#define NAMES_PAUSE_US 20000
#define NAMES_PAUSE_TIMES 19
#define NAMES_WAIT_US 500000 /* so long a request waits at most for a pause to end: then what was read last counts */
#define MAX_EVENTS 128
#define READ_BYTES 16384

struct connection {
	int fd;
	enum caller caller;
	struct buf in;
	struct job *job; /* the request under way: one at a time */
	int64_t asked_us; /* when the last one came */
	struct connection *next, *previous;
};

struct worker {
	const struct config *config;
	struct registry *registry;
	struct doors doors;
	struct hsm *hsm;
	struct lane *lanes;
	size_t n_lanes;
	struct connection *connections;
	struct queue queue;
	struct queue undecided; /* until CAs and profiles were read for the first time, or they or the doors once more */
	bool wants_names, wants_doors; /* one of them waits for that */
	struct policy_tenants policies;
	struct maker maker;
	struct ra_desk *ra;
	struct queue for_key; /* wait for a key, in the order in which they asked */
	int epoll, channel;
	bool ended;
	struct notes notes; /* refusals that wait for a lane */
	int64_t begun_us; /* the newest batch */
	int64_t took_us;  /* how long the last one of certificates was under way */
	int64_t refreshed_us, key_store_tended_us;
	int64_t names_us, names_again_us; /* when CAs and profiles were asked for last, and when they may be for names that aren't known */
};

struct hsm *
worker_hsm(struct worker *w)
{
	return w->hsm;
}

struct db *
worker_idle_db(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		if (w->lanes[i].state == LANE_IDLE)
			return w->lanes[i].db;
	return NULL;
}

const struct registry *
worker_registry(const struct worker *w)
{
	return w->registry;
}

void
worker_rules_changed(struct worker *w)
{
	w->refreshed_us = 0;
}

const struct policy_tenants *
worker_policies(const struct worker *w)
{
	return &w->policies;
}

int
worker_policies_changed(struct worker *w, struct db *db, struct error *e)
{
	return policy_tenants_read(&w->policies, db, e);
}

static void
close_connection(struct worker *w, struct connection *c)
{
	if (c->job)
		c->job->connection = NULL;
	if (c->previous)
		c->previous->next = c->next;
	else
		w->connections = c->next;
	if (c->next)
		c->next->previous = c->previous;
	close(c->fd);
	buf_free(&c->in);
	free(c);
	channel_tell(w->channel, CHANNEL_CLOSED);
}

static void
job_free(struct job *job)
{
	if (job->connection)
		job->connection->job = NULL;
	order_free(job->order);
	predecessor_free(job->predecessor);
	siegel__request__free_unpacked(job->request, NULL);
	free(job);
}

/* The socket's buffer holds a reply, and a connection has one request at a time: what doesn't fit means a client that doesn't read
 * its replies. Nobody waits for it. */
static void
send_frame(struct worker *w, struct connection *c, struct buf *frame)
{
	if (frame->overflow || send(c->fd, frame->data, frame->len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)frame->len)
		close_connection(w, c);
}

void
worker_answer(struct worker *w, struct job *job, struct buf *frame)
{
	struct connection *c = job->connection;
	job_free(job);
	if (c)
		send_frame(w, c, frame);
}

void
worker_answer_error(struct worker *w, struct job *job, const struct error *e)
{
	struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	reply_error(&frame, e);
	worker_answer(w, job, &frame);
}

static const Siegel__Requestor *
requestor_of(const struct job *job)
{
	return job->request->operation_case == SIEGEL__REQUEST__OPERATION_ISSUE ? job->request->issue->requestor
	    : job->request->operation_case == SIEGEL__REQUEST__OPERATION_REVOKE ? job->request->revoke->requestor
										 : NULL;
}

void
worker_refuse(struct worker *w, struct job *job, const struct error *e)
{
	switch (e->code) {
	case E_MALFORMED:
	case E_BAD_VALUE:
	case E_BAD_CSR:
	case E_BAD_KEY:
	case E_POLICY:
	case E_FORBIDDEN:
	case E_NOT_FOUND:
	case E_KEY_REUSED:
		notes_add(&w->notes, requestor_of(job), e, now_us());
		break;
	default: /* a fault of ours or a time that is bad: the log has it */
		break;
	}
	worker_answer_error(w, job, e);
}

/* Refusals go to the audit log on a lane that is idle. */
static void
write_notes(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes && w->notes.n; i++)
		if (w->lanes[i].state == LANE_IDLE) {
			lane_note(&w->lanes[i], w->notes.rows, w->notes.n);
			w->notes.n = 0;
		}
}

void
worker_requeue(struct worker *w, struct job *job, int delay_ms)
{
	job->not_before_us = now_us() + (int64_t)delay_ms * 1000;
	queue_put(&w->queue, job);
}

/* What changed with the stores; one that is closed is opened again when that is due. */
static void
tend_key_store(struct worker *w)
{
	struct error e;
	struct hsm_store store;
	w->key_store_tended_us = now_us();
	if (!w->hsm && hsm_open(w->config, &w->hsm, &e) < 0) {
		log_error(LOG_LEVEL_ERROR, "no key store", &e);
		return;
	}
	while (hsm_tend(w->hsm, &store))
		if (store.usable)
			log_event(LOG_LEVEL_NOTICE, "key store opened", "name", store.name, NULL);
		else
			log_event(LOG_LEVEL_ERROR, "key store not usable", "name", store.name, "why", store.why, NULL);
}

/* Reads CAs, profiles and doors anew, on the first lane that is idle. */
static void
refresh(struct worker *w)
{
	struct error e;
	struct db *db = worker_idle_db(w);
	int64_t asked_us = now_us(), pause_us; /* an answer counts from the question */
	int bad = 0;
	if (!db)
		return;
	if (registry_refresh(w->registry, db, &bad, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "CAs and profiles can't be read", &e);
	else
		w->names_us = asked_us;
	if (bad)
		log_event(LOG_LEVEL_ERROR, "CAs or profiles are left out, because they can't be read", NULL);
	if (policy_tenants_read(&w->policies, db, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "policies can't be read", &e);
	doors_refresh(&w->doors, db, w->config);
	pause_us = (now_us() - asked_us) * NAMES_PAUSE_TIMES;
	w->names_again_us = now_us() + (pause_us > NAMES_PAUSE_US ? pause_us : NAMES_PAUSE_US);
	/* A notice that came meanwhile may be of a change that wasn't read. */
	w->refreshed_us = db_notified(db) ? 0 : registry_is_read(w->registry) ? now_us() : now_us() - REFRESH_US + UNREAD_US;
}

static void
watch(struct worker *w, int op, int fd, unsigned events, void *what)
{
	struct epoll_event ev = {.events = events, .data.ptr = what};
	if (epoll_ctl(w->epoll, op, fd, &ev) < 0)
		log_event(LOG_LEVEL_ERROR, "epoll_ctl", "error", strerror(errno), NULL);
}

/* --- requests --- */

/* Decides; made is a key that was made for it, or NULL. */
static void
decide(struct worker *w, struct job *job, EVP_PKEY *made)
{
	struct error e;
	if (order_renew(w->registry, job->request->issue, job->predecessor, made, now_us() / 1000000, &job->order, &e) < 0)
		worker_refuse(w, job, &e);
	else
		queue_put(&w->queue, job);
}

int
worker_decide_again(struct worker *w, struct job *job, const char *document, struct error *e)
{
	EVP_PKEY *key = job->order->private_key;
	int rc = document_take(document, job->order, job->request->issue, e);
	job->order->private_key = NULL;
	order_free(job->order);
	job->order = NULL;
	if (rc == 0) /* it takes the key over */
		return order_renew(w->registry, job->request->issue, job->predecessor, key, now_us() / 1000000, &job->order, e);
	EVP_PKEY_free(key);
	return -1;
}

static void
wait_for_key(struct worker *w, struct job *job, const struct keytype *type)
{
	struct error e;
	size_t of_tenant = 0;
	for (const struct job *j = w->for_key.first; j; j = j->next)
		of_tenant += j->request->issue->requestor->tenant_id == job->request->issue->requestor->tenant_id;
	if (w->for_key.n >= KEYS_WAITING || of_tenant >= KEYS_WAITING_OF_TENANT) {
		(void)fail(&e, E_UNAVAILABLE, "too many keys are being made at the moment; with a CSR the request need not wait");
		e.retry_after_sec = 2;
		worker_answer_error(w, job, &e);
		return;
	}
	if (maker_ask(&w->maker, type, &e) < 0) {
		worker_answer_error(w, job, &e);
		return;
	}
	queue_put(&w->for_key, job);
}

static void
start_maker(struct worker *w)
{
	struct error e;
	if (maker_start(&w->maker, &e) < 0)
		log_error(LOG_LEVEL_ERROR, "no process to make keys", &e);
	else
		watch(w, EPOLL_CTL_ADD, w->maker.fd, EPOLLIN, &w->maker);
}

/* A key is there, or the maker is gone: then those that wait are told, and it is started again. */
static void
take_key(struct worker *w)
{
	struct error e;
	EVP_PKEY *key = NULL;
	struct job *job;
	if (maker_take(&w->maker, &key, &e) == 0) {
		job = queue_pop(&w->for_key);
		if (job && job->connection) {
			decide(w, job, key);
			return;
		}
		EVP_PKEY_free(key); /* whoever asked is gone, and nobody else gets the key: a certificate for it would be of no use */
		if (job)
			job_free(job);
		return;
	}
	log_error(LOG_LEVEL_ERROR, "the maker ended and is started again", &e);
	maker_stop(&w->maker);
	e.retry_after_sec = 1;
	while ((job = queue_pop(&w->for_key)) != NULL)
		worker_answer_error(w, job, &e);
	start_maker(w);
}

/* Decides, once the key is there. A name or a door that isn't known, or that was disabled, may be newer than what was read. */
static void
decide_or_wait(struct worker *w, struct job *job)
{
	struct error e;
	const struct keytype *type;
	bool waits = now_us() - job->started_us < NAMES_WAIT_US || now_us() > w->names_again_us;
	if (!job->predecessor && waits && job->started_us >= w->names_us && !request_names_known(w->registry, job->request->issue)) {
		w->wants_names = true;
		queue_put(&w->undecided, job);
		return;
	}
	if (!request_is_open(&w->doors, w->registry, job->request->issue)) {
		if (job->started_us >= w->doors.asked_us) {
			w->wants_doors = true;
			queue_put(&w->undecided, job);
			return;
		}
		(void)fail(&e, E_FORBIDDEN, "nothing of %s that is enabled issues by this CA and profile", job->request->issue->requestor->source);
		worker_refuse(w, job, &e);
		return;
	}
	if (!order_makes_key(job->request->issue)) {
		decide(w, job, NULL);
		return;
	}
	if (order_key_type(w->registry, job->request->issue, job->predecessor, &type, &e) < 0)
		worker_refuse(w, job, &e);
	else if (maker_is_for(type))
		wait_for_key(w, job, type);
	else
		decide(w, job, NULL);
}

static void
take_issue(struct worker *w, struct job *job)
{
	struct error e;
	const Siegel__Issue *q = job->request->issue;
	if (q->request_key.len && (q->request_key.len != 32 || q->body_hash.len != 32 || q->window_sec <= 0)) {
		(void)fail(&e, E_MALFORMED, "the request has a request key without its hash and window");
		worker_answer_error(w, job, &e);
		return;
	}
	if (q->replaces_id) {
		queue_put(&w->queue, job);
		return;
	}
	if (!registry_is_read(w->registry)) {
		queue_put(&w->undecided, job);
		return;
	}
	decide_or_wait(w, job);
}

/* Those that came before CAs and profiles were read, or wait for these or the doors once more. */
static void
decide_waiting(struct worker *w)
{
	struct job *job = queue_empty(&w->undecided);
	w->wants_names = w->wants_doors = false;
	while (job) {
		struct job *next = job->next;
		decide_or_wait(w, job);
		job = next;
	}
}

void
worker_found(struct worker *w, struct job *job)
{
	decide_or_wait(w, job);
}

static void
take_revoke(struct worker *w, struct job *job)
{
	struct error e;
	if (request_revoke_check(job->connection->caller, job->request->revoke, &e) < 0)
		worker_refuse(w, job, &e);
	else
		queue_put(&w->queue, job);
}

static void
take_status(struct worker *w, struct job *job)
{
	struct buf frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__StatusReport report = SIEGEL__STATUS_REPORT__INIT;
	report.workers = 1;
	report.key_store = w->hsm && hsm_usable(w->hsm);
	for (size_t i = 0; i < w->n_lanes; i++)
		report.store = report.store || w->lanes[i].state != LANE_DOWN;
	reply.result_case = SIEGEL__REPLY__RESULT_STATUS;
	reply.status = &report;
	reply_put(&frame, &reply);
	worker_answer(w, job, &frame);
}

static void
take_request(struct worker *w, struct connection *c, struct bytes message)
{
	struct error e;
	Siegel__Request *request = siegel__request__unpack(NULL, message.len, message.data);
	if (!request) {
		log_event(LOG_LEVEL_WARNING, "a message that isn't one: connection closed", "caller", caller_name(c->caller), NULL);
		close_connection(w, c);
		return;
	}
	struct job *job = xcalloc(1, sizeof(*job));
	job->request = request;
	job->connection = c;
	job->started_us = now_us();
	c->job = job;
	c->asked_us = job->started_us;
	const Siegel__Requestor *q = requestor_of(job);
	FAULT("request-read");
	if (!caller_may(c->caller, request->operation_case) ||
	    (request->operation_case == SIEGEL__REQUEST__OPERATION_RA_SIGN && !caller_may_sign(c->caller, request->ra_sign->answer_case))) {
		(void)fail(&e, E_FORBIDDEN, "siegel-%s may not ask for that", caller_name(c->caller));
		worker_answer_error(w, job, &e);
	} else if (request->operation_case == SIEGEL__REQUEST__OPERATION_STATUS) {
		take_status(w, job);
	} else if (ra_desk_is_for(request->operation_case)) {
		ra_desk_take(w->ra, w, job);
	} else if (!request_requestor_valid(q)) {
		(void)fail(&e, E_MALFORMED, "the request has no requestor, or one whose texts aren't UTF-8");
		worker_answer_error(w, job, &e);
	} else if (request_source_check(c->caller, request, q, &e) < 0) {
		worker_refuse(w, job, &e);
	} else if (request->operation_case == SIEGEL__REQUEST__OPERATION_ISSUE) {
		take_issue(w, job);
	} else {
		take_revoke(w, job); /* callers of workers may ask for nothing else */
	}
}

/* Takes the frame that is whole, if one is; the rest stays. A client that sends more before it has its reply breaks the rules. */
static void
take_frames(struct worker *w, struct connection *c)
{
	struct error e;
	size_t len = 0;
	int rc = frame_peek((struct bytes){c->in.data, c->in.len}, &len, &e);
	if (rc > 0)
		return;
	if (rc < 0 || c->job || c->in.len != len + 4) {
		log_event(LOG_LEVEL_WARNING, "a client broke the rules: connection closed", "caller", caller_name(c->caller), NULL);
		close_connection(w, c);
		return;
	}
	uint8_t *message = xcalloc(1, len);
	memcpy(message, c->in.data + 4, len);
	buf_clear(&c->in);
	take_request(w, c, (struct bytes){message, len});
	free(message);
}

static void
read_connection(struct worker *w, struct connection *c)
{
	uint8_t data[READ_BYTES];
	ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_connection(w, c);
		return;
	}
	buf_add(&c->in, data, (size_t)n);
	if (c->in.overflow)
		close_connection(w, c);
	else
		take_frames(w, c);
}

/* --- the loop --- */

static void
take_channel(struct worker *w)
{
	enum caller caller;
	int fd;
	enum channel_taken taken = channel_take(w->channel, &caller, &fd);
	if (taken == CHANNEL_ENDED) /* the master is gone: so is this worker, once its batches are done */
		w->ended = true;
	if (taken != CHANNEL_TAKEN)
		return;
	struct connection *c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &(int){LIMIT_FRAME_BYTES}, sizeof(int)); /* the kernel doubles it for its own needs */
	c->caller = caller;
	c->in = BUF_INIT(LIMIT_FRAME_BYTES + 4 + READ_BYTES);
	c->next = w->connections;
	if (c->next)
		c->next->previous = c;
	w->connections = c;
	watch(w, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLRDHUP, c);
}

static void
watch_lane(struct worker *w, struct lane *l)
{
	int open = l->db ? db_fd(l->db) : -1, fd = l->state == LANE_DOWN ? -1 : open;
	unsigned events = fd < 0 ? 0 : EPOLLIN | (db_wants_write(l->db) ? EPOLLOUT : 0);
	if (fd == l->watched_fd && events == l->watched_events)
		return;
	if (fd < 0 && open >= 0 && open == l->watched_fd)
		watch(w, EPOLL_CTL_DEL, open, 0, l);
	else if (fd >= 0) /* one that was closed isn't watched any more, and its number may be a client's by now */
		watch(w, fd == l->watched_fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events, l);
	l->watched_fd = fd;
	l->watched_events = events;
}

/* A flush that takes this long is that of a slow disk: a few that wait are then a batch of their own rather than wait for it. On a quick one they
 * gain nothing, and cost a commit. */
#define FLUSH_SLOW_US 1000

void
worker_took(struct worker *w, int64_t us)
{
	w->took_us = us;
}

/* Whether a batch that would begin now had better wait for more. */
static bool
gathers(const struct worker *w, int64_t now)
{
	struct clients clients = {0};
	if (!w->queue.first || w->queue.n >= BATCH_WORTH)
		return false;
	for (const struct connection *c = w->connections; c; c = c->next) {
		clients.waiting += c->job != NULL;
		clients.active += c->job || now - c->asked_us < ACTIVE_US;
	}
	return queue_gathers(&w->queue, &clients, w->took_us, now);
}

/* idle: nothing else is to be done. */
static void
dispatch(struct worker *w, bool idle)
{
	int64_t now = now_us();
	size_t worth = idle && now - w->begun_us > FLUSH_SLOW_US ? 1 : BATCH_WORTH;
	size_t busy = 0;
	/* Revocations wait for the CRL of their CA that is being made, up to seconds. One lane may wait; the others go on issuing. */
	bool revoking = false;
	for (size_t i = 0; i < w->n_lanes; i++) {
		revoking = revoking || w->lanes[i].state == LANE_REVOKE;
		busy += w->lanes[i].state != LANE_DOWN && w->lanes[i].state != LANE_IDLE && w->lanes[i].state != LANE_REVOKE;
	}
	for (size_t i = 0; i < w->n_lanes && w->queue.first; i++) {
		struct job *jobs[LIMIT_BATCH];
		if (w->lanes[i].state != LANE_IDLE || (busy > 0 && w->queue.n < worth) || gathers(w, now))
			continue;
		size_t n = queue_take(&w->queue, jobs, !revoking, now);
		if (n == 0)
			break;
		if (job_step(jobs[0]) == JOB_REVOKE) {
			revoking = true;
		} else {
			busy++;
			worth = BATCH_WORTH;
			w->begun_us = now;
		}
		lane_begin(&w->lanes[i], jobs, n);
	}
}

/* Those of a queue that have waited for long are told that there is no store. */
static void
refuse_old(struct worker *w, struct queue *q, int64_t now)
{
	struct job *job = queue_empty(q);
	while (job) {
		struct job *next = job->next;
		struct error e;
		if (now - job->started_us < STORE_WAIT_US) {
			queue_put(q, job);
		} else {
			(void)fail(&e, E_STORE, "the store isn't available at the moment");
			e.retry_after_sec = 2;
			worker_answer_error(w, job, &e);
		}
		job = next;
	}
}

/* Without a store nobody waits for long. */
static void
refuse_waiting(struct worker *w, int64_t now)
{
	refuse_old(w, &w->undecided, now);
	for (size_t i = 0; i < w->n_lanes; i++)
		if (w->lanes[i].state != LANE_DOWN)
			return;
	refuse_old(w, &w->queue, now);
}

/* What is done between events: lanes that are down, the key store, what changed in the store. The next time something is due, in ms. */
static int
tend(struct worker *w)
{
	int64_t now = now_us();
	struct error e;
	int timeout = 1000;
	for (size_t i = 0; i < w->n_lanes; i++) {
		struct lane *l = &w->lanes[i];
		lane_overdue(l, now);
		if (l->state != LANE_DOWN)
			continue;
		timeout = 100;
		if (now < l->retry_at_us)
			continue;
		if (lane_open(l, w->config, &e) < 0) {
			if (!l->waits_for_chain)
				log_error(LOG_LEVEL_WARNING, "the store can't be reached", &e);
			l->retry_at_us = now_us() + (l->waits_for_chain ? 50000 : 250000);
		} else {
			log_event(LOG_LEVEL_NOTICE, "lane open", "chain", l->name, NULL);
			w->refreshed_us = 0; /* notices may have been lost with the former connection */
		}
	}
	if (now - w->key_store_tended_us > KEY_STORE_PAUSE_US)
		tend_key_store(w);
	if (now - w->refreshed_us > REFRESH_US || (w->wants_names && now > w->names_again_us))
		refresh(w);
	struct db *db = w->wants_doors && now - w->doors.asked_us > DOORS_PAUSE_US ? worker_idle_db(w) : NULL;
	if (db)
		doors_refresh(&w->doors, db, w->config);
	if (registry_is_read(w->registry))
		decide_waiting(w);
	refuse_waiting(w, now);
	return ra_desk_tend(w->ra, w) || w->queue.first || w->undecided.first ? 1 : timeout;
}

static bool
idle(const struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		if (w->lanes[i].state != LANE_DOWN && w->lanes[i].state != LANE_IDLE)
			return false;
	return !w->queue.first && !w->undecided.first && !w->for_key.first;
}

static void
take_event(struct worker *w, const struct epoll_event *ev)
{
	if (ev->data.ptr == NULL) {
		take_channel(w);
		return;
	}
	if (ev->data.ptr == &w->maker) {
		take_key(w);
		return;
	}
	for (size_t i = 0; i < w->n_lanes; i++)
		if (ev->data.ptr == &w->lanes[i]) {
			if (w->lanes[i].state != LANE_DOWN)
				lane_ready(&w->lanes[i]);
			return;
		}
	for (struct connection *c = w->connections; c; c = c->next)
		if (ev->data.ptr == c) { /* it may have been closed by an event before this one */
			read_connection(w, c);
			return;
		}
}

static void
watch_lanes(struct worker *w)
{
	for (size_t i = 0; i < w->n_lanes; i++)
		watch_lane(w, &w->lanes[i]);
}

static void
loop(struct worker *w)
{
	struct epoll_event events[MAX_EVENTS];
	int64_t stop_us = 0;
	while (!w->ended || !idle(w)) {
		int timeout = tend(w), n = 0;
		dispatch(w, false);
		write_notes(w);
		watch_lanes(w);
		if (w->queue.first && (n = epoll_wait(w->epoll, events, MAX_EVENTS, 0)) == 0) {
			dispatch(w, true);
			watch_lanes(w);
		}
		if (n == 0)
			n = epoll_wait(w->epoll, events, MAX_EVENTS, timeout);
		for (int i = 0; i < n; i++)
			take_event(w, &events[i]);
		if (daemon_stopping())
			w->ended = true;
		if (w->ended && !stop_us)
			stop_us = now_us() + 5000000;
		if (w->ended && now_us() > stop_us)
			break;
	}
}

int
worker_run(const struct config *c, int index, int channel, struct error *e)
{
	struct worker w = {
	    .config = c,
	    .channel = channel,
	    .registry = registry_new(),
	    .ra = ra_desk_new(),
	    .n_lanes = (size_t)config_int(c, OPT_ca_lanes),
	};
	queue_init(&w.queue);
	queue_init(&w.undecided);
	queue_init(&w.for_key);
	w.lanes = xcalloc(w.n_lanes, sizeof(*w.lanes));
	w.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w.epoll < 0)
		return fail(e, E_INTERNAL, "epoll: %s", strerror(errno));
	for (size_t i = 0; i < w.n_lanes; i++) {
		w.lanes[i].worker = &w;
		w.lanes[i].watched_fd = -1;
		snprintf(w.lanes[i].name, sizeof(w.lanes[i].name), "ca.%d.%zu", index, i);
	}
	start_maker(&w); /* before there is anything that it shouldn't know */
	tend_key_store(&w);
	watch(&w, EPOLL_CTL_ADD, channel, EPOLLIN, NULL);
	watch(&w, EPOLL_CTL_ADD, daemon_stop_fd(), EPOLLIN, NULL);
	tend(&w);
	channel_tell(channel, CHANNEL_READY);
	loop(&w);
	maker_stop(&w.maker);
	for (size_t i = 0; i < w.n_lanes; i++)
		lane_close(&w.lanes[i]);
	while (w.connections)
		close_connection(&w, w.connections);
	policy_tenants_free(&w.policies);
	registry_free(w.registry);
	doors_free(&w.doors);
	ra_desk_free(w.ra);
	hsm_close(w.hsm);
	free(w.lanes);
	close(w.epoll);
	return 0;
}
