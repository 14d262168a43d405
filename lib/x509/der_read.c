#include "lib/x509/der.h"

#include <string.h>
#include <time.h>

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int
der_peek(const struct der *d)
{
	return d->p < d->end ? *d->p : -1;
}

/* Reads the head at d->p. The length is in its shortest form (X.690 10.1) and lies within d. */
static int
read_head(const struct der *d, const char *what, size_t *ret_head, size_t *ret_len, struct error *e)
{
	size_t left = (size_t)(d->end - d->p);
	if (left < 2)
		return fail(e, E_MALFORMED, "%s: ends too early", what);
	if ((d->p[0] & 0x1f) == 0x1f)
		return fail(e, E_MALFORMED, "%s: a tag of several octets isn't used here", what);
	size_t first = d->p[1];
	if (first < 0x80) {
		*ret_head = 2;
		*ret_len = first;
	} else {
		size_t octets = first & 0x7f;
		if (octets == 0)
			return fail(e, E_MALFORMED, "%s: indefinite length isn't DER", what);
		if (octets > 4 || left < 2 + octets)
			return fail(e, E_MALFORMED, "%s: its length goes beyond the data", what);
		size_t len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | d->p[2 + i];
		if (len < 0x80 || d->p[2] == 0)
			return fail(e, E_MALFORMED, "%s: a length that isn't in its shortest form isn't DER", what);
		*ret_head = 2 + octets;
		*ret_len = len;
	}
	if (*ret_len > left - *ret_head)
		return fail(e, E_MALFORMED, "%s: its length goes beyond the data", what);
	return 0;
}

int
der_get_any(struct der *d, const char *what, int *ret_tag, struct bytes *ret_whole, struct der *ret_content, struct error *e)
{
	size_t head, len;
	if (read_head(d, what, &head, &len, e) < 0)
		return -1;
	if (ret_tag)
		*ret_tag = d->p[0];
	if (ret_whole)
		*ret_whole = (struct bytes){d->p, head + len};
	if (ret_content)
		*ret_content = (struct der){d->p + head, d->p + head + len};
	d->p += head + len;
	return 0;
}

int
der_get(struct der *d, int tag, const char *what, struct der *ret_content, struct error *e)
{
	int found = der_peek(d);
	if (found < 0)
		return fail(e, E_MALFORMED, "%s: missing", what);
	if (found != tag)
		return fail(e, E_MALFORMED, "%s: tag 0x%02x where 0x%02x is wanted", what, (unsigned)found, (unsigned)tag);
	return der_get_any(d, what, NULL, NULL, ret_content, e);
}

int
der_end(const struct der *d, const char *what, struct error *e)
{
	if (d->p != d->end)
		return fail(e, E_MALFORMED, "%s: %zu octets too many", what, (size_t)(d->end - d->p));
	return 0;
}

/* X.690 8.3.2: an INTEGER has at least one octet, and its first nine bits aren't all the same. */
static int
check_integer(const struct der *c, const char *what, struct error *e)
{
	size_t len = (size_t)(c->end - c->p);
	if (len == 0)
		return fail(e, E_MALFORMED, "%s: an empty number", what);
	if (len > 1 && ((c->p[0] == 0 && c->p[1] < 0x80) || (c->p[0] == 0xff && c->p[1] >= 0x80)))
		return fail(e, E_MALFORMED, "%s: a number that isn't in its shortest form isn't DER", what);
	if (c->p[0] >= 0x80)
		return fail(e, E_MALFORMED, "%s: a negative number isn't allowed", what);
	return 0;
}

int
der_get_unsigned(struct der *d, const char *what, struct bytes *ret, struct error *e)
{
	struct der c;
	if (der_get(d, DER_INTEGER, what, &c, e) < 0 || check_integer(&c, what, e) < 0)
		return -1;
	if (c.p[0] == 0 && c.end - c.p > 1)
		c.p++;
	*ret = der_bytes(&c);
	return 0;
}

int
der_get_small(struct der *d, const char *what, long max, long *ret, struct error *e)
{
	struct bytes b;
	if (der_get_unsigned(d, what, &b, e) < 0)
		return -1;
	long v = 0;
	for (size_t i = 0; i < b.len; i++) {
		if (i == 4)
			return fail(e, E_MALFORMED, "%s: a number over %ld", what, max);
		v = v << 8 | b.data[i];
	}
	if (v > max)
		return fail(e, E_MALFORMED, "%s: a number over %ld", what, max);
	*ret = v;
	return 0;
}

int
der_get_oid(struct der *d, const char *what, struct bytes *ret, struct error *e)
{
	struct der c;
	if (der_get(d, DER_OID, what, &c, e) < 0)
		return -1;
	struct bytes b = der_bytes(&c);
	/* CVE-2023-2650: text of a huge identifier takes quadratic time. Ours are under 32 octets. */
	if (b.len == 0 || b.len > 64 || b.data[b.len - 1] >= 0x80)
		return fail(e, E_MALFORMED, "%s: not a well-formed object identifier of up to 64 octets", what);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == 0x80 && (i == 0 || b.data[i - 1] < 0x80))
			return fail(e, E_MALFORMED, "%s: an object identifier with a padded arc isn't DER", what);
	*ret = b;
	return 0;
}

int
der_get_bits(struct der *d, const char *what, struct bytes *ret, struct error *e)
{
	struct der c;
	if (der_get(d, DER_BIT_STRING, what, &c, e) < 0)
		return -1;
	if (c.p == c.end || c.p[0] != 0)
		return fail(e, E_MALFORMED, "%s: a bit string of whole octets is wanted", what);
	c.p++;
	*ret = der_bytes(&c);
	return 0;
}

int
der_get_bool(struct der *d, const char *what, bool *ret, struct error *e)
{
	struct der c;
	if (der_get(d, DER_BOOLEAN, what, &c, e) < 0)
		return -1;
	if (c.end - c.p != 1 || (c.p[0] != 0 && c.p[0] != 0xff))
		return fail(e, E_MALFORMED, "%s: a boolean that isn't 00 or ff isn't DER", what);
	*ret = c.p[0] != 0;
	return 0;
}

static int
two_digits(const uint8_t *p, int *ret)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	*ret = (p[0] - '0') * 10 + (p[1] - '0');
	return 0;
}

/* "YYMMDDHHMMSSZ" or "YYYYMMDDHHMMSSZ", RFC 5280 4.1.2.5.1 and .2: seconds are there, no fraction, Zulu. */
static int
parse_time(const uint8_t *p, size_t len, bool generalized, struct tm *tm)
{
	int part[7] = {0};
	size_t want = generalized ? 15 : 13;
	if (len != want || p[len - 1] != 'Z')
		return -1;
	for (size_t i = 0; i < (len - 1) / 2; i++)
		if (two_digits(p + 2 * i, &part[i]) < 0)
			return -1;
	const int *rest = generalized ? part + 2 : part + 1;
	int year = generalized ? part[0] * 100 + part[1] : part[0] + (part[0] < 50 ? 2000 : 1900);
	*tm = (struct tm){.tm_year = year - 1900, .tm_mon = rest[0] - 1, .tm_mday = rest[1], .tm_hour = rest[2], .tm_min = rest[3],
	    .tm_sec = rest[4]};
	return 0;
}

int
der_get_time(struct der *d, const char *what, int64_t *ret, struct error *e)
{
	int tag = der_peek(d);
	struct der c;
	if (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME)
		return fail(e, E_MALFORMED, "%s: not a time", what);
	if (der_get(d, tag, what, &c, e) < 0)
		return -1;
	struct bytes b = der_bytes(&c);
	struct tm tm, round;
	if (parse_time(b.data, b.len, tag == DER_GENERALIZED_TIME, &tm) < 0)
		return fail(e, E_MALFORMED, "%s: a time that isn't in the form of RFC 5280 4.1.2.5", what);
	struct tm normal = tm;
	time_t t = timegm(&normal);
	if (!gmtime_r(&t, &round) || round.tm_mon != tm.tm_mon || round.tm_mday != tm.tm_mday || round.tm_hour != tm.tm_hour ||
	    round.tm_min != tm.tm_min || round.tm_sec != tm.tm_sec)
		return fail(e, E_MALFORMED, "%s: there is no such time", what);
	*ret = t;
	return 0;
}
