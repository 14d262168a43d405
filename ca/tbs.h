/* The to-be-signed certificate (RFC 5280 4.1), and the lint that reads it again before it is signed. */
#ifndef SIEGEL_CA_TBS_H
#define SIEGEL_CA_TBS_H
#include "ca/ext.h"

struct tbs_input {
	struct ext_input ext;
	struct bytes signature_algorithm; /* of the issuer's key */
	struct bytes issuer;              /* Name, whole */
	struct bytes spki;                /* of the subject, whole */
	const struct dn_value *subject;
	size_t n_subject;
	struct bytes exact_subject;       /* Name, whole: octet for octet that of a CA that there is already; empty: encoded from subject */
	const uint8_t *serial;            /* magnitude */
	size_t serial_len;
	int64_t not_before, not_after, issuer_not_after;
};

/* Appends the DER. */
void tbs_put(struct buf *b, const struct tbs_input *in);

/* Reads the DER with the strict reader and checks it against what was wanted and against RFC 5280: serial, algorithm, issuer,
 * validity and its ceilings, subject and its bounds, each extension by its own lint, none that isn't in the list, none missing. A
 * fault here is ours: E_INTERNAL, and nothing is signed. */
int tbs_lint(struct bytes tbs, const struct tbs_input *in, struct error *e) MUST_CHECK;

/* Puts tbs, algorithm and signature together. */
void certificate_put(struct buf *b, struct bytes tbs, struct bytes algorithm, const uint8_t *signature, size_t len);

#endif
