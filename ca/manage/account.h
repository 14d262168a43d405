/* Accounts, as the operations on them, on their credentials and on tenants share them. */
#ifndef SIEGEL_CA_MANAGE_ACCOUNT_H
#define SIEGEL_CA_MANAGE_ACCOUNT_H
#include "ca/manage.h"

struct account {
	int64_t id;
	const char *name, *role;
	uint64_t rights; /* of its role, also while it is disabled */
	int version;
	const char *sign_in; /* its own rule */
};

/* The account of m's tenant with this id, or with this name when that isn't NULL; locked. E_NOT_FOUND. E_FORBIDDEN when it may change more than
 * the one who asks: whoever gives such an account evidence, or takes it away, would have its rights. */
int account_load(struct manage *m, int64_t id, const char *name, struct account *ret, struct error *e) MUST_CHECK;
/* After a change: E_CONFLICT when nobody is left in m's tenant who may manage accounts and can sign in. */
int account_check_remains(struct manage *m, struct error *e) MUST_CHECK;
/* The rule on signing in that the body names; *ret NULL when it names none. */
int account_read_sign_in(struct manage *m, const char **ret, struct error *e) MUST_CHECK;
/* Whether by one rule less is enough than by the other. */
bool account_sign_in_lower(const char *rule, const char *than);

/* Makes an account of a tenant, with its audit row. E_CONFLICT, E_BAD_VALUE at "name". */
int account_add(struct manage *m, int32_t tenant_id, const char *name, const char *title, const char *email, const char *role, bool enabled,
                const struct ownership *own, int64_t *ret_id, struct error *e) MUST_CHECK;
/* Makes a credential, with its audit row: of what evidence hashes to. hours 0: without end. */
int credential_add(struct manage *m, int32_t tenant_id, const struct account *account, const char *kind, struct bytes evidence, int64_t hours,
                   int64_t *ret_id, struct error *e) MUST_CHECK;
/* Makes a secret and a credential of it; the secret is shown once: it goes into m->ret_result as "secret". E_CONFLICT when no
 * secret opens the account. */
int credential_make(struct manage *m, int32_t tenant_id, const struct account *account, const char *kind, int64_t hours, int64_t *ret_id,
                    struct error *e) MUST_CHECK;

#endif
