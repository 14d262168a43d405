/* What no profile can configure away. Members are read by ca/profile.c; here is what may not stand together, or not at all. */
#include <string.h>

#include "ca/ext.h"
#include "ca/profile_read.h"
#include "ca/purpose.h"
#include "lib/x509/oid.h"

#define BIT(usage) (1u << (usage))
#define SIGNS_CERTIFICATES (BIT(USAGE_KEY_CERT_SIGN) | BIT(USAGE_CRL_SIGN))
#define ENCIPHERS (BIT(USAGE_KEY_ENCIPHERMENT) | BIT(USAGE_DATA_ENCIPHERMENT) | BIT(USAGE_KEY_AGREEMENT))
#define SIGNS (BIT(USAGE_DIGITAL_SIGNATURE) | BIT(USAGE_NON_REPUDIATION))

static int
check_validity(const struct profile *p, struct error *e)
{
	if (p->no_expiry) {
		/* IEEE 802.1AR 8.7: an IDevID lives as long as its device. Nothing else does. */
		if (p->ca || p->internal || strcmp(p->kind, "cert_device") != 0)
			return fail_at(e, E_BAD_VALUE, "no_expiry", "profile: no_expiry: for certificates of devices (cert_device) alone");
		if (p->validity_sec || p->max_validity_sec)
			return fail_at(e, E_BAD_VALUE, "no_expiry", "profile: no_expiry: stands in place of days and max_days");
		return 0;
	}
	if (p->validity_sec == 0)
		return fail_at(e, E_BAD_VALUE, "days", "profile: days must be there (or hours, minutes, no_expiry)");
	if (p->max_validity_sec == 0)
		return fail_at(e, E_BAD_VALUE, "max_days", "profile: max_days must be there (or max_hours, max_minutes)");
	if (p->validity_sec > p->max_validity_sec)
		return fail_at(e, E_BAD_VALUE, "days", "profile: days is more than max_days");
	if (p->max_validity_sec > (int64_t)(p->ca ? LIMIT_VALIDITY_DAYS : LIMIT_LEAF_VALIDITY_DAYS) * 86400)
		return fail_at(e, E_BAD_VALUE, "max_days", "profile: max_days: at most %d for anything but a CA", LIMIT_LEAF_VALIDITY_DAYS);
	return 0;
}

static int
check_keys(const struct profile *p, struct error *e)
{
	if (p->n_keys == 0)
		return fail_at(e, E_BAD_VALUE, "keys", "profile: keys must be there");
	if (p->key_usage == 0)
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: key_usage must be there");
	for (size_t i = 0; i < p->n_keys; i++)
		if ((p->key_usage & keytype_made(p->keys[i])->usages) == 0)
			return fail_at(e, E_BAD_VALUE, "keys", "profile: keys: none of the key usages goes with %s", p->keys[i]->name);
	if (p->key_usage & (BIT(USAGE_ENCIPHER_ONLY) | BIT(USAGE_DECIPHER_ONLY)) && !(p->key_usage & BIT(USAGE_KEY_AGREEMENT)))
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: key_usage: encipherOnly and decipherOnly want keyAgreement (RFC 5280 4.2.1.3)");
	if (!p->archive_keys)
		return 0;
	if (p->key_origin == ORIGIN_CLIENT || p->internal)
		return fail_at(e, E_BAD_VALUE, "archive_keys", "profile: archive_keys: only keys that the appliance makes for others can be kept");
	/* Who can recover a key could sign in its owner's name. */
	if (p->key_usage & BIT(USAGE_NON_REPUDIATION))
		return fail_at(e, E_BAD_VALUE, "archive_keys", "profile: archive_keys: not for keys that are to bind their owner (nonRepudiation)");
	return 0;
}

static int
check_ca(const struct profile *p, struct error *e)
{
	if (!p->ca && p->key_usage & SIGNS_CERTIFICATES)
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: key_usage: keyCertSign and cRLSign are for CAs alone");
	if (!p->ca && p->path_length >= 0)
		return fail_at(e, E_BAD_VALUE, "path_length", "profile: path_length: for CAs alone");
	if (p->ca && !p->internal)
		return fail_at(e, E_BAD_VALUE, "ca", "profile: ca: a CA's profile is internal, no client can ask for it");
	if (p->ca && !(p->key_usage & BIT(USAGE_KEY_CERT_SIGN)))
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: key_usage: a CA has keyCertSign");
	if (p->ca && p->key_usage & ENCIPHERS)
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: key_usage: the key of a CA enciphers nothing");
	return 0;
}

/* A certificate without purposes is good for any that its key usage can serve. There are such profiles (the signature and encryption
 * certificates of BSI TR-03109-4), and they are held to what a relying party can't mistake: one kind of use, and no name by which somebody
 * logs on or a server is known. */
static int
check_without_purpose(const struct profile *p, struct error *e)
{
	if (p->n_purposes || p->ca)
		return fail_at(e, E_BAD_VALUE, "without_purpose", "profile: without_purpose: not with extended_key_usage, nor for a CA");
	if (p->key_usage & SIGNS && p->key_usage & ENCIPHERS)
		return fail_at(e, E_BAD_VALUE, "without_purpose", "profile: without_purpose: the key signs or it enciphers, not both");
	if (p->name_allowed[NAME_UPN] || p->name_allowed[NAME_DNS] || p->name_allowed[NAME_IP])
		return fail_at(e, E_BAD_VALUE, "without_purpose", "profile: without_purpose: not with names of the kinds dns, ip or upn");
	return 0;
}

static int
check_purposes(const struct profile *p, struct error *e)
{
	static const char member[] = "extended_key_usage";
	if (p->purposes_absent)
		return check_without_purpose(p, e);
	if (!p->ca && p->n_purposes == 0)
		return fail_at(e, E_BAD_VALUE, member, "profile: a purpose is wanted: a certificate good for anything isn't issued");
	for (size_t i = 0; i < p->n_purposes; i++) {
		const struct purpose *named = purpose_by_oid(p->purposes[i]);
		bool stamps = bytes_equal(p->purposes[i], OID_EKU_TIME_STAMPING);
		if (bytes_equal(p->purposes[i], OID_EKU_OCSP_SIGNING) && (!p->internal || p->ca))
			return fail_at(e, E_BAD_VALUE, member, "profile: OCSPSigning is for internal profiles alone");
		if (stamps && !p->ca && (p->n_purposes != 1 || !p->purposes_critical || p->key_usage & ~SIGNS))
			return fail_at(e, E_BAD_VALUE, member, "profile: timeStamping stands alone, is critical and only signs (RFC 3161 2.3)");
		for (size_t k = 0; k < p->n_keys && !p->ca; k++)
			if (!purpose_is_served(p->purposes[i], p->key_usage & keytype_made(p->keys[k])->usages))
				return fail_at(e, E_BAD_VALUE, member,
					       "profile: with a key of the type %s none of the key usages serves the purpose %s (RFC 5280 4.2.1.12)",
					       p->keys[k]->name, named ? named->name : "");
	}
	if (p->purposes_critical && p->n_purposes == 0)
		return fail_at(e, E_BAD_VALUE, "extended_key_usage_critical", "profile: extended_key_usage_critical: there is no purpose");
	return 0;
}

static int
check_names(const struct profile *p, struct error *e)
{
	for (size_t i = 0; i < NAME_KIND_COUNT; i++)
		if (p->name_required[i] && !p->name_allowed[i])
			return fail_at(e, E_BAD_VALUE, "names_required", "profile: names_required: %s isn't in names_allowed", name_kind_words[i]);
	for (size_t i = 0; i < p->within.n; i++)
		if (!p->name_allowed[p->within.items[i].kind])
			return fail_at(e, E_BAD_VALUE, "names_within", "profile: names_within: %s isn't in names_allowed",
				       name_kind_words[p->within.items[i].kind]);
	for (size_t i = 0; i < p->n_rules; i++)
		for (size_t k = 0; k < i; k++)
			if (p->rules[i].type == p->rules[k].type) /* "cn" and "CN" */
				return fail_at(e, E_BAD_VALUE, "subject_rules", "profile: subject_rules: %s comes twice", p->rules[i].type->name);
	/* RFC 5280 4.1.2.6: a CA has a subject. */
	if (p->ca && p->n_required == 0 && p->n_fixed == 0)
		return fail_at(e, E_BAD_VALUE, "subject_required", "profile: subject_required: a CA has a subject");
	return 0;
}

int
profile_check_ceilings(const struct profile *p, struct error *e)
{
	return check_validity(p, e) < 0 || check_keys(p, e) < 0 || check_ca(p, e) < 0 || check_purposes(p, e) < 0 || check_names(p, e) < 0 ? -1 : 0;
}
