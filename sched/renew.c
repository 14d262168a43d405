#include "sched/renew.h"

#include "sched/due.h"

int
renew_due(struct sched *s, const char *sql, int (*make)(struct sched *s, int64_t ca_id, const char *name, struct error *e), struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	int result = 0;

	if (db_query(s->db, sql, NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		struct signer_state state = {
		    .exists = db_bool(r, i, 3), .not_before_us = db_int(r, i, 4), .not_after_us = db_int(r, i, 5)};
		struct error mine;
		if (signer_due_us(&state) > db_int(r, i, 2))
			continue;
		if (make(s, db_int(r, i, 0), db_text(r, i, 1), &mine) < 0) {
			if (result == 0)
				*e = mine;
			result = -1;
		}
	}
	return result;
}
