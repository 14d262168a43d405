/* PKIOperation, RFC 8894 4.3: from a message to its CertRep. */
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <time.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"
#include "lib/utf8.h"

#define HIDDEN_NS 25000000L
#define CIPHERTEXTS_MAX 100 /* a minute by one key; also who asks for what isn't here is counted */
#define STRANGERS_MAX 200 /* a minute from one address: some seconds of work, and a plant of devices whose certificates ran out stays below it */

static const struct scep_message_type *const types[] = {&scep_pkcs_req, &scep_renewal_req, &scep_cert_poll, &scep_get_cert, &scep_get_crl};

static const struct scep_message_type *
find_type(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i]->type == number)
			return types[i];
	return NULL;
}

int
scep_content_parse(const struct scep_message_type *type, struct bytes content, struct csr *csr, struct error *e)
{
	struct scep_names names;
	struct scep_serial serial;
	if (type->has_csr)
		return scep_csr_parse(content, csr, e);
	return type->type == SCEP_CERT_POLL ? scep_names_parse(content, &names, e) : scep_serial_parse(content, &serial, e);
}

/* RFC 8894 3.2: what can be told before anything is decrypted. */
static int
check_outside(struct scep_exchange *x, const struct scep_message *m, const struct scep_message_type **ret_type, struct error *e)
{
	if (cms_signed_verify(&m->cms, m->signer, x->legacy, e) < 0) {
		x->fail = e->code == E_UNSUPPORTED || e->code == E_BAD_KEY ? SCEP_BAD_ALG : SCEP_BAD_MESSAGE_CHECK;
		return -1;
	}
	const struct scep_message_type *type = find_type(m->type);
	if (!type)
		return fail(e, E_MALFORMED, "messageType: 17, 19, 20, 21 and 22 are known (RFC 8894 3.2.1.2)");
	if (m->sender_nonce.len == 0)
		return fail(e, E_MALFORMED, "senderNonce: 16 octets are wanted (RFC 8894 3.2.1.5)");
	x->type = type->name;
	*ret_type = type;
	return 0;
}

/* What went wrong on our side is told by HTTP, so that the client comes again; all else is an answer (RFC 8894 4.3). */
static bool
is_answer(const struct error *e)
{
	int status = error_http_status(e->code);
	return status < 500 && status != 429;
}

/* Ciphertexts that are tried out are counted for the key that signs, which the gate has found to be one of ours; nothing takes that back. */
static const char *
ciphertexts_of(const struct scep_exchange *x, const struct scep_message *m)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(m->signer_cert.spki.data, m->signer_cert.spki.len, hash);
	return arena_printf(x->arena, "scep ciphertext %s", arena_hex(x->arena, hash, sizeof(hash)));
}

static int
authorise_query(struct scep_exchange *x, const struct scep_message_type *type, const struct scep_message *m, struct scep_grant *ret, struct error *e)
{
	if (scep_authorise(x, type->need, m, NULL, ret, e) < 0)
		return -1;
	x->ciphertexts = ciphertexts_of(x, m);
	return throttle_check_of(x->ciphertexts, CIPHERTEXTS_MAX, e);
}

/* The whole way of a message: signature, envelope, gate, work. The content of a type without a request has no signature of its own: a stranger could
 * send another's ciphertext, changed, and learn from the answers what is in it. There the gate comes first, and whoever it lets through hears one
 * answer for everything up to a content that names, whole, what is here (Vaudenay's attack). */
static int
process(struct scep_exchange *x, const struct scep_message *m, const struct enroll_ra *ras, size_t n_ras, const struct enroll_ra **ra,
        struct scep_answer *answer, struct error *e)
{
	const struct scep_message_type *type = NULL;
	struct scep_opened opened = {0};
	struct scep_grant grant = {0};
	if (check_outside(x, m, &type, e) < 0 || (!type->has_csr && authorise_query(x, type, m, &grant, e) < 0) ||
	    scep_open_envelope(x, m, type, ras, n_ras, ra, &opened, e) < 0 ||
	    (type->has_csr && scep_authorise(x, type->need, m, &opened.csr, &grant, e) < 0))
		return -1;
	answer->cipher = opened.cipher;
	/* Before anything is issued that couldn't be handed out. */
	if (scep_check_answerable(x, m, &grant, e) < 0)
		return -1;
	const struct scep_work work = {.message = m, .grant = &grant, .content = opened.content, .csr = type->has_csr ? &opened.csr : NULL};
	if (type->handle(x, &work, &answer->content, e) == 0)
		return 0;
	return type->has_csr || x->named || !is_answer(e) ? -1 : scep_hide(x, type);
}

static const char *
refusal_text(const struct scep_exchange *x, const struct error *e)
{
	if (x->hidden && x->fail == SCEP_BAD_CERT_ID)
		return "there is nothing here that the message names, or it can't be decrypted (RFC 8894 3.2.2)";
	if (x->hidden)
		return "the message can't be decrypted, or what is in it can't be read (RFC 8894 3.2.2)";
	size_t len = strlen(e->detail);
	return len <= LIMIT_SCEP_TEXT_BYTES ? e->detail
	                                    : arena_strndup(x->arena, e->detail, utf8_whole(e->detail, LIMIT_SCEP_TEXT_BYTES));
}

static void
refuse(struct scep_exchange *x, const struct error *e, struct scep_answer *answer)
{
	answer->status = SCEP_FAILURE;
	answer->fail = x->fail >= 0 ? (enum scep_fail)x->fail : (enum scep_fail)error_scep_fail_info(e->code);
	answer->text = refusal_text(x, e);
	x->status = "failure";
}

/* How far a content was read shows in the time as well: all that is hidden takes the same, which is more than reading it does. */
static void
wait_until(struct timespec t, long ns)
{
	t.tv_nsec += ns;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* Strangers cost two operations with a private key each, and are counted for each address. Somebody who comes in takes that back, as many may share
 * an address. */
static const char *
strangers_of(const struct scep_exchange *x)
{
	return arena_printf(x->arena, "scep stranger %s", x->request->client);
}

static void
count(const struct scep_exchange *x, const char *strangers, bool refused)
{
	if (refused && x->hidden && x->ciphertexts)
		throttle_failed(x->ciphertexts);
	if (refused && !x->who)
		throttle_failed(strangers);
	else if (!refused)
		throttle_ok(strangers);
}

static int
handle(struct scep_exchange *x, struct http_answer *ret, struct error *e)
{
	struct scep_message m;
	struct enroll_ra ras[SCEP_RAS_MAX];
	const struct enroll_ra *ra = &ras[0];
	struct scep_answer answer = {.status = SCEP_SUCCESS};
	struct bytes body = x->request->body, reply;
	struct error why = {0}, other = {0};
	struct timespec start;
	size_t n_ras = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (strcmp(x->request->method, "POST") != 0 && scep_message_decode(x->request, &body, e) < 0)
		return -1;
	if (body.len == 0)
		return fail(e, E_MALFORMED, "the body is empty; a pkiMessage in DER is wanted (RFC 8894 4.3)");
	if (scep_message_parse(x->arena, body, &m, e) < 0) {
		e->code = E_MALFORMED;
		return -1;
	}
	x->transaction = m.transaction;
	const char *strangers = strangers_of(x);
	if ((throttle_check_of(strangers, STRANGERS_MAX, e) < 0 && !scep_is_known(x, &m)) || scep_find_ras(x, ras, &n_ras, e) < 0)
		return -1;
	x->status = "success";
	if (process(x, &m, ras, n_ras, &ra, &answer, &why) == 0) {
		why = (struct error){0}; /* of a way in that was tried before the one that led in */
	} else {
		if (why.code == E_PENDING) {
			answer.status = SCEP_PENDING;
			x->status = "pending";
		} else if (!is_answer(&why)) {
			*e = why;
			return -1;
		} else {
			refuse(x, &why, &answer);
			if (x->hidden)
				wait_until(start, HIDDEN_NS);
		}
	}
	count(x, strangers, answer.status == SCEP_FAILURE);
	if (scep_reply(x, &m, ra, &answer, &reply, &other) < 0) {
		*e = other;
		return -1;
	}
	*e = why; /* for the log: the cause, whatever the client is told */
	ret->status = 200;
	ret->content_type = "application/x-pki-message";
	ret->body = reply;
	return 0;
}

const struct scep_operation scep_pki_operation = {.name = "PKIOperation", .posted = true, .handle = handle};
