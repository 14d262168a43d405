/* Who asks: what the evidence of a request comes to at the door that it came by (RFC 7030 3.2.3, 3.3, 3.7). */
#include <string.h>
#include "enroll/anchor.h"
#include "enroll/code.h"
#include "enroll/est/est.h"
#include "lib/x509/cert.h"
#include "lib/x509/keytype.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

/* A password or a code, slowed down by address and account together: a stranger's guesses don't lock the account for others. Which of the two it is
 * shows by itself: both are random, and one that isn't one of an account may be a code. taken: which of the two are; bits of enum endpoint_auth. */
static int
take_secret(struct est_exchange *x, struct db *db, const char *authorization, unsigned taken, struct error *e)
{
	struct arena *a = x->request->arena;
	const char *key = arena_printf(a, "est %s %s", x->request->client, auth_basic_name(a, authorization));
	int rc = -1;
	if (throttle_check(key, e) < 0)
		return -1;
	(void)fail(e, E_UNAUTHENTICATED, AUTH_SECRET_REFUSED);
	if (taken & ENDPOINT_PASSWORD)
		rc = enroll_password(est_enroll(x->est), db, authorization, a, &x->who, e);
	if (rc < 0 && e->code == E_UNAUTHENTICATED && taken & ENDPOINT_CODE) {
		struct bytes secret = auth_basic_secret(a, authorization);
		if (secret.len)
			rc = enroll_code_find(db, &x->door, secret, a, &x->who, &x->rules[0], &x->code_id, e);
	}
	if (rc == 0)
		throttle_ok(key);
	else if (e->code == E_UNAUTHENTICATED)
		throttle_failed(key);
	return rc;
}

/* One of ours, or one under the door's anchors. What is ours is looked up in the store alone, whatever the anchors are: there it may be revoked. */
static int
take_certificate(struct est_exchange *x, struct db *db, bool expired_passes, struct error *e)
{
	const char *pem = http_client_cert_pem(x->request);
	struct arena *a = x->request->arena;
	int rc = expired_passes ? auth_client_cert_expired(db, pem, a, &x->shown, e) : auth_client_cert(db, pem, a, &x->shown, e);
	if (rc < 0 && strcmp(e->pointer, AUTH_FOREIGN) == 0 && x->door.n_anchors)
		rc = enroll_anchor_verify(&x->door, pem, a, &x->shown, &x->rules[1], e);
	x->has_certificate = rc == 0;
	return rc;
}

/* Whether the CA that issued the certificate is the door's, or one that it followed: what one CA gave is good for that CA (RFC 7030 3.7, E03). */
static int
check_ca(const struct est_exchange *x, struct db *db, struct error *e)
{
	bool is;
	if (x->door.ca_id == 0)
		return fail(e, E_UNAVAILABLE, "no CA is in service on this path");
	if (enroll_ca_is_of(db, x->shown.ca_id, x->door.ca_id, &is, e) < 0)
		return -1;
	if (is)
		return 0;
	return x->shown.is_ra ? fail(e, E_FORBIDDEN, "the client certificate is a registration authority's of another CA (RFC 7030 3.7)")
			      : fail(e, E_FORBIDDEN, "the client certificate is of another CA than this path's");
}

/* What a certificate that passed may do at this door. */
static int
check_shown(const struct est_exchange *x, struct db *db, struct error *e)
{
	if (x->shown.tenant_id != x->door.tenant_id)
		return fail(e, E_FORBIDDEN, "whoever asks belongs to another tenant than this path");
	if (x->shown.account_id || x->shown.evidence != EVIDENCE_CERTIFICATE)
		return 0;
	bool of_tenant = strcmp(endpoint_text(&x->door, x->request->arena, "devices_of", "ca"), "tenant") == 0;
	return of_tenant && !x->shown.is_ra ? 0 : check_ca(x, db, e);
}

static int
want_both(struct est_exchange *x, struct db *db, const char *authorization, bool expired_passes, struct error *e)
{
	if (!authorization)
		return fail(e, E_UNAUTHENTICATED, "a password or code (RFC 7617) is wanted on this path, with the client certificate");
	if (!http_client_cert_pem(x->request))
		return fail(e, E_FORBIDDEN, "a client certificate is wanted on this path, and a password or code with it (RFC 7030 3.3.2)");
	if (take_certificate(x, db, expired_passes, e) < 0 || check_shown(x, db, e) < 0 ||
	    take_secret(x, db, authorization, ENDPOINT_PASSWORD | ENDPOINT_CODE, e) < 0)
		return -1;
	if (x->shown.account_id && x->who.account_id != x->shown.account_id)
		return fail(e, E_FORBIDDEN, "the client certificate is that of another account");
	return 0;
}

static int
want_certificate(struct est_exchange *x, struct db *db, bool expired_passes, struct error *e)
{
	if (take_certificate(x, db, expired_passes, e) < 0 || check_shown(x, db, e) < 0)
		return -1;
	x->who = x->shown;
	return 0;
}

/* For what names the certificate that is renewed. */
static int
want_renewal(struct est_exchange *x, struct db *db, const char *authorization, struct error *e)
{
	if (!(x->door.auth & (ENDPOINT_CERTIFICATE | ENDPOINT_BOTH)))
		return fail(e, E_FORBIDDEN, "certificates aren't taken on this path, and so aren't renewed on it (RFC 7030 4.2.2)");
	if (!http_client_cert_pem(x->request))
		return fail(e, E_FORBIDDEN,
		            "the client certificate that is to be renewed is wanted in the TLS handshake; a password isn't enough "
		            "(RFC 7030 4.2.2)");
	int rc = x->door.auth & ENDPOINT_CERTIFICATE ? want_certificate(x, db, true, e) : want_both(x, db, authorization, true, e);
	if (rc == 0 && x->shown.evidence == EVIDENCE_ANCHOR)
		return fail(e, E_FORBIDDEN,
			    "the client certificate isn't one of this system's, which are renewed: ask by simpleenroll (RFC 7030 4.2.2)");
	return rc;
}

/* What this path takes, for who came without any of it. */
static int
say_wanted(const struct est_exchange *x, struct error *e)
{
	static const struct {
		enum endpoint_auth bit;
		const char *text;
	} known[] = {
	    {ENDPOINT_PASSWORD, "an account and its password (RFC 7617)"},
	    {ENDPOINT_CODE, "a one-time code in place of a password (RFC 7617)"},
	    {ENDPOINT_CERTIFICATE, "a client certificate in the TLS handshake"},
	    {ENDPOINT_BOTH, "a client certificate with a password or code"},
	};
	bool secret = x->door.auth & (ENDPOINT_PASSWORD | ENDPOINT_CODE);
	const char *text = "";
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (x->door.auth & known[i].bit)
			text = arena_printf(x->request->arena, "%s%s%s", text, *text ? ", or " : "", known[i].text);
	return secret ? fail(e, E_UNAUTHENTICATED, "wanted on this path: %s", text)
		      : fail(e, E_FORBIDDEN, "wanted on this path: %s; passwords alone aren't taken", text);
}

/* A password that is sent decides: who sends one asks for that account. */
static int
want_any(struct est_exchange *x, struct db *db, const char *authorization, struct error *e)
{
	bool takes_secret = x->door.auth & (ENDPOINT_PASSWORD | ENDPOINT_CODE), takes_certificate = x->door.auth & ENDPOINT_CERTIFICATE;
	const char *pem = http_client_cert_pem(x->request);
	if (x->door.auth & ENDPOINT_BOTH && ((pem && authorization) || !(takes_secret || takes_certificate)))
		return want_both(x, db, authorization, false, e);
	if (authorization && takes_secret)
		return take_secret(x, db, authorization, x->door.auth, e);
	if (pem && takes_certificate)
		return want_certificate(x, db, false, e);
	return say_wanted(x, e);
}

int
est_authenticate(struct est_exchange *x, enum est_auth wanted, struct error *e)
{
	const char *authorization = http_header_get(x->request, "Authorization");
	struct db_pool *pool = enroll_db(est_enroll(x->est));
	struct db *db = NULL;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int rc = wanted == EST_AUTH_CERTIFICATE ? want_renewal(x, db, authorization, e) : want_any(x, db, authorization, e);
	db_pool_give(pool, db); /* the engine takes its time; others want the connection */
	if (rc == 0 && x->who.tenant_id != x->door.tenant_id)
		return fail(e, E_FORBIDDEN, "whoever asks belongs to another tenant than this path");
	return rc;
}

int
est_may_enroll(const struct est_exchange *x, struct bytes *ret_same, struct error *e)
{
	*ret_same = (struct bytes){0};
	if (x->who.account_id && !(x->who.rights & RIGHT_BIT(RIGHT_ISSUE)))
		return fail(e, E_FORBIDDEN, "the account's role %s may not request certificates", x->who.role);
	/* A device by its own certificate asks for itself alone; an account, and a registration authority for its CA, ask for others. What codes and
	 * manufacturers' certificates are for stands in the rules. */
	if (x->has_certificate && !x->shown.account_id && !x->shown.is_ra && x->shown.evidence == EVIDENCE_CERTIFICATE)
		*ret_same = x->shown.certificate;
	return 0;
}

/* Of its purposes one is wanted: clientAuth as in the TLS handshake, or that of a registration authority, which signs and needn't do more. */
static int
find_signer(struct est_exchange *x, struct db *db, struct bytes certificate, struct error *e)
{
	struct arena *a = x->request->arena;
	struct cert c;
	if (cert_parse(certificate, &c, e) < 0)
		return fail(e, E_FORBIDDEN, "the signer's certificate can't be read");
	if (!cert_has_usage(&c, USAGE_DIGITAL_SIGNATURE, true))
		return fail(e, E_FORBIDDEN, "the signer's certificate isn't for signatures (RFC 5280 4.2.1.3)");
	if (cert_has_eku(&c, OID_EKU_CMC_RA, false) && !cert_has_eku(&c, OID_EKU_CLIENT_AUTH, true))
		return auth_signer_cert(db, certificate, a, &x->shown, e);
	return auth_client_cert(db, pem_encode(a, "CERTIFICATE", certificate), a, &x->shown, e);
}

int
est_authenticate_signer(struct est_exchange *x, struct bytes certificate, struct error *e)
{
	struct db_pool *pool = enroll_db(est_enroll(x->est));
	struct db *db = NULL;
	if (!(x->door.auth & ENDPOINT_CERTIFICATE))
		return fail(e, E_FORBIDDEN, "certificates alone aren't evidence on this path, and a signed request has no other");
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int rc = find_signer(x, db, certificate, e);
	if (rc == 0)
		rc = check_shown(x, db, e);
	db_pool_give(pool, db);
	if (rc < 0)
		return -1;
	x->who = x->shown;
	x->has_certificate = true;
	return 0;
}
