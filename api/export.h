/* Everything that a list has, as a file: CSV or JSON, made page by page while it is sent. */
#ifndef SIEGEL_API_EXPORT_H
#define SIEGEL_API_EXPORT_H
#include <sys/types.h>
#include <time.h>

#include "api/api.h"
#include "lib/buf.h"

/* Handler of GET: format (csv or json), columns (names of attributes, id, type and metadata.KEY, separated by commas), bom (true: a byte order mark
 * before CSV), and the list's filters and sort. An audit event is written before the first octet. HEAD says whether it would be let in, and does
 * nothing. E_TOO_MANY when LIMIT_EXPORTS are under way, or LIMIT_EXPORTS_TENANT of the tenant. */
int export_many(struct call *c, struct error *e) MUST_CHECK;
extern const struct attribute export_members[3];

/* --- what is made and not yet sent, for tests --- */

struct export_made {
	struct buf out; /* from sent on */
	size_t sent;
	time_t until;   /* then it is broken off, however slowly a client takes it: it holds one of LIMIT_EXPORTS */
};
/* The next octets, up to max of them: how many; 0: none are left; -1 with E_UNAVAILABLE: its time is over. */
ssize_t export_give(struct export_made *made, uint8_t *to, size_t max, struct error *e) MUST_CHECK;

/* --- a cell of CSV, for tests --- */

/* In quotes (RFC 4180), with an apostrophe before what a spreadsheet would take for a formula, and U+FFFD in the place of control characters but
 * tabs and ends of lines. */
void export_csv_cell(struct buf *b, const char *text);

#endif
