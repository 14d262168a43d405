#include "ca/ra.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "ca/signer.h"
#include "lib/log.h"

/* A tenant of before there were registration authorities. */
static int
copy_template(struct desk *d, int32_t tenant_id, struct arena *a, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(tenant_id), DB_TEXT(RA_PROFILE)};
	struct audit_chain before = d->chain;
	struct error undo;
	int rc = -1, bad = 0;
	if (desk_begin(d, e) < 0)
		return -1;
	if (db_query(d->db,
		     "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT $1::int, name, kind, title, definition"
		     " FROM profile_template WHERE name = $2::text ON CONFLICT (tenant_id, name) DO NOTHING RETURNING id",
		     row, 2, false, &r, e) == 0) {
		struct audit_row audit = {.at_us = now_us(), .tenant_id = tenant_id, .actor = "engine:clerk", .action = "profile.created",
					  .object = arena_printf(a, "profile/%s", db_rows(r) ? db_text(r, 0, 0) : ""),
					  .detail = detail_text(a, "name", RA_PROFILE, NULL)};
		rc = db_rows(r) ? desk_audit(d, &audit, e) : 0;
	}
	if (rc == 0)
		return desk_commit(d, e) < 0 ? -1 : registry_refresh(d->registry, d->db, &bad, e);
	if (db_alive(d->db) && desk_rollback(d, &before, &undo) < 0)
		*e = undo;
	return -1;
}

static int
find_profile(struct desk *d, int32_t tenant_id, const struct profile **ret, struct arena *a, struct error *e)
{
	*ret = registry_profile(d->registry, tenant_id, RA_PROFILE);
	if (!*ret && copy_template(d, tenant_id, a, e) < 0)
		return -1;
	if (!*ret)
		*ret = registry_profile(d->registry, tenant_id, RA_PROFILE);
	if (!*ret)
		return fail(e, E_NOT_FOUND, "the tenant has no profile \"" RA_PROFILE "\", and there is no template of it");
	return (*ret)->internal ? 0 : fail(e, E_POLICY, "the profile \"" RA_PROFILE "\" isn't internal: clients could ask for such a certificate");
}

/* The profile's first RSA type. */
static int
key_type(const struct profile *p, const struct keytype **ret, struct error *e)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (keytype_made(p->keys[i])->family == KEY_RSA) {
			*ret = keytype_made(p->keys[i]);
			return 0;
		}
	return fail(e, E_POLICY, "the profile \"" RA_PROFILE "\" takes no RSA key: messages couldn't be encrypted to it");
}

/* What is asked for: an order reads it until its certificate is stored. */
struct wish {
	Siegel__Issue issue;
	Siegel__Requestor requestor;
	Siegel__Attribute attribute, *subject[1];
	char cn[NAME_TEXT_MAX + 32];
};

static void
wish_init(struct wish *w, const struct authority *ca)
{
	static char type[] = "CN", source[] = "engine", name[] = "clerk", none[] = "";
	siegel__issue__init(&w->issue);
	siegel__requestor__init(&w->requestor);
	siegel__attribute__init(&w->attribute);
	snprintf(w->cn, sizeof(w->cn), "RA of %s", ca->name);
	w->cn[LIMIT_CN_CHARS] = '\0';
	w->attribute.type = type;
	w->attribute.value = w->cn;
	w->subject[0] = &w->attribute;
	w->requestor.tenant_id = ca->tenant_id;
	w->requestor.source = source;
	w->requestor.name = name;
	w->requestor.role = w->requestor.evidence = w->requestor.request_id = none;
	w->issue.requestor = &w->requestor;
	w->issue.subject = w->subject;
	w->issue.n_subject = 1;
}

/* Certificate and row in one transaction. ret_ended: references and certificates of those that ended, whose keys are to be destroyed. */
static int
store(struct desk *d, const struct authority *ca, struct order *o, const char *key_ref, struct db_result **ret_ended, struct error *e)
{
	struct db_param row[] = {DB_INT(ca->id), DB_INT(ca->tenant_id), DB_BYTES(o->tbs_input.serial, o->tbs_input.serial_len), DB_TEXT(key_ref),
	    DB_BYTES(o->certificate.data, o->certificate.len), DB_INT(o->tbs_input.not_before), DB_INT(o->tbs_input.not_after)};
	struct db_param of[] = {DB_INT(ca->id)};
	int64_t id;
	if (desk_begin(d, e) < 0 || issue_store(o, d->db, &d->chain, &id, e) < 0 ||
	    db_query(d->db,
		     "INSERT INTO ra (ca_id, tenant_id, serial, key_ref, certificate, not_before, not_after) VALUES ($1::int, $2::int, $3::bytea,"
		     " $4::text, $5::bytea, to_timestamp($6::bigint), to_timestamp($7::bigint))",
		     row, ARRAY_LEN(row), false, NULL, e) < 0 ||
	    db_query(d->db, "DELETE FROM ra WHERE ca_id = $1::int AND not_after < now() RETURNING key_ref, certificate", of, 1, true, ret_ended,
		     e) < 0)
		return -1;
	return desk_commit(d, e);
}

/* What a store that is away keeps is of no use to anybody: its certificate has ended. */
static void
destroy_ended(struct desk *d, const struct db_result *ended, struct arena *a)
{
	for (int i = 0; i < db_rows(ended); i++) {
		struct bytes der = db_bytes(ended, i, 1, NULL), ref = db_bytes(ended, i, 0, NULL);
		const unsigned char *at = der.data;
		X509 *x = d2i_X509(NULL, &at, (long)der.len);
		struct error ignored;
		if (x && hsm_key_delete(d->hsm, arena_strndup(a, (const char *)ref.data, ref.len), X509_get0_pubkey(x), &ignored) < 0)
			log_error(LOG_LEVEL_WARNING, "the key of a registration authority that ended stays in its store", &ignored);
		X509_free(x);
	}
}

int
ra_make(struct desk *d, int32_t ca_id, Siegel__MadeRa *ret, struct arena *a, struct error *e)
{
	struct authority *ca CLEANUP(authority_free) = authority_hold(registry_authority_by_id(d->registry, ca_id));
	struct order *o CLEANUP(order_free) = NULL;
	struct db_result *ended CLEANUP(db_result_free) = NULL;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct profile *profile;
	const struct keytype *type;
	char ref[HSM_REF_BYTES];
	struct wish w;
	struct error ignored;
	if (!ca || ca->status != AUTHORITY_ACTIVE)
		return fail(e, E_NOT_FOUND, "there is no such CA, or it issues nothing");
	wish_init(&w, ca);
	if (find_profile(d, ca->tenant_id, &profile, a, e) < 0 || key_type(profile, &type, e) < 0 ||
	    hsm_key_generate_decrypting(d->hsm, "", type, w.cn, ref, &key, e) < 0)
		return -1;
	if (order_make_internal(ca, profile, key, &w.issue, now_us() / 1000000, &o, e) < 0 ||
	    issue_sign(o, d->hsm, d->db, &d->chain, e) < 0 || store(d, ca, o, ref, &ended, e) < 0) {
		/* Whether it was stored may be unknown when the store is lost: then the key stays. */
		if (db_alive(d->db) && hsm_key_delete(d->hsm, ref, key, &ignored) < 0)
			log_error(LOG_LEVEL_WARNING, "a key that nobody will use stays in its store", &ignored);
		return -1;
	}
	destroy_ended(d, ended, a);
	ret->serial = (ProtobufCBinaryData){o->tbs_input.serial_len, arena_dup(a, o->tbs_input.serial, o->tbs_input.serial_len)};
	ret->not_after = o->tbs_input.not_after;
	return 0;
}
