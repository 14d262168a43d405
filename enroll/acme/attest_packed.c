/* WebAuthn's format "packed" (8.2) as the draft bends it: without authenticatorData there is one key, that of the attestation certificate, which
 * signs the key authorization itself. So it is a device's own key with the certificate that its manufacturer gave it (IEEE 802.1AR IDevID, a
 * security key's slot), and the key that the new certificate has to have. */
#include "enroll/acme/attest_parts.h"

int
attest_packed(const struct attest_statement *s, const struct cert *c, struct bytes key_authorization, struct arena *a, struct bytes *ret_spki,
              const char **ret_text, struct error *e)
{
	const struct attest_algorithm *alg;
	if (attest_algorithm(s->alg, &alg, e) < 0 || attest_signature(c, alg, key_authorization, s->sig, e) < 0)
		return -1;
	*ret_spki = c->spki;
	*ret_text = arena_printf(a, "the key of its own certificate, signed with %s", alg->name);
	return 0;
}
