/* Imports of what another PKI issued: made, given their files, started; a job does the work and reports on each item. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"
#include "lib/limits.h"

static const struct attribute attributes[] = {
    {"name", "i.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED},
    {"status", "coalesce((SELECT 'failed' FROM job j WHERE j.id = i.job_id AND j.status IN ('failed', 'cancelled')), i.status)", ATTRIBUTE_TEXT,
     ATTRIBUTE_FILTER, "open, started, done or failed", .values = "open started done failed"},
    {"profile", "i.options ->> 'profile'", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE,
     "what the certificates will belong to; left out: by their purposes", .of = "profiles"},
    {"key_store", "i.options ->> 'key_store'", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "where keys of CAs go; left out: the default",
	 .of = "key_stores"},
    {"base_url", "i.options ->> 'base_url'", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE,
     "of the addresses for status; left out: as the tenant's other CAs"},
    {"archive_keys", "(i.options ->> 'archive_keys')::boolean", ATTRIBUTE_BOOL, ATTRIBUTE_CREATE,
     "whether private keys of certificates are kept"},
    {"files", "(SELECT count(*) FROM import_file f WHERE f.import_id = i.id)", ATTRIBUTE_INT, 0},
    {"requestor", "i.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
    {"version", "i.version", ATTRIBUTE_INT, 0},
    {"created_at", "i.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
    OWNERSHIP_ATTRIBUTES("i"),
};

static const struct relationship relationships[] = {{"job", "jobs", "i.job_id"}};

/* Of the address of a file. */
static const struct attribute file_members[] = {
	{"name", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, "of the file; the same name again takes the place of the first"},
	{"kind", NULL, ATTRIBUTE_TEXT, 0, "data, or passwords: a CSV of file and password, * for any file", .values = "data passwords"},
};

static const struct route routes[] = {
	{"GET", "/imports", RIGHT_READ, list_many},
	{"GET", "/imports/{id}", RIGHT_READ, list_one},
	{"POST", "/imports", RIGHT_IMPORT, write_create, "import.create"},
	{"PATCH", "/imports/{id}", RIGHT_IMPORT, write_update, "import.update"},
	{"DELETE", "/imports/{id}", RIGHT_IMPORT, write_delete, "import.delete"},
	{"POST", "/imports/{id}/files", RIGHT_IMPORT, write_raw, "import.append", MEMBERS(file_members), .raw_bytes = LIMIT_RAW_BODY_BYTES,
	 .text = "hands in a file: DER, PEM, PKCS#7, PKCS#12 or CRL"},
	{"POST", "/imports/{id}/start", RIGHT_IMPORT, write_action, "import.start", .flags = ROUTE_JOB,
	 .text = "makes the job that imports the files"},
};

const struct resource resource_imports = {
	.path = "imports",
	.types = {"imports"},
	.from = "import i",
	.id_sql = "i.id",
	.id_where = "i.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
