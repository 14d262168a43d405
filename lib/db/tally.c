#include "lib/db/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/db/array.h"
#include "lib/log.h"

enum {
	CELLS = 256,     /* tenants times reasons at a time; when they are full, they are written early */
	WRITE_SEC = 3,
	ARRAY_BYTES = 65536,
};

struct cell {
	int32_t tenant_id;
	const char *reason;
	int64_t n;
};

struct db_tally {
	const struct config *config;
	char role[32];
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wakes;
	struct cell cells[CELLS];
	int n;
	bool stopping;
};

static bool
is_refusal(enum error_code code)
{
	int status = error_http_status(code);
	return status >= 400 && status < 500 && code != E_BAD_NONCE;
}

/* With the lock held. What finds no room is left out: there is room again in a moment. */
static void
put(struct db_tally *t, int32_t tenant_id, const char *reason, int64_t n)
{
	int i = 0;
	while (i < t->n && (t->cells[i].tenant_id != tenant_id || strcmp(t->cells[i].reason, reason) != 0))
		i++;
	if (i == CELLS)
		return;
	if (i == t->n)
		t->cells[t->n++] = (struct cell){.tenant_id = tenant_id, .reason = reason};
	t->cells[i].n += n;
}

void
db_tally_add(struct db_tally *t, int32_t tenant_id, enum error_code code)
{
	if (is_refusal(code))
		db_tally_add_reason(t, tenant_id, error_name(code));
}

void
db_tally_add_reason(struct db_tally *t, int32_t tenant_id, const char *reason)
{
	if (!t || tenant_id == 0)
		return;
	pthread_mutex_lock(&t->lock);
	bool wake = t->n == 0 || t->n == CELLS;
	put(t, tenant_id, reason, 1);
	if (wake)
		pthread_cond_signal(&t->wakes);
	pthread_mutex_unlock(&t->lock);
}

static int
write_cells(struct db *db, const struct cell *cells, int n, struct error *e)
{
	struct db_array tenants, reasons, counts;
	struct db_param params[3];
	db_array_init(&tenants, DB_ARRAY_INT4, ARRAY_BYTES);
	db_array_init(&reasons, DB_ARRAY_TEXT, ARRAY_BYTES);
	db_array_init(&counts, DB_ARRAY_INT8, ARRAY_BYTES);
	for (int i = 0; i < n; i++) {
		const char *reason = cells[i].reason;
		db_array_add_int(&tenants, cells[i].tenant_id);
		db_array_add(&reasons, reason, strlen(reason));
		db_array_add_int(&counts, cells[i].n);
	}
	int rc = db_array_param(&tenants, &params[0], e) < 0 || db_array_param(&reasons, &params[1], e) < 0 ||
	                 db_array_param(&counts, &params[2], e) < 0
	             ? -1
	             : db_query(db, "SELECT refusals_add($1::int[], $2::text[], $3::int8[])", params, 3, false, NULL, e);
	db_array_free(&tenants);
	db_array_free(&reasons);
	db_array_free(&counts);
	return rc;
}

/* Takes what is there and writes it; what can't be written goes back. A connection that was made stays in *db. */
static void
flush(struct db_tally *t, struct db **db)
{
	struct cell cells[CELLS];
	struct error e;
	pthread_mutex_lock(&t->lock);
	int n = t->n;
	memcpy(cells, t->cells, sizeof(cells));
	t->n = 0;
	pthread_mutex_unlock(&t->lock);
	if (n == 0)
		return;
	int rc = *db ? 0 : db_connect(t->config, t->role, db, &e);
	if (rc == 0)
		rc = write_cells(*db, cells, n, &e);
	if (rc == 0)
		return;
	log_error(LOG_LEVEL_WARNING, "refused requests aren't counted in the store yet", &e);
	db_free(*db);
	*db = NULL;
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < n; i++)
		put(t, cells[i].tenant_id, cells[i].reason, cells[i].n);
	pthread_mutex_unlock(&t->lock);
}

/* Sleeps until something was counted, then for a while, so that the next ones are in the same statement. */
static void
wait_for_some(struct db_tally *t)
{
	struct timespec until;
	pthread_mutex_lock(&t->lock);
	while (t->n == 0 && !t->stopping)
		pthread_cond_wait(&t->wakes, &t->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WRITE_SEC;
	while (!t->stopping && t->n < CELLS && pthread_cond_timedwait(&t->wakes, &t->lock, &until) == 0)
		;
	pthread_mutex_unlock(&t->lock);
}

static bool
is_stopping(struct db_tally *t)
{
	pthread_mutex_lock(&t->lock);
	bool stopping = t->stopping;
	pthread_mutex_unlock(&t->lock);
	return stopping;
}

static void *
work(void *arg)
{
	struct db_tally *t = arg;
	struct db *db = NULL;
	while (!is_stopping(t)) {
		wait_for_some(t);
		flush(t, &db);
	}
	flush(t, &db); /* what came while the last one was written */
	db_free(db);
	return NULL;
}

int
db_tally_start(const struct config *c, const char *role, struct db_tally **ret, struct error *e)
{
	struct db_tally *t = xcalloc(1, sizeof(*t));
	pthread_condattr_t a;
	t->config = c;
	snprintf(t->role, sizeof(t->role), "%s", role);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wakes, &a);
	pthread_condattr_destroy(&a);
	if (pthread_create(&t->thread, NULL, work, t) != 0) {
		free(t);
		return fail(e, E_INTERNAL, "no thread to count refused requests");
	}
	*ret = t;
	return 0;
}

void
db_tally_stop(struct db_tally *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->wakes);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wakes);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
