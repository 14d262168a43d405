#include "lib/x509/oid.h"

#include <openssl/objects.h>
#include <string.h>

#define MAX_TEXT 160

DEFINE_CLEANUP(ASN1_OBJECT, ASN1_OBJECT_free)

int
oid_from_text(struct arena *a, const char *text, struct bytes *ret, struct error *e)
{
	size_t len = strlen(text);
	if (len == 0 || len > MAX_TEXT || strspn(text, "0123456789.") != len || strstr(text, "..") || *text == '.' || text[len - 1] == '.')
		return fail(e, E_BAD_VALUE, "an object identifier is wanted, as numbers with dots (up to %d characters)", MAX_TEXT);
	ASN1_OBJECT *oid CLEANUP(ASN1_OBJECT_free) = OBJ_txt2obj(text, 1);
	if (!oid || OBJ_length(oid) == 0 || OBJ_length(oid) > OID_MAX_OCTETS)
		return fail(e, E_BAD_VALUE, "an object identifier is wanted, as numbers with dots");
	*ret = (struct bytes){arena_dup(a, OBJ_get0_data(oid), OBJ_length(oid)), OBJ_length(oid)};
	return 0;
}

const char *
oid_text(struct arena *a, struct bytes oid)
{
	uint8_t der[2 + OID_MAX_OCTETS] = {0x06, (uint8_t)oid.len};
	const unsigned char *p = der;
	char text[4 * OID_MAX_OCTETS];
	if (oid.len == 0 || oid.len > OID_MAX_OCTETS)
		return NULL;
	memcpy(der + 2, oid.data, oid.len);
	ASN1_OBJECT *object CLEANUP(ASN1_OBJECT_free) = d2i_ASN1_OBJECT(NULL, &p, (long)(2 + oid.len));
	int n = object ? OBJ_obj2txt(text, sizeof(text), object, 1) : -1;
	return n > 0 && n < (int)sizeof(text) ? arena_strdup(a, text) : NULL;
}

bool
oid_below(struct bytes oid, struct bytes arc)
{
	return oid.len >= arc.len && memcmp(oid.data, arc.data, arc.len) == 0;
}
