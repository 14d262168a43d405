#include "ca/import/crl_read.h"

#include "ca/import/import.h"
#include "lib/x509/oid.h"

#define NUMBER_MAX (INT64_C(1) << 53)
#define OID_DELTA OID_BYTES("\x55\x1d\x1b")
#define OID_ISSUING_POINT OID_BYTES("\x55\x1d\x1c")

struct extension {
	struct bytes oid, value;
	bool critical;
};

static int
read_extension(struct der *list, struct extension *ret, struct error *e)
{
	struct der x, value;
	*ret = (struct extension){0};
	if (der_get(list, DER_SEQUENCE, "extension", &x, e) < 0 || der_get_oid(&x, "extension", &ret->oid, e) < 0)
		return -1;
	if (der_peek(&x) == DER_BOOLEAN && der_get_bool(&x, "extension", &ret->critical, e) < 0)
		return -1;
	if (der_get(&x, DER_OCTET_STRING, "extension", &value, e) < 0 || der_end(&x, "extension", e) < 0)
		return -1;
	ret->value = der_bytes(&value);
	return 0;
}

/* CRLNumber (RFC 5280 5.2.3) has up to 20 octets. */
static int64_t
read_number(struct bytes value)
{
	struct der d = der_of(value);
	struct error e;
	struct bytes n;
	int64_t v = 0;
	if (der_get_unsigned(&d, "CRL number", &n, &e) < 0 || n.len > 8 || (n.len == 8 && n.data[0] & 0x80))
		return -1;
	for (size_t i = 0; i < n.len; i++)
		v = v << 8 | n.data[i];
	return v;
}

static int
read_extensions(struct der *tbs, struct crl_read *ret, struct error *e)
{
	struct der explicit, list;
	if (der_at_end(tbs))
		return 0;
	if (der_get(tbs, DER_CONTEXT_CONSTRUCTED(0), "CRL extensions", &explicit, e) < 0 ||
	    der_get(&explicit, DER_SEQUENCE, "CRL extensions", &list, e) < 0 || der_end(&explicit, "CRL extensions", e) < 0)
		return -1;
	while (!der_at_end(&list)) {
		struct extension x;
		if (read_extension(&list, &x, e) < 0)
			return -1;
		if (bytes_equal(x.oid, OID_DELTA))
			return fail(e, E_BAD_VALUE, "it is a delta CRL (RFC 5280 5.2.4): the whole list is wanted");
		if (bytes_equal(x.oid, OID_ISSUING_POINT) && x.critical)
			return fail(e, E_BAD_VALUE, "it is a CRL of a part of the certificates (RFC 5280 5.2.5): the whole list is wanted");
		if (bytes_equal(x.oid, OID_AKI))
			ret->aki = x.value;
		else if (bytes_equal(x.oid, OID_CRL_NUMBER)) {
			if ((ret->number = read_number(x.value)) > NUMBER_MAX)
				return fail(e, E_BAD_VALUE, "its number leaves no room for ours behind it (RFC 5280 5.2.3)");
		} else if (x.critical)
			return fail(e, E_BAD_VALUE, "it has a critical extension that isn't known (RFC 5280 5.2)");
	}
	return 0;
}

static bool
is_time(int tag)
{
	return tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME;
}

int
crl_read(struct bytes der, struct crl_read *ret, struct error *e)
{
	struct der d = der_of(der), list, tbs;
	struct bytes inner;
	long version;
	int64_t next;
	*ret = (struct crl_read){.number = -1};
	if (der_get(&d, DER_SEQUENCE, "CRL", &list, e) < 0 || der_end(&d, "CRL", e) < 0 || der_get_any(&list, "CRL", NULL, &ret->tbs, &tbs, e) < 0 ||
	    der_get_any(&list, "CRL", NULL, &ret->algorithm, NULL, e) < 0 || der_get_bits(&list, "CRL signature", &ret->signature, e) < 0 ||
	    der_end(&list, "CRL", e) < 0)
		return -1;
	if (ret->tbs.data[0] != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "CRL: it isn't one");
	if (der_peek(&tbs) == DER_INTEGER && (der_get_small(&tbs, "CRL version", 1, &version, e) < 0 || version != 1))
		return fail(e, E_BAD_VALUE, "CRL version: 2 is wanted (RFC 5280 5.1.2.1)");
	if (der_get_any(&tbs, "CRL", NULL, &inner, NULL, e) < 0 || der_get_any(&tbs, "CRL issuer", NULL, &ret->issuer, NULL, e) < 0 ||
	    der_get_time(&tbs, "thisUpdate", &ret->this_update, e) < 0)
		return -1;
	if (!bytes_equal(inner, ret->algorithm))
		return fail(e, E_BAD_VALUE, "CRL: its two algorithm fields differ (RFC 5280 5.1.1.2)");
	if (is_time(der_peek(&tbs)) && der_get_time(&tbs, "nextUpdate", &next, e) < 0)
		return -1;
	ret->entries = (struct der){tbs.p, tbs.p};
	if (der_peek(&tbs) == DER_SEQUENCE && der_get(&tbs, DER_SEQUENCE, "CRL entries", &ret->entries, e) < 0)
		return -1;
	if (read_extensions(&tbs, ret, e) < 0)
		return -1;
	return der_end(&tbs, "CRL", e);
}

int
crl_entry(struct der *entries, struct crl_entry *ret, bool *ret_end, struct error *e)
{
	struct der x, list, reason;
	*ret_end = der_at_end(entries);
	if (*ret_end)
		return 0;
	ret->reason = 0;
	if (der_get(entries, DER_SEQUENCE, "CRL entry", &x, e) < 0 || der_get_unsigned(&x, "serial number", &ret->serial, e) < 0 ||
	    der_get_time(&x, "revocation date", &ret->at, e) < 0)
		return -1;
	if (der_at_end(&x))
		return 0;
	if (der_get(&x, DER_SEQUENCE, "CRL entry", &list, e) < 0 || der_end(&x, "CRL entry", e) < 0)
		return -1;
	while (!der_at_end(&list)) {
		struct extension ext;
		if (read_extension(&list, &ext, e) < 0)
			return -1;
		if (bytes_equal(ext.oid, OID_CRL_REASON)) {
			struct der v = der_of(ext.value);
			if (der_get(&v, DER_ENUMERATED, "reason", &reason, e) < 0 || der_bytes(&reason).len != 1)
				return fail(e, E_MALFORMED, "CRL entry: its reason can't be read (RFC 5280 5.3.1)");
			ret->reason = *reason.p <= 10 && *reason.p != 7 ? *reason.p : 0;
		} else if (ext.critical) {
			return fail(e, E_BAD_VALUE, "a CRL entry has a critical extension that isn't known, or is of another CA (RFC 5280 5.3.3)");
		}
	}
	return 0;
}
