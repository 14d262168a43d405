/* Certificate Management over CMS (RFC 5272, 5273, 6402) as EST carries it: one request in a PKIData, one PKIResponse. Read strictly, with a list of
 * what is taken; nothing here asks anybody. */
#ifndef SIEGEL_ENROLL_EST_CMC_H
#define SIEGEL_ENROLL_EST_CMC_H
#include "lib/arena.h"
#include "lib/x509/csr.h"

#define CMC_CONTROLS_MAX 16
#define CMC_NONCE_MAX 64   /* octets of a nonce or a transactionId */
#define CMC_DATA_MAX 4096  /* of dataReturn */

/* Controls by their number below id-cmc, RFC 5272 6. */
enum cmc_control {
	CMC_DATA_RETURN = 4, CMC_TRANSACTION_ID = 5, CMC_SENDER_NONCE = 6, CMC_RECIPIENT_NONCE = 7, CMC_REG_INFO = 18, CMC_STATUS_INFO_V2 = 25,
};

/* CMCStatus, RFC 5272 6.1.3, and CMCFailInfo, 6.1.4. */
enum cmc_status { CMC_SUCCESS = 0, CMC_FAILED = 2, CMC_PENDING = 3, CMC_NO_SUPPORT = 4 };
enum cmc_failure {
	CMC_NO_FAILURE = -1, CMC_BAD_ALG = 0, CMC_BAD_MESSAGE_CHECK = 1, CMC_BAD_REQUEST = 2, CMC_BAD_IDENTITY = 7, CMC_POP_REQUIRED = 8,
	CMC_POP_FAILED = 9, CMC_NO_KEY_REUSE = 10, CMC_INTERNAL_CA_ERROR = 11, CMC_TRY_LATER = 12,
};

/* What was read, as far as it went: the answer to a request that is refused carries it too. Views into the message, or in the arena. */
struct cmc_request {
	struct bytes request;         /* PKCS#10, or CertReqMsg with the tag of a SEQUENCE; empty: none was found */
	bool crmf;
	int64_t body_part;            /* bodyPartID of the request, or of what is wrong; 0: the whole message (RFC 5272 3.2.1) */
	struct bytes transaction_id;  /* whole INTEGER; empty: none */
	struct bytes sender_nonce, data_return; /* octets */
	bool has_nonce, has_data;
	enum cmc_status status;       /* with an error: what to answer */
	enum cmc_failure failure;
};

/* A PKIData (RFC 5272 3.2.1), DER, with exactly one request and of controls transactionId, senderNonce, dataReturn and regInfo. Always fills *ret.
 * E_MALFORMED for what can't be read, E_UNSUPPORTED for other controls, more requests, other kinds of them, nested messages. */
int cmc_parse(struct arena *a, struct bytes content, struct cmc_request *ret, struct error *e) MUST_CHECK;
/* Takes the request in it apart and verifies its proof of possession (RFC 2986 4.2, RFC 4211 4.1), with ret->failure as what to answer. The engine
 * does it again. E_BAD_CSR, E_BAD_KEY, E_UNSUPPORTED. */
int cmc_check_request(struct arena *a, struct cmc_request *q, struct error *e) MUST_CHECK;

/* How it ended. */
struct cmc_answer {
	enum cmc_status status;
	enum cmc_failure failure; /* with CMC_FAILED */
	const char *text;         /* UTF-8; NULL: none */
	struct bytes nonce;       /* of ours */
};
/* A PKIResponse (RFC 5272 3.2.2) with CMCStatusInfoV2 and what the request's controls want back, DER, in the arena. */
int cmc_encode(struct arena *a, const struct cmc_request *q, const struct cmc_answer *answer, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
