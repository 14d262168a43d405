#include "enroll/anchor.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/dn.h"
#include "lib/x509/pem.h"

#define STRENGTH 2 /* OpenSSL's security level: 112 bits (NIST SP 800-57 part 1) */

DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)

static void
free_all(STACK_OF(X509) *certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}
DEFINE_CLEANUP(STACK_OF(X509), free_all)

static X509 *
load(struct bytes der)
{
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	if (x && p != der.data + der.len) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static X509_STORE *
store_of(const struct endpoint *ep)
{
	X509_STORE *store = X509_STORE_new();
	for (size_t i = 0; store && i < ep->n_anchors; i++) {
		X509 *anchor CLEANUP(X509_free) = load(ep->anchors[i]);
		if (!anchor || X509_STORE_add_cert(store, anchor) != 1) {
			X509_STORE_free(store);
			return NULL;
		}
	}
	return store;
}

/* Who issued something is a CA by its basic constraints, an anchor too: one that is a leaf's would let whoever has its key make identities, and
 * OpenSSL lets old self-signed certificates without any pass. */
static int
check_issuers(X509_STORE_CTX *ctx, const char *what, struct error *e)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (X509_check_ca(sk_X509_value(chain, i)) != 1)
			return fail(e, E_FORBIDDEN, "the %s is signed by one that isn't a CA's (RFC 5280 4.2.1.9)", what);
	return 0;
}

static int
load_others(const struct bytes *others, size_t n, const char *what, STACK_OF(X509) **ret, struct error *e)
{
	STACK_OF(X509) *all CLEANUP(free_all) = sk_X509_new_null();
	for (size_t i = 0; i < n; i++) {
		X509 *x CLEANUP(X509_free) = load(others[i]);
		if (!x)
			return fail(e, E_FORBIDDEN, "a certificate that came with the %s can't be read", what);
		if (!all || sk_X509_push(all, x) == 0)
			return fail(e, E_INTERNAL, "certificates can't be put together");
		x = NULL; /* all has it */
	}
	*ret = TAKE(all);
	return 0;
}

int
enroll_anchor_chain(const struct endpoint *ep, struct bytes der, const struct bytes *others, size_t n_others, int purpose, const char *what,
                    struct arena *a, struct error *e)
{
	X509 *leaf CLEANUP(X509_free) = load(der);
	X509_STORE *store CLEANUP(X509_STORE_free) = store_of(ep);
	STACK_OF(X509) *between CLEANUP(free_all) = NULL;
	X509_STORE_CTX *ctx CLEANUP(X509_STORE_CTX_free) = X509_STORE_CTX_new();
	struct cert c;
	if (!leaf || cert_parse(der, &c, e) < 0)
		return fail(e, E_FORBIDDEN, "the %s can't be read", what);
	if (load_others(others, n_others, what, &between, e) < 0)
		return -1;
	if (!store || !ctx || X509_STORE_CTX_init(ctx, store, leaf, between) != 1)
		return fail(e, E_INTERNAL, "the trust anchors of this path can't be used");
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE);
	if (purpose)
		X509_VERIFY_PARAM_set_purpose(param, purpose);
	X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
	X509_VERIFY_PARAM_set_depth(param, LIMIT_CA_DEPTH);
	bool good = X509_verify_cert(ctx) == 1;
	if (!good && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
		return fail(e, E_FORBIDDEN, "the %s's issuer %s isn't among the trust anchors of this path", what, dn_text(a, c.issuer));
	if (!good)
		return fail(e, E_FORBIDDEN, "the %s isn't good under the trust anchors of this path: %s", what,
		            X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	return check_issuers(ctx, what, e);
}

static int
serial_number(struct arena *a, const struct cert *c, const char **ret, struct error *e)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	size_t n = 0;
	const char *found = NULL;
	if (dn_parse(a, c->subject, values, LIMIT_RDN_COUNT, &n, e) < 0)
		return fail(e, E_FORBIDDEN, "the client certificate's subject can't be read: %s", arena_strdup(a, e->detail));
	for (size_t i = 0; i < n; i++)
		if (strcmp(values[i].type->name, "serialNumber") == 0) {
			if (found)
				return fail(e, E_FORBIDDEN, "the client certificate's subject has two serial numbers");
			found = values[i].value;
		}
	if (!found)
		return fail(e, E_FORBIDDEN, "the client certificate's subject has no serialNumber, which this path knows devices by");
	*ret = found;
	return 0;
}

int
enroll_anchor_verify(const struct endpoint *ep, const char *pem, struct arena *a, struct principal *ret_who, struct enroll_identity *ret_rule,
                     struct error *e)
{
	struct bytes der = {0};
	struct cert c;
	struct enroll_identity rule = {0};
	uint8_t hash[SHA256_DIGEST_LENGTH];
	size_t len = strlen(pem);
	if (len > 2 * (size_t)LIMIT_CERT_BYTES)
		return fail(e, E_FORBIDDEN, "the client certificate is too large");
	if (pem_decode(a, pem, len, "CERTIFICATE", NULL, &der, e) < 0 || cert_parse(der, &c, e) < 0)
		return fail(e, E_FORBIDDEN, "the client certificate can't be read: %s", arena_strdup(a, e->detail));
	if (cert_is_ca(&c))
		return fail(e, E_FORBIDDEN, "the client certificate is a CA's (RFC 5280 4.2.1.9), which doesn't sign in");
	if (enroll_anchor_chain(ep, der, NULL, 0, X509_PURPOSE_SSL_CLIENT, "client certificate", a, e) < 0)
		return -1;
	const char *from = endpoint_text(ep, a, "names_from", "serial_number");
	bool number_alone = strcmp(from, "serial_number_only") == 0, any = strcmp(from, "any") == 0;
	if (!any && !number_alone)
		rule.certificate = der;
	if (!any && strcmp(from, "same") != 0) {
		rule.names_bound = !number_alone;
		if (serial_number(a, &c, &rule.serial_number, e) < 0)
			return -1;
	}
	SHA256(der.data, der.len, hash);
	*ret_rule = rule;
	*ret_who = (struct principal){
	    .tenant_id = ep->tenant_id,
	    .name = dn_text(a, c.subject),
	    .identity = arena_printf(a, "anchor:%s", arena_hex(a, hash, sizeof(hash))),
	    .role = ROLE_NONE,
	    .evidence = EVIDENCE_ANCHOR,
	    .certificate = der,
	};
	return 0;
}
