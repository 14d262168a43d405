/* Payloads of ACME of newAccount with an external account, keyChange, revokeCert and device-attest-01 (RFC 8555 7.3, 7.3.4, 7.3.5, 7.6). */
#include "enroll/acme/payload.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct acme_exchange x = {.arena = a, .jws = {.url = "https://ca.example/acme/x/new-account", .kid = "https://ca.example/acme/x/acct/1"}};
	struct db_array contacts;
	struct jws external = {0};
	struct {struct jwk key; struct bytes object; struct cert c; struct error e; bool is; int reason;} of;

	if (size > LIMIT_BODY_BYTES || jws_json((struct bytes){data, size}, "payload", &x.payload, &of.e) < 0)
		return 0;
	db_array_init(&contacts, DB_ARRAY_TEXT, LIMIT_ACME_CONTACTS * (LIMIT_ACME_CONTACT_BYTES + 64));
	(void)!acme_read_contacts(&x, &contacts, &of.is, &of.e);
	db_array_free(&contacts);
	(void)!acme_read_external(&x, json_object_get(x.payload, "externalAccountBinding"), &external, &of.e);
	jws_free(&external);
	(void)!acme_read_key_change(&x, &of.key, &of.e);
	jwk_free(&of.key);
	(void)!acme_read_revocation(&x, &of.c, &of.reason, &of.e);
	(void)!acme_read_attestation(&x, &of.object, &of.e);
	json_decref(x.payload);
	return 0;
}
