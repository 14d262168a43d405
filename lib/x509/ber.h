/* BER (X.690 8) to the lengths of DER: what protocols on CMS may send (RFC 5652 2) and our strict reader doesn't take. */
#ifndef SIEGEL_LIB_X509_BER_H
#define SIEGEL_LIB_X509_BER_H
#include "lib/arena.h"
#include "lib/mem.h"

#define BER_MAX_DEPTH 24 /* a SignedData with certificates nests 14 deep, in pieces of BER a little more */

/* One element in BER to the same element with definite lengths in their shortest form (X.690 10.1) and OCTET STRINGs in one piece (10.2). Contents
 * stay as they are: the order of sets and the octets of primitive elements aren't touched. What is DER already comes back without a copy.
 * The result lives in the arena or in in. E_MALFORMED for lengths beyond the data, elements nested deeper than BER_MAX_DEPTH, tags of several
 * octets, bytes behind the element. */
int ber_to_der(struct arena *a, struct bytes in, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
