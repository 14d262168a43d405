/* The renewalInfo resource, RFC 9773 4.2: for anybody who has the certificate. */
#include "enroll/acme/renewal_info.h"

#include <time.h>

#include "enroll/acme/acme.h"
#include "lib/text.h"

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	enum { BEGINS, ENDS, AT_ONCE, FROM, TO, EXPLANATION };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct bytes key_id, serial;
	if (acme_certid_parse(x->arena, x->word, &key_id, &serial, e) < 0)
		return -1;
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_BYTES(key_id.data, key_id.len), DB_BYTES(serial.data, serial.len)};
	if (acme_query(x,
	               "SELECT r_begins, r_ends, r_at_once, r_advised_from, r_advised_to, r_explanation"
	               " FROM acme_renewal($1::int8, $2::bytea, $3::bytea)",
	               row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such certificate of this directory's CA");
	const struct acme_renewal known = {.begins = db_int(r, 0, BEGINS), .ends = db_int(r, 0, ENDS), .at_once = db_bool(r, 0, AT_ONCE),
	                                   .advised_from = db_is_null(r, 0, FROM) ? 0 : db_int(r, 0, FROM),
	                                   .advised_to = db_is_null(r, 0, TO) ? 0 : db_int(r, 0, TO)};
	const struct acme_window w = acme_renewal_window(&known, serial, (int64_t)time(NULL));
	const char *explanation = db_text(r, 0, EXPLANATION);
	char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES];
	json_t *d = json_pack("{s:{s:s, s:s}}", "suggestedWindow", "start", time_text(w.start, start), "end", time_text(w.end, end));
	if (*explanation)
		json_object_set_new(d, "explanationURL", json_string(explanation));
	a->status = 200;
	http_answer_header(a, "Retry-After", arena_printf(x->arena, "%lld", (long long)w.retry_after)); /* RFC 9773 4.3 */
	acme_answer_json(x, a, d);
	return 0;
}

const struct acme_operation acme_renewal_info = {.name = "renewalInfo", .path = "renewal-info/*", .get = handle};
