#include "lib/https_url.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define PATH_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?%"
#define BLANKS " \t\r\n" /* a value of siegel.conf may go on in the next line */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

struct place {
	const char *host, *port;
	size_t host_len, port_len; /* port_len 0: 443 */
};

/* host[:port], up to the end of len octets. */
static bool
read_place(const char *text, size_t len, struct place *ret)
{
	struct place p = {.host = text};
	p.host_len = *text == '[' ? strspn(text + 1, "0123456789abcdefABCDEF:.") + 2 : strspn(text, NAME_CHARACTERS);
	if (p.host_len == 0 || p.host_len > len || (*text == '[' && text[p.host_len - 1] != ']'))
		return false;
	if (p.host_len < len) {
		if (text[p.host_len] != ':')
			return false;
		p.port = text + p.host_len + 1;
		p.port_len = len - p.host_len - 1;
		if (p.port_len == 0 || p.port_len > 5 || *p.port == '0' || strspn(p.port, "0123456789") < p.port_len)
			return false;
	}
	if (p.port_len == 3 && memcmp(p.port, "443", 3) == 0)
		p.port_len = 0;
	*ret = p;
	return true;
}

static bool
is_same(const struct place *a, const struct place *b)
{
	return a->host_len == b->host_len && strncasecmp(a->host, b->host, a->host_len) == 0 && a->port_len == b->port_len &&
	       (a->port_len == 0 || memcmp(a->port, b->port, a->port_len) == 0);
}

/* Whether what stands behind host and port of an address is below a path of the list. Without one everything is; below one nothing is that a server
 * may take for a way out of it. */
static bool
is_below(const char *rest, const char *path, size_t len)
{
	size_t own = strcspn(rest, "?");
	if (len == 0)
		return true;
	if (own < len || memcmp(rest, path, len) != 0 || (path[len - 1] != '/' && own > len && rest[len] != '/'))
		return false;
	for (size_t i = 0; i < own; i++)
		if (rest[i] == '%' || rest[i] == ';' || (rest[i] == '/' && (rest[i + 1] == '.' || rest[i + 1] == '/')))
			return false;
	return true;
}

int
https_url_check(const char *url, const char *allowed, struct error *e)
{
	struct place wanted, one;
	size_t len = strlen(url);
	if (len > HTTPS_URL_BYTES || strncmp(url, "https://", 8) != 0)
		return fail(e, E_BAD_VALUE, "an address of up to %d octets that begins with https:// is wanted", HTTPS_URL_BYTES);
	url += 8;
	len = strcspn(url, "/?");
	if (!read_place(url, len, &wanted) || url[len + strspn(url + len, PATH_CHARACTERS)] != '\0')
		return fail(e, E_BAD_VALUE, "an address of the form https://host:port/path is wanted, without a user or a fragment");
	const char *rest = url + len;
	for (const char *p = allowed + strspn(allowed, BLANKS); *p; p += strspn(p, BLANKS)) {
		len = strcspn(p, BLANKS);
		size_t host = strcspn(p, "/" BLANKS);
		if (read_place(p, host, &one) && is_same(&wanted, &one) && is_below(rest, p + host, len - host))
			return 0;
		p += len;
	}
	return fail(e, E_BAD_VALUE, "%.*s isn't among the servers that may be asked ([scep] webhook_hosts)", (int)(strcspn(url, "/?")), url);
}
