/* The certificate of an order, RFC 8555 7.4.2: with those of the CAs above it, without the root; and other chains over it. */
#include <string.h>

#include "enroll/acme/acme.h"
#include "enroll/acme/chains.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

/* The certificate's own address for 0, and below it that of each other chain. */
static const char *
chain_url(struct acme_exchange *x, size_t n)
{
	const char *url = acme_url(x, "cert", x->order);
	return n == 0 ? url : arena_printf(x->arena, "%s/%zu", url, n);
}

static int
answer_chain(struct acme_exchange *x, struct http_answer *a, int64_t wanted, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct acme_chain chains[ACME_CHAINS_MAX];
	if (acme_query(x, "SELECT r_found, r_der FROM acme_chains($1::int8, $2::int8)",
	               (struct db_param[]){DB_INT(x->account.id), DB_INT(x->ids[0])}, 2, &r, e) < 0 || acme_own(r, "certificate", e) < 0)
		return -1;
	x->order = x->ids[0];
	if (db_is_null(r, 0, 1))
		return fail(e, E_NOT_FOUND, "the order has no certificate (yet)");
	struct bytes *certs = arena_alloc(x->arena, (size_t)db_rows(r) * sizeof(*certs));
	for (int i = 0; i < db_rows(r); i++)
		certs[i] = db_bytes(r, i, 1, x->arena);
	size_t n = acme_chains_find(certs[0], certs + 1, (size_t)db_rows(r) - 1, chains);
	if (n == 0)
		return fail(e, E_INTERNAL, "the certificate can't be read");
	if (wanted >= (int64_t)n)
		return fail(e, E_NOT_FOUND, "there is no such chain: the links of the certificate's address name those that there are");
	const char *text = pem_encode(x->arena, "CERTIFICATE", certs[0]);
	for (size_t i = 0; i < chains[wanted].n; i++)
		text = arena_printf(x->arena, "%s%s", text, pem_encode(x->arena, "CERTIFICATE", chains[wanted].certs[i]));
	for (size_t i = 0; i < n; i++)
		if ((int64_t)i != wanted)
			acme_answer_link(x, a, chain_url(x, i), "alternate");
	a->content_type = "application/pem-certificate-chain";
	a->body = BYTES_STR(text);
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	return answer_chain(x, a, 0, e);
}

static int
handle_other(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	return answer_chain(x, a, x->ids[1], e);
}

const struct acme_operation acme_certificate_resource = {
    .name = "certificate", .path = "cert/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .post = handle};
const struct acme_operation acme_certificate_chain = {
    .name = "certificate", .path = "cert/#/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .post = handle_other};
