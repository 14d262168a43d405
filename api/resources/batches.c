/* Requests for one or many certificates, which a job carries out: how far they are, and the fetching of what was made. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

#define COUNT(status) "(SELECT count(*) FROM batch_item i WHERE i.batch_id = b.id AND i.status = '" status "')"

static const struct attribute attributes[] = {
	{"title", "b.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "what it is for, for people"},
	{"profile", "b.profile", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED, "a name of GET /offers",
	 .of = "offers"},
	{"format", "b.format", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED, "of keys that are made here: pkcs12 or pem",
	 .values = "pkcs12 pem"},
	{"days", "b.days", ATTRIBUTE_INT, ATTRIBUTE_CREATE, "validity; left out: the profile's"},
	{"owner", "b.owner", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "of the certificates; left out: the account that asks"},
	{"total", "(SELECT count(*) FROM batch_item i WHERE i.batch_id = b.id)", ATTRIBUTE_INT, 0},
	{"open", COUNT("open"), ATTRIBUTE_INT, 0, "items that are still to be worked on"},
	{"waiting", COUNT("waiting"), ATTRIBUTE_INT, 0, "items that others have to approve"},
	{"done", COUNT("done"), ATTRIBUTE_INT, 0},
	{"failed", COUNT("failed"), ATTRIBUTE_INT, 0},
	{"requestor", "b.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"created_at", "b.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"results_until", "b.results_until", ATTRIBUTE_TIME, ATTRIBUTE_FILTER, "keys can be fetched until then"},
};

static const struct attribute inputs[] = {
	{"lines", NULL, ATTRIBUTE_JSON, ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "up to 5000: each a name, or an object with name, csr (PEM), replaces (the id of a certificate) and same_key"},
	{"password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE | ATTRIBUTE_SECRET, "of the PKCS#12 files"},
};

static const struct attribute check_members[] = {{"lines", NULL, ATTRIBUTE_JSON, ATTRIBUTE_REQUIRED, "as in the request itself"}};

static const struct attribute fetch_members[] = {
	{"after", NULL, ATTRIBUTE_INT, 0, "the member next of the answer before"},
	{"number", NULL, ATTRIBUTE_INT, 0, "this item alone"},
};

static const struct route routes[] = {
	{"GET", "/batches", RIGHT_READ, list_many, .flags = ROUTE_OWN},
	{"GET", "/batches/{id}", RIGHT_READ, list_one, .flags = ROUTE_OWN},
	{"POST", "/batches", RIGHT_ISSUE, write_create, "batch.create", .flags = ROUTE_OWN},
	{"POST", "/batches/check", RIGHT_ISSUE, write_action, "batch.check", MEMBERS(check_members), .flags = ROUTE_RESULT | ROUTE_OWN,
	 .text = "what would be wrong with these lines: problems with line and code; changes nothing"},
	{"POST", "/batches/{id}/fetch", RIGHT_ISSUE, write_action, "batch.fetch", MEMBERS(fetch_members), .flags = ROUTE_RESULT | ROUTE_OWN,
	 .text = "hands out to the account that asked what was made: items with pem, chain_pem and private_key_pem or pkcs12; next: there is more"},
};

const struct resource resource_batches = {
	.path = "batches",
	.types = {"batches"},
	.from = "batch b",
	.id_sql = "b.id",
	.id_where = "b.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.inputs = inputs,
	.n_inputs = ARRAY_LEN(inputs),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
