/* Answers that the registration authority of the path's CA signs: key packages of serverkeygen, CMC. */
#include <openssl/sha.h>
#include "enroll/cms.h"
#include "enroll/est/est.h"

int
est_ra(struct est_exchange *x, struct enroll_ra *ret, struct error *e)
{
	if (!x->door.ca_id)
		return fail(e, E_UNAVAILABLE, "no CA is in service on this path");
	return enroll_ra_certificate(est_enroll(x->est), x->door.tenant_id, x->door.ca_id, x->request->arena, ret, e);
}

int
est_ra_sign(struct est_exchange *x, const struct enroll_ra *ra, Siegel__RaSign *request, struct bytes content_type, struct bytes content,
            const struct bytes *also, int n_also, struct bytes *ret, struct error *e)
{
	struct arena *a = x->request->arena;
	struct enroll_ra_signature made;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char name[] = "sha256";
	SHA256(content.data, content.len, digest);
	request->digest = name;
	request->content_digest = (ProtobufCBinaryData){.len = sizeof(digest), .data = digest};
	if (enroll_ra_sign(est_enroll(x->est), ra, request, a, &made, e) < 0)
		return -1;
	const struct cms_signature s = {
	    .signed_attributes = made.signed_attributes,
	    .digest_algorithm = made.digest_algorithm,
	    .signature_algorithm = made.signature_algorithm,
	    .signature = made.signature,
	    .certificate = ra->certificate,
	    .also = also,
	    .n_also = n_also,
	};
	return cms_signed_encode(a, content_type, content, true, &s, ret, e);
}
