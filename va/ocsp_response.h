/* OCSP answers written straight as DER (RFC 6960 4.2.1). */
#ifndef SIEGEL_VA_OCSP_RESPONSE_H
#define SIEGEL_VA_OCSP_RESPONSE_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/buf.h"
#include "lib/limits.h"
#include "lib/mem.h"

/* OCSPResponseStatus (RFC 6960 4.2.1); 4 is not used, 5 (sigRequired) is none of ours. */
enum ocsp_response_status {
	OCSP_SUCCESSFUL = 0,
	OCSP_MALFORMED_REQUEST = 1,
	OCSP_INTERNAL_ERROR = 2,
	OCSP_TRY_LATER = 3,
	OCSP_UNAUTHORIZED = 6,
};

enum cert_state { CERT_GOOD, CERT_REVOKED, CERT_UNKNOWN };

/* CRLReason (RFC 5280 5.3.1) as far as the writer treats it differently. */
#define REASON_UNSPECIFIED 0
#define REASON_CERTIFICATE_HOLD 6
#define REASON_MAX 10

struct cert_status {
	enum cert_state state;
	int64_t revoked_at; /* seconds since 1970 */
	int reason;         /* 0 to REASON_MAX */
};

struct ocsp_single {
	struct bytes certid; /* the element as the client sent it */
	struct cert_status status;
};

struct ocsp_answer {
	struct bytes responder_id;    /* ResponderID, the whole element */
	int64_t produced_at, this_update, next_update; /* seconds since 1970 */
	struct ocsp_single singles[LIMIT_OCSP_CERTIDS];
	int n_singles;
	struct bytes nonce;           /* content of the extnValue that is echoed (RFC 9654 2.1); empty: none */
	bool extended_revoke;         /* a serial that was never issued is answered as revoked (RFC 6960 4.4.8) */
};

/* Appends ResponseData, what the signature is made over. */
void ocsp_data_encode(struct buf *b, const struct ocsp_answer *a);
/* Appends the whole OCSPResponse. signature_algorithm is an AlgorithmIdentifier, certs the content of BasicOCSPResponse's
 * certs [0] with its head. */
void ocsp_response_encode(struct buf *b, struct bytes data, struct bytes signature_algorithm, struct bytes signature, struct bytes certs);
/* An unsigned answer with a status other than successful (RFC 6960 2.3), static. */
struct bytes ocsp_error_response(enum ocsp_response_status s);
/* Room that any answer to a request within LIMIT_OCSP_REQUEST_BYTES needs, with a signer's certificate of cert_bytes. */
size_t ocsp_response_max_bytes(size_t cert_bytes);

#endif
