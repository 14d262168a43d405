/* An OCSP request taken apart (RFC 6960 4.1.1), by our own strict reader. */
#ifndef SIEGEL_VA_OCSP_REQUEST_H
#define SIEGEL_VA_OCSP_REQUEST_H
#include <stdbool.h>
#include "lib/error.h"
#include "lib/limits.h"
#include "lib/mem.h"

/* The hashes that a CertID may be made with. Clients of any age send SHA-1 (RFC 5019 2.1.1). */
enum ocsp_hash { OCSP_HASH_SHA1, OCSP_HASH_SHA256, OCSP_HASH_SHA384, OCSP_HASH_SHA512, OCSP_HASH_COUNT };
#define OCSP_HASH_UNKNOWN OCSP_HASH_COUNT
#define OCSP_HASH_MAX_BYTES 64

/* Digest size in bytes; 0 for an unknown one. */
size_t ocsp_hash_bytes(enum ocsp_hash h);

struct ocsp_certid {
	struct bytes whole;     /* the element as sent: the answer repeats these very bytes */
	enum ocsp_hash hash;    /* OCSP_HASH_UNKNOWN: no issuer of ours can match */
	struct bytes name_hash, key_hash;
	struct bytes serial;    /* magnitude, without sign octet */
};

/* Views into the DER, which must outlive them. */
struct ocsp_request {
	struct ocsp_certid ids[LIMIT_OCSP_CERTIDS];
	int n_ids;
	struct bytes nonce;     /* content of the nonce extension's extnValue, as sent; empty when there is none */
	bool is_signed;         /* the signature is not looked at (RFC 6960 4.1.2 leaves it to the responder) */
};

/* Reads the whole of der. Fails with E_MALFORMED for whatever isn't exactly one request with 1 to LIMIT_OCSP_CERTIDS
 * certificate ids, for a nonce of a length that isn't allowed (RFC 9654 2.1) and for a critical extension that isn't known
 * (RFC 6960 4.4); each is answered by malformedRequest. Allocates nothing. */
int ocsp_request_parse(struct bytes der, struct ocsp_request *ret, struct error *e) MUST_CHECK;

#endif
