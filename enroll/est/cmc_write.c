/* PKIResponse. */
#include <string.h>
#include "enroll/est/cmc.h"

/* The head of a TaggedAttribute up to its set of values; ends are closed by close_control(). */
struct open_control {
	size_t sequence, values;
};

static struct open_control
open_control(struct buf *b, long *id, uint8_t number)
{
	const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, number}; /* id-cmc, RFC 5272 6 */
	struct open_control c = {.sequence = der_begin(b, DER_SEQUENCE)};
	der_put_small(b, (*id)++);
	der_put(b, DER_OID, oid, sizeof(oid));
	c.values = der_begin(b, DER_SET);
	return c;
}

static void
close_control(struct buf *b, struct open_control c)
{
	der_close(b, c.values);
	der_close(b, c.sequence);
}

static void
put_octets(struct buf *b, long *id, uint8_t number, struct bytes octets)
{
	struct open_control c = open_control(b, id, number);
	der_put(b, DER_OCTET_STRING, octets.data, octets.len);
	close_control(b, c);
}

/* CMCStatusInfoV2, RFC 5272 6.1.1. */
static void
put_status(struct buf *b, long *id, int64_t body_part, const struct cmc_answer *answer)
{
	struct open_control c = open_control(b, id, CMC_STATUS_INFO_V2);
	size_t info = der_begin(b, DER_SEQUENCE);
	der_put_small(b, answer->status);
	size_t list = der_begin(b, DER_SEQUENCE);
	der_put_small(b, body_part);
	der_close(b, list);
	if (answer->text)
		der_put_str(b, DER_UTF8_STRING, answer->text);
	if (answer->status == CMC_FAILED && answer->failure != CMC_NO_FAILURE)
		der_put_small(b, answer->failure);
	der_close(b, info);
	close_control(b, c);
}

int
cmc_encode(struct arena *a, const struct cmc_request *q, const struct cmc_answer *answer, struct bytes *ret, struct error *e)
{
	struct buf b BUF_CLEANUP = BUF_INIT(CMC_DATA_MAX + 4096);
	long id = 1;
	size_t response = der_begin(&b, DER_SEQUENCE), list = der_begin(&b, DER_SEQUENCE);
	put_status(&b, &id, q->body_part, answer);
	if (q->transaction_id.len) {
		struct open_control c = open_control(&b, &id, CMC_TRANSACTION_ID);
		der_put_raw(&b, q->transaction_id);
		close_control(&b, c);
	}
	if (q->has_nonce)
		put_octets(&b, &id, CMC_RECIPIENT_NONCE, q->sender_nonce);
	put_octets(&b, &id, CMC_SENDER_NONCE, answer->nonce);
	if (q->has_data)
		put_octets(&b, &id, CMC_DATA_RETURN, q->data_return);
	der_close(&b, list);
	der_put(&b, DER_SEQUENCE, "", 0); /* cmsSequence */
	der_put(&b, DER_SEQUENCE, "", 0); /* otherMsgSequence */
	der_close(&b, response);
	if (buf_check(&b, e) < 0)
		return -1;
	*ret = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}
