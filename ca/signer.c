#include "ca/signer.h"

#include <stdio.h>

#include "lib/seal.h"

/* What intent_add() said (faults), or certificate_add() before. */
static int
check_fault(struct batch *b, const struct db_result *faults, struct error *e)
{
	if (faults)
		batch_take_faults(b, faults);
	if (!b->items[0].fault)
		return 0;
	batch_fault_error(b->items[0].fault, e);
	return -1;
}

int
issue_sign(struct order *o, struct hsm *hsm, struct db *db, struct audit_chain *chain, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct db_result *faults CLEANUP(db_result_free) = NULL;
	b->n = 1;
	b->items[0].order = o;
	int rc = batch_intents(b, chain, e);
	if (rc == 0)
		rc = db_query(db, b->sql, b->params, b->n_params, true, &faults, e);
	if (rc == 0)
		rc = check_fault(b, faults, e);
	if (rc == 0) {
		*chain = b->next;
		rc = order_sign(o, hsm, e);
	}
	batch_free(b);
	free(b);
	return rc;
}

int
issue_store(struct order *o, struct db *db, struct audit_chain *chain, int64_t *ret_id, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct db_result *r CLEANUP(db_result_free) = NULL;
	b->n = 1;
	b->items[0].order = o;
	int rc = batch_certificates(b, chain, e);
	if (rc == 0)
		rc = db_query(db, b->sql, b->params, b->n_params, true, &r, e);
	if (rc == 0)
		rc = batch_take_ids(b, r, e);
	if (rc == 0)
		rc = check_fault(b, NULL, e);
	if (rc == 0) {
		*chain = b->next;
		*ret_id = b->items[0].id;
	}
	batch_free(b);
	free(b);
	return rc;
}

int
issue_one(struct order *o, struct hsm *hsm, struct db *db, struct audit_chain *chain, int64_t *ret_id, struct error *e)
{
	return issue_sign(o, hsm, db, chain, e) < 0 ? -1 : issue_store(o, db, chain, ret_id, e);
}

static int
store(struct authority *ca, struct order *o, EVP_PKEY *key, struct db *db, const struct secret *wrap, struct error *e)
{
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	struct secret *der CLEANUP(secret_free) = NULL;
	if (keytype_to_pkcs8(key, &der, e) < 0)
		return -1;
	const char *context = arena_printf(o->arena, "ocsp-signer:%s", arena_hex(o->arena, o->tbs_input.serial, o->tbs_input.serial_len));
	if (seal(wrap, context, der->data, der->len, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(ca->id), DB_BYTES(o->tbs_input.serial, o->tbs_input.serial_len),
	    DB_BYTES(o->certificate.data, o->certificate.len), DB_BYTES(sealed.data, sealed.len), DB_INT(o->tbs_input.not_before),
	    DB_INT(o->tbs_input.not_after)};
	return db_query(db,
			"WITH ended AS (DELETE FROM ocsp_signer WHERE ca_id = $1::int AND not_after < now())"
			" INSERT INTO ocsp_signer (ca_id, serial, certificate, wrapped_key, not_before, not_after)"
			" VALUES ($1::int, $2::bytea, $3::bytea, $4::bytea, to_timestamp($5::bigint), to_timestamp($6::bigint))",
			row, ARRAY_LEN(row), false, NULL, e);
}

/* The type of the signer's key: that which clients of such a CA can verify and which is quick, where the profile takes it. */
static const struct keytype *
signer_type(const struct authority *ca, const struct profile *profile)
{
	const struct keytype *type = ca->type->ocsp ? keytype_by_name(ca->type->ocsp) : NULL;
	for (size_t i = 0; type && i < profile->n_keys; i++)
		if (keytype_fits(profile->keys[i], type))
			return type;
	return keytype_made(profile->keys[0]);
}

int
signer_make(struct authority *ca, const struct registry *r, struct hsm *hsm, struct db *db, struct audit_chain *chain,
	    const struct secret *wrap, int64_t *ret_not_after, struct error *e)
{
	const struct profile *profile = registry_profile(r, ca->tenant_id, "ocsp-signer");
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	struct order *o CLEANUP(order_free) = NULL;
	char cn[128], type[] = "CN", source[] = "engine", name[] = "clerk", none[] = "";
	Siegel__Requestor requestor;
	Siegel__Issue issue;
	Siegel__Attribute attribute, *subject[] = {&attribute};
	int64_t id;
	if (!profile)
		return fail(e, E_NOT_FOUND, "the tenant has no profile \"ocsp-signer\"");
	if (keytype_generate(signer_type(ca, profile), &key, e) < 0)
		return -1;
	siegel__requestor__init(&requestor);
	siegel__issue__init(&issue);
	siegel__attribute__init(&attribute);
	snprintf(cn, sizeof(cn), "OCSP signer of %s", ca->name);
	cn[LIMIT_CN_CHARS] = '\0';
	attribute.type = type;
	attribute.value = cn;
	requestor.tenant_id = ca->tenant_id;
	requestor.source = source;
	requestor.name = name;
	requestor.role = requestor.evidence = requestor.request_id = none;
	issue.requestor = &requestor;
	issue.subject = subject;
	issue.n_subject = 1;
	if (order_make_internal(ca, profile, key, &issue, now_us() / 1000000, &o, e) < 0 || issue_one(o, hsm, db, chain, &id, e) < 0 ||
	    store(ca, o, key, db, wrap, e) < 0)
		return -1;
	*ret_not_after = o->tbs_input.not_after;
	return 0;
}
