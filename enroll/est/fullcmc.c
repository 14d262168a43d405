/* fullcmc, RFC 7030 4.3: a Full PKI Request (RFC 5272 3.2) that says by its signature who asks, and a Full PKI Response that the registration
 * authority of the path's CA signs, also when it refuses. */
#include <openssl/rand.h>
#include <string.h>
#include "enroll/cms.h"
#include "enroll/est/cmc.h"
#include "enroll/est/est.h"
#include "enroll/kept.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"

#define CMC_RESPONSE_TYPE "application/pkcs7-mime; smime-type=CMC-response"
#define OID_CCT_PKI_DATA OID_BYTES("\x2b\x06\x01\x05\x05\x07\x0c\x02")     /* RFC 5272 3.2 */
#define OID_CCT_PKI_RESPONSE OID_BYTES("\x2b\x06\x01\x05\x05\x07\x0c\x03")
#define NONCE_BYTES 16

/* The response, signed: *ret is a ContentInfo. certificate: empty when none was issued. */
static int
respond(struct est_exchange *x, const struct enroll_ra *ra, const struct cmc_request *q, struct cmc_answer *answer, struct bytes certificate,
        struct bytes *ret, struct error *e)
{
	Siegel__RaSign request;
	Siegel__CmcReply kind = SIEGEL__CMC_REPLY__INIT;
	uint8_t *nonce = arena_alloc(x->request->arena, NONCE_BYTES);
	struct bytes content;
	if (RAND_bytes(nonce, NONCE_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	answer->nonce = (struct bytes){nonce, NONCE_BYTES};
	siegel__ra_sign__init(&request);
	request.answer_case = SIEGEL__RA_SIGN__ANSWER_CMC_REPLY;
	request.cmc_reply = &kind;
	return cmc_encode(x->request->arena, q, answer, &content, e) < 0
	    ? -1
	    : est_ra_sign(x, ra, &request, OID_CCT_PKI_RESPONSE, content, &certificate, certificate.len ? 1 : 0, ret, e);
}

/* Who signed, and that the signature is good. */
static int
authenticate(struct est_exchange *x, const struct cms_signed *s, struct cmc_request *q, struct error *e)
{
	q->failure = CMC_BAD_MESSAGE_CHECK;
	if (!s->has_signer)
		return fail(e, E_FORBIDDEN, "the message isn't signed");
	const struct bytes *certificate = cms_signer_certificate(s);
	if (!certificate)
		return fail(e, E_FORBIDDEN, "the signer's certificate isn't in the message");
	if (cms_signed_verify(s, *certificate, false, e) < 0) {
		if (e->code == E_NOT_FOUND) /* a signed attribute that has to be there */
			e->code = E_MALFORMED;
		return -1;
	}
	q->failure = CMC_BAD_IDENTITY;
	return est_authenticate_signer(x, *certificate, e);
}

static int
issue(struct est_exchange *x, struct cmc_request *q, struct enroll_result *ret, struct error *e)
{
	struct bytes same;
	q->failure = CMC_BAD_IDENTITY;
	if (est_may_enroll(x, &same, e) < 0)
		return -1;
	struct enroll_request r = est_request(x, est_fullcmc.name, same);
	r.csr = q->request;
	r.crmf = q->crmf;
	if (enroll_issue(est_enroll(x->est), &r, x->request->arena, ret, e) < 0) {
		q->failure = (enum cmc_failure)error_cmc_fail_info(e->code);
		return -1;
	}
	x->serial = ret->serial;
	x->repeated = ret->repeated;
	return 0;
}

/* From the message to the certificate. What went wrong stands in *q too. */
static int
run(struct est_exchange *x, struct bytes message, struct cmc_request *q, struct enroll_result *ret, struct error *e)
{
	struct arena *a = x->request->arena;
	struct cms_signed s;
	*q = (struct cmc_request){.status = CMC_FAILED, .failure = CMC_BAD_REQUEST};
	if (cms_signed_parse(a, message, &s, e) < 0)
		return -1;
	if (!bytes_equal(s.content_type, OID_CCT_PKI_DATA) || !s.has_content)
		return fail(e, E_MALFORMED, "the message isn't a PKIData (RFC 5272 3.2)");
	if (cmc_parse(a, s.content, q, e) < 0 || authenticate(x, &s, q, e) < 0 || cmc_check_request(a, q, e) < 0)
		return -1;
	return issue(x, q, ret, e);
}

/* RFC 7030 4.3.2: a refusal has a response as its body. When there is none to be had the text goes out. */
static void
refuse(struct est_exchange *x, const struct enroll_ra *ra, const struct cmc_request *q, const struct error *e)
{
	struct error ignored;
	bool pending = e->code == E_PENDING;
	struct cmc_answer answer = {
	    .status = pending ? CMC_PENDING : q->status,
	    .failure = q->failure,
	    .text = e->code == E_INTERNAL ? NULL : e->detail,
	};
	if (respond(x, ra, q, &answer, (struct bytes){0}, &x->refusal, &ignored) < 0)
		x->refusal = (struct bytes){0};
	x->answer_type = CMC_RESPONSE_TYPE;
}

struct flood {
	struct est_exchange *x;
	const struct error *e;
};

static int
make_wait(void *ctx, struct bytes *ret, struct error *e)
{
	const struct flood *f = ctx;
	struct cmc_request q = {.status = CMC_FAILED};
	struct cmc_answer answer = {.status = CMC_FAILED, .failure = (enum cmc_failure)error_cmc_fail_info(f->e->code), .text = f->e->detail};
	struct enroll_ra ra;
	return est_ra(f->x, &ra, e) < 0 ? -1 : respond(f->x, &ra, &q, &answer, (struct bytes){0}, ret, e);
}

/* Those who have to wait get one and the same response: signatures are what they are kept from. */
static void
refuse_flood(struct est_exchange *x, const struct error *e)
{
	static struct kept waits = KEPT_INIT;
	struct flood f = {x, e};
	struct error ignored;
	const char *key = arena_printf(x->request->arena, "%d %s %d", x->door.tenant_id, x->door.label, x->door.ca_id);
	if (kept_get(&waits, x->request->arena, x->door.label, key, make_wait, &f, &x->refusal, &ignored) < 0)
		x->refusal = (struct bytes){0};
	x->answer_type = CMC_RESPONSE_TYPE;
}

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	struct arena *a = x->request->arena;
	/* Whoever isn't known costs a signature: those who are refused again and again wait. */
	const char *key = arena_printf(a, "est cmc %s", x->request->client);
	struct cmc_answer answer = {.status = CMC_SUCCESS, .failure = CMC_NO_FAILURE};
	struct cmc_request q = {.status = CMC_FAILED, .failure = CMC_BAD_REQUEST};
	struct enroll_result issued = {0};
	struct enroll_ra ra;
	struct bytes message;
	if (throttle_check(key, e) < 0) {
		refuse_flood(x, e);
		return -1;
	}
	if (est_ra(x, &ra, e) < 0)
		return -1;
	if (est_message_decode(a, x->request->body, &message, e) < 0 || run(x, message, &q, &issued, e) < 0) {
		if (!x->who.name)
			throttle_failed(key);
		refuse(x, &ra, &q, e);
		return -1;
	}
	throttle_ok(key);
	x->answer_type = CMC_RESPONSE_TYPE;
	return respond(x, &ra, &q, &answer, issued.certificate, ret_body, e);
}

const struct est_operation est_fullcmc = {
    .name = "fullcmc",
    .method = "POST",
    .content_type = "application/pkcs7-mime",
    .auth = EST_AUTH_SIGNER,
    .handle = handle,
};
