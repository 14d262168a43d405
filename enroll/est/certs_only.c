/* The degenerate SignedData that EST hands certificates out in. */
#include "enroll/cms.h"
#include "enroll/est/est.h"

int
certs_only_encode(struct arena *a, const struct bytes *certs, int n, struct bytes *ret, struct error *e)
{
	return cms_certs_only_encode(a, certs, n, NULL, 0, ret, e);
}
