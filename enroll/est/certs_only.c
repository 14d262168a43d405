/* The degenerate SignedData that EST hands certificates out in. */
#include <stdlib.h>
#include <string.h>
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "lib/x509/der.h"
#include "lib/x509/oid.h"

static int
compare(const void *left, const void *right)
{
	const struct bytes *l = left, *r = right;
	int c = memcmp(l->data, r->data, l->len < r->len ? l->len : r->len);
	return c ? c : (l->len > r->len) - (l->len < r->len);
}

int
certs_only_encode(struct arena *a, const struct bytes *certs, int n, struct bytes *ret, struct error *e)
{
	/* CertificateSet is a SET OF: in DER its elements are in ascending order, X.690 11.6. */
	struct bytes *sorted = arena_dup(a, certs, (size_t)n * sizeof(*certs));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);

	struct buf BUF_CLEANUP b = BUF_INIT((size_t)(n + 1) * LIMIT_CERT_BYTES);
	size_t content_info = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, OID_PKCS7_SIGNED_DATA.data, OID_PKCS7_SIGNED_DATA.len);
	size_t explicit_content = der_begin(&b, DER_CONTEXT_CONSTRUCTED(0));
	size_t signed_data = der_begin(&b, DER_SEQUENCE);
	der_put_small(&b, 1); /* RFC 5652 5.1: version 1 with plain certificates and id-data */
	der_put(&b, DER_SET, "", 0); /* digestAlgorithms */
	size_t encapsulated = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, OID_PKCS7_DATA.data, OID_PKCS7_DATA.len);
	der_close(&b, encapsulated);
	size_t set = der_begin(&b, DER_CONTEXT_CONSTRUCTED(0)); /* certificates, IMPLICIT */
	for (int i = 0; i < n; i++)
		der_put_raw(&b, sorted[i]);
	der_close(&b, set);
	der_put(&b, DER_SET, "", 0); /* signerInfos */
	der_close(&b, signed_data);
	der_close(&b, explicit_content);
	der_close(&b, content_info);
	if (buf_check(&b, e) < 0)
		return -1;
	*ret = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}
