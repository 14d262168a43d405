#include <time.h>
#include "lib/x509/der.h"
#include "lib/x509/oid.h"
#include "lib/x509/sigalg.h"
#include "va/ocsp_response.h"

/* GeneralizedTime as RFC 5280 4.1.2.5.2 wants it; RFC 6960 uses it whatever the year, so der_put_time() doesn't fit. */
static void
put_time(struct buf *b, int64_t t)
{
	time_t tt = (time_t)t;
	struct tm tm;
	char text[16];
	int fields[6], at = 0;

	gmtime_r(&tt, &tm);
	fields[0] = (tm.tm_year + 1900) / 100 % 100;
	fields[1] = tm.tm_year % 100;
	fields[2] = tm.tm_mon + 1;
	fields[3] = tm.tm_mday;
	fields[4] = tm.tm_hour;
	fields[5] = tm.tm_min;
	for (int i = 0; i < 6; i++) {
		text[at++] = (char)('0' + fields[i] / 10);
		text[at++] = (char)('0' + fields[i] % 10);
	}
	text[at++] = (char)('0' + tm.tm_sec / 10);
	text[at++] = (char)('0' + tm.tm_sec % 10);
	text[at++] = 'Z';
	der_put(b, DER_GENERALIZED_TIME, text, (size_t)at);
}

/* CertStatus. The reason is left out when it is unspecified (RFC 5280 5.3.1). */
static void
put_status(struct buf *b, const struct cert_status *s)
{
	size_t revoked, reason;
	uint8_t code = (uint8_t)s->reason;

	switch (s->state) {
	case CERT_GOOD:
		der_put(b, DER_CONTEXT(0), NULL, 0);
		break;
	case CERT_REVOKED:
		revoked = der_begin(b, DER_CONTEXT_CONSTRUCTED(1));
		put_time(b, s->revoked_at);
		if (s->reason != REASON_UNSPECIFIED) {
			reason = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
			der_put(b, DER_ENUMERATED, &code, 1);
			der_close(b, reason);
		}
		der_close(b, revoked);
		break;
	case CERT_UNKNOWN:
		der_put(b, DER_CONTEXT(2), NULL, 0);
		break;
	}
}

static void
put_single(struct buf *b, const struct ocsp_single *s, const struct ocsp_answer *a)
{
	size_t single = der_begin(b, DER_SEQUENCE), next;

	der_put_raw(b, s->certid);
	put_status(b, &s->status);
	put_time(b, a->this_update);
	next = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
	put_time(b, a->next_update);
	der_close(b, next);
	der_close(b, single);
}

static void
put_extension(struct buf *b, struct bytes oid, struct bytes value)
{
	size_t ext = der_begin(b, DER_SEQUENCE);

	der_put(b, DER_OID, oid.data, oid.len);
	der_put(b, DER_OCTET_STRING, value.data, value.len);
	der_close(b, ext);
}

static void
put_extensions(struct buf *b, const struct ocsp_answer *a)
{
	static const uint8_t null[] = {DER_NULL, 0};
	size_t explicit_tag, list;

	if (a->nonce.len == 0 && !a->extended_revoke)
		return;
	explicit_tag = der_begin(b, DER_CONTEXT_CONSTRUCTED(1));
	list = der_begin(b, DER_SEQUENCE);
	if (a->nonce.len > 0)
		put_extension(b, OID_OCSP_NONCE, a->nonce);
	if (a->extended_revoke)
		put_extension(b, OID_OCSP_EXTENDED_REVOKE, (struct bytes){null, sizeof(null)});
	der_close(b, list);
	der_close(b, explicit_tag);
}

void
ocsp_data_encode(struct buf *b, const struct ocsp_answer *a)
{
	size_t data = der_begin(b, DER_SEQUENCE), list;

	der_put_raw(b, a->responder_id);
	put_time(b, a->produced_at);
	list = der_begin(b, DER_SEQUENCE);
	for (int i = 0; i < a->n_singles; i++)
		put_single(b, &a->singles[i], a);
	der_close(b, list);
	put_extensions(b, a);
	der_close(b, data);
}

/* Octets of a whole element with a content of len bytes. */
static size_t
element_bytes(size_t len)
{
	return der_head(NULL, DER_SEQUENCE, len) + len;
}

static void
put_head(struct buf *b, int tag, size_t len)
{
	uint8_t head[6];

	buf_add(b, head, der_head(head, tag, len));
}

/* All lengths are known, so the heads are written in order and nothing is moved. */
void
ocsp_response_encode(struct buf *b, struct bytes data, struct bytes signature_algorithm, struct bytes signature, struct bytes certs)
{
	struct bytes type = OID_OCSP_BASIC;
	uint8_t ok = OCSP_SUCCESSFUL;
	size_t basic_content = data.len + signature_algorithm.len + element_bytes(1 + signature.len) + certs.len;
	size_t basic = element_bytes(basic_content);
	size_t response_bytes_content = element_bytes(type.len) + element_bytes(basic);
	size_t response_bytes = element_bytes(response_bytes_content);

	put_head(b, DER_SEQUENCE, 3 + element_bytes(response_bytes));
	der_put(b, DER_ENUMERATED, &ok, 1);
	put_head(b, DER_CONTEXT_CONSTRUCTED(0), response_bytes);
	put_head(b, DER_SEQUENCE, response_bytes_content);
	der_put(b, DER_OID, type.data, type.len);
	put_head(b, DER_OCTET_STRING, basic);
	put_head(b, DER_SEQUENCE, basic_content);
	der_put_raw(b, data);
	der_put_raw(b, signature_algorithm);
	der_put_bits(b, signature.data, signature.len);
	der_put_raw(b, certs);
}

struct bytes
ocsp_error_response(enum ocsp_response_status s)
{
	static const uint8_t answers[][5] = {
	    [OCSP_MALFORMED_REQUEST] = {DER_SEQUENCE, 3, DER_ENUMERATED, 1, OCSP_MALFORMED_REQUEST},
	    [OCSP_INTERNAL_ERROR] = {DER_SEQUENCE, 3, DER_ENUMERATED, 1, OCSP_INTERNAL_ERROR},
	    [OCSP_TRY_LATER] = {DER_SEQUENCE, 3, DER_ENUMERATED, 1, OCSP_TRY_LATER},
	    [OCSP_UNAUTHORIZED] = {DER_SEQUENCE, 3, DER_ENUMERATED, 1, OCSP_UNAUTHORIZED},
	};

	if (s != OCSP_MALFORMED_REQUEST && s != OCSP_TRY_LATER && s != OCSP_UNAUTHORIZED)
		s = OCSP_INTERNAL_ERROR;
	return (struct bytes){answers[s], sizeof(answers[s])};
}

size_t
ocsp_response_max_bytes(size_t cert_bytes)
{
	/* Beside what the request brings (ids, nonce): a name as responder id is within the certificate; times and heads of a
	 * single answer are under 80 bytes. */
	return LIMIT_OCSP_REQUEST_BYTES + 2 * cert_bytes + LIMIT_OCSP_CERTIDS * 80 + SIGALG_MAX_BYTES + 1024;
}
