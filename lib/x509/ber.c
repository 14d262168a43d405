#include "lib/x509/ber.h"

#include "lib/x509/der.h"

enum { CONSTRUCTED = 0x20 };

struct walk {
	const uint8_t *p, *end;
	struct buf out;
	bool changed; /* something wasn't in the form of DER */
};

struct head {
	int tag;
	bool indefinite;
	size_t len;
};

/* Tag and length at w->p, which moves behind them. */
static int
read_head(struct walk *w, struct head *ret, struct error *e)
{
	if (w->end - w->p < 2)
		return fail(e, E_MALFORMED, "BER: ends too early");
	*ret = (struct head){.tag = w->p[0]};
	size_t first = w->p[1];
	w->p += 2;
	if ((ret->tag & 0x1f) == 0x1f)
		return fail(e, E_MALFORMED, "BER: a tag of several octets isn't used here");
	if (first < 0x80) {
		ret->len = first;
	} else if (first == 0x80) {
		ret->indefinite = true;
		w->changed = true;
		if (!(ret->tag & CONSTRUCTED))
			return fail(e, E_MALFORMED, "BER: indefinite length of a primitive element (X.690 8.1.3.2)");
	} else {
		size_t octets = first & 0x7f, len = 0;
		if (octets > 8 || (size_t)(w->end - w->p) < octets)
			return fail(e, E_MALFORMED, "BER: a length goes beyond the data");
		w->changed |= w->p[0] == 0 || (octets == 1 && w->p[0] < 0x80);
		for (size_t i = 0; i < octets; i++) {
			if (len >> 48)
				return fail(e, E_MALFORMED, "BER: a length goes beyond the data");
			len = len << 8 | *w->p++;
		}
		ret->len = len;
	}
	if (!ret->indefinite && ret->len > (size_t)(w->end - w->p))
		return fail(e, E_MALFORMED, "BER: a length goes beyond the data");
	return 0;
}

static int copy_element(struct walk *w, int depth, bool octets_alone, struct error *e);

/* The elements of a constructed one. */
static int
copy_content(struct walk *w, const struct head *h, int depth, bool octets_alone, struct error *e)
{
	const uint8_t *outer = w->end;
	if (!h->indefinite)
		w->end = w->p + h->len;
	for (;;) {
		if (h->indefinite && w->end - w->p >= 2 && w->p[0] == 0 && w->p[1] == 0) {
			w->p += 2;
			break;
		}
		if (!h->indefinite && w->p == w->end)
			break;
		if (copy_element(w, depth + 1, octets_alone, e) < 0)
			return -1;
	}
	w->end = outer;
	return 0;
}

/* octets_alone: inside an OCTET STRING in pieces, whose heads go. */
static int
copy_element(struct walk *w, int depth, bool octets_alone, struct error *e)
{
	struct head h;
	if (depth > BER_MAX_DEPTH)
		return fail(e, E_MALFORMED, "BER: nested deeper than %d", BER_MAX_DEPTH);
	if (read_head(w, &h, e) < 0)
		return -1;
	bool octets = (h.tag & ~CONSTRUCTED) == DER_OCTET_STRING;
	if (octets_alone && !octets)
		return fail(e, E_MALFORMED, "BER: a piece of an OCTET STRING is something else (X.690 8.7.3.2)");
	if (!(h.tag & CONSTRUCTED)) {
		if (octets_alone)
			buf_add(&w->out, w->p, h.len);
		else
			der_put(&w->out, h.tag, w->p, h.len);
		w->p += h.len;
		return 0;
	}
	w->changed |= octets;
	size_t mark = octets_alone ? 0 : der_begin(&w->out, octets ? DER_OCTET_STRING : h.tag);
	if (copy_content(w, &h, depth, octets, e) < 0)
		return -1;
	if (!octets_alone)
		der_close(&w->out, mark);
	return 0;
}

int
ber_to_der(struct arena *a, struct bytes in, struct bytes *ret, struct error *e)
{
	/* Heads in their shortest form are never longer than those that came, but for one octet where an end of content is replaced. */
	struct walk w = {.p = in.data, .end = in.data + in.len, .out = BUF_INIT(in.len + 2 * BER_MAX_DEPTH)};
	struct bytes der = in;
	int result = copy_element(&w, 0, false, e);
	if (result == 0 && w.p != w.end)
		result = fail(e, E_MALFORMED, "BER: %zu octets too many", (size_t)(w.end - w.p));
	if (result == 0)
		result = buf_check(&w.out, e);
	if (result == 0 && w.changed)
		der = (struct bytes){arena_dup(a, w.out.data, w.out.len), w.out.len};
	buf_free(&w.out);
	if (result == 0)
		*ret = der;
	return result;
}
