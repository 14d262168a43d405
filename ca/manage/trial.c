/* Trials of profiles: what would become of a request, by which rule, without anything being signed or stored. */
#include <string.h>
#include <time.h>

#include "ca/batch.h"
#include "ca/condition.h"
#include "ca/document.h"
#include "ca/manage.h"
#include "ca/purpose.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

#define NAME_MAX_BYTES 63
#define VALUE_MAX_BYTES 255
#define DAYS_MAX 100000
#define DEFINITION_ARENA_BYTES (1024 * 1024)

/* The words of the subject and names are the body's: they live as long as it does. */
static int
read_subject(struct manage *m, const json_t *subject, Siegel__Issue *q, struct error *e)
{
	const char *type;
	json_t *value;
	q->subject = arena_alloc(m->arena, (json_object_size(subject) + 1) * sizeof(*q->subject));
	json_object_foreach((json_t *)(uintptr_t)subject, type, value)
	{
		if (!json_is_string(value) || json_string_length(value) > VALUE_MAX_BYTES)
			return fail_at(e, E_BAD_VALUE, arena_printf(m->arena, "subject/%.32s", type), "subject: values are texts of up to %d octets",
				       VALUE_MAX_BYTES);
		Siegel__Attribute *a = arena_alloc(m->arena, sizeof(*a));
		siegel__attribute__init(a);
		a->type = arena_strdup(m->arena, type);
		a->value = arena_strdup(m->arena, json_string_value(value));
		q->subject[q->n_subject++] = a;
	}
	return 0;
}

/* "dns:www.example.com" */
static int
read_name(struct manage *m, const json_t *name, size_t place, Siegel__Issue *q, struct error *e)
{
	const char *text = json_string_value(name), *colon = text ? strchr(text, ':') : NULL;
	Siegel__Name *n = arena_alloc(m->arena, sizeof(*n));
	siegel__name__init(n);
	for (int kind = 0; colon && kind < NAME_KIND_COUNT; kind++)
		if (strlen(name_kind_words[kind]) == (size_t)(colon - text) &&
		    strncmp(name_kind_words[kind], text, (size_t)(colon - text)) == 0) {
			n->kind = (Siegel__Name__Kind)kind;
			n->value = arena_strdup(m->arena, colon + 1);
			q->names[q->n_names++] = n;
			return 0;
		}
	return manage_text_refused(m, "names", name, place, "isn't a name with its kind, such as dns:www.example.com", e);
}

static int
read_names(struct manage *m, const json_t *names, Siegel__Issue *q, struct error *e)
{
	size_t i, n = json_array_size(names);
	const json_t *name;
	if (n > LIMIT_SAN_COUNT)
		return fail_at(e, E_BAD_VALUE, "names", "names: over %d", LIMIT_SAN_COUNT);
	q->names = arena_alloc(m->arena, (n + 1) * sizeof(*q->names));
	json_array_foreach(names, i, name)
		if (read_name(m, name, i, q, e) < 0)
			return -1;
	return 0;
}

static int
read_csr(struct manage *m, Siegel__Issue *q, struct error *e)
{
	struct bytes der;
	const char *csr;
	if (manage_text(m, "csr", 0, 0, &csr, e) < 0)
		return -1;
	if (!csr)
		return 0;
	if (pem_decode(m->arena, csr, strlen(csr), "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, e) < 0)
		return fail_at(e, E_BAD_CSR, "csr", CSR_UNREADABLE, e->detail);
	if (der.len == 0 || der.len > LIMIT_CSR_BYTES)
		return fail_at(e, E_BAD_CSR, "csr", "csr has to be one PEM block CERTIFICATE REQUEST (RFC 7468) of up to %d octets", LIMIT_CSR_BYTES);
	q->csr = (ProtobufCBinaryData){der.len, (uint8_t *)(uintptr_t)der.data};
	return 0;
}

/* The request as the body tells of it; profile is the one that is tried. */
static int
read_request(struct manage *m, const char *profile, Siegel__Issue *q, struct error *e)
{
	const char *ca, *key_type, *owner;
	json_t *subject, *names, *metadata;
	int64_t days;
	siegel__issue__init(q);
	q->requestor = (Siegel__Requestor *)(uintptr_t)m->who;
	q->profile = (char *)(uintptr_t)profile;
	if (read_csr(m, q, e) < 0 || manage_text(m, "ca", 0, NAME_MAX_BYTES, &ca, e) < 0 ||
	    manage_text(m, "key_type", 0, NAME_MAX_BYTES, &key_type, e) < 0 || manage_object(m, "subject", 0, &subject, e) < 0 ||
	    manage_array(m, "names", 0, &names, e) < 0 || manage_int(m, "days", 0, 1, DAYS_MAX, 0, &days, e) < 0 ||
	    manage_text(m, "owner", 0, VALUE_MAX_BYTES, &owner, e) < 0 || manage_object(m, "metadata", 0, &metadata, e) < 0)
		return -1;
	if (q->csr.len && key_type)
		return fail_at(e, E_BAD_VALUE, "key_type", "key_type is for keys made here; csr brings its own");
	if ((subject && read_subject(m, subject, q, e) < 0) || (names && read_names(m, names, q, e) < 0))
		return -1;
	q->days = (int32_t)days;
	if (ca)
		q->ca = arena_strdup(m->arena, ca);
	if (key_type)
		q->key_type = arena_strdup(m->arena, key_type);
	if (owner)
		q->owner = arena_strdup(m->arena, owner);
	if (metadata)
		q->metadata = (char *)(uintptr_t)manage_json(m, metadata);
	return 0;
}

/* Name and kind of the profile: those of that id, or of one that isn't stored, as the body has them. */
static int
find_profile(struct manage *m, const char **ret_name, const char **ret_kind, struct error *e)
{
	static const char *const kinds[] = {"cert_server", "cert_client", "cert_device", "certificate"};
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (!m->id) {
		if (manage_text(m, "kind", MANAGE_REQUIRED, NAME_MAX_BYTES, ret_kind, e) < 0)
			return -1;
		*ret_name = "trial";
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (strcmp(kinds[i], *ret_kind) == 0)
				return 0;
		return fail_at(e, E_BAD_VALUE, "kind", "kind: cert_server, cert_client, cert_device or certificate is wanted");
	}
	if (db_query(m->desk->db, "SELECT name, kind FROM profile WHERE id = $1::int8 AND tenant_id = $2::int", row, ARRAY_LEN(row), false, &r,
		     e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such profile");
	*ret_name = arena_strdup(m->arena, db_text(r, 0, 0));
	*ret_kind = arena_strdup(m->arena, db_text(r, 0, 1));
	return 0;
}

/* The profile, or what the body says of its definition. *ret is NULL for the stored one. */
static int
read_profile(struct manage *m, const char **ret_name, struct profile **ret, struct error *e)
{
	const char *kind;
	json_t *definition;
	if (find_profile(m, ret_name, &kind, e) < 0 || manage_object(m, "definition", m->id ? 0 : MANAGE_REQUIRED, &definition, e) < 0)
		return -1;
	if (!definition)
		return 0;
	if (profile_new(arena_new(DEFINITION_ARENA_BYTES), (int32_t)m->id, m->who->tenant_id, *ret_name, kind, manage_json(m, definition), ret, e) ==
	    0)
		return 0;
	const char *member = arena_strdup(m->arena, e->pointer), *detail = arena_strdup(m->arena, e->detail);
	return fail_at(e, e->code, arena_printf(m->arena, "definition%s%s", *member ? "/" : "", member), "%s", detail);
}

/* What would stand in the certificate. */
static json_t *
certificate_of(const struct order *o)
{
	static const char *const usages[] = {"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"};
	const struct profile *p = o->profile;
	json_t *names = json_array(), *usage = json_array(), *purposes = json_array();
	unsigned bits = p->key_usage & o->tbs_input.ext.key->usages;
	for (size_t i = 0; i < o->tbs_input.ext.n_names; i++)
		json_array_append_new(names, json_string(arena_printf(o->arena, "%s:%s", name_kind_word(o->names[i].kind), o->names[i].text)));
	for (size_t i = 0; i < ARRAY_LEN(usages); i++)
		if (bits & 1u << i)
			json_array_append_new(usage, json_string(usages[i]));
	for (size_t i = 0; i < p->n_purposes; i++) {
		const struct purpose *known = purpose_by_oid(p->purposes[i]);
		json_array_append_new(purposes, json_string(known ? known->name : oid_text(o->arena, p->purposes[i])));
	}
	return json_pack("{s:s,s:o,s:s,s:s,s:I,s:I,s:s,s:o,s:o,s:o*,s:s*}", "subject", o->subject_text, "names", names, "issuer", o->ca->name,
			 "key_type", o->tbs_input.ext.key->name, "not_before", (json_int_t)o->tbs_input.not_before, "not_after",
			 (json_int_t)o->tbs_input.not_after, "validity_rule", o->validity_rule, "key_usage", usage, "extended_key_usage",
			 purposes, "metadata", o->metadata ? json_loads(o->metadata, 0, NULL) : NULL, "owner", o->owner);
}

/* What each rule about certificates that is in force makes of the document: values by what the request said, all else by what it has then. */
#define EXPLAIN_SQL                                                                                                                \
	"SELECT coalesce(jsonb_agg(u.said || jsonb_build_object('policy', y.name) ORDER BY y.name COLLATE \"C\", (u.said ->> 'place')::int), '[]')" \
	" FROM policy y CROSS JOIN LATERAL (SELECT array_agg(r) AS rules FROM policy_rule r WHERE r.policy_id = y.id) g CROSS JOIN LATERAL (" \
	"SELECT s.said FROM jsonb_array_elements(policy_explain(g.rules, $1::int, $2::int, $3::int, $4::jsonb) -> 'rules') s(said)"  \
	" WHERE s.said ->> 'effect' = 'default' UNION ALL"                                                                          \
	" SELECT s.said FROM jsonb_array_elements(policy_explain(g.rules, $1::int, $2::int, $3::int, $5::jsonb) -> 'rules') s(said)"  \
	" WHERE s.said ->> 'effect' <> 'default') u WHERE y.tenant_id = $1::int AND y.enabled AND g.rules IS NOT NULL" \
	" AND 'certificate.issue' = ANY (y.operations)"

/* *ret_after: the document with the values that rules set, or NULL; *ret_effect: "refuse", "approve" or "". */
static int
ask_policies(struct manage *m, struct order *o, json_t *result, const char **ret_after, const char **ret_effect, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *rules CLEANUP(db_result_free) = NULL;
	const char *document = document_of(o);
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_INT(o->ca->id), DB_INT(o->profile->id), DB_TEXT(document), DB_TEXT(document)};
	*ret_after = NULL;
	*ret_effect = "";
	if (condition_query(m->desk->db, LIMIT_POLICY_MS,
			    "SELECT r_doc::text, r_effect FROM policy_apply(ARRAY[$1::int], ARRAY[$2::int], ARRAY[$3::int],"
			    " ARRAY[$4::jsonb])",
			    row, 4, &r, e) < 0)
		return -1;
	if (db_rows(r)) {
		*ret_after = db_is_null(r, 0, 0) ? NULL : arena_strdup(m->arena, db_text(r, 0, 0));
		*ret_effect = arena_strdup(m->arena, db_text(r, 0, 1));
	}
	row[4] = *ret_after ? DB_TEXT(*ret_after) : DB_TEXT(document);
	if (condition_query(m->desk->db, LIMIT_POLICY_MS, EXPLAIN_SQL, row, ARRAY_LEN(row), &rules, e) < 0)
		return -1;
	json_object_set_new(result, "rules", json_loads(db_text(rules, 0, 0), 0, NULL));
	json_object_set_new(result, "document", json_loads(*ret_after ? *ret_after : document, 0, NULL));
	return 0;
}

/* The request, with the values that policies set, decided anew: the profile's rules hold for them all the same. */
static int
decide_anew(struct manage *m, const Siegel__Issue *q, const struct order *before, const char *document, const struct profile *trial, json_t *result,
	    struct error *e)
{
	struct order *o CLEANUP(order_free) = NULL;
	size_t len = siegel__issue__get_packed_size(q);
	uint8_t *packed = arena_alloc(m->arena, len + 1);
	siegel__issue__pack(q, packed);
	Siegel__Issue *copy = siegel__issue__unpack(NULL, len, packed);
	if (!copy)
		return fail(e, E_INTERNAL, "the request can't be copied");
	int rc = document_take(document, before, copy, e) < 0 ? -1 : order_try(m->desk->registry, copy, trial, time(NULL), &o, e);
	if (rc == 0)
		json_object_set_new(result, "certificate", certificate_of(o));
	order_free(TAKE(o));
	siegel__issue__free_unpacked(copy, NULL);
	return rc;
}

/* What a refusal says is an answer here; what says that nothing could be decided isn't. */
static int
refused(json_t *result, const struct error *e)
{
	switch (e->code) {
	case E_BAD_VALUE:
	case E_BAD_CSR:
	case E_BAD_KEY:
	case E_POLICY:
	case E_UNSUPPORTED:
	case E_NOT_FOUND:
	case E_MALFORMED:
	case E_TOO_LARGE:
		json_object_set_new(result, "outcome", json_string("refused"));
		json_object_set_new(result, "error",
				    json_pack("{s:s,s:s,s:s}", "code", error_name(e->code), "detail", e->detail, "pointer", e->pointer));
		return 0;
	default:
		return -1;
	}
}

static int
evaluate(struct manage *m, struct error *e)
{
	struct profile *trial CLEANUP(profile_free) = NULL;
	struct order *o CLEANUP(order_free) = NULL;
	const char *name, *after, *effect;
	Siegel__Issue q;
	if (read_profile(m, &name, &trial, e) < 0 || read_request(m, name, &q, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:[]}", "rules");
	if (order_try(m->desk->registry, &q, trial, time(NULL), &o, e) < 0)
		return refused(m->ret_result, e);
	json_object_set_new(m->ret_result, "certificate", certificate_of(o));
	if (ask_policies(m, o, m->ret_result, &after, &effect, e) < 0)
		return -1;
	if (after && decide_anew(m, &q, o, after, trial, m->ret_result, e) < 0)
		return refused(m->ret_result, e);
	json_object_set_new(m->ret_result, "outcome",
			    json_string(strcmp(effect, "refuse") == 0 ? "refused" : strcmp(effect, "approve") == 0 ? "approval" : "issued"));
	return 0;
}

extern const struct manage_op manage_trial[];
const struct manage_op manage_trial[] = {
    {"profile.evaluate", "", RIGHT_READ, MANAGE_DIRECT, evaluate},
    {0},
};
