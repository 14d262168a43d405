/* csrattrs, RFC 7030 4.5 and RFC 9908: what the path's profile wants to see in a request. The engine, which has the profile, writes it. */
#include "enroll/est/est.h"
#include "enroll/kept.h"
#include "lib/ipc/engine.h"

static struct kept answers = KEPT_INIT;

static int
make(void *ctx, struct bytes *ret, struct error *e)
{
	struct est_exchange *x = ctx;
	struct arena *a = x->request->arena;
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__CsrAttributes m;
	Siegel__Reply *reply;
	siegel__csr_attributes__init(&m);
	m.tenant_id = x->door.tenant_id;
	m.profile = arena_strdup(a, x->door.profile);
	q.operation_case = SIEGEL__REQUEST__OPERATION_CSR_ATTRIBUTES;
	q.csr_attributes = &m;
	if (enroll_call(est_enroll(x->est), &q, &reply, e) < 0)
		return -1;
	int rc = reply->result_case == SIEGEL__REPLY__RESULT_CSR_ATTRIBUTES
	    ? 0
	    : fail(e, E_INTERNAL, "the engine answered something else than CSR attributes");
	if (rc == 0) {
		ProtobufCBinaryData der = reply->csr_attributes->der;
		*ret = (struct bytes){arena_dup(a, der.data, der.len), der.len};
	}
	engine_reply_free(reply);
	return rc;
}

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	const char *key = arena_printf(x->request->arena, "%d %s %s", x->door.tenant_id, x->door.label, x->door.profile);
	x->answer_type = "application/csrattrs"; /* RFC 7030 4.5.2 */
	return kept_get(&answers, x->request->arena, x->door.label, key, make, x, ret_body, e);
}

const struct est_operation est_csrattrs = {
    .name = "csrattrs",
    .method = "GET",
    .content_type = NULL,
    .auth = EST_AUTH_NONE, /* RFC 7030 4.5.1: it says what a device needs before it has anything to show */
    .handle = handle,
};
