#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include "lib/db/db.h"
#include "lib/log.h"
#include "lib/seal.h"
#include "va/signers.h"

#define REFRESH_MS 300000 /* what changes is notified */
#define REFRESH_MISSING_MS 2000
/* CAs and signers of one load: 10,000 of each are 20 MiB. */
#define LOAD_ARENA_BYTES (256 * 1024 * 1024)
#define REST 10           /* after a load that took t, REST times t: many changes in a row cost a tenth of a processor at most */

struct signers {
	pthread_mutex_t lock;      /* around current and generation together */
	struct signer_set *current;
	unsigned generation;       /* atomic: also read without the lock */
	const struct config *config;
	struct secret *wrap_key;
	uint8_t seen[32];          /* SHA-256 of the rows that the current set was made of */
	int stop_fd;
	bool started;
	pthread_t thread;
};

int
signers_new(struct signers **ret, struct error *e)
{
	struct signers *s = xcalloc(1, sizeof(*s));

	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop_fd < 0) {
		free(s);
		return fail(e, E_INTERNAL, "no descriptor to stop the signers' thread with");
	}
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

void
signers_free(struct signers *s)
{
	if (!s)
		return;
	if (s->started && eventfd_write(s->stop_fd, 1) == 0)
		pthread_join(s->thread, NULL);
	close(s->stop_fd);
	signer_set_drop(s->current);
	secret_free(s->wrap_key);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
signers_set(struct signers *s, struct signer_set *set)
{
	struct signer_set *old;

	pthread_mutex_lock(&s->lock);
	old = s->current;
	s->current = set;
	__atomic_add_fetch(&s->generation, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&s->lock);
	signer_set_drop(old);
}

unsigned
signers_generation(const struct signers *s)
{
	return __atomic_load_n(&s->generation, __ATOMIC_ACQUIRE);
}

struct signer_set *
signers_take(struct signers *s, unsigned *ret_generation)
{
	struct signer_set *set;

	pthread_mutex_lock(&s->lock);
	set = s->current ? signer_set_ref(s->current) : NULL;
	*ret_generation = s->generation;
	pthread_mutex_unlock(&s->lock);
	return set;
}

static void
report(const struct error *e)
{
	log_error(LOG_LEVEL_WARNING, "ocsp signer not usable", e);
}

/* The rows of both results, so that an unchanged store costs no new set. */
static int
rows_digest(const struct db_result *cas, const struct db_result *rows, struct arena *a, uint8_t ret[32], struct error *e)
{
	const struct db_result *results[] = {cas, rows};
	const int columns[] = {2, 4};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL);

	for (int i = 0; i < 2; i++) {
		for (int row = 0; row < db_rows(results[i]); row++) {
			for (int col = 0; col < columns[i]; col++) {
				struct bytes b = db_bytes(results[i], row, col, a);

				ok = ok && EVP_DigestUpdate(ctx, &b.len, sizeof(b.len)) && EVP_DigestUpdate(ctx, b.data, b.len);
			}
		}
	}
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : fail(e, E_INTERNAL, "hash of the signers' rows failed");
}

static int
set_make(struct signers *s, const struct db_result *cas, const struct db_result *rows, struct arena *a, int64_t now, struct error *e)
{
	enum responder_id by = strcmp(config_str(s->config, OPT_va_responder_id), "name") == 0 ? RESPONDER_BY_NAME : RESPONDER_BY_KEY;
	struct ca_row *ca = arena_alloc(a, (size_t)(db_rows(cas) + 1) * sizeof(*ca));
	struct signer_row *signer = arena_alloc(a, (size_t)(db_rows(rows) + 1) * sizeof(*signer));
	struct signer_set *set;
	int usable = 0;
	char counts[2][24];

	for (int i = 0; i < db_rows(cas); i++)
		ca[i] = (struct ca_row){.id = (int32_t)db_int(cas, i, 0), .certificate = db_bytes(cas, i, 1, a)};
	for (int i = 0; i < db_rows(rows); i++) {
		signer[i] = (struct signer_row){.ca_id = (int32_t)db_int(rows, i, 0),
		                                .serial = db_bytes(rows, i, 1, a),
		                                .certificate = db_bytes(rows, i, 2, a),
		                                .wrapped_key = db_bytes(rows, i, 3, a)};
	}
	if (signer_set_new(ca, db_rows(cas), signer, db_rows(rows), s->wrap_key, by, now, s->current, report, &set, e) < 0)
		return -1;
	for (int i = 0; i < set->n; i++)
		usable += set->signers[i].key != NULL;
	log_event(usable == set->n ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "ocsp signers loaded", "cas", db_int_text(counts[0], set->n),
	          "with_signer", db_int_text(counts[1], usable), NULL);
	signers_set(s, set);
	return 0;
}

/* Signers that ran out aren't asked for. One that runs out earlier than another of its CA may still serve when that one is unusable. */
static int
load(struct signers *s, struct db *db, int64_t now, struct error *e)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LOAD_ARENA_BYTES);
	CLEANUP(db_result_free) struct db_result *cas = NULL;
	CLEANUP(db_result_free) struct db_result *rows = NULL;
	uint8_t digest[32];

	if (db_query(db, "SELECT id, certificate FROM ca WHERE certificate IS NOT NULL AND not_after > now() AND"
	             " ((serves_until > now() AND status <> 'retired') OR id IN (SELECT ca_id FROM ocsp_signer WHERE not_after > now())) ORDER BY id",
	             NULL, 0, true, &cas, e) < 0 ||
	    db_query(db,
	             "SELECT ca_id, serial, certificate, wrapped_key FROM ocsp_signer WHERE not_before <= now() AND not_after > now()"
	             " ORDER BY ca_id, not_after DESC, serial",
	             NULL, 0, true, &rows, e) < 0 ||
	    rows_digest(cas, rows, a, digest, e) < 0)
		return -1;
	if (s->current && memcmp(digest, s->seen, sizeof(digest)) == 0)
		return 0;
	if (set_make(s, cas, rows, a, now, e) < 0)
		return -1;
	memcpy(s->seen, digest, sizeof(digest));
	return 0;
}

static void
notified(void *ctx, const char *channel, const char *payload)
{
	(void)ctx;
	(void)channel;
	(void)payload;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits, with a connection also for a notice; false when the thread is to end. */
static bool
pause_ms(const struct signers *s, struct db *db, int ms)
{
	struct pollfd p = {.fd = s->stop_fd, .events = POLLIN};
	struct error e;

	if (db && db_wait_notify(db, s->stop_fd, ms, notified, NULL, &e) == 0)
		ms = 0;
	return poll(&p, 1, ms < REFRESH_MISSING_MS ? ms : REFRESH_MISSING_MS) <= 0;
}

/* A connection that is told of changes. */
static int
prepare(struct signers *s, struct db **db, struct error *e)
{
	if (*db && db_alive(*db))
		return 0;
	if (*db ? db_reconnect(*db, e) < 0 : db_connect(s->config, "siegel_va", db, e) < 0)
		return -1;
	return db_listen(*db, "signers_changed", e) < 0 || db_listen(*db, "rules_changed", e) < 0 ? -1 : 0;
}

static void *
refresh(void *arg)
{
	struct signers *s = arg;
	CLEANUP(db_free) struct db *db = NULL;
	struct error e;
	bool failed = false;
	int wait_ms;
	int64_t took_ms;

	do {
		int64_t now = time(NULL), begun_ms = now_ms();

		if (prepare(s, &db, &e) < 0 || load(s, db, now, &e) < 0) {
			/* Once for each outage, not each 2 s. */
			if (!failed)
				log_error(LOG_LEVEL_ERROR, "ocsp signers can't be loaded", &e);
			failed = true;
			wait_ms = REFRESH_MISSING_MS;
		} else {
			if (failed)
				log_event(LOG_LEVEL_NOTICE, "ocsp signers can be loaded again", NULL);
			failed = false;
			wait_ms = s->current && signer_set_complete(s->current, now) ? REFRESH_MS : REFRESH_MISSING_MS;
		}
		took_ms = now_ms() - begun_ms;
	} while (pause_ms(s, NULL, (int)(took_ms * REST)) && pause_ms(s, db && db_alive(db) ? db : NULL, wait_ms));
	return NULL;
}

int
signers_start(struct signers *s, const struct config *c, struct error *e)
{
	s->config = c;
	if (seal_key_read(config_str(c, OPT_va_ocsp_key_file), &s->wrap_key, e) < 0)
		return -1;
	if (pthread_create(&s->thread, NULL, refresh, s) != 0)
		return fail(e, E_INTERNAL, "no thread to load the signers");
	s->started = true;
	return 0;
}
