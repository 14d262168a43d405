/* The reader of OCSP requests. */
#include <stdlib.h>
#include "tests/fuzz/fuzz.h"
#include "va/ocsp_request.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ocsp_request r;
	struct error e;

	if (ocsp_request_parse((struct bytes){data, size}, &r, &e) < 0)
		return 0;
	if (r.n_ids < 1 || r.n_ids > LIMIT_OCSP_CERTIDS)
		abort();
	for (int i = 0; i < r.n_ids; i++)
		if (r.ids[i].whole.data < data || r.ids[i].whole.data + r.ids[i].whole.len > data + size)
			abort();
	return 0;
}
