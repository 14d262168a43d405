/* The document of a request for a certificate: what the conditions of policies are asked about (doc/policies.md). */
#ifndef SIEGEL_CA_DOCUMENT_H
#define SIEGEL_CA_DOCUMENT_H
#include "ca/order.h"

/* JSON text in the order's arena. What the request leaves to the profile (days) isn't there. */
const char *document_of(struct order *o) __attribute__((returns_nonnull));
/* Takes what policies set in the document of o into its request: days, owner, metadata, and attributes of the subject that weren't there. The
 * caller decides the order anew then, so that the profile's rules hold all the same. request is o's, unpacked by protobuf-c. E_BAD_VALUE for a
 * value that isn't one. */
int document_take(const char *document, const struct order *o, Siegel__Issue *request, struct error *e) MUST_CHECK;

#endif
