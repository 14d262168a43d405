#include "ca/predecessor.h"

#include "ca/batch.h"

/* What certificate_find() gives. */
enum { TENANT, ID, CA, PROFILE, STATUS, CERTIFICATE, OWNER, METADATA, POSSESSION };

void
predecessors_begin(struct batch *b)
{
	batch_begin(b,
		    "SELECT r_tenant, r_id, r_ca, r_profile, r_status, r_der, r_owner, r_metadata, r_possession FROM"
		    " certificate_find($1::int[], $2::bigint[])",
		    NULL);
	(void)batch_column(b, DB_ARRAY_INT4);
	(void)batch_column(b, DB_ARRAY_INT8);
}

void
predecessors_add(struct batch *b, int32_t tenant_id, int64_t id)
{
	db_array_add_int(&b->arrays[0], tenant_id);
	db_array_add_int(&b->arrays[1], id);
}

static const char *
text_or_null(struct arena *a, const struct db_result *r, int row, int col)
{
	return db_is_null(r, row, col) ? NULL : arena_strdup(a, db_text(r, row, col));
}

static int
read_row(const struct db_result *r, int row, struct predecessor **ret, struct error *e)
{
	struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct predecessor *p = arena_alloc(a, sizeof(*p));
	struct bytes der = db_bytes(r, row, CERTIFICATE, NULL);
	*p = (struct predecessor){
	    .arena = a,
	    .id = db_int(r, row, ID),
	    .ca_id = (int32_t)db_int(r, row, CA),
	    .profile_id = (int32_t)db_int(r, row, PROFILE),
	    .status = (int32_t)db_int(r, row, STATUS),
	    .owner = text_or_null(a, r, row, OWNER),
	    .metadata = text_or_null(a, r, row, METADATA),
	    .possession = db_bool(r, row, POSSESSION),
	};
	if (cert_parse((struct bytes){arena_dup(a, der.data, der.len), der.len}, &p->cert, e) < 0) {
		arena_free(a);
		return -1;
	}
	*ret = p;
	return 0;
}

int
predecessor_find(const struct db_result *r, int32_t tenant_id, int64_t id, struct predecessor **ret, struct error *e)
{
	for (int row = 0; row < db_rows(r); row++)
		if (db_int(r, row, ID) == id && db_int(r, row, TENANT) == tenant_id)
			return read_row(r, row, ret, e);
	return fail(e, E_NOT_FOUND, "there is no such certificate");
}

void
predecessor_free(struct predecessor *p)
{
	if (p)
		arena_free(p->arena);
}
