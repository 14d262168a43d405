#include "ca/retire.h"

#include "ca/batch.h"

static int
retire(struct desk *d, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(d->db,
		     "UPDATE ca SET status = 'retired', version = version + 1 WHERE id IN (SELECT id FROM ca WHERE status IN ('superseded',"
		     " 'revoked') AND"
		     " (not_after < now() OR coalesce(serves_until, '-infinity') < now()) LIMIT 1000) RETURNING id, tenant_id, name",
		     NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		struct audit_row row = {.at_us = now_us(), .tenant_id = (int32_t)db_int(r, i, 1), .actor = "ca", .action = "ca.retired",
					.object = arena_printf(a, "ca/%s", db_text(r, i, 0)),
					.detail = detail_text(a, "name", db_text(r, i, 2), "because", "its last certificate has ended", NULL)};
		if (desk_audit(d, &row, e) < 0)
			return -1;
	}
	return 0;
}

int
retire_ended(struct desk *d, struct error *e)
{
	struct audit_chain before = d->chain;
	struct error undo;
	if (desk_begin(d, e) < 0)
		return -1;
	if (retire(d, e) == 0)
		return desk_commit(d, e);
	if (db_alive(d->db) && desk_rollback(d, &before, &undo) < 0)
		*e = undo;
	return -1;
}
