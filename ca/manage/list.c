/* The list of management operations: one line for each file. */
#include "ca/manage.h"

#define TABLES(X)                                                                                                                  \
	X(role) \
	X(authority) \
	X(account) \
	X(approval) \
	X(credential) \
	X(login) \
	X(tenant) \
	X(policy) \
	X(profile) \
	X(trial) \
	X(audit_ops) \
	X(job_ops) \
	X(certificate) \
	X(import) \
	X(secret) \
	X(archive) \
	X(endpoint) \
	X(code) \
	X(acme_directory) \
	X(acme_key) \
	X(acme_account) \
	X(advice) \
	X(annotate) \
	X(saved_query) \
	X(batch) \
	X(key_store)

#define DECLARE(name) extern const struct manage_op manage_##name[];
#define ROW(name) manage_##name,

TABLES(DECLARE)
const struct manage_op *const manage_tables[] = {TABLES(ROW) NULL};
