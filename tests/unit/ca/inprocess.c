#include "tests/unit/ca/inprocess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
asked_init(struct asked *q, const char *cn)
{
	static char source[] = "rest", none[] = "";
	memset(q, 0, sizeof(*q));
	siegel__issue__init(&q->issue);
	siegel__requestor__init(&q->requestor);
	q->issue.subject = q->subject;
	q->issue.names = q->names;
	q->issue.requestor = &q->requestor;
	q->requestor.source = source;
	q->requestor.name = q->requestor.role = q->requestor.evidence = q->requestor.request_id = none;
	if (cn)
		asked_attribute(q, "CN", cn);
}

void
asked_attribute(struct asked *q, const char *type, const char *value)
{
	size_t i = q->issue.n_subject++;
	if (i == ARRAY_LEN(q->attribute))
		abort();
	siegel__attribute__init(&q->attribute[i]);
	snprintf(q->type[i], sizeof(q->type[i]), "%s", type);
	snprintf(q->value[i], sizeof(q->value[i]), "%s", value);
	q->attribute[i].type = q->type[i];
	q->attribute[i].value = q->value[i];
	q->subject[i] = &q->attribute[i];
}

void
asked_name(struct asked *q, Siegel__Name__Kind kind, const char *value)
{
	size_t i = q->issue.n_names++;
	if (i == ARRAY_LEN(q->name))
		abort();
	siegel__name__init(&q->name[i]);
	snprintf(q->text[i], sizeof(q->text[i]), "%s", value);
	q->name[i].kind = kind;
	q->name[i].value = q->text[i];
	q->names[i] = &q->name[i];
}

struct profile *
profile_try(const char *json, const char *kind, struct error *e)
{
	struct profile *p = NULL;
	return profile_new(arena_new(1 << 20), 1, 1, "p", kind, json, &p, e) < 0 ? NULL : p;
}

static _Noreturn void
give_up(const char *what, const struct error *e)
{
	fprintf(stderr, "%s: %s\n", what, e->detail);
	abort();
}

/* The CA in memory that a certificate and its key make. */
static struct authority *
authority_of(const struct order *o, EVP_PKEY *key, struct error *e)
{
	struct arena *own = arena_new(1 << 20);
	uint8_t *ski = arena_alloc(own, 20);
	struct authority *ca = NULL;
	ext_key_identifier(o->tbs_input.ext.key_bits, ski);
	struct authority fields = {.id = 7, .tenant_id = 1, .name = "ca", .status = AUTHORITY_ACTIVE, .ski = {ski, 20}, .key_ref = "", .chain_pem = "",
	    .ocsp_url = "http://pki.example/ocsp", .crl_url = "http://pki.example/crl/x.crl", .ca_url = "http://pki.example/ca/x.crt"};
	struct bytes der = {arena_dup(own, o->certificate.data, o->certificate.len), o->certificate.len};
	if (authority_new(own, &fields, der, &ca, e) < 0)
		give_up("authority", e);
	ca->private_key = key;
	return ca;
}

struct authority *
ca_below(struct authority *issuer, const struct profile *p, const char *key_type, struct asked *q, int64_t now)
{
	struct order *o = NULL;
	EVP_PKEY *key = NULL;
	struct error e;
	uint8_t *signature = xcalloc(1, SIGNATURE_MAX_BYTES);
	size_t len = 0;
	if (keytype_generate(keytype_by_name(key_type), &key, &e) < 0 || order_make_internal(issuer, p, key, &q->issue, now, &o, &e) < 0)
		give_up("CA", &e);
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	if (issuer) {
		if (order_sign(o, NULL, &e) < 0)
			give_up("CA", &e);
	} else {
		struct authority self = {.type = keytype_by_name(key_type), .private_key = key, .public_key = key};
		if (tbs_lint(tbs, &o->tbs_input, &e) < 0 || authority_sign(&self, NULL, tbs, signature, &len, &e) < 0)
			give_up("CA", &e);
		certificate_put(&o->certificate, tbs, o->tbs_input.signature_algorithm, signature, len);
		EVP_PKEY_CTX_free(self.sign_ctx);
		EVP_PKEY_CTX_free(self.verify_ctx);
	}
	struct authority *ca = authority_of(o, key, &e);
	order_free(o);
	free(signature);
	return ca;
}

struct authority *
ca_make(const char *key_type, long days, int64_t now)
{
	struct asked q;
	struct error e;
	struct profile *p = profile_try(CA_DEFINITION, "certificate", &e);
	if (!p)
		give_up("profile", &e);
	asked_init(&q, "Test CA");
	q.issue.days = (int32_t)days;
	struct authority *ca = ca_below(NULL, p, key_type, &q, now);
	profile_free(p);
	return ca;
}

struct order *
order_signed(struct authority *ca, const struct profile *p, EVP_PKEY *key, const struct asked *q, int64_t now, struct error *e)
{
	struct order *o = NULL;
	if (order_make_internal(ca, p, key, &q->issue, now, &o, e) < 0)
		return NULL;
	if (order_sign(o, NULL, e) == 0)
		return o;
	order_free(o);
	return NULL;
}
