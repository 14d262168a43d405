#include "ca/doors.h"

#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "lib/log.h"

struct door {
	char protocol[8];
	int32_t tenant_id, profile_id, ca_id; /* ca_id 0: the tenant's default */
};

void
doors_free(struct doors *d)
{
	free(d->list);
	*d = (struct doors){0};
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct door));
}

/* Compared octet by octet: what isn't said is 0. */
static struct door
door_make(const char *protocol, int32_t tenant_id, int32_t profile_id, int32_t ca_id)
{
	struct door d;
	memset(&d, 0, sizeof(d));
	strncpy(d.protocol, protocol, sizeof(d.protocol) - 1);
	d.tenant_id = tenant_id;
	d.profile_id = profile_id;
	d.ca_id = ca_id;
	return d;
}

int
doors_read(struct doors *d, struct db *db, const struct config *c, struct error *e)
{
	/* Of a directory of ACME what it offers counts. The default path of EST has no row: the configuration names what it issues by. */
	static const char sql[] =
	    "SELECT n.protocol, n.tenant_id, n.profile_id, coalesce(n.ca_id, 0) FROM endpoint n JOIN tenant t ON t.id = n.tenant_id AND t.enabled"
	    " WHERE n.enabled AND n.protocol IN ('est', 'scep')"
	    " UNION SELECT n.protocol, n.tenant_id, p.profile_id, coalesce(n.ca_id, 0)"
	    " FROM directory_profile p JOIN endpoint n ON n.id = p.endpoint_id"
	    " JOIN tenant t ON t.id = n.tenant_id AND t.enabled WHERE n.enabled AND n.protocol = 'acme'"
	    " UNION SELECT 'est', t.id, p.id, coalesce(k.id, 0) FROM tenant t JOIN profile p ON p.tenant_id = t.id AND p.name = $3::text"
	    " LEFT JOIN ca k ON k.tenant_id = t.id AND k.name = $2::text"
	    " WHERE t.name = $1::text AND t.enabled AND (k.id IS NOT NULL OR $2::text = '')";
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int64_t asked_us = now_us(); /* an answer counts from the question */
	struct db_param of_est[] = {DB_TEXT(config_str(c, OPT_est_tenant)), DB_TEXT(config_str(c, OPT_est_ca)),
				    DB_TEXT(config_str(c, OPT_est_profile))};
	if (db_query(db, sql, of_est, ARRAY_LEN(of_est), false, &r, e) < 0)
		return -1;
	size_t n = (size_t)db_rows(r);
	struct door *list = xcalloc(n + 1, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = door_make(db_text(r, (int)i, 0), (int32_t)db_int(r, (int)i, 1), (int32_t)db_int(r, (int)i, 2),
				    (int32_t)db_int(r, (int)i, 3));
	qsort(list, n, sizeof(*list), compare);
	free(d->list);
	*d = (struct doors){list, n, asked_us};
	return 0;
}

void
doors_refresh(struct doors *d, struct db *db, const struct config *c)
{
	struct error e;
	if (doors_read(d, db, c, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "labels and directories can't be read", &e);
}

bool
doors_open(const struct doors *d, const char *protocol, const struct authority *ca, const struct profile *profile)
{
	const struct door named = door_make(protocol, profile->tenant_id, profile->id, ca->id);
	const struct door unnamed = door_make(protocol, profile->tenant_id, profile->id, 0);
	if (ca->tenant_id != profile->tenant_id || d->n == 0)
		return false;
	return bsearch(&named, d->list, d->n, sizeof(named), compare) ||
	    (ca->is_default && bsearch(&unnamed, d->list, d->n, sizeof(unnamed), compare));
}
