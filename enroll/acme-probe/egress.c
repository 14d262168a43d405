#include "enroll/acme-probe/egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

#define BLANKS " \t\r\n,"
enum { LIST_MAX = 256, ITEM_BYTES = 64, EMBEDDED_MAX = 4 };

struct network {
	struct address address;
	unsigned prefix;
};

struct socket_address {
	struct address address;
	uint16_t port;
};

struct egress {
	struct network networks[LIST_MAX];
	size_t n_networks;
	struct socket_address own[LIST_MAX];
	size_t n_own;
	uint16_t http_port, https_port;
};

static size_t
address_len(const struct address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

bool
address_parse(const char *text, struct address *ret)
{
	struct address a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(a.family, text, a.octets) != 1)
		return false;
	*ret = a;
	return true;
}

const char *
address_text(const struct address *a, char buffer[ADDRESS_TEXT])
{
	return inet_ntop(a->family, a->octets, buffer, ADDRESS_TEXT) ? buffer : "?";
}

socklen_t
address_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&in.sin_addr, a->octets, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memcpy(&in6.sin6_addr, a->octets, 16);
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, address_len(a)) == 0;
}

/* --- what is never reached --- */

struct range {
	uint8_t octets[16];
	unsigned prefix;
	const char *what;
};

#define METADATA "a cloud's metadata service"

static const struct range ranges4[] = {
	{{0}, 8, "an unspecified address"},
	{{127}, 8, "a loopback address"},
	/* Where clouds tell a machine who it is and give it its secrets, in networks that are reached otherwise. */
	{{100, 100, 100, 200}, 32, METADATA},
	{{168, 63, 129, 16}, 32, METADATA},
	{{169, 254, 169, 254}, 32, METADATA},
	{{169, 254}, 16, "a link-local address"},
	{{192, 0, 0}, 24, "an address for protocols"},
	{{192, 0, 2}, 24, "an address for documentation"},
	{{198, 51, 100}, 24, "an address for documentation"},
	{{203, 0, 113}, 24, "an address for documentation"},
	{{192, 88, 99}, 24, "an address of 6to4 relays"},
	{{224}, 4, "a multicast address"},
	{{255, 255, 255, 255}, 32, "the broadcast address"},
	{{240}, 4, "a reserved address"},
};

static const struct range ranges6[] = {
	{{0}, 128, "an unspecified address"},
	{{[15] = 1}, 128, "a loopback address"},
	{{[10] = 0xff, 0xff}, 96, "an IPv4 address in the form of IPv6"}, /* RFC 4291 2.5.5.2: never on a wire */
	{{0}, 96, "an IPv4 address in the form of IPv6"},
	{{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, METADATA},
	{{0xfe, 0x80}, 10, "a link-local address"},
	{{0xfe, 0xc0}, 10, "a site-local address"},
	{{0xff}, 8, "a multicast address"},
	{{0x01, 0x00}, 64, "a discard address"},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "an address for documentation"},
	{{0x3f, 0xff}, 20, "an address for documentation"},
	{{0x20, 0x01, 0x00, 0x10}, 28, "an identifier of ORCHID"},
	{{0x20, 0x01, 0x00, 0x20}, 28, "an identifier of ORCHID"},
	{{0x5f, 0x00}, 16, "a segment identifier"},
};

static bool
has_prefix(const uint8_t *octets, const uint8_t *prefix, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(octets, prefix, whole) != 0)
		return false;
	return rest == 0 || (octets[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

/* The IPv4 addresses that an IPv6 address leads to, or may: how many. */
static size_t
embedded(const struct address *a, struct address ret[EMBEDDED_MAX])
{
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b}, nat64_local[6] = {0, 0x64, 0xff, 0x9b, 0, 1}, teredo[4] = {0x20, 0x01};
	const uint8_t *o = a->octets;
	size_t n = 0;
	if (a->family != AF_INET6)
		return 0;
	if (o[0] == 0x20 && o[1] == 0x02) /* 6to4, RFC 3056 */
		ret[n++] = (struct address){AF_INET, {o[2], o[3], o[4], o[5]}};
	if (has_prefix(o, nat64, 96) || has_prefix(o, nat64_local, 48)) /* RFC 6052 2.2 */
		ret[n++] = (struct address){AF_INET, {o[12], o[13], o[14], o[15]}};
	if (has_prefix(o, nat64_local, 48)) {
		ret[n++] = (struct address){AF_INET, {o[6], o[7], o[9], o[10]}};
		ret[n++] = (struct address){AF_INET, {o[9], o[10], o[11], o[12]}}; /* a prefix of 64 bits within it */
	}
	if (has_prefix(o, teredo, 32)) { /* RFC 4380 4: the server's, and the client's turned over */
		ret[n++] = (struct address){AF_INET, {o[4], o[5], o[6], o[7]}};
		ret[n++] = (struct address){AF_INET, {o[12] ^ 0xff, o[13] ^ 0xff, o[14] ^ 0xff, o[15] ^ 0xff}};
	}
	if ((o[8] & 0xfd) == 0 && o[9] == 0 && o[10] == 0x5e && o[11] == 0xfe) /* ISATAP, RFC 5214 6.1 */
		ret[n++] = (struct address){AF_INET, {o[12], o[13], o[14], o[15]}};
	return n;
}

static const char *
in_range(const struct address *a)
{
	const struct range *list = a->family == AF_INET ? ranges4 : ranges6;
	size_t n = a->family == AF_INET ? ARRAY_LEN(ranges4) : ARRAY_LEN(ranges6);
	for (size_t i = 0; i < n; i++)
		if (has_prefix(a->octets, list[i].octets, list[i].prefix))
			return list[i].what;
	return NULL;
}

const char *
egress_never(const struct address *a)
{
	struct address within[EMBEDDED_MAX];
	const char *what = in_range(a);
	size_t n = what ? 0 : embedded(a, within);
	for (size_t i = 0; !what && i < n; i++)
		if (in_range(&within[i]))
			what = "a tunnel to an address that may not be reached";
	return what;
}

bool
address_is_private(const struct address *a)
{
	static const struct range private4[] = {{{10}, 8, ""}, {{172, 16}, 12, ""}, {{192, 168}, 16, ""}, {{100, 64}, 10, ""}, {{198, 18}, 15, ""}};
	static const struct range private6 = {{0xfc}, 7, ""};
	struct address within[EMBEDDED_MAX];
	if (egress_never(a) || (a->family == AF_INET6 && has_prefix(a->octets, private6.octets, private6.prefix)))
		return true;
	for (size_t i = 0; a->family == AF_INET && i < ARRAY_LEN(private4); i++)
		if (has_prefix(a->octets, private4[i].octets, private4[i].prefix))
			return true;
	size_t n = embedded(a, within);
	for (size_t i = 0; i < n; i++)
		if (address_is_private(&within[i]))
			return true;
	return false;
}

static bool
is_sockaddr(const struct sockaddr *s, const struct address *a)
{
	if (!s || s->sa_family != a->family)
		return false;
	if (a->family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)s)->sin_addr, a->octets, 4) == 0;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)s)->sin6_addr, a->octets, 16) == 0;
}

static const char *
own_or_broadcast(const struct ifaddrs *all, const struct address *a)
{
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (is_sockaddr(one->ifa_addr, a))
			return "an address of this machine";
		if ((one->ifa_flags & IFF_BROADCAST) && is_sockaddr(one->ifa_broadaddr, a))
			return "a broadcast address";
	}
	return NULL;
}

/* 0 with *ret_what NULL, or what it is; -1 when it can't be found out. */
static int
look_at_own(const struct address *a, const char **ret_what)
{
	struct address all[1 + EMBEDDED_MAX] = {*a};
	struct ifaddrs *list = NULL;
	size_t n = 1 + embedded(a, all + 1);
	if (getifaddrs(&list) < 0)
		return -1;
	*ret_what = NULL;
	for (size_t i = 0; i < n && !*ret_what; i++)
		*ret_what = own_or_broadcast(list, &all[i]);
	freeifaddrs(list);
	return 0;
}

/* --- the lists --- */

static int
parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	if (*text < '0' || *text > '9' || strlen(text) > 5)
		return -1;
	*ret = strtoul(text, &end, 10);
	return *end || *ret > max ? -1 : 0;
}

static int
parse_network(const char *text, struct network *ret)
{
	char host[ITEM_BYTES];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct network n = {0};
	unsigned long prefix = 0;
	if (len >= sizeof(host))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!address_parse(host, &n.address))
		return -1;
	unsigned long bits = 8 * address_len(&n.address);
	if (slash ? parse_number(slash + 1, bits, &prefix) < 0 : false)
		return -1;
	n.prefix = slash ? (unsigned)prefix : (unsigned)bits;
	for (unsigned i = n.prefix; i < bits; i++)
		if (n.address.octets[i / 8] & 0x80 >> i % 8)
			return -1; /* meant is another network, or one host */
	*ret = n;
	return 0;
}

static int
parse_socket_address(const char *text, struct socket_address *ret)
{
	char host[ITEM_BYTES];
	const char *from = text, *end = strrchr(text, ':'), *port = end ? end + 1 : NULL;
	unsigned long number = 0;
	if (!end || strlen(text) >= sizeof(host))
		return -1;
	if (*text == '[') {
		if (end[-1] != ']')
			return -1;
		from = text + 1;
		end--;
	}
	memcpy(host, from, (size_t)(end - from));
	host[end - from] = '\0';
	if ((*text == '[') != (strchr(host, ':') != NULL) || !address_parse(host, &ret->address))
		return -1;
	if (parse_number(port, 65535, &number) < 0 || number == 0)
		return -1;
	ret->port = (uint16_t)number;
	return 0;
}

/* Calls take for each item of a list; -1 with *e when one is refused. */
static int
each(const char *list, int (*take)(struct egress *eg, const char *item), struct egress *eg, const char *what, struct error *e)
{
	char item[ITEM_BYTES];
	for (const char *p = list + strspn(list, BLANKS); *p; p += strspn(p, BLANKS)) {
		size_t len = strcspn(p, BLANKS);
		if (len < sizeof(item)) {
			memcpy(item, p, len);
			item[len] = '\0';
		}
		if (len >= sizeof(item) || take(eg, item) < 0)
			return fail(e, E_BAD_VALUE, "[acme_probe] %s: %.*s isn't one, or there are more than %d", what,
			            (int)(len < 100 ? len : 100), p, LIST_MAX);
		p += len;
	}
	return 0;
}

static int
take_network(struct egress *eg, const char *item)
{
	if (eg->n_networks == LIST_MAX || parse_network(item, &eg->networks[eg->n_networks]) < 0)
		return -1;
	eg->n_networks++;
	return 0;
}

static int
take_endpoint(struct egress *eg, const char *item)
{
	if (eg->n_own == LIST_MAX || parse_socket_address(item, &eg->own[eg->n_own]) < 0)
		return -1;
	eg->n_own++;
	return 0;
}

int
egress_open(const struct config *c, struct egress **ret, struct error *e)
{
	struct egress *eg = xcalloc(1, sizeof(*eg));
	eg->http_port = (uint16_t)config_int(c, OPT_acme_probe_http_port);
	eg->https_port = (uint16_t)config_int(c, OPT_acme_probe_https_port);
	if (each(config_str(c, OPT_acme_probe_networks), take_network, eg, "networks: an address with the length of its prefix is wanted", e) < 0 ||
	    each(config_str(c, OPT_acme_probe_own_endpoints), take_endpoint, eg, "own_endpoints: an address with a port is wanted", e) < 0) {
		egress_free(eg);
		return -1;
	}
	*ret = eg;
	return 0;
}

void
egress_free(struct egress *eg)
{
	free(eg);
}

/* --- the decision --- */

static bool
contains(const struct network *n, const struct address *a)
{
	return n->address.family == a->family && has_prefix(a->octets, n->address.octets, n->prefix);
}

static int
check_task(char *const *networks, size_t n, const struct address *a, const char *text, struct error *e)
{
	bool within = n == 0;
	struct network one;
	if (n > LIMIT_PROBE_NETWORKS)
		return fail(e, E_BAD_VALUE, "the directory names more than %d networks", LIMIT_PROBE_NETWORKS);
	for (size_t i = 0; i < n; i++) { /* all of them: one that can't be read is a fault whichever comes first */
		if (parse_network(networks[i], &one) < 0)
			return fail(e, E_BAD_VALUE, "the directory's network \"%.60s\" isn't an address with the length of its prefix", networks[i]);
		within = within || contains(&one, a);
	}
	return within ? 0 : fail(e, E_FORBIDDEN, "%s isn't in the networks of this directory", text);
}

int
egress_check(const struct egress *eg, char *const *networks, size_t n, const struct address *a, uint16_t port, struct error *e)
{
	char text[ADDRESS_TEXT];
	const char *what;
	address_text(a, text);
	if (check_task(networks, n, a, text, e) < 0)
		return -1;
	for (size_t i = 0; i < eg->n_own; i++)
		if (eg->own[i].port == port && address_equal(&eg->own[i].address, a))
			return 0;
	if (port != eg->http_port && port != eg->https_port)
		return fail(e, E_FORBIDDEN, "port %u of %s may not be reached: %u and %u may", port, text, eg->http_port, eg->https_port);
	what = egress_never(a);
	if (!what && look_at_own(a, &what) < 0)
		return fail(e, E_UNAVAILABLE, "which addresses this machine has can't be found out: %s", strerror(errno));
	if (what)
		return fail(e, E_FORBIDDEN, "%s may not be reached: it is %s", text, what);
	bool within = eg->n_networks == 0;
	for (size_t i = 0; i < eg->n_networks && !within; i++)
		within = contains(&eg->networks[i], a);
	return within ? 0 : fail(e, E_FORBIDDEN, "%s may not be reached: it isn't in the networks that the operator allows", text);
}
