#include "ca/request.h"

#include <string.h>

#include "ca/acme_revocation.h"
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
	/* CA and profile would be that certificate's, and not a door's. */
	if (caller != CALLER_API && request->operation_case == SIEGEL__REQUEST__OPERATION_ISSUE &&
	    (request->issue->replaces_id || request->issue->same_key))
		return fail(e, E_FORBIDDEN, "siegel-%s asks for nothing that another certificate has", caller_name(caller));
	/* Subject and key are those of the CSR: nothing is made by the engine or inherited from another certificate. Names may be given, since one
	 * that is the CSR's common name alone is to be among them (RFC 8555 7.4); the identities bind them. */
	if (caller == CALLER_ACME && request->operation_case == SIEGEL__REQUEST__OPERATION_ISSUE &&
	    (request->issue->server_key || request->issue->crmf || request->issue->n_subject || request->issue->same_identity_as.len))
		return fail(e, E_FORBIDDEN, "siegel-acme asks with a CSR, and for nothing that another certificate has or the engine makes");
	return 0;
}

bool
request_names_known(const struct registry *r, const Siegel__Issue *q)
{
	const struct profile *profile = registry_profile(r, q->requestor->tenant_id, q->profile);
	const struct authority *ca = registry_authority(r, q->requestor->tenant_id, q->ca);
	return profile && !profile->disabled && ca && ca->status != AUTHORITY_PENDING && ca->status != AUTHORITY_DISABLED &&
	       ca->status != AUTHORITY_OFFLINE;
}

bool
request_is_open(const struct doors *d, const struct registry *r, const Siegel__Issue *q)
{
	const struct authority *ca = registry_authority(r, q->requestor->tenant_id, q->ca);
	const struct profile *profile = registry_profile(r, q->requestor->tenant_id, q->profile);
	return strcmp(q->requestor->source, "rest") == 0 || !ca || !profile || doors_open(d, q->requestor->source, ca, profile);
}

/* On what siegel-acme asks: whose account it is and what that one may, the store looks at in the transaction that revokes. */
static int
check_acme(const Siegel__Revoke *q, struct error *e)
{
	const Siegel__Requestor *who = q->requestor;
	bool by_account = strcmp(who->evidence, "acme") == 0;
	if (q->release || who->account_id || q->endpoint_id <= 0 || (!by_account && strcmp(who->evidence, "certificate") != 0) ||
	    by_account != (q->acme_account > 0) || (by_account && q->signed_data.len))
		return fail(e, E_FORBIDDEN, "siegel-acme revokes for good, at a directory, for an account of ACME or the certificate's own key");
	return by_account ? 0 : acme_revocation_check(q, e);
}

int
request_revoke_check(enum caller caller, const Siegel__Revoke *q, struct error *e)
{
	/* 2 is for CAs, 10 for attribute authorities, 8 for delta CRLs. */
	static const int reasons[] = {0, 1, 3, 4, 5, 9, REASON_HOLD};
	bool acme = caller == CALLER_ACME;
	if (acme && check_acme(q, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(reasons) - acme; i++) /* a hold is nobody's to take back there */
		if (q->release || reasons[i] == q->reason)
			return 0;
	return fail_at(e, E_BAD_VALUE, "reason", "reason: not one that a certificate can be revoked for (RFC 5280 5.3.1)");
}
