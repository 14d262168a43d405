/* The columns that all views of certificates share. */
#ifndef SIEGEL_API_RESOURCES_CERTIFICATE_H
#define SIEGEL_API_RESOURCES_CERTIFICATE_H
#include "api/api.h"

#define CERTIFICATE_FROM "certificate x JOIN ca k ON k.id = x.ca_id JOIN profile p ON p.id = x.profile_id"
#define CERTIFICATE_PAGE_FROM "certificate x"
#define CERTIFICATE_ATTRIBUTES 21
/* An owner each, or all of many; what somebody asked for (the policy portal of the store). */
#define CERTIFICATE_PAGE_OWN                                                                                           \
	"SELECT 0, o FROM unnest(portal_owners()) o WHERE cardinality(portal_owners()) <= 16"                         \
	" UNION ALL SELECT 1, portal_owners()::text WHERE cardinality(portal_owners()) > 16"                           \
	" UNION ALL SELECT 2, portal_requestor()"
extern const char *const certificate_page_own[3];
extern const struct attribute certificate_attributes[CERTIFICATE_ATTRIBUTES];
extern const struct relationship certificate_relationships[1];

/* What a view of certificates of one kind has in common with the others. */
#define CERTIFICATE_VIEW(kind)                                                                                         \
	.path = kind, .types = {kind}, .self = "certificates", .from = CERTIFICATE_FROM, .where = "p.kind = '" kind "'", \
	.page_from = CERTIFICATE_PAGE_FROM, .page_ids = "SELECT id FROM profile WHERE kind = '" kind "'",              \
	.page_ids_column = "x.profile_id", .id_sql = "x.id", .id_where = "x.id = $1::int8", .id_cast = "int8",         \
	.valid_id = id_is_number, .attributes = certificate_attributes, .n_attributes = CERTIFICATE_ATTRIBUTES,        \
	.relationships = certificate_relationships, .n_relationships = 1

#endif
