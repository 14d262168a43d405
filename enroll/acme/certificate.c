/* The certificate of an order, RFC 8555 7.4.2: with those of the CAs above it, without the root. */
#include <string.h>

#include "enroll/acme/acme.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/pem.h"

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *text = "";
	if (acme_query(x, "SELECT r_found, r_der FROM acme_certificate($1::int8, $2::int8)",
	               (struct db_param[]){DB_INT(x->account.id), DB_INT(x->ids[0])}, 2, &r, e) < 0 || acme_own(r, "certificate", e) < 0)
		return -1;
	x->order = x->ids[0];
	if (db_is_null(r, 0, 1))
		return fail(e, E_NOT_FOUND, "the order has no certificate (yet)");
	for (int i = 0; i < db_rows(r); i++) {
		struct bytes der = db_bytes(r, i, 1, x->arena);
		struct cert c;
		if (cert_parse(der, &c, e) < 0)
			return -1;
		if (i == 0 || !bytes_equal(c.issuer, c.subject)) /* who relies on a root has it (RFC 8555 9.1) */
			text = arena_printf(x->arena, "%s%s", text, pem_encode(x->arena, "CERTIFICATE", der));
	}
	a->content_type = "application/pem-certificate-chain";
	a->body = BYTES_STR(text);
	return 0;
}

const struct acme_operation acme_certificate_resource = {
    .name = "certificate", .path = "cert/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .post = handle};
