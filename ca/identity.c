#include "ca/identity.h"

#include <string.h>
#include <strings.h>

#include "ca/order.h"
#include "lib/limits.h"

#define DAY_SEC 86400
#define PERMANENT "permanent-identifier:"

/* Subject and names of a certificate are those of the order. */
static int
check_same(const struct order *o, const struct cert *c, struct error *e)
{
	struct dn_value subject[LIMIT_RDN_COUNT];
	struct name names[LIMIT_SAN_COUNT];
	size_t n_subject = 0, n_names = 0;
	struct bytes san = cert_san(c);
	if (dn_parse(o->arena, c->subject, subject, LIMIT_RDN_COUNT, &n_subject, e) < 0 ||
	    (san.len && names_parse(o->arena, san, true, names, LIMIT_SAN_COUNT, &n_names, e) < 0))
		return -1;
	bool same = n_subject == o->tbs_input.n_subject;
	for (size_t i = 0; same && i < n_subject; i++)
		same = subject[i].type == o->subject[i].type && strcmp(subject[i].value, o->subject[i].value) == 0;
	if (!same)
		return fail_at(e, E_FORBIDDEN, "csr", "subject: it must be that of the certificate that asks (RFC 7030 4.2.2)");
	same = n_names == o->tbs_input.ext.n_names;
	for (size_t i = 0; same && i < n_names; i++)
		same = names[i].kind == o->names[i].kind && strcmp(names[i].text, o->names[i].text) == 0;
	if (!same)
		return fail_at(e, E_FORBIDDEN, "csr", "names: they must be those of the certificate that asks (RFC 7030 4.2.2)");
	return 0;
}

/* Purposes as well: nobody makes himself a server. */
int
order_same_identity(const struct order *o, struct bytes certificate, struct error *e)
{
	struct cert c;
	if (cert_parse(certificate, &c, e) < 0)
		return -1;
	for (size_t i = 0; i < o->profile->n_purposes; i++)
		if (!cert_has_eku(&c, o->profile->purposes[i], false))
			return fail_at(e, E_FORBIDDEN, "csr", "purpose: the profile \"%s\" gives one that the certificate that asks doesn't have",
				       o->profile->name);
	return check_same(o, &c, e);
}

/* The only value of that type in the subject is the wanted one. */
static bool
subject_has(const struct order *o, const char *type, const char *wanted)
{
	bool found = false;
	for (size_t i = 0; i < o->tbs_input.n_subject; i++)
		if (strcmp(o->subject[i].type->name, type) == 0) {
			if (strcmp(o->subject[i].value, wanted) != 0)
				return false;
			found = true;
		}
	return found;
}

/* An Identity, and what the certificate in it says where that isn't the whole of it. */
struct bound {
	const Siegel__Identity *id;
	struct dn_value subject[LIMIT_RDN_COUNT];
	struct name names[LIMIT_SAN_COUNT];
	size_t n_subject, n_names;
};

static bool
name_is_one_of(const struct name *name, const struct bound *b)
{
	const Siegel__Identity *id = b->id;
	const char *word = name_kind_word(name->kind);
	size_t len = strlen(word);
	if (name->kind == NAME_DNS && *id->common_name && strcasecmp(name->text, id->common_name) == 0)
		return true;
	for (size_t i = 0; i < id->n_names; i++)
		if (strncmp(id->names[i], word, len) == 0 && id->names[i][len] == ':' && strcmp(id->names[i] + len + 1, name->text) == 0)
			return true;
	for (size_t i = 0; i < b->n_names; i++)
		if (b->names[i].kind == name->kind && strcmp(b->names[i].text, name->text) == 0)
			return true;
	return false;
}

/* Attributes of a subject that say who somebody is. The others (O, OU, C …) say where he belongs, and the profile says what they may be. */
static bool
identifies(const struct dn_type *type)
{
	static const char *const types[] = {"CN", "serialNumber", "UID", "SN", "GN", "pseudonym", "dnQualifier", "title", "DC"};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], type->name) == 0)
			return true;
	return false;
}

/* Alternative names that a common name repeats; of a serial number only when it is one. */
static bool
value_is_bound(const struct dn_value *v, const struct bound *b)
{
	const Siegel__Identity *id = b->id;
	for (size_t i = 0; i < b->n_subject; i++)
		if (b->subject[i].type == v->type && strcmp(b->subject[i].value, v->value) == 0)
			return true;
	/* A permanent identifier without assigner is what RFC 4043 2 lets stand in the subject's serialNumber. */
	for (size_t i = 0; strcmp(v->type->name, "serialNumber") == 0 && i < id->n_names; i++)
		if (strncmp(id->names[i], PERMANENT, strlen(PERMANENT)) == 0 && strcmp(id->names[i] + strlen(PERMANENT), v->value) == 0)
			return true;
	if (strcmp(v->type->name, "serialNumber") == 0)
		return *id->serial_number && strcmp(v->value, id->serial_number) == 0;
	if (*id->common_name && strcmp(v->value, id->common_name) == 0)
		return true;
	/* Where nothing else says what a device is called it may be called by its number. */
	if (!*id->common_name && *id->serial_number && strcmp(v->value, id->serial_number) == 0)
		return true;
	for (size_t i = 0; i < id->n_names; i++) {
		const char *text = strchr(id->names[i], ':');
		if (text && (strncmp(id->names[i], "dns:", 4) == 0 ? strcasecmp(text + 1, v->value) : strcmp(text + 1, v->value)) == 0)
			return true;
	}
	return false;
}

/* Nothing in subject and names says that it is anybody else. */
static int
check_bound(const struct order *o, const Siegel__Identity *id, struct error *e)
{
	struct bound b = {.id = id};
	struct cert c;
	struct error ignored;
	if (id->certificate.len) {
		if (cert_parse((struct bytes){id->certificate.data, id->certificate.len}, &c, e) < 0 ||
		    dn_parse(o->arena, c.subject, b.subject, LIMIT_RDN_COUNT, &b.n_subject, e) < 0)
			return -1;
		/* Manufacturers write what isn't known here: nobody gets those names. */
		struct bytes san = cert_san(&c);
		if (san.len && names_parse(o->arena, san, true, b.names, LIMIT_SAN_COUNT, &b.n_names, &ignored) < 0)
			b.n_names = 0;
	}
	for (size_t i = 0; i < o->tbs_input.n_subject; i++)
		if (identifies(o->subject[i].type) && !value_is_bound(&o->subject[i], &b))
			return fail_at(e, E_FORBIDDEN, "csr", "subject: %s=%.100s isn't what this access was given for", o->subject[i].type->name,
				       o->subject[i].value);
	for (size_t i = 0; i < o->tbs_input.ext.n_names; i++)
		if (!name_is_one_of(&o->names[i], &b))
			return fail_at(e, E_FORBIDDEN, "csr", "names: \"%.100s\" isn't one that this access was given for", o->names[i].text);
	return 0;
}

static int
check_identity(const struct order *o, const Siegel__Identity *id, struct error *e)
{
	struct cert c;
	if (*id->common_name && !subject_has(o, "CN", id->common_name))
		return fail_at(e, E_FORBIDDEN, "csr", "subject: its common name must be the one that this access was given for");
	if (*id->serial_number && !subject_has(o, "serialNumber", id->serial_number))
		return fail_at(e, E_FORBIDDEN, "csr", "subject: its serialNumber must be the one of the device that asks");
	if (id->names_bound)
		return check_bound(o, id, e);
	return !id->certificate.len ? 0
	       : cert_parse((struct bytes){id->certificate.data, id->certificate.len}, &c, e) < 0 ? -1 : check_same(o, &c, e);
}

int
order_identities(const struct order *o, struct error *e)
{
	if (o->request->n_identities > LIMIT_IDENTITIES)
		return fail(e, E_MALFORMED, "the request has over %d identities", LIMIT_IDENTITIES);
	for (size_t i = 0; i < o->request->n_identities; i++)
		if (check_identity(o, o->request->identities[i], e) < 0)
			return -1;
	return 0;
}

int
order_reenrolment(const struct order *o, int64_t now, struct error *e)
{
	const struct renewal *rule = &o->profile->renewal;
	struct cert c;
	if (!o->request->same_identity_as.len)
		return fail(e, E_MALFORMED, "a renewal without the certificate that it renews");
	if (cert_parse((struct bytes){o->request->same_identity_as.data, o->request->same_identity_as.len}, &c, e) < 0)
		return -1;
	if (!rule->allowed)
		return fail(e, E_POLICY, "the profile \"%s\" has no successors: ask for a new certificate", o->profile->name);
	if (!rule->same_key && bytes_equal(c.spki, o->tbs_input.spki))
		return fail_at(e, E_POLICY, "csr", "the profile \"%s\" wants a new key", o->profile->name);
	if (now > c.not_after + (int64_t)rule->after_days * DAY_SEC)
		return fail(e, E_FORBIDDEN, "the client certificate has expired%s: ask as at the first time",
			    rule->after_days ? ", longer ago than the profile lets it be renewed" : "");
	if (rule->before_days && now < c.not_after - (int64_t)rule->before_days * DAY_SEC)
		return fail(e, E_POLICY, "the certificate is replaced in its last %ld days, not before", rule->before_days);
	return 0;
}
