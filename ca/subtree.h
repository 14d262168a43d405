/* Subtrees of names: what lies below a domain or in a network. One set of rules, those of RFC 5280 4.2.1.10, serves the name
 * constraints of CAs and the names that a profile takes. */
#ifndef SIEGEL_CA_SUBTREE_H
#define SIEGEL_CA_SUBTREE_H
#include "lib/x509/names.h"

#define SUBTREE_MAX 64 /* in one list */

struct subtree {
	enum name_kind kind;
	const char *text;
	uint8_t address[16], mask[16]; /* NAME_IP */
	size_t n_octets;               /* of each: 4 or 16 */
};

struct subtrees {
	const struct subtree *items;
	size_t n;
};

/* From text. DNS: "example.com", which is this name and all below it. Mail: "a@example.com", "example.com" (all mailboxes of that host)
 * or ".example.com" (those of all hosts below). URI: a host or ".example.com". IP: "10.0.0.0/8". An empty text is everything (DNS, mail,
 * URI). UPN: a domain, with all below it. Hardware module and registered id: an object identifier, with all below it; permanent
 * identifier: that of its assigner. E_BAD_VALUE. */
int subtree_make(struct arena *a, enum name_kind kind, const char *text, struct subtree *ret, struct error *e) MUST_CHECK;
/* Of another kind of name: false. A URI without a host, or whose host is an address, lies in no subtree but in that of a prefix. */
bool subtree_contains(const struct subtree *t, const struct name *n);
/* The same for what is excluded: also true for a wildcard that stands for a name in the subtree. */
bool subtree_touches(const struct subtree *t, const struct name *n);
/* True when the host of the URI can be read, and is a name. */
bool subtree_uri_has_host(const char *uri);
/* Writes a GeneralSubtree: DNS, mail, URI and IP alone. */
void subtree_put(struct buf *b, const struct subtree *t);
/* Reads the base of a GeneralSubtree that has one of these kinds. */
int subtree_parse(struct arena *a, int tag, struct bytes base, struct subtree *ret, struct error *e) MUST_CHECK;

#endif
