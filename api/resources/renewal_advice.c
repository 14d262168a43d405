/* Certificates whose clients are told when to renew (RFC 9773), other than by their age. Made by actions of certificates. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"begins_at", "r.begins_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER, "of the time in which clients renew"},
	{"ends_at", "r.ends_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER, "of that time; when it is past they renew at once"},
	{"explanation", "r.explanation", ATTRIBUTE_TEXT, 0, "the address of a page for people that says why"},
	{"requestor", "r.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"created_at", "r.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
};

static const struct relationship relationships[] = {{"certificate", "certificates", "r.certificate_id", ATTRIBUTE_FILTER}};

static const struct route routes[] = {
	{"GET", "/renewal_advice", RIGHT_READ, list_many},
	{"GET", "/renewal_advice/{id}", RIGHT_READ, list_one},
	{"DELETE", "/renewal_advice/{id}", RIGHT_REVOKE, write_delete, "renewal_advice.withdraw",
	    .text = "takes it back; the id is the certificate's"},
};

const struct resource resource_renewal_advice = {
	.path = "renewal_advice",
	.types = {"renewal_advice"},
	.from = "renewal_advice r",
	.page_from = "renewal_advice r",
	.id_sql = "r.certificate_id",
	.id_where = "r.certificate_id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
