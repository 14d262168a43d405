/* PKIData and the request in it. */
#include <string.h>
#include "enroll/est/cmc.h"
#include "enroll/possession.h"
#include "lib/x509/oid.h"

#define BODY_PART_MAX 4294967295L /* RFC 5272 3.2.1 */

/* Controls that are taken, RFC 5272 6: the number below id-cmc, the tag of the only value. */
static const struct {
	uint8_t number;
	int tag;
	const char *name;
} controls[] = {
    {CMC_DATA_RETURN, DER_OCTET_STRING, "dataReturn"},
    {CMC_TRANSACTION_ID, DER_INTEGER, "transactionId"},
    {CMC_SENDER_NONCE, DER_OCTET_STRING, "senderNonce"},
    {CMC_REG_INFO, DER_OCTET_STRING, "regInfo"}, /* what the client tells whoever reads it: nobody here */
};

struct parts {
	int64_t seen[CMC_CONTROLS_MAX + 1];
	int n;
};

/* A bodyPartID: one that is used already, or 0, can't be answered. */
static int
get_body_part(struct der *d, struct parts *parts, int64_t *ret, struct error *e)
{
	long id;
	if (der_get_small(d, "bodyPartID", BODY_PART_MAX, &id, e) < 0)
		return -1;
	if (id == 0)
		return fail(e, E_MALFORMED, "bodyPartID: 0 is the message itself (RFC 5272 3.2.1)");
	for (int i = 0; i < parts->n; i++)
		if (parts->seen[i] == id)
			return fail(e, E_MALFORMED, "bodyPartID: one comes twice (RFC 5272 3.2.1)");
	parts->seen[parts->n++] = id;
	*ret = id;
	return 0;
}

/* A transactionId goes back as it came: an INTEGER in the shortest form (X.690 8.3.2). */
static int
check_integer(struct bytes b, struct error *e)
{
	if (b.len == 0 || (b.len > 1 && ((b.data[0] == 0 && !(b.data[1] & 0x80)) || (b.data[0] == 0xff && b.data[1] & 0x80))))
		return fail(e, E_MALFORMED, "transactionId: not an INTEGER in DER");
	return 0;
}

static int
keep_control(struct cmc_request *q, size_t row, struct bytes whole, struct bytes value, struct error *e)
{
	size_t max = controls[row].number == CMC_DATA_RETURN || controls[row].number == CMC_REG_INFO ? CMC_DATA_MAX : CMC_NONCE_MAX;
	if (value.len > max)
		return fail(e, E_MALFORMED, "%s: over %zu octets", controls[row].name, max);
	switch (controls[row].number) {
	case CMC_DATA_RETURN:
		q->data_return = value;
		q->has_data = true;
		return 0;
	case CMC_TRANSACTION_ID:
		if (check_integer(value, e) < 0)
			return -1;
		q->transaction_id = whole;
		return 0;
	case CMC_SENDER_NONCE:
		q->sender_nonce = value;
		q->has_nonce = true;
		return 0;
	default:
		return 0;
	}
}

/* TaggedAttribute. */
static int
parse_control(struct der *list, struct cmc_request *q, struct parts *parts, unsigned *seen, struct error *e)
{
	struct der control, values, content;
	struct bytes oid, whole;
	int64_t id;
	int tag;
	if (der_get(list, DER_SEQUENCE, "control", &control, e) < 0 || get_body_part(&control, parts, &id, e) < 0 ||
	    der_get_oid(&control, "control", &oid, e) < 0 || der_get(&control, DER_SET, "control's values", &values, e) < 0 ||
	    der_end(&control, "control", e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		const uint8_t known[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, controls[i].number};
		if (!bytes_equal(oid, (struct bytes){known, sizeof(known)}))
			continue;
		if (*seen & 1u << i)
			return fail(e, E_MALFORMED, "%s: the control comes twice", controls[i].name);
		*seen |= 1u << i;
		if (der_get_any(&values, controls[i].name, &tag, &whole, &content, e) < 0 || der_end(&values, controls[i].name, e) < 0)
			return -1;
		if (tag != controls[i].tag)
			return fail(e, E_MALFORMED, "%s: a value of another type is wanted", controls[i].name);
		return keep_control(q, i, whole, der_bytes(&content), e);
	}
	q->body_part = id;
	q->status = CMC_NO_SUPPORT;
	return fail(e, E_UNSUPPORTED, "a control isn't taken; transactionId, senderNonce, dataReturn and regInfo are (RFC 5272 6)");
}

/* The only TaggedRequest. */
static int
parse_request(struct arena *a, struct der list, struct cmc_request *q, struct parts *parts, struct error *e)
{
	struct der content;
	struct bytes whole;
	int tag;
	if (der_at_end(&list))
		return fail(e, E_UNSUPPORTED, "reqSequence: there is no request");
	if (der_get_any(&list, "request", &tag, &whole, &content, e) < 0)
		return -1;
	if (!der_at_end(&list))
		return fail(e, E_UNSUPPORTED, "reqSequence: one request for a message is taken");
	if (tag == DER_CONTEXT_CONSTRUCTED(0)) {
		if (get_body_part(&content, parts, &q->body_part, e) < 0)
			return -1;
		if (der_peek(&content) != DER_SEQUENCE)
			return fail(e, E_MALFORMED, "certification request: missing");
		return der_get_any(&content, "certification request", NULL, &q->request, NULL, e) < 0 ? -1 : der_end(&content, "request", e);
	}
	if (tag != DER_CONTEXT_CONSTRUCTED(1))
		return fail(e, E_UNSUPPORTED, "reqSequence: a PKCS#10 or a CRMF request is wanted (RFC 5272 3.2.1.2)");
	/* The bodyPartID of a CRMF request is its certReqId (RFC 5272 3.2.1.2.2). */
	struct der message = content, request;
	if (der_get(&message, DER_SEQUENCE, "certificate request", &request, e) < 0 || get_body_part(&request, parts, &q->body_part, e) < 0)
		return -1;
	uint8_t *copy = arena_dup(a, whole.data, whole.len);
	copy[0] = DER_SEQUENCE; /* IMPLICIT */
	q->request = (struct bytes){copy, whole.len};
	q->crmf = true;
	return 0;
}

static int
parse(struct arena *a, struct bytes in, struct cmc_request *q, struct error *e)
{
	struct der d = der_of(in), data, list, requests, nested, other;
	struct parts parts = {.n = 0};
	unsigned seen = 0;
	if (der_get(&d, DER_SEQUENCE, "PKIData", &data, e) < 0 || der_end(&d, "PKIData", e) < 0 ||
	    der_get(&data, DER_SEQUENCE, "controlSequence", &list, e) < 0 || der_get(&data, DER_SEQUENCE, "reqSequence", &requests, e) < 0 ||
	    der_get(&data, DER_SEQUENCE, "cmsSequence", &nested, e) < 0 || der_get(&data, DER_SEQUENCE, "otherMsgSequence", &other, e) < 0 ||
	    der_end(&data, "PKIData", e) < 0)
		return -1;
	while (!der_at_end(&list)) {
		if (parts.n == CMC_CONTROLS_MAX)
			return fail(e, E_UNSUPPORTED, "controlSequence: over %d controls", CMC_CONTROLS_MAX);
		if (parse_control(&list, q, &parts, &seen, e) < 0)
			return -1;
	}
	if (!der_at_end(&nested) || !der_at_end(&other))
		return fail(e, E_UNSUPPORTED, "messages in a message aren't taken: cmsSequence and otherMsgSequence have to be empty");
	return parse_request(a, requests, q, &parts, e);
}

int
cmc_parse(struct arena *a, struct bytes content, struct cmc_request *ret, struct error *e)
{
	*ret = (struct cmc_request){.status = CMC_FAILED, .failure = CMC_BAD_REQUEST};
	return parse(a, content, ret, e);
}

int
cmc_check_request(struct arena *a, struct cmc_request *q, struct error *e)
{
	struct csr csr;
	bool known;
	q->failure = CMC_BAD_REQUEST;
	if ((q->crmf ? crmf_parse(a, q->request, &csr, e) : csr_parse(q->request, &csr, e)) < 0) {
		if (strcmp(e->pointer, CRMF_PROOF) == 0)
			q->failure = CMC_POP_REQUIRED;
		return -1;
	}
	/* An algorithm that isn't in the list may be one that the engine takes (RSASSA-PSS with other salts): it has the last word. */
	if (enroll_csr_verify(&csr, &known, e) < 0) {
		q->failure = e->code == E_BAD_CSR ? CMC_POP_FAILED : CMC_BAD_ALG;
		return -1;
	}
	q->failure = CMC_NO_FAILURE;
	return 0;
}
