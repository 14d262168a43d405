/* All certificates, whatever their kind: show, list, revoke. They are made in the collections of their kinds. */
#include "config.h"
#include "api/resources/certificate.h"

#include <string.h>

#include "api/export.h"
#include "api/issue.h"
#include "api/jsonapi.h"
#include "api/list.h"
#include "api/write.h"

#define REASON_HOLD 6 /* certificateHold */

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
	"(WITH RECURSIVE up AS (SELECT i.id, i.parent_id, i.external, i.certificate, 1 AS n FROM ca i WHERE i.id = x.ca_id"  \
	" UNION ALL SELECT i.id, i.parent_id, i.external, i.certificate, up.n + 1 FROM ca i JOIN up ON i.id = up.parent_id"  \
	" WHERE up.n < 32), below_root AS (SELECT n, 0::int8 AS place, certificate FROM up WHERE parent_id IS NOT NULL OR external" \
	" UNION ALL SELECT up.n, c.id, c.certificate FROM up JOIN ca_certificate c ON c.ca_id = up.id AND c.kind = 'chain'"  \
	" AND c.subject <> c.issuer)"                                                                                  \
	" SELECT coalesce(string_agg(encode(certificate, 'hex'), ',' ORDER BY n, place), '') FROM below_root)"

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
static const struct filtering by_fingerprint = {.lookup = "SELECT certificate_of_fingerprint($1::bytea)", .column = "x.id"};
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
	{"profile", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_profile, .of = "profiles"},
	{"issuer", "k.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_issuer, .of = "cas"},
	{"created_at", "x.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"requestor", "x.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"source", "x.source", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .values = "rest est scep acme cmp engine setup import"},
	{"revoked_at", "x.revoked_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"revocation_reason", REASON_SQL, ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_reason},
	{"key_type", "x.key_type", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"owner", "x.owner", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_UPDATE},
	{"metadata", "x.metadata", ATTRIBUTE_METADATA, ATTRIBUTE_FILTER | ATTRIBUTE_UPDATE, .by = &by_metadata},
	{"replaces", "x.replaces_id::text", ATTRIBUTE_TEXT, 0, "id of the certificate that this one renews", .of = "certificates"},
	{"fingerprint_sha256", "x.der", ATTRIBUTE_SHA256, ATTRIBUTE_FILTER, .by = &by_fingerprint},
	{"pem", "x.der", ATTRIBUTE_PEM, ATTRIBUTE_ON_REQUEST},
	{"chain_pem", CHAIN_SQL, ATTRIBUTE_PEMS, ATTRIBUTE_ON_REQUEST},
};

const char *const certificate_page_own[3] = {"x.owner = $V", "x.owner = ANY (($V)::text[])", "x.requestor = $V AND x.source = 'rest'"};

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

/* The ids of other certificates with the key that was reported compromised: they are as bad, and the client decides. */
static json_t *
same_key(const Siegel__Revoked *revoked)
{
	json_t *list = json_array();

	for (size_t i = 0; i < revoked->n_same_key; i++)
		json_array_append_new(list, json_sprintf("%lld", (long long)revoked->same_key[i]));
	return json_pack("{s:o}", "same_key", list);
}

/* Policies have a say: the manager asks them. 202 with the approval that it waits for. */
static int
ask_manager(struct call *c, int reason, bool release, struct error *e)
{
	json_t *body = release || reason == REASON_HOLD ? json_object() : json_pack("{s:s}", "reason", reasons[reason]);
	int result = write_operation(c, release ? "certificate.release" : reason == REASON_HOLD ? "certificate.hold" : "certificate.revoke", body, e);

	json_decref(body);
	return result;
}

static int
ask(struct call *c, int reason, bool release, struct error *e)
{
	Siegel__Requestor requestor;
	Siegel__Revoke message = SIEGEL__REVOKE__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	json_t *once = NULL;
	bool unjudged;
	int result;

	if (!id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	if (c->own && write_check_there(c, e))
		return -1;
	call_requestor(c, &requestor);
	message.requestor = &requestor;
	message.certificate_id = strtoll(c->id, NULL, 10);
	message.reason = reason;
	message.release = release;
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &message;
	call_release_db(c);
	if (engine_call(call_engine(c), &request, &reply, e)) {
		if (strcmp(e->pointer, "reason") == 0)
			memcpy(e->pointer, "/data/attributes/reason", sizeof "/data/attributes/reason");
		return -1;
	}
	if (reply->result_case == SIEGEL__REPLY__RESULT_REVOKED && reply->revoked->n_same_key && !c->own)
		once = same_key(reply->revoked);
	unjudged = reply->result_case == SIEGEL__REPLY__RESULT_REVOKED && reply->revoked->unjudged;
	engine_reply_free(reply);
	if (unjudged)
		return ask_manager(c, reason, release, e);
	c->once = once;
	result = list_one(c, e);
	c->once = NULL;
	json_decref(once);
	return result;
}

static int
revoke(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	int reason;

	/* "revoke" is the action's name, as with all others; "revocation" came first. */
	if (document_parse(c->request->body, "revoke", &d, e) && (e->code != E_CONFLICT || document_parse(c->request->body, "revocation", &d, e)))
		return -1;
	return reason_parse(&d, &reason, e) ? -1 : ask(c, reason, false, e);
}

/* Actions that have nothing to say: the body may be left out. */
static int
check_empty(const struct call *c, const char *type, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};

	if (c->request->body.len && document_parse(c->request->body, type, &d, e))
		return -1;
	return json_object_size(d.attributes) ? fail_at(e, E_BAD_VALUE, "/data/attributes", "there are no attributes here") : 0;
}

static int
hold(struct call *c, struct error *e)
{
	return check_empty(c, "hold", e) ? -1 : ask(c, REASON_HOLD, false, e);
}

static int
release(struct call *c, struct error *e)
{
	return check_empty(c, "release", e) ? -1 : ask(c, 0, true, e);
}

static int
renew(struct call *c, struct error *e)
{
	return issue_successor(c, true, e);
}

static int
rekey(struct call *c, struct error *e)
{
	return issue_successor(c, false, e);
}

/* Of a successor; the first ones also when it keeps the key. */
#define REASONS "unspecified keyCompromise affiliationChanged superseded cessationOfOperation privilegeWithdrawn"
#define RENEW_MEMBERS 3
static const struct attribute rekey_members[] = {
	{"cert_days", NULL, ATTRIBUTE_INT, 0, "validity; left out: the profile says"},
	{"owner", NULL, ATTRIBUTE_TEXT, 0, "left out: as before"},
	{"metadata", NULL, ATTRIBUTE_METADATA, 0, "an object of texts; left out: as before"},
	{"csr", NULL, ATTRIBUTE_PEM, 0, "PKCS#10 in PEM; left out: the key is made here"},
	{"key_type", NULL, ATTRIBUTE_TEXT, 0, "of a key that is made here"},
	{"pkcs12_password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "of a key that is made here: the answer is PKCS#12 in place of PEM"},
};

static const struct attribute revoke_members[] = {
	{"reason", NULL, ATTRIBUTE_TEXT, 0, "RFC 5280 5.3.1, such as keyCompromise; left out: unspecified", .values = REASONS},
};

#define FILTER_TEXT \
	"an object: status, profile, issuer, common_name, requestor, owner, key_sha256, …, metadata; any: an array of these, of which one has to fit"

/* Many at once: a list of ids, what filters find, or what a condition holds for. */
static const struct attribute many[] = {
	{"ids", NULL, ATTRIBUTE_TEXTS, 0, "the certificates; or filter, or condition"},
	{"filter", NULL, ATTRIBUTE_JSON, 0, FILTER_TEXT},
	{"condition", NULL, ATTRIBUTE_TEXT, 0, "a path as in policies, on the certificate as a document"},
	{"reason", NULL, ATTRIBUTE_TEXT, 0, "RFC 5280 5.3.1; certificateHold and removeFromCRL hold and release",
	 .values = REASONS " certificateHold removeFromCRL"},
	{"expected", NULL, ATTRIBUTE_INT, 0, "how many the dry run said; wanted unless ids or counted are given"},
	{"counted", NULL, ATTRIBUTE_TEXT, 0, "id of the job that counted them, in the place of ids, filter and condition"},
};

/* The same, but nothing is done. */
static const struct attribute choose[] = {
	{"ids", NULL, ATTRIBUTE_TEXTS, 0, "the certificates; or filter, or condition"},
	{"filter", NULL, ATTRIBUTE_JSON, 0, FILTER_TEXT},
	{"condition", NULL, ATTRIBUTE_TEXT, 0, "a path as in policies, on the certificate as a document"},
	{"reason", NULL, ATTRIBUTE_TEXT, 0, "as for revoke", .values = REASONS " certificateHold removeFromCRL"},
	{"as_job", NULL, ATTRIBUTE_BOOL, 0, "true: a job counts, however long that takes"},
};

/* RFC 9773. */
static const struct attribute advice[] = {
	{"begins", NULL, ATTRIBUTE_TIME, 0, "of the time in which clients renew, such as 2026-01-31T00:00:00Z; with ends; left out: at once"},
	{"ends", NULL, ATTRIBUTE_TIME, 0, "of that time"},
	{"explanation", NULL, ATTRIBUTE_TEXT, 0, "the address of a page for people that says why"},
	{"withdraw", NULL, ATTRIBUTE_BOOL, 0, "true: the advice is taken back"},
	{"ids", NULL, ATTRIBUTE_TEXTS, 0, "the certificates; or filter, or condition, as for revoke"},
	{"filter", NULL, ATTRIBUTE_JSON, 0, FILTER_TEXT},
	{"condition", NULL, ATTRIBUTE_TEXT, 0, "a path as in policies, on the certificate as a document"},
	{"dry_run", NULL, ATTRIBUTE_BOOL, 0, "true: nothing is done; how many certificates are meant, and the first of them"},
	{"expected", NULL, ATTRIBUTE_INT, 0, "how many the dry run said"},
	{"as_job", NULL, ATTRIBUTE_BOOL, 0, "of a dry run; true: a job counts, however long that takes"},
	{"counted", NULL, ATTRIBUTE_TEXT, 0, "id of the job that counted them, in the place of ids, filter and condition"},
};
#define ADVICE_MEMBERS 4 /* the first ones: of one certificate */

/* Who looks after many, and what is noted about them. */
static const struct attribute notes[] = {
	{"ids", NULL, ATTRIBUTE_TEXTS, 0, "the certificates; or filter, or condition, as for revoke"},
	{"filter", NULL, ATTRIBUTE_JSON, 0, FILTER_TEXT},
	{"condition", NULL, ATTRIBUTE_TEXT, 0, "a path as in policies, on the certificate as a document"},
	{"owner", NULL, ATTRIBUTE_TEXT, 0, "null: none; left out: as before"},
	{"metadata_set", NULL, ATTRIBUTE_METADATA, 0, "an object of texts: these keys get these values, others stay"},
	{"metadata_remove", NULL, ATTRIBUTE_TEXTS, 0, "keys that are taken away"},
	{"dry_run", NULL, ATTRIBUTE_BOOL, 0, "true: nothing is done; how many certificates are meant, and the first of them"},
	{"expected", NULL, ATTRIBUTE_INT, 0, "how many the dry run said; wanted unless ids or counted are given"},
	{"as_job", NULL, ATTRIBUTE_BOOL, 0, "of a dry run; true: a job counts, however long that takes"},
	{"counted", NULL, ATTRIBUTE_TEXT, 0, "id of the job that counted them, in the place of ids, filter and condition"},
};

static const struct route routes[] = {
	{"GET", "/certificates", RIGHT_READ, list_many, .flags = ROUTE_OWN},
	{"GET", "/certificates/export", RIGHT_READ, export_many, .members = export_members, .n_members = ARRAY_LEN(export_members),
	    .flags = ROUTE_FILE, .text = "all that the list has, as a file of CSV or JSON"},
	{"GET", "/certificates/{id}", RIGHT_READ, list_one, .flags = ROUTE_OWN},
	{"PATCH", "/certificates/{id}", RIGHT_METADATA, write_update, "certificate.update"},
	{"POST", "/certificates/{id}/renew", RIGHT_ISSUE, renew, .flags = ROUTE_CREATES, .members = rekey_members, .n_members = RENEW_MEMBERS,
	    .text = "a successor with the same key"},
	{"POST", "/certificates/{id}/rekey", RIGHT_ISSUE, rekey, .flags = ROUTE_CREATES, MEMBERS(rekey_members),
	    .text = "a successor with another key: csr, or one that is made here"},
	{"POST", "/certificates/{id}/revoke", RIGHT_REVOKE, revoke, .flags = ROUTE_WAITS | ROUTE_OWN, MEMBERS(revoke_members),
	    .text = "for ever; the attribute reason"},
	{"POST", "/certificates/{id}/hold", RIGHT_REVOKE, hold, .flags = ROUTE_WAITS, .text = "on the CRL, until it is released or revoked"},
	{"POST", "/certificates/{id}/release", RIGHT_REVOKE, release, .flags = ROUTE_WAITS, .text = "takes a hold back"},
	{"POST", "/certificates/{id}/advise_renewal", RIGHT_REVOKE, write_action, "certificate.advise_renewal", .members = advice,
	 .n_members = ADVICE_MEMBERS, .text = "clients of ACME that ask when to renew it are told so (RFC 9773)"},
	{"POST", "/certificates/advise_renewal", RIGHT_REVOKE, write_action, "certificate.advise_renewal_many", MEMBERS(advice),
	 .flags = ROUTE_RESULT, .text = "the same for many, by a job"},
	{"POST", "/certificates/choose", RIGHT_REVOKE, write_action, "certificate.choose", MEMBERS(choose),
	 .flags = ROUTE_RESULT, .text = "the dry run of revoke: how many it would change, and the first of them"},
	{"POST", "/certificates/update", RIGHT_METADATA, write_action, "certificate.update_many", MEMBERS(notes), .flags = ROUTE_RESULT,
	    .text = "owner and metadata of many, by a job"},
	{"POST", "/certificates/revoke", RIGHT_REVOKE, write_action, "certificate.revoke_many", MEMBERS(many), .flags = ROUTE_JOB,
	 .text = "many at once, by a job"},
};

const struct resource resource_certificates = {
	.path = "certificates",
	.types = {"cert_server", "cert_client", "cert_device", "certificate"},
	.type_sql = "p.kind",
	.from = CERTIFICATE_FROM,
	.page_from = CERTIFICATE_PAGE_FROM,
	.page_own = CERTIFICATE_PAGE_OWN,
	.page_own_conditions = certificate_page_own,
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
