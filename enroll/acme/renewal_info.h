/* When a certificate is to be renewed, RFC 9773. Nothing here asks the store. */
#ifndef SIEGEL_ENROLL_ACME_RENEWAL_INFO_H
#define SIEGEL_ENROLL_ACME_RENEWAL_INFO_H
#include <stdbool.h>
#include "lib/arena.h"

/* A certificate's identifier (RFC 9773 4.1): base64url of the key identifier of its issuer, ".", base64url of the content octets of its serial
 * number in DER, each in the one form that it has. *ret_serial is the number's magnitude, as the store has it. E_MALFORMED. Both live in the arena.
 * */
int acme_certid_parse(struct arena *a, const char *text, struct bytes *ret_key_id, struct bytes *ret_serial, struct error *e) MUST_CHECK;

/* What is known of a certificate; times are seconds since 1970. */
struct acme_renewal {
	int64_t begins, ends;             /* of its life, which that of a CA over it may cut short */
	bool at_once;                     /* it is to be replaced as soon as anybody asks */
	int64_t advised_from, advised_to; /* 0: nobody advised anything */
};
struct acme_window {
	int64_t start, end;  /* end is later than start */
	int64_t retry_after; /* when it makes sense to ask again: seconds */
};
/* The suggested window (RFC 9773 4.2): a twelfth of the life long, beginning behind two thirds of it, by up to a twelfth later as the serial number
 * has it, so that certificates made in one go aren't renewed in one go; or what was advised, if that begins earlier; or an hour ago. */
struct acme_window acme_renewal_window(const struct acme_renewal *r, struct bytes serial, int64_t now);

#endif
