/* The one gate. Closed by default: whoever isn't let through by a line below is refused, whatever his message is called. */
#include <openssl/sha.h>
#include <string.h>

#include "enroll/anchor.h"
#include "enroll/scep/scep.h"
#include "lib/x509/pem.h"

/* The signer as a certificate of ours, of this tenant and of the endpoint's CA or one that it followed. E_FORBIDDEN with the pointer AUTH_FOREIGN
 * when it isn't ours at all. */
static int
own_certificate(struct scep_exchange *x, const struct scep_message *m, struct principal *ret, struct error *e)
{
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	struct principal who;
	struct cert cert;
	struct error none;
	bool is_of = false;
	if (cert_parse(m->signer, &cert, &none) < 0)
		return fail_at(e, E_FORBIDDEN, AUTH_FOREIGN, "the signer's certificate isn't one of ours");
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int result = auth_signer_cert(db, m->signer, x->arena, &who, e);
	if (result == 0)
		result = enroll_ca_is_of(db, who.ca_id, x->endpoint.ca_id, &is_of, e);
	db_pool_give(pool, db);
	if (result < 0)
		return -1;
	if (who.tenant_id != x->endpoint.tenant_id || !is_of)
		return fail(e, E_FORBIDDEN, "the signer's certificate is of another CA than this profile's");
	*ret = who;
	return 0;
}

static bool
is_foreign(const struct error *e)
{
	return e->code == E_FORBIDDEN && strcmp(e->pointer, AUTH_FOREIGN) == 0;
}

bool
scep_is_known(struct scep_exchange *x, const struct scep_message *m)
{
	struct principal who;
	struct error none;
	return x->endpoint.auth & ENDPOINT_CERTIFICATE && cms_signed_verify(&m->cms, m->signer, x->legacy, &none) == 0 &&
	       own_certificate(x, m, &who, &none) == 0;
}

/* RFC 8894 3.3.1.2 and 3.3.2: by a certificate of ours the next one for the same identity; by one of another CA (a manufacturer's) a first one. */
static int
by_certificate(struct scep_exchange *x, const struct scep_message *m, struct scep_grant *ret, struct error *e)
{
	struct scep_grant g = {0};
	if (!(x->endpoint.auth & ENDPOINT_CERTIFICATE))
		return fail(e, E_FORBIDDEN, "this profile lets nobody in by a certificate");
	if (own_certificate(x, m, &g.who, e) == 0) {
		g.renewal = true;
		*ret = g;
		return 0;
	}
	if (!is_foreign(e) || x->endpoint.n_anchors == 0)
		return -1;
	if (enroll_anchor_verify(&x->endpoint, pem_encode(x->arena, "CERTIFICATE", m->signer), x->arena, &g.who, &g.rule, e) < 0)
		return -1;
	*ret = g;
	return 0;
}

/* The static challenge, compared by its hash: neither its length nor where it differs shows in the time. */
static bool
is_static_challenge(const struct endpoint *ep, struct bytes challenge)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	if (!(ep->auth & ENDPOINT_CHALLENGE) || ep->challenge_hash.len != sizeof(hash))
		return false;
	SHA256(challenge.data, challenge.len, hash);
	return secret_equal(hash, sizeof(hash), ep->challenge_hash.data, ep->challenge_hash.len);
}

/* Who speaks with a secret that isn't his alone. */
static struct principal
anybody(struct scep_exchange *x, enum evidence evidence)
{
	const struct endpoint *ep = &x->endpoint;
	return (struct principal){
	    .tenant_id = ep->tenant_id,
	    .name = arena_printf(x->arena, "scep %s", ep->label),
	    .identity = arena_printf(x->arena, "endpoint:%lld", (long long)ep->id),
	    .role = ROLE_NONE,
	    .evidence = evidence,
	};
}

static int
find_code(struct scep_exchange *x, struct bytes challenge, struct scep_grant *ret, struct error *e)
{
	const struct endpoint *ep = &x->endpoint;
	struct scep_grant g = {.challenge = challenge};
	if (!(ep->auth & ENDPOINT_CODE))
		return fail(e, E_UNAUTHENTICATED, "the challengePassword is wrong, expired or used");
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int result = enroll_code_find(db, ep, challenge, x->arena, &g.who, &g.rule, &g.code_id, e);
	db_pool_give(pool, db);
	if (result == 0)
		*ret = g;
	else if (e->code == E_UNAUTHENTICATED)
		return fail(e, E_UNAUTHENTICATED, "the challengePassword is wrong, expired or used");
	return result;
}

/* What we know ourselves comes first; a secret that isn't ours may be another server's. */
static int
find_secret(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, struct scep_grant *ret, struct error *e)
{
	if (is_static_challenge(&x->endpoint, csr->challenge)) {
		*ret = (struct scep_grant){.challenge = csr->challenge, .who = anybody(x, EVIDENCE_CHALLENGE)};
		return 0;
	}
	if (find_code(x, csr->challenge, ret, e) == 0)
		return 0;
	if (e->code != E_UNAUTHENTICATED || !(x->endpoint.auth & ENDPOINT_WEBHOOK) || scep_webhook_allows(x, m, csr, e) < 0)
		return -1;
	*ret = (struct scep_grant){.who = anybody(x, EVIDENCE_WEBHOOK)};
	return 0;
}

const char *
scep_throttle_key(const struct scep_exchange *x)
{
	return arena_printf(x->arena, "scep %s %lld", x->request->client, (long long)x->endpoint.id);
}

/* By the challengePassword (RFC 8894 2.3): the message has to be signed by the key that is to be certified. */
static int
by_challenge(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, struct scep_grant *ret, struct error *e)
{
	if (!(x->endpoint.auth & (ENDPOINT_CHALLENGE | ENDPOINT_CODE | ENDPOINT_WEBHOOK)))
		return fail(e, E_FORBIDDEN, "this profile lets nobody in by a challenge");
	if (!bytes_equal(csr->spki, m->signer_cert.spki))
		return fail(e, E_FORBIDDEN, "the message isn't signed by the key of its request (RFC 8894 2.3)");
	if (csr->challenge.len == 0)
		return fail(e, E_UNAUTHENTICATED, "the request has no challengePassword (RFC 8894 2.4)");
	const char *key = scep_throttle_key(x);
	if (throttle_check(key, e) < 0)
		return -1;
	if (find_secret(x, m, csr, ret, e) < 0) {
		if (e->code == E_UNAUTHENTICATED)
			throttle_failed(key);
		return -1;
	}
	throttle_ok(key);
	return 0;
}

/* PKCSReq: sscep renews with it, signing by the old certificate, so that a certificate of ours counts first; a challenge in the request counts when
 * the certificate is the client's own. */
static int
enrol(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, struct scep_grant *ret, struct error *e)
{
	if (by_certificate(x, m, ret, e) == 0)
		return 0;
	/* A certificate of ours that is no good any more (expired, revoked) opens nothing by itself, and takes nothing from who has a challenge. */
	if (e->code != E_FORBIDDEN || (csr->challenge.len == 0 && !is_foreign(e) && (x->endpoint.auth & ENDPOINT_CERTIFICATE)))
		return -1;
	return by_challenge(x, m, csr, ret, e);
}

int
scep_authorise(struct scep_exchange *x, enum scep_need need, const struct scep_message *m, const struct csr *csr, struct scep_grant *ret,
               struct error *e)
{
	int result = -1;
	switch (need) {
	case SCEP_NEED_ENROL:
		result = csr ? enrol(x, m, csr, ret, e) : fail(e, E_FORBIDDEN, "there is no request");
		break;
	case SCEP_NEED_RENEW:
		result = by_certificate(x, m, ret, e);
		break;
	case SCEP_NEED_OWN:
		result = own_certificate(x, m, &ret->who, e);
		break;
	case SCEP_NEED_TRANSACTION:
		result = scep_transaction_find(x, m, &ret->transaction, e);
		break;
	case SCEP_NEED_CLOSED:
	default:
		return fail(e, E_FORBIDDEN, "nobody may ask for that");
	}
	if (result == 0 && ret->who.tenant_id) {
		x->who = ret->who.name;
		x->evidence = evidence_name(ret->who.evidence);
	}
	return result;
}
