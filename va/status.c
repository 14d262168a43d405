#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include "lib/db/array.h"
#include "lib/db/db.h"
#include "lib/status_mac.h"
#include "va/status.h"

/* One row for each pair, in order. The inner select can't be flattened (OFFSET 0), so that each pair is one look-up in the index of
 * (ca_id, serial), whatever the planner believes of the table's size. floor: a cast would round, and say revoked in the future. CASE,
 * not the row's own words: a status that isn't known here must not become good. */
#define SQL_STATUS \
	"SELECT CASE c.status WHEN 1 THEN 0 WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE -1 END::int4," \
	" floor(extract(epoch FROM c.revoked_at))::int8, c.reason::int4, c.status IS NOT NULL, c.status::int4, c.mac" \
	" FROM unnest($1::int4[], $2::bytea[]) WITH ORDINALITY AS u(ca_id, serial, n)" \
	" LEFT JOIN LATERAL (SELECT x.status, x.revoked_at, x.reason, x.mac FROM certificate x" \
	" WHERE x.ca_id = u.ca_id AND x.serial = u.serial OFFSET 0) c ON true ORDER BY u.n"

/* STATUS_BATCH elements of up to LIMIT_SERIAL_BYTES with their lengths, and the head. */
#define ARRAY_BYTES (STATUS_BATCH * (LIMIT_SERIAL_BYTES + 4) + 64)

struct status {
	const struct config *config;
	struct status_key key;
	pthread_key_t connection; /* of the thread; its destructor closes it */
};

static void
connection_close(void *db)
{
	db_free(db);
}

int
status_new(const struct config *c, struct status **ret, struct error *e)
{
	struct status *s = xcalloc(1, sizeof(*s));

	s->config = c;
	if (status_key_read(config_str(c, OPT_va_ocsp_key_file), &s->key, e) < 0) {
		free(s);
		return -1;
	}
	if (pthread_key_create(&s->connection, connection_close) != 0) {
		free(s);
		return fail(e, E_INTERNAL, "no key for connections of threads");
	}
	*ret = s;
	return 0;
}

void
status_free(struct status *s)
{
	if (!s)
		return;
	pthread_key_delete(s->connection);
	free(s);
}

static int
connection_take(struct status *s, struct db **ret, struct error *e)
{
	struct db *db = pthread_getspecific(s->connection);

	if (!db) {
		if (db_connect(s->config, "siegel_va", &db, e) < 0)
			return -1;
		if (pthread_setspecific(s->connection, db) != 0) {
			db_free(db);
			return fail(e, E_INTERNAL, "no place for a thread's connection");
		}
	} else if (!db_alive(db) && db_reconnect(db, e) < 0) {
		return -1;
	}
	*ret = db;
	return 0;
}

/* Is the row as the engine left it? */
static bool
is_sealed(const struct status *s, const struct db_result *r, int row, const struct status_query *q)
{
	uint8_t wanted[STATUS_MAC_BYTES];
	struct bytes mac = db_bytes(r, row, 5, NULL);

	status_mac(&s->key, q->ca_id, q->serial, (int)db_int(r, row, 4), db_int(r, row, 1), (int)db_int(r, row, 2), wanted);
	return !db_is_null(r, row, 5) && mac.len == sizeof(wanted) && CRYPTO_memcmp(mac.data, wanted, sizeof(wanted)) == 0;
}

static void
status_read(const struct status *s, const struct db_result *r, int row, struct status_query *q)
{
	int64_t reason;

	q->status = (struct cert_status){.state = CERT_UNKNOWN};
	if (!db_bool(r, row, 3))
		return;
	if (!is_sealed(s, r, row, q)) {
		q->broken = q->altered = true;
		return;
	}
	switch (db_int(r, row, 0)) {
	case 0:
		q->status.state = CERT_GOOD;
		return;
	case 1:
		reason = db_int(r, row, 2);
		break;
	case 2:
		reason = REASON_CERTIFICATE_HOLD;
		break;
	default:
		q->broken = true;
		return;
	}
	/* 7 isn't assigned (RFC 5280 5.3.1); 8 takes an entry off a CRL and is no status. */
	if (db_is_null(r, row, 1) || reason < 0 || reason > REASON_MAX || reason == 7 || reason == 8)
		q->broken = true;
	else
		q->status = (struct cert_status){.state = CERT_REVOKED, .revoked_at = db_int(r, row, 1), .reason = (int)reason};
}

static int
results_read(const struct status *s, const struct db_result *r, struct status_query *queries, int n, struct error *e)
{
	if (db_rows(r) != n)
		return fail(e, E_INTERNAL, "the store gave another number of statuses than asked for");
	for (int i = 0; i < n; i++)
		status_read(s, r, i, &queries[i]);
	return 0;
}

static int
query(struct status *s, const struct db_param params[2], struct db_result **ret, struct error *e)
{
	struct db *db;

	/* Reading may be repeated: a connection that was lost since the last request, as by a restart of PostgreSQL, costs nobody. */
	for (int attempt = 0;; attempt++) {
		if (connection_take(s, &db, e) < 0)
			return -1;
		if (db_query(db, SQL_STATUS, params, 2, true, ret, e) == 0)
			return 0;
		if (db_alive(db) || attempt > 0)
			return -1;
	}
}

int
status_find(void *status, struct status_query *queries, int n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_array cas, serials;
	struct db_param params[2];
	int rc;

	db_array_init(&cas, DB_ARRAY_INT4, ARRAY_BYTES);
	db_array_init(&serials, DB_ARRAY_BYTEA, ARRAY_BYTES);
	for (int i = 0; i < n; i++) {
		db_array_add_int(&cas, queries[i].ca_id);
		db_array_add(&serials, queries[i].serial.data, queries[i].serial.len);
	}
	rc = db_array_param(&cas, &params[0], e) < 0 || db_array_param(&serials, &params[1], e) < 0 ? -1 : query(status, params, &r, e);
	db_array_free(&cas);
	db_array_free(&serials);
	return rc < 0 ? -1 : results_read(status, r, queries, n, e);
}
