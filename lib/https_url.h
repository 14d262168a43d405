/* Addresses of servers that this one asks something: somebody else sets them, within what the operator allowed. */
#ifndef SIEGEL_LIB_HTTPS_URL_H
#define SIEGEL_LIB_HTTPS_URL_H
#include "lib/error.h"
#include "lib/mem.h"

#define HTTPS_URL_BYTES 512

/* An address of the form https://host[:port][/path][?query] (RFC 3986), with host and port on the list allowed: entries host or host:port,
 * each with a path behind it or without, separated by blanks; without a port it is 443, and with a path the address has to be that or below it.
 * Hosts are compared as they are written, in any case: a name, an address, an address in brackets. No
 * user, no fragment, no other scheme; an empty list allows nothing. E_BAD_VALUE names the cause. */
int https_url_check(const char *url, const char *allowed, struct error *e) MUST_CHECK;

#endif
