/* What a device says of itself and its key: the challenge device-attest-01 (draft-ietf-acme-device-attest 5) with WebAuthn's formats "tpm" and
 * "packed" (W3C WebAuthn 2, 8.2 and 8.3). doc/acme-attestation.md says what is taken, and how each unclear place was decided. */
#ifndef SIEGEL_ENROLL_ACME_ATTEST_H
#define SIEGEL_ENROLL_ACME_ATTEST_H
#include "enroll/endpoint.h"

struct attest_result {
	uint8_t key[32];    /* SHA-256 of the SubjectPublicKeyInfo that was attested: acme_order_finalize() of the store takes no other */
	const char *format; /* "tpm", "packed" */
	const char *device; /* what the attestation certificate calls it: the identifier, octet for octet */
	const char *text;   /* of it all, for the log of the challenge */
};

/* Verifies an attestation object (CBOR) under the anchors of the directory: it was made for this key authorization (RFC 8555 8.1), by hardware whose
 * certificate names the device identifier, the value of an ACME identifier of type permanent-identifier. *ret is in the arena. Everything that
 * is wrong with the statement is E_BAD_ATTESTATION (ACME's badAttestationStatement) with the cause; E_INTERNAL when the fault is here. A directory
 * without anchors trusts nobody. Takes no lock and no store: callable from any thread. */
int acme_attest_verify(const struct endpoint *ep, struct bytes attestation_object, struct bytes key_authorization, const char *identifier,
                       struct arena *a, struct attest_result *ret, struct error *e) MUST_CHECK;
/* A value of permanent-identifier by the draft's grammar (3.1): text without "/", perhaps with "/" and the object identifier of who assigned it.
 * E_MALFORMED. */
int acme_attest_identifier_check(struct arena *a, const char *value, struct error *e) MUST_CHECK;

#endif
