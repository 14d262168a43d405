#include <pthread.h>
#include <stdlib.h>
#include "lib/db/db.h"
#include "va/status.h"

/* floor: a cast would round, and say revoked in the future. CASE, not the row's own words: a status that isn't known here must not become good. */
#define SQL_STATUS                                                                                                                 \
	"SELECT CASE status WHEN 1 THEN 0 WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE -1 END::int4,"                                          \
	" floor(extract(epoch FROM revoked_at))::int8, reason::int4"                                                                      \
	" FROM certificate WHERE ca_id = $1::int4 AND serial = $2::bytea"

struct status {
	const struct config *config;
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

static int
status_read(const struct db_result *r, struct cert_status *ret, struct error *e)
{
	int64_t reason;

	if (db_rows(r) == 0) {
		*ret = (struct cert_status){.state = CERT_UNKNOWN};
		return 0;
	}
	switch (db_int(r, 0, 0)) {
	case 0:
		*ret = (struct cert_status){.state = CERT_GOOD};
		return 0;
	case 1:
		reason = db_int(r, 0, 2);
		break;
	case 2:
		reason = REASON_CERTIFICATE_HOLD;
		break;
	default:
		return fail(e, E_INTERNAL, "status of a certificate isn't known here");
	}
	/* 7 isn't assigned (RFC 5280 5.3.1); 8 takes an entry off a CRL and is no status. */
	if (db_is_null(r, 0, 1) || reason < 0 || reason > REASON_MAX || reason == 7 || reason == 8)
		return fail(e, E_INTERNAL, "revocation of a certificate has no time or no valid reason");
	*ret = (struct cert_status){.state = CERT_REVOKED, .revoked_at = db_int(r, 0, 1), .reason = (int)reason};
	return 0;
}

int
status_find(void *status, int32_t ca_id, struct bytes serial, struct cert_status *ret, struct error *e)
{
	const uint8_t ca[4] = {(uint8_t)(ca_id >> 24), (uint8_t)(ca_id >> 16), (uint8_t)(ca_id >> 8), (uint8_t)ca_id};
	const struct db_param params[] = {DB_BYTES(ca, sizeof(ca)), DB_BYTES(serial.data, serial.len)};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db *db;

	/* Reading may be repeated: a connection that was lost since the last request, as by a restart of PostgreSQL, costs nobody. */
	for (int attempt = 0;; attempt++) {
		if (connection_take(status, &db, e) < 0)
			return -1;
		if (db_query(db, SQL_STATUS, params, ARRAY_LEN(params), true, &r, e) == 0)
			return status_read(r, ret, e);
		if (db_alive(db) || attempt > 0)
			return -1;
	}
}
