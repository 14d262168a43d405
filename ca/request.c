#include "ca/request.h"

#include <string.h>

#include "lib/utf8.h"

bool
request_requestor_valid(const Siegel__Requestor *q)
{
	if (!q)
		return false;
	const char *const texts[] = {q->name, q->role, q->evidence, q->source, q->request_id};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!utf8_valid(texts[i], strlen(texts[i])))
			return false;
	return true;
}

int
request_source_check(enum caller caller, const Siegel__Request *request, const Siegel__Requestor *q, struct error *e)
{
	const char *source = caller == CALLER_API ? "rest" : caller_name(caller);
	if (strcmp(q->source, source) != 0)
		return fail(e, E_FORBIDDEN, "siegel-%s asks as \"%s\" alone", caller_name(caller), source);
	if (caller != CALLER_API && request->operation_case == SIEGEL__REQUEST__OPERATION_ISSUE && request->issue->csr.len == 0)
		return fail(e, E_FORBIDDEN, "siegel-%s asks with a CSR alone", caller_name(caller));
	return 0;
}
