/* For the files of attestation statements alone, and for who tests them. */
#ifndef SIEGEL_ENROLL_ACME_ATTEST_PARTS_H
#define SIEGEL_ENROLL_ACME_ATTEST_PARTS_H
#include "enroll/acme/attest.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/keytype.h"

/* An attestation object taken apart (WebAuthn 6.5.4); views into it. What a format doesn't have is empty. */
struct attest_statement {
	struct bytes format;
	int64_t alg; /* COSEAlgorithmIdentifier */
	struct bytes ver, sig, cert_info, pub_area;
	struct bytes x5c[LIMIT_ATTESTATION_CERTS];
	size_t n_x5c;
};
/* Strictly: maps, arrays, texts and octet strings of definite length with heads of the shortest form, the members of the format and no others, each
 * once, nothing behind it. E_MALFORMED; E_UNSUPPORTED for other formats. */
int attest_statement_parse(struct bytes object, struct attest_statement *ret, struct error *e) MUST_CHECK;

/* A signature algorithm of COSE (RFC 9053, 8812) that is taken. */
struct attest_algorithm {
	int64_t cose;
	const char *name;            /* "RS256" */
	enum key_family family;
	const struct sigalg *signature; /* NULL: that of the key (EdDSA) */
	const char *digest;          /* OpenSSL's name; NULL: none */
	uint16_t tpm_scheme, tpm_hash; /* TPM_ALG_ID, TPM 2.0 part 2, 6.3; 0: a TPM doesn't sign so */
};
/* E_UNSUPPORTED for others, and RS1 is one of them. */
int attest_algorithm(int64_t cose, const struct attest_algorithm **ret, struct error *e) MUST_CHECK;
/* The certificate's key made this signature of data by that algorithm. E_FORBIDDEN, E_BAD_KEY, E_UNSUPPORTED. */
int attest_signature(const struct cert *c, const struct attest_algorithm *alg, struct bytes data, struct bytes signature, struct error *e) MUST_CHECK;
/* The certificate names this device: by permanentIdentifier (RFC 4043), else by hardwareModuleName (RFC 4108 5), else, when subject_counts, by the
 * subject's serialNumber. E_FORBIDDEN. */
int attest_device(const struct cert *c, const char *identifier, bool subject_counts, struct arena *a, struct error *e) MUST_CHECK;

/* Each format: the statement is good, made by the key of c, for this key authorization. *ret_spki is the key that it is about (SubjectPublicKeyInfo,
 * in the arena), *ret_text what the log may say of it. */
int attest_tpm(const struct attest_statement *s, const struct cert *c, struct bytes key_authorization, struct arena *a, struct bytes *ret_spki,
               const char **ret_text, struct error *e) MUST_CHECK;
int attest_packed(const struct attest_statement *s, const struct cert *c, struct bytes key_authorization, struct arena *a, struct bytes *ret_spki,
                  const char **ret_text, struct error *e) MUST_CHECK;

/* TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of a key that signs: whole, and what is said of it. */
struct tpm_public {
	uint16_t type, name_alg;
	uint32_t attributes; /* TPMA_OBJECT */
	struct bytes spki;   /* in the arena */
};
int tpm_public_parse(struct bytes in, struct arena *a, struct tpm_public *ret, struct error *e) MUST_CHECK;
/* TPMS_ATTEST (10.12.8) of a TPM2_Certify; views into it. */
struct tpm_attest {
	struct bytes extra_data, name;
	uint64_t firmware;
};
int tpm_attest_parse(struct bytes in, struct tpm_attest *ret, struct error *e) MUST_CHECK;
/* TPMT_SIGNATURE (11.3.4) to the signature as OpenSSL knows it, in the arena; what has another form goes through as it is. E_FORBIDDEN for one by
 * another algorithm than alg. */
int tpm_signature_parse(struct bytes in, const struct attest_algorithm *alg, struct arena *a, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
