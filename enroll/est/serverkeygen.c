/* serverkeygen, RFC 7030 4.4: subject and names from a CSR, the key from the engine. It goes out in this answer alone; nothing keeps it. */
#include "enroll/est/est.h"
#include "enroll/est/protection.h"
#include "lib/x509/pem.h"

#define BOUNDARY "siegel-key-and-certificate" /* "-" isn't in base64 */

static void
put_part(struct est_exchange *x, struct buf *b, const char *type, struct bytes content)
{
	buf_printf(b, "--" BOUNDARY "\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n", type);
	buf_add_str(b, base64_encode(x->request->arena, content));
	buf_add_str(b, "\r\n");
}

/* Two parts, RFC 7030 4.4.2. */
static int
encode(struct est_exchange *x, const char *type, struct bytes key, struct bytes certificate, struct bytes *ret, struct error *e)
{
	struct arena *a = x->request->arena;
	struct buf b BUF_CLEANUP = BUF_INIT(2 * (key.len + certificate.len) + 4096);
	struct bytes certificates;
	if (cms_certs_only_encode(a, &certificate, 1, NULL, 0, &certificates, e) < 0)
		return -1;
	put_part(x, &b, type, key);
	put_part(x, &b, EST_CERTS_ONLY_TYPE, certificates);
	buf_add_str(&b, "--" BOUNDARY "--\r\n");
	if (buf_check(&b, e) < 0)
		return -1;
	*ret = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	x->answer_type = "multipart/mixed; boundary=" BOUNDARY;
	x->verbatim = true;
	x->secret = true;
	return 0;
}

static int
answer(struct est_exchange *x, const struct protection *p, const struct enroll_result *issued, struct bytes *ret, struct error *e)
{
	struct bytes key = {issued->private_key->data, issued->private_key->len};
	x->serial = issued->serial;
	if (p->wanted && protection_apply(x, p, key, &key, e) < 0)
		return -1;
	const char *type = p->wanted ? "application/pkcs7-mime; smime-type=server-generated-key" : "application/pkcs8";
	return encode(x, type, key, issued->certificate, ret, e);
}

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	struct arena *a = x->request->arena;
	struct enroll_result issued = {0};
	struct protection p = {0};
	struct bytes same, csr;
	if (est_may_enroll(x, &same, e) < 0 || est_csr_decode(a, x->request->body, &csr, e) < 0)
		return -1;
	struct enroll_request r = est_request(x, est_serverkeygen.name, same);
	r.csr = csr;
	r.server_key = true;
	int rc = protection_find(x, csr, &p, e);
	if (rc == 0)
		rc = enroll_issue(est_enroll(x->est), &r, a, &issued, e);
	if (rc == 0)
		rc = answer(x, &p, &issued, ret_body, e);
	secret_free(issued.private_key);
	protection_clear(&p);
	return rc;
}

const struct est_operation est_serverkeygen = {
    .name = "serverkeygen",
    .method = "POST",
    .content_type = "application/pkcs10",
    .auth = EST_AUTH_ANY,
    .handle = handle,
};
