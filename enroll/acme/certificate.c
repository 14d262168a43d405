/* The certificate of an order, RFC 8555 7.4.2: with those of the CAs above it, without the root; and other chains over it. */
#include <string.h>

#include "enroll/acme/acme.h"
#include "enroll/acme/chains.h"
#include "enroll/kept.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

/* The certificate's own address for 0, and below it that of each other chain. */
static const char *
chain_url(struct acme_exchange *x, size_t n)
{
	const char *url = acme_url(x, "cert", x->order);
	return n == 0 ? url : arena_printf(x->arena, "%s/%zu", url, n);
}

/* What is kept: how many chains there are, in one octet, and the wanted one in PEM, without the certificate itself. */
struct chain_wanted {
	struct acme_exchange *x;
	int64_t number;
};

static int
make_chain(void *ctx, struct bytes *ret, struct error *e)
{
	const struct chain_wanted *w = ctx;
	struct acme_exchange *x = w->x;
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct acme_chain chains[ACME_CHAINS_MAX];
	if (acme_query(x, "SELECT r_found, r_der FROM acme_chains($1::int8, $2::int8)",
	               (struct db_param[]){DB_INT(x->account.id), DB_INT(x->ids[0])}, 2, &r, e) < 0 || acme_own(r, "certificate", e) < 0)
		return -1;
	struct bytes *certs = arena_alloc(x->arena, (size_t)db_rows(r) * sizeof(*certs));
	for (int i = 0; i < db_rows(r); i++)
		certs[i] = db_bytes(r, i, 1, x->arena);
	size_t n = acme_chains_find(certs[0], certs + 1, (size_t)db_rows(r) - 1, chains);
	if (n == 0)
		return fail(e, E_INTERNAL, "the certificate can't be read");
	const char *text = arena_printf(x->arena, "%c", (int)n);
	for (size_t i = 0; w->number < (int64_t)n && i < chains[w->number].n; i++)
		text = arena_printf(x->arena, "%s%s", text, pem_encode(x->arena, "CERTIFICATE", chains[w->number].certs[i]));
	*ret = BYTES_STR(text);
	return 0;
}

/* The chains over all certificates of a CA are the same. */
static int
answer_chain(struct acme_exchange *x, struct http_answer *a, int64_t wanted, struct error *e)
{
	enum { FOUND, DER, CA };
	static const struct acme_statement statement = {
	    .signed_sql = "SELECT r_found, r_der, r_ca FROM acme_signed_certificate($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::int8)",
	    .sql = "SELECT r_found, r_der, r_ca FROM acme_certificate_get($1::int8, $2::int8)",
	    .skip = 1,
	};
	static struct kept chains = KEPT_INIT;
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct chain_wanted w = {x, wanted};
	struct bytes chain;
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_INT(x->account.id), DB_INT(x->ids[0])};
	if (acme_query_signed(x, &statement, row, ARRAY_LEN(row), &r, e) < 0 || acme_own(r, "certificate", e) < 0)
		return -1;
	x->order = x->ids[0];
	if (db_is_null(r, 0, DER))
		return fail(e, E_NOT_FOUND, "the order has no certificate (yet)");
	const char *key = arena_printf(x->arena, "%lld/%lld", (long long)db_int(r, 0, CA), (long long)wanted);
	if (wanted < ACME_CHAINS_MAX && kept_get(&chains, x->arena, key, key, make_chain, &w, &chain, e) < 0)
		return -1;
	if (wanted >= ACME_CHAINS_MAX || wanted >= chain.data[0])
		return fail(e, E_NOT_FOUND, "there is no such chain: the links of the certificate's address name those that there are");
	for (size_t i = 0; i < chain.data[0]; i++)
		if ((int64_t)i != wanted)
			acme_answer_link(x, a, chain_url(x, i), "alternate");
	a->content_type = "application/pem-certificate-chain";
	a->body = BYTES_STR(arena_printf(x->arena, "%s%.*s", pem_encode(x->arena, "CERTIFICATE", db_bytes(r, 0, DER, x->arena)), (int)chain.len - 1,
	                                 (const char *)chain.data + 1));
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
    .name = "certificate", .path = "cert/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .late = true, .post = handle};
const struct acme_operation acme_certificate_chain = {
    .name = "certificate", .path = "cert/#/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .late = true, .post = handle_other};
