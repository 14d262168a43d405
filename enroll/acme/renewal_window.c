#include <openssl/sha.h>
#include <string.h>

#include "enroll/acme/jwk.h"
#include "enroll/acme/renewal_info.h"
#include "lib/limits.h"

enum {
	AGO_SEC = 3600,             /* that a window in the past lies back, and half of it is its length */
	RETRY_LEAST_SEC = 60,
	RETRY_MOST_SEC = 6 * 3600,  /* RFC 9773 4.3.2 has clients ask about so often */
};

int
acme_certid_parse(struct arena *a, const char *text, struct bytes *ret_key_id, struct bytes *ret_serial, struct error *e)
{
	static const char wanted[] =
	    "a certificate's identifier is base64url of its authority key identifier, a dot, and base64url of its serial number in DER "
	    "(RFC 9773 4.1)";
	struct bytes key_id, serial;
	size_t len = strcspn(text, ".");
	if (text[len] != '.' || strlen(text) > LIMIT_ACME_CERTID_BYTES)
		return fail(e, E_MALFORMED, "%s", wanted);
	if (base64url_decode(a, text, len, "authority key identifier", &key_id, e) < 0 ||
	    base64url_decode(a, text + len + 1, strlen(text + len + 1), "serial number", &serial, e) < 0)
		return -1;
	/* X.690 8.3.2: no octet more than the number needs; RFC 5280 4.1.2.2: it is positive. */
	if (key_id.len == 0 || serial.len == 0 || serial.data[0] & 0x80 || (serial.data[0] == 0 && (serial.len == 1 || !(serial.data[1] & 0x80))))
		return fail(e, E_MALFORMED, "%s", wanted);
	*ret_key_id = key_id;
	*ret_serial = serial.data[0] ? serial : (struct bytes){serial.data + 1, serial.len - 1};
	return 0;
}

/* The same for one certificate for ever, below most. */
static int64_t
spread(struct bytes serial, int64_t most)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint64_t n = 0;
	SHA256(serial.data, serial.len, hash);
	for (int i = 0; i < 7; i++)
		n = n << 8 | hash[i];
	return most > 0 ? (int64_t)(n % (uint64_t)most) : 0;
}

struct acme_window
acme_renewal_window(const struct acme_renewal *r, struct bytes serial, int64_t now)
{
	int64_t life = r->ends > r->begins ? r->ends - r->begins : 0, part = life / 12, wait = life / 48;
	struct acme_window w = {.retry_after = wait < RETRY_LEAST_SEC ? RETRY_LEAST_SEC : wait > RETRY_MOST_SEC ? RETRY_MOST_SEC : wait};
	if (r->at_once) {
		w.start = now - AGO_SEC;
		w.end = now - AGO_SEC / 2;
		return w;
	}
	w.start = r->begins + life / 3 * 2 + spread(serial, part);
	w.end = w.start + (part > 0 ? part : 1);
	if (r->advised_from && r->advised_from < w.start) {
		w.start = r->advised_from;
		w.end = r->advised_to;
	}
	return w;
}
