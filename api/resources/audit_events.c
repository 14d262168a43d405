/* The audit log of the tenant: who did what, when, to what. Append-only; verify proves that nothing is missing. */
#include "config.h"
#include "api/api.h"

#include <string.h>

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"at", "to_timestamp(g.at_us / 1000000.0)", ATTRIBUTE_TIME, 0},
	{"at_us", "g.at_us", ATTRIBUTE_INT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "microseconds since 1970"},
	{"actor", "g.actor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "rest:admin"},
	{"action", "g.action", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "doc/audit.md has them all"},
	{"object", "g.object", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "certificate/17"},
	{"detail", "g.detail::jsonb", ATTRIBUTE_JSON, 0},
	{"chain", "g.chain", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"seq", "g.seq", ATTRIBUTE_INT, ATTRIBUTE_FILTER, "its number in the chain"},
	{"hash", "g.hash", ATTRIBUTE_HEX, 0},
};

/* "<chain>-<number>": a chain has letters, digits, dots and _. */
static bool
valid_id(const char *id)
{
	size_t first = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._");
	size_t second = id[first] == '-' ? strspn(id + first + 1, "0123456789") : 0;

	return first > 0 && first < 64 && second > 0 && second < 19 && !id[first + 1 + second];
}

static const struct attribute verify_members[] = {
	{"since_us", NULL, ATTRIBUTE_INT, 0, "microseconds since 1970; from the newest seal before it; the beginning of the log when left out"},
	{"until_us", NULL, ATTRIBUTE_INT, 0, "up to the oldest seal behind it; the newest row when left out"},
};

static const struct route routes[] = {
	{"GET", "/audit_events", RIGHT_AUDIT_READ, list_many},
	{"GET", "/audit_events/{id}", RIGHT_AUDIT_READ, list_one},
	{"POST", "/audit_events/verify", RIGHT_AUDIT_READ, write_action, "audit.verify", MEMBERS(verify_members), ROUTE_RESULT,
	 .text = "makes a job that holds all rows of the range, those of all tenants, against their chains and seals"},
};

const struct resource resource_audit_events = {
	.path = "audit_events",
	.types = {"audit_events"},
	.from = "audit g",
	.where = "g.tenant_id = nullif(current_setting('siegel.tenant', true), '')::int", /* as row-level security says; here for the index */
	.page_from = "audit g",
	.page_rows = "(g.chain, g.seq) IN (SELECT split_part(i, '-', 1), split_part(i, '-', 2)::int8 FROM unnest($1::text[]) i)",
	.id_sql = "(g.chain || '-' || g.seq)",
	.id_where = "g.chain = split_part($1::text, '-', 1) AND g.seq = split_part($1::text, '-', 2)::int8",
	.id_cast = "text",
	.valid_id = valid_id,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.default_sort = "-at_us",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
