#include "ca/clerk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/crl.h"
#include "ca/reply.h"
#include "ca/signer.h"
#include "lib/daemon.h"
#include "lib/ipc/frame.h"
#include "lib/log.h"
#include "lib/seal.h"

#define CHAIN "ca.clerk"
#define MAX_CONNECTIONS 8
#define FRAME_WAIT_MS 5000
/* Intents this old belong to a batch that is under way in no worker that lives; whether their chain is held is asked as well. */
#define SWEEP_AGE_SEC 60

struct clerk {
	const struct config *config;
	struct db *db;
	struct audit_chain chain;
	struct hsm *hsm;
	struct secret *ocsp_key; /* shared with siegel-va */
	struct registry *registry;
	bool ready;       /* connection and chain are good */
	bool checked;     /* the published CRLs are those of the store */
	bool pin_refused;
	int channel;
	int fds[MAX_CONNECTIONS];
	size_t n;
};

/* What a former clerk committed it may not have published. */
static int
check_published(struct clerk *k, struct error *e)
{
	const struct authority *ca;
	for (size_t i = 0; (ca = registry_authority_at(k->registry, i)) != NULL; i++)
		if (ca->status != AUTHORITY_RETIRED && crl_check_published(ca, k->db, config_str(k->config, OPT_ca_crl_dir), e) < 0)
			return -1;
	k->checked = true;
	return 0;
}

/* Brings the clerk to where it can work: connection, chain, key store, CAs and profiles as they are now. */
static int
prepare(struct clerk *k, struct error *e)
{
	int bad = 0;
	if (!k->db || !db_alive(k->db)) {
		k->ready = false;
		if (k->db ? db_reconnect(k->db, e) < 0 : db_connect(k->config, "siegel_ca", &k->db, e) < 0)
			return -1;
	}
	if (!k->ready && audit_open(k->db, CHAIN, &k->chain, e) < 0)
		return -1;
	if (!k->ready && intents_abandon(k->db, CHAIN, e) < 0)
		return -1;
	k->ready = true;
	if (!k->hsm) {
		if (k->pin_refused)
			return fail(e, E_KEY_STORE, "the key store isn't available: its PIN was refused");
		if (hsm_open(k->config, &k->hsm, e) < 0) {
			k->pin_refused = e->code == E_FORBIDDEN;
			return -1;
		}
	}
	if (registry_refresh(k->registry, k->db, &bad, e) < 0)
		return -1;
	return k->checked ? 0 : check_published(k, e);
}

static int
make_crl(struct clerk *k, const Siegel__MakeCrl *q, Siegel__Reply *reply, Siegel__MadeCrl *made, struct error *e)
{
	struct authority *ca = registry_authority_by_id(k->registry, q->ca_id);
	struct crl_made crl;
	if (!ca || ca->status == AUTHORITY_RETIRED)
		return fail(e, E_NOT_FOUND, "there is no such CA, or it is retired");
	if (crl_make(ca, k->hsm, k->db, &k->chain, config_str(k->config, OPT_ca_crl_dir), &crl, e) < 0)
		return -1;
	made->number = crl.number;
	made->entries = crl.entries;
	made->size_bytes = crl.size_bytes;
	made->next_update = crl.next_update;
	reply->result_case = SIEGEL__REPLY__RESULT_CRL;
	reply->crl = made;
	return 0;
}

static int
make_signer(struct clerk *k, const Siegel__MakeSigner *q, Siegel__Reply *reply, Siegel__MadeSigner *made, struct error *e)
{
	struct authority *ca = registry_authority_by_id(k->registry, q->ca_id);
	if (!ca || ca->status == AUTHORITY_RETIRED)
		return fail(e, E_NOT_FOUND, "there is no such CA, or it is retired");
	if (!k->ocsp_key && seal_key_read(config_str(k->config, OPT_ca_ocsp_key_file), &k->ocsp_key, e) < 0)
		return -1;
	if (signer_make(ca, k->registry, k->hsm, k->db, &k->chain, k->ocsp_key, &made->not_after, e) < 0)
		return -1;
	reply->result_case = SIEGEL__REPLY__RESULT_SIGNER;
	reply->signer = made;
	return 0;
}

/* Intents of chains that nobody holds (a worker that is no longer configured), and request keys that ran out. */
static int
sweep(struct clerk *k, Siegel__Reply *reply, Siegel__Swept *swept, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param age[] = {DB_INT(SWEEP_AGE_SEC)};
	if (db_query(k->db,
		     "WITH free AS MATERIALIZED (SELECT chain, pg_try_advisory_lock(hashtextextended('audit ' || chain, 0)) AS got FROM"
		     " (SELECT DISTINCT chain FROM intent WHERE abandoned_at IS NULL AND created_at < now() - make_interval(secs => $1::int)"
		     " AND chain <> '" CHAIN "') AS c),"
		     " marked AS (UPDATE intent i SET abandoned_at = now() FROM free f WHERE f.got AND i.chain = f.chain AND"
		     " i.abandoned_at IS NULL RETURNING 1),"
		     " keys AS (DELETE FROM request WHERE expires_at < now() RETURNING 1)"
		     " SELECT (SELECT count(*) FROM marked), (SELECT count(*) FROM keys),"
		     " (SELECT count(pg_advisory_unlock(hashtextextended('audit ' || chain, 0))) FROM free WHERE got)",
		     age, 1, false, &r, e) < 0)
		return -1;
	swept->intents = db_int(r, 0, 0);
	swept->requests = db_int(r, 0, 1);
	reply->result_case = SIEGEL__REPLY__RESULT_SWEPT;
	reply->swept = swept;
	return 0;
}

static int
serve(struct clerk *k, const Siegel__Request *request, struct buf *frame, struct error *e)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__MadeCrl crl = SIEGEL__MADE_CRL__INIT;
	Siegel__MadeSigner signer = SIEGEL__MADE_SIGNER__INIT;
	Siegel__Swept swept = SIEGEL__SWEPT__INIT;
	Siegel__StatusReport status = SIEGEL__STATUS_REPORT__INIT;
	int rc;
	if (!caller_may(CALLER_SCHED, request->operation_case))
		return fail(e, E_FORBIDDEN, "siegel-sched may not ask for that");
	if (prepare(k, e) < 0)
		return -1;
	switch (request->operation_case) {
	case SIEGEL__REQUEST__OPERATION_CRL:
		rc = make_crl(k, request->crl, &reply, &crl, e);
		break;
	case SIEGEL__REQUEST__OPERATION_SIGNER:
		rc = make_signer(k, request->signer, &reply, &signer, e);
		break;
	case SIEGEL__REQUEST__OPERATION_SWEEP:
		rc = sweep(k, &reply, &swept, e);
		break;
	default:
		status.key_store = status.store = true;
		reply.result_case = SIEGEL__REPLY__RESULT_STATUS;
		reply.status = &status;
		rc = 0;
	}
	if (rc == 0)
		reply_put(frame, &reply);
	return rc;
}

/* After a failure: a chain that may not stand where it was thought to, a key store that may be gone. */
static void
recover(struct clerk *k, const struct error *e)
{
	log_error(LOG_LEVEL_ERROR, "not done", e);
	k->ready = k->checked = false;
	if (k->db && db_alive(k->db)) { /* gives the chain's lock back */
		db_free(k->db);
		k->db = NULL;
	}
	if (e->code == E_KEY_STORE && k->hsm) {
		registry_forget_keys(k->registry);
		hsm_close(k->hsm);
		k->hsm = NULL;
	}
}

/* Reads one request, which is there or nearly, and answers it. False: the connection is done. */
static bool
take(struct clerk *k, int fd)
{
	struct buf in BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4), frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	struct error e;
	size_t len = 0;
	int rc;
	while ((rc = frame_peek((struct bytes){in.data, in.len}, &len, &e)) > 0 && !in.overflow) {
		uint8_t data[4096];
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n = poll(&p, 1, FRAME_WAIT_MS) > 0 ? recv(fd, data, sizeof(data), 0) : 0;
		if (n <= 0)
			return false;
		buf_add(&in, data, (size_t)n);
	}
	/* A client that sends more before it has its reply breaks the rules. */
	Siegel__Request *request = rc == 0 && in.len == len + 4 ? siegel__request__unpack(NULL, len, in.data + 4) : NULL;
	if (!request) {
		log_event(LOG_LEVEL_WARNING, "a client broke the rules: connection closed", "caller", caller_name(CALLER_SCHED), NULL);
		return false;
	}
	if (serve(k, request, &frame, &e) < 0) {
		if (e.code != E_FORBIDDEN && e.code != E_NOT_FOUND)
			recover(k, &e);
		reply_error(&frame, &e);
	}
	siegel__request__free_unpacked(request, NULL);
	return send(fd, frame.data, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len;
}

static void
take_channel(struct clerk *k)
{
	enum caller caller;
	int fd;
	if (channel_take(k->channel, &caller, &fd) != CHANNEL_TAKEN)
		return;
	if (k->n == MAX_CONNECTIONS)
		close(fd);
	else
		k->fds[k->n++] = fd;
}

int
clerk_run(const struct config *c, int channel, struct error *e)
{
	struct clerk k = {.config = c, .channel = channel, .registry = registry_new()};
	(void)e;
	channel_tell(channel, CHANNEL_READY);
	while (!daemon_stopping()) {
		struct pollfd p[2 + MAX_CONNECTIONS] = {{channel, POLLIN, 0}, {daemon_stop_fd(), POLLIN, 0}};
		for (size_t i = 0; i < k.n; i++)
			p[2 + i] = (struct pollfd){k.fds[i], POLLIN, 0};
		size_t n = k.n;
		if (poll(p, 2 + n, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents & POLLHUP)
			break; /* the master is gone */
		for (size_t i = n; i-- > 0;)
			if (p[2 + i].revents && !take(&k, k.fds[i])) {
				close(k.fds[i]);
				k.fds[i] = k.fds[--k.n];
			}
		if (p[0].revents & POLLIN)
			take_channel(&k);
	}
	for (size_t i = 0; i < k.n; i++)
		close(k.fds[i]);
	registry_free(k.registry);
	hsm_close(k.hsm);
	secret_free(k.ocsp_key);
	db_free(k.db);
	return 0;
}
