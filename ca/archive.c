#include "ca/archive.h"

#include "lib/x509/keytype.h"

const char *
archive_context(struct arena *a, int32_t ca_id, struct bytes serial)
{
	return arena_printf(a, "archived-key:%d:%s", (int)ca_id, arena_hex(a, serial.data, serial.len));
}

int
archive_seal(struct hsm *h, int32_t ca_id, struct bytes serial, EVP_PKEY *key, struct arena *a, struct buf *out, struct error *e)
{
	struct secret *der CLEANUP(secret_free) = NULL;
	if (keytype_to_pkcs8(key, &der, e) < 0)
		return -1;
	return hsm_seal(h, "", archive_context(a, ca_id, serial), der->data, der->len, out, e);
}

int
archive_open(struct hsm *h, int32_t ca_id, struct bytes serial, struct bytes wrapped, struct arena *a, EVP_PKEY **ret, struct error *e)
{
	struct secret *der CLEANUP(secret_free) = NULL;
	if (hsm_unseal(h, archive_context(a, ca_id, serial), wrapped, &der, e) < 0)
		return -1;
	return keytype_from_pkcs8((struct bytes){der->data, der->len}, ret, e);
}
