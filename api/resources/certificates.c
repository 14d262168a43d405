/* All certificates, whatever their kind: show, list, revoke. They are made in the collections of their kinds. */
#include "config.h"
#include "api/resources/certificate.h"

#include <string.h>

#include "api/jsonapi.h"
#include "api/list.h"

#define STATUS_SQL "CASE x.status WHEN 1 THEN 'issued' WHEN 2 THEN 'revoked' ELSE 'held' END"
/* RFC 5280 5.3.1, in the order of the numbers; 7 isn't used. */
static const char *const reasons[] = {
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
	"certificateHold", NULL, "removeFromCRL", "privilegeWithdrawn", "aACompromise",
};
#define REASON_SQL                                                                                                     \
	"(ARRAY['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded',"                   \
	" 'cessationOfOperation', 'certificateHold', NULL, 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise'])[x.reason + 1]"

/* The issuing CA and what is above it, without the root: what a server sends along. */
#define CHAIN_SQL                                                                                                      \
	"(WITH RECURSIVE up AS (SELECT i.parent_id, i.certificate, 1 AS n FROM ca i WHERE i.id = x.ca_id"              \
	" UNION ALL SELECT i.parent_id, i.certificate, up.n + 1 FROM ca i JOIN up ON i.id = up.parent_id WHERE up.n < 8)" \
	" SELECT coalesce(string_agg(encode(up.certificate, 'hex'), ',' ORDER BY up.n), '') FROM up WHERE up.parent_id IS NOT NULL)"

static const struct choice statuses[] = {{"issued", "x.status = 1"}, {"revoked", "x.status = 2"}, {"held", "x.status = 3"}, {NULL, NULL}};
static const struct choice revocation_reasons[] = {
	{"unspecified", "x.reason = 0"}, {"keyCompromise", "x.reason = 1"}, {"cACompromise", "x.reason = 2"},
	{"affiliationChanged", "x.reason = 3"}, {"superseded", "x.reason = 4"}, {"cessationOfOperation", "x.reason = 5"},
	{"certificateHold", "x.reason = 6"}, {"privilegeWithdrawn", "x.reason = 9"}, {"aACompromise", "x.reason = 10"},
	{NULL, NULL},
};

/* Look-ups by an index of migration 0008 or 0001, where the condition itself has none. */
static const struct filtering by_status = {.choices = statuses};
static const struct filtering by_reason = {.choices = revocation_reasons};
static const struct filtering by_profile = {.table = "profile", .name = "name", .column = "x.profile_id"};
static const struct filtering by_issuer = {.table = "ca", .name = "name", .column = "x.ca_id"};
static const struct filtering by_serial = {.hint = "x.ca_id IN (SELECT i.id FROM ca i)"};
/* A subject with one common name that needs no escapes (RFC 4514 2.4) is found by it. */
#define CN_OF_VALUE                                                                                                    \
	"(CASE WHEN $V NOT LIKE '%CN=%CN=%' THEN substring($V from '(?:^|[,+])CN=([^,+\"\\\\<>;#=]+)(?:$|[,+])') END)"
static const struct filtering by_subject = {.hint = "(" CN_OF_VALUE " IS NULL OR x.common_name = " CN_OF_VALUE ")"};
#define LABELLED(label) "x.id IN (SELECT l.certificate_id FROM certificate_label l WHERE l.label = left(" label ", 512))"
static const struct filtering by_names = {.hint = LABELLED("$V")};
static const struct filtering by_metadata = {.hint = LABELLED("'meta:' || $K || '=' || $V")};

const struct attribute certificate_attributes[CERTIFICATE_ATTRIBUTES] = {
	{"serial", "x.serial", ATTRIBUTE_HEX, ATTRIBUTE_FILTER, .by = &by_serial},
	{"subject", "x.subject", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_subject},
	{"common_name", "x.common_name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"names", "x.names", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER, .by = &by_names},
	{"not_before", "x.not_before", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"not_after", "x.not_after", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"status", STATUS_SQL, ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_status},
	{"profile", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_profile},
	{"issuer", "k.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_issuer},
	{"created_at", "x.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"requestor", "x.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"source", "x.source", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"revoked_at", "x.revoked_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"revocation_reason", REASON_SQL, ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_reason},
	{"key_type", "x.key_type", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"owner", "x.owner", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"metadata", "x.metadata", ATTRIBUTE_METADATA, ATTRIBUTE_FILTER, .by = &by_metadata},
	{"replaces", "x.replaces_id::text", ATTRIBUTE_TEXT, 0, "id of the certificate that this one renews"},
	{"fingerprint_sha256", "x.der", ATTRIBUTE_SHA256, 0},
	{"pem", "x.der", ATTRIBUTE_PEM, ATTRIBUTE_ON_REQUEST},
	{"chain_pem", CHAIN_SQL, ATTRIBUTE_PEMS, ATTRIBUTE_ON_REQUEST},
};

const struct relationship certificate_relationships[1] = {{"ca", "cas", "x.ca_id"}};

static int
reason_parse(const struct document *d, int *ret, struct error *e)
{
	const char *name, *key;
	json_t *value;

	json_object_foreach(d->attributes, key, value)
		if (strcmp(key, "reason") != 0)
			return fail_at(e, E_BAD_VALUE, "/data/attributes", "a revocation has the attribute reason and no other");
	if (document_text(d, "reason", 64, &name, e))
		return -1;
	*ret = 0;
	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		/* removeFromCRL is for delta CRLs alone (RFC 5280 5.3.1). */
		if (reasons[i] && strcmp(reasons[i], name) == 0 && strcmp(name, "removeFromCRL") != 0) {
			*ret = (int)i;
			return 0;
		}
	}
	return fail_at(e, E_BAD_VALUE, "/data/attributes/reason", "reason has to be a name of RFC 5280 5.3.1, such as keyCompromise");
}

static int
revoke(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	Siegel__Requestor requestor;
	Siegel__Revoke message = SIEGEL__REVOKE__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	int reason;

	if (!id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	if (document_parse(c->request->body, "revocation", &d, e) || reason_parse(&d, &reason, e))
		return -1;
	call_requestor(c, &requestor);
	message.requestor = &requestor;
	message.certificate_id = strtoll(c->id, NULL, 10);
	message.reason = reason;
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &message;
	call_release_db(c);
	if (engine_call(call_engine(c), &request, &reply, e)) {
		if (strcmp(e->pointer, "reason") == 0)
			memcpy(e->pointer, "/data/attributes/reason", sizeof "/data/attributes/reason");
		return -1;
	}
	engine_reply_free(reply);
	return list_one(c, e);
}

static const struct route routes[] = {
	{"GET", "/certificates", RIGHT_READ, list_many},
	{"GET", "/certificates/{id}", RIGHT_READ, list_one},
	{"POST", "/certificates/{id}/revoke", RIGHT_REVOKE, revoke},
};

const struct resource resource_certificates = {
	.path = "certificates",
	.types = {"cert_server", "cert_client", "cert_device", "certificate"},
	.type_sql = "p.kind",
	.from = CERTIFICATE_FROM,
	.page_from = CERTIFICATE_PAGE_FROM,
	.id_sql = "x.id",
	.id_where = "x.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = certificate_attributes,
	.n_attributes = CERTIFICATE_ATTRIBUTES,
	.relationships = certificate_relationships,
	.n_relationships = 1,
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
