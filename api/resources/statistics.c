/* Counts for a dashboard, from those that the store keeps (migration 0008): the same short time for ten certificates and for ten million. */
#include "config.h"
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/jsonapi.h"

#define DAYS "filter[days]"
#define DEFAULT_DAYS "30"
#define BODY_MAX_BYTES 262144

static int
days_read(const struct http_request *r, const char **ret, struct error *e)
{
	const char *days = DEFAULT_DAYS;

	for (int i = 0; i < r->n_query; i++) {
		const char *value = r->query[i].value;
		size_t len = strlen(value);

		if (strcmp(r->query[i].name, DAYS) != 0 || i > 0)
			return fail_at(e, E_MALFORMED, "?" DAYS, "statistics take " DAYS " once and nothing else");
		if (len < 1 || len > 3 || strspn(value,
			               "0123456789") != len || strtol(value, NULL, 10) < 1 || strtol(value, NULL, 10) > LIMIT_DASHBOARD_DAYS)
			return fail_at(e, E_MALFORMED, "?" DAYS, DAYS " has to lie between 1 and %d", LIMIT_DASHBOARD_DAYS);
		days = value;
	}
	*ret = days;
	return 0;
}

static int
get(struct call *c, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	JSON_CLEANUP struct json j = JSON_INIT(BODY_MAX_BYTES);
	const char *days;

	if (days_read(c->request, &days, e))
		return -1;
	if (call_list(c, e) || call_db(c, e) || db_query(c->db, "SELECT dashboard($1::int)", &DB_TEXT(days), 1, false, &r, e))
		return -1;
	call_release_db(c);
	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", "statistics");
	jw_text(&j, "id", "certificates");
	jw_raw(&j, "attributes", db_text(r, 0, 0));
	jw_open(&j, "links");
	jw_text(&j, "self", call_link(c, "statistics", NULL));
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	return call_answer(c, 200, &j, e);
}

/* For the description. */
static const struct attribute attributes[] = {
	{"total", NULL, ATTRIBUTE_INT, 0, "certificates that there are"},
	{"expired", NULL, ATTRIBUTE_INT},
	{"by_status", NULL, ATTRIBUTE_JSON},
	{"expiring", NULL, ATTRIBUTE_JSON, 0, "how many end within 7, 30 and 90 days"},
	{"by_day", NULL, ATTRIBUTE_JSON, 0, "issued and revoked"},
	{"by_ca", NULL, ATTRIBUTE_JSON},
	{"by_profile", NULL, ATTRIBUTE_JSON},
	{"by_source", NULL, ATTRIBUTE_JSON},
	{"refused", NULL, ATTRIBUTE_JSON, 0, "requests that were refused, by reason and by way"},
};

static const struct route routes[] = {{"GET", "/statistics", RIGHT_READ, get, .text = "counts of certificates, for a dashboard"}};

const struct resource resource_statistics = {
	.path = "statistics",
	.types = {"statistics"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
