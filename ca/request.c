#include "ca/request.h"

#include <string.h>

#include "ca/batch.h"
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

int
request_revoke_check(enum caller caller, const Siegel__Revoke *q, struct error *e)
{
	/* 2 is for CAs, 10 for attribute authorities, 8 for delta CRLs. */
	static const int reasons[] = {0, 1, 3, 4, 5, 9, REASON_HOLD};
	const Siegel__Requestor *who = q->requestor;
	bool acme = caller == CALLER_ACME;
	if (acme && (q->release || who->account_id || (strcmp(who->evidence, "acme") != 0 && strcmp(who->evidence, "certificate") != 0)))
		return fail(e, E_FORBIDDEN, "siegel-acme revokes for good, for an account of ACME or the certificate's own key");
	for (size_t i = 0; i < ARRAY_LEN(reasons) - acme; i++) /* a hold is nobody's to take back there */
		if (q->release || reasons[i] == q->reason)
			return 0;
	return fail_at(e, E_BAD_VALUE, "reason", "reason: not one that a certificate can be revoked for (RFC 5280 5.3.1)");
}
