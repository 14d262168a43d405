/* Which addresses a validation may reach: decided here alone, for each connection anew, on the address that the connection then goes to. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_EGRESS_H
#define SIEGEL_ENROLL_ACME_PROBE_EGRESS_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "lib/config.h"

struct address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t octets[16];
};
enum { ADDRESS_TEXT = 48 };

/* Text without brackets, zone or leading zeros (inet_pton); false for anything else. */
bool address_parse(const char *text, struct address *ret);
/* The text in buffer (RFC 5952), which it gives back. */
const char *address_text(const struct address *a, char buffer[ADDRESS_TEXT]);
/* For connect(); the length of it. */
socklen_t address_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *ret);
bool address_equal(const struct address *a, const struct address *b);
/* Whether it is one of those that mean another machine in each house (RFC 1918, RFC 6598, RFC 2544, RFC 4193), leads to such an IPv4 address, or is
 * never reached at all. */
bool address_is_private(const struct address *a);

struct egress;
/* Reads [acme_probe] networks, own_endpoints, http_port and https_port; E_BAD_VALUE names what isn't one. The caller frees *ret. */
int egress_open(const struct config *c, struct egress **ret, struct error *e) MUST_CHECK;
void egress_free(struct egress *eg); /* accepts NULL */
DEFINE_CLEANUP(struct egress, egress_free)

/* May that address and port be reached? Refused (E_FORBIDDEN, with the reason) is, whatever the networks say: what isn't an address of one other
 * machine (unspecified, loopback, link-local, multicast, broadcast, reserved, documentation: RFC 6890), metadata services of clouds, each address
 * that this machine has at the moment, and IPv6 addresses in which such an IPv4 address is embedded (mapped, 6to4, Teredo, NAT64, ISATAP); each other
 * port than [acme_probe] http_port and https_port; what isn't in the operator's networks. [acme_probe] own_endpoints are let through all of that. In
 * any case the address has to be in one of the n networks of the task, when it has any; E_BAD_VALUE when one of those can't be read, E_UNAVAILABLE
 * when this machine's own addresses can't be found out. */
int egress_check(const struct egress *eg, char *const *networks, size_t n, const struct address *a, uint16_t port, struct error *e) MUST_CHECK;
/* What an address is that is never reached, whatever machine this is and whatever the networks say ("a loopback address"), or what an address
 * embedded in it is; NULL: none of that. */
const char *egress_never(const struct address *a);

#endif
