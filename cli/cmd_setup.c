/* Accounts and their secrets, made on the machine itself: straight in the store, by whom the database lets in as siegel_setup. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/db/audit.h"
#include "lib/auth/auth.h"
#include "lib/secret.h"
#include "lib/x509/pem.h"

#define SECOND_FACTOR "second_factor"
#define SECRET_BYTES 20 /* 160 bits: never guessed, so a plain SHA-256 of it is stored */
#define ONE_TIME_HOURS 24
#define CERT_FILE_BYTES ((size_t)256 * 1024)

/* One command under way: a transaction with its audit chain. */
struct setup {
	struct cli *cli;
	struct db *db;
	struct audit_chain chain;
	int32_t tenant_id;
	const char *tenant, *account;
	int64_t account_id;
};

static int
setup_open(struct cli *c, struct setup *s, struct error *e)
{
	const struct config *config;

	if (cli_config(c, &config, e) < 0 || db_connect(config, "siegel_setup", &s->db, e) < 0)
		return -1;
	if (audit_open(s->db, "setup.0", &s->chain, e) < 0)
		return -1;
	return db_exec(s->db, "BEGIN", e);
}

static int
find_tenant(struct setup *s, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param params[] = {DB_TEXT(s->tenant)};

	if (db_query(s->db, "SELECT id FROM tenant WHERE name = $1::text", params, ARRAY_LEN(params), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no tenant \"%s\": siegel-ca --bootstrap makes it", s->tenant);
	s->tenant_id = (int32_t)db_int(r, 0, 0);
	return 0;
}

/* Writes the audit row of this transaction: what was done on which object. Who is the system user at the console. */
static int
record(struct setup *s, const char *action, const char *object, json_t *detail_taken, struct error *e)
{
	JSON_CLEANUP json_t *detail = detail_taken;
	char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
	struct timespec now;
	struct audit_row row;
	int rc;

	clock_gettime(CLOCK_REALTIME, &now);
	row = (struct audit_row){.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
	                         .tenant_id = s->tenant_id,
	                         .actor = arena_printf(s->cli->arena, "setup:uid=%u", (unsigned)getuid()),
	                         .action = action,
	                         .object = object,
	                         .detail = text ? text : "{}"};
	rc = audit_append(s->db, &s->chain, &row, e);
	free(text);
	return rc;
}

/* Finds the account; *ret_role is NULL when there is none. */
static int
find_account(struct setup *s, const char **ret_role, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param params[] = {DB_INT(s->tenant_id), DB_TEXT(s->account)};

	if (db_query(s->db, "SELECT id, role FROM account WHERE tenant_id = $1::int4 AND name = $2::text", params, ARRAY_LEN(params),
	             false, &r, e) < 0)
		return -1;
	*ret_role = NULL;
	if (db_rows(r) == 0)
		return 0;
	s->account_id = db_int(r, 0, 0);
	*ret_role = arena_strdup(s->cli->arena, db_text(r, 0, 1));
	return 0;
}

/* A role that all tenants have, or one of this tenant. */
static int
check_role(struct setup *s, const char *role, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param params[] = {DB_INT(s->tenant_id), DB_TEXT(role)};

	if (db_query(s->db,
	             "SELECT coalesce(bool_or(name = $2::text), false), string_agg(name, ', ' ORDER BY id) FROM role"
	             " WHERE tenant_id IS NULL OR tenant_id = $1::int4",
	             params, ARRAY_LEN(params), false, &r, e) < 0)
		return -1;
	return db_bool(r, 0, 0) ? 0 : fail(e, E_BAD_VALUE, "there is no role \"%s\"; there are %s", role, db_text(r, 0, 1));
}

/* An account that is there with the same role gets one more credential. */
static int
ensure_account(struct setup *s, const char *role, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param params[] = {DB_INT(s->tenant_id), DB_TEXT(s->account), DB_TEXT(role)};
	const char *present;

	if (check_role(s, role, e) < 0 || find_account(s, &present, e) < 0)
		return -1;
	if (present && strcmp(present, role) != 0)
		return fail(e, E_CONFLICT, "the account \"%s\" is there with the role %s", s->account, present);
	if (present)
		return 0;
	if (db_query(s->db, "INSERT INTO account (tenant_id, name, role) VALUES ($1::int4, $2::text, $3::text) RETURNING id", params,
	             ARRAY_LEN(params), false, &r, e) < 0) {
		if (strcmp(db_sqlstate(s->db), "23514") == 0) /* a CHECK of the table */
			return fail(e, E_BAD_VALUE,
			            "an account's name has up to 63 letters, digits and any of . _ @ -, and starts with a letter or digit");
		return -1;
	}
	s->account_id = db_int(r, 0, 0);
	return record(s, "account.created", arena_printf(s->cli->arena, "account/%lld", (long long)s->account_id),
	              json_pack("{s:s,s:s}", "name", s->account, "role", role), e);
}

/* Stores the hash of a credential that ends after hours (0: never). */
static int
add_credential(struct setup *s, const char *kind, const void *secret, size_t len, long hours, int64_t *ret_id, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	uint8_t hash[32];

	if (EVP_Digest(secret, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	const struct db_param params[] = {DB_INT(s->tenant_id), DB_INT(s->account_id), DB_TEXT(kind), DB_BYTES(hash, sizeof(hash)),
	                                  hours ? DB_INT(hours) : DB_NULL};
	if (db_query(s->db,
	             "INSERT INTO credential (tenant_id, account_id, kind, hash, expires_at) VALUES "
	             "($1::int4, $2::int8, $3::text, $4::bytea, now() + make_interval(hours => $5::int4)) RETURNING id",
	             params, ARRAY_LEN(params), false, &r, e) < 0)
		return -1;
	*ret_id = db_int(r, 0, 0);
	return record(s, "credential.created", arena_printf(s->cli->arena, "credential/%lld", (long long)*ret_id),
	              json_pack("{s:s,s:s,s:I}", "account", s->account, "kind", kind, "hours", (json_int_t)hours), e);
}

static void
print_secret(const struct setup *s, const char *kind, const char *secret, int64_t id)
{
	if (s->cli->json) {
		JSON_CLEANUP json_t *doc = json_pack("{s:s,s:s,s:I}", "account", s->account, "kind", kind, "credential", (json_int_t)id);

		if (secret)
			json_object_set_new(doc, "secret", json_string(secret));
		cli_print_json(doc);
	} else if (secret) {
		/* alone on its line, so that a script may take it; the rest is for people */
		printf("%s\n", secret);
		fprintf(stderr, "%s of %s (credential %lld): shown this once, stored as a hash\n", kind, s->account, (long long)id);
	} else {
		printf("credential %lld of %s: the certificate\n", (long long)id, s->account);
	}
}

/* The DER of a PEM file. */
static int
read_certificate(struct arena *a, const char *path, struct bytes *ret, struct error *e)
{
	BUF_CLEANUP struct buf b = BUF_INIT(CERT_FILE_BYTES);
	char block[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&b, block, n);
	fclose(f);
	if (buf_check(&b, e) < 0)
		return -1;
	return pem_decode(a, (const char *)b.data, b.len, "CERTIFICATE", NULL, ret, e);
}

/* By what the account has to sign in: "any", "passkey", "certificate". */
static int
find_rule(struct setup *s, const char **ret, bool *ret_opens, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (db_query(s->db, "SELECT account_sign_in($1::int8), account_opens($1::int8)", (struct db_param[]){DB_INT(s->account_id)}, 1, false, &r,
	             e) < 0)
		return -1;
	*ret = arena_strdup(s->cli->arena, db_text(r, 0, 0));
	*ret_opens = db_bool(r, 0, 1);
	return 0;
}

/* What wouldn't open the account isn't made. A one-time code that is made here lets it register a passkey. */
static int
check_rule(struct setup *s, const char *kind, struct error *e)
{
	const char *rule;
	bool opens;

	if (find_rule(s, &rule, &opens, e) < 0)
		return -1;
	if (strcmp(rule, "any") == 0 || strcmp(kind, "certificate") == 0 || (strcmp(rule, "passkey") == 0 && strcmp(kind, "one_time") == 0))
		return 0;
	return fail(e, E_CONFLICT, "the account \"%s\" is opened by a %s alone: %s, or siegelctl setup sign-in", s->account,
	            strcmp(rule, "passkey") == 0 ? "passkey or a client certificate" : "client certificate",
	            strcmp(rule, "passkey") == 0 ? "--one-time lets it register one, --certificate" : "--certificate");
}

static int
account_commit(struct setup *s, const char *role, const char *kind, long hours, const char *certificate, struct error *e)
{
	CLEANUP(secret_free) struct secret *secret = NULL;
	struct bytes evidence;
	int64_t id = 0;

	if (certificate) {
		if (read_certificate(s->cli->arena, certificate, &evidence, e) < 0)
			return -1;
	} else {
		if (secret_random_text(SECRET_BYTES, &secret, e) < 0)
			return -1;
		evidence = (struct bytes){secret->data, secret->len};
	}
	if (find_tenant(s, e) < 0 || ensure_account(s, role, e) < 0 || check_rule(s, kind, e) < 0 ||
	    add_credential(s, kind, evidence.data, evidence.len, hours, &id, e) < 0 || db_exec(s->db, "COMMIT", e) < 0)
		return -1;
	print_secret(s, kind, secret ? (const char *)secret->data : NULL, id);
	return 0;
}

/* The one kind of credential that is asked for. */
static int
choose_kind(struct cli *c, const char **ret, struct error *e)
{
	static const struct {
		const char *option, *kind;
	} kinds[] = {{"token", "token"}, {"password", "password"}, {"one-time", "one_time"}, {"certificate", "certificate"}};
	const char *kind = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!args_has(&c->args, kinds[i].option))
			continue;
		if (kind)
			return cli_usage(e, "only one of --token, --password, --one-time and --certificate can be made at a time");
		kind = kinds[i].kind;
	}
	if (!kind)
		return cli_usage(e, "one of --token, --password, --one-time and --certificate is wanted");
	*ret = kind;
	return 0;
}

static int
run_account(struct cli *c, struct error *e)
{
	const char *role = args_get(&c->args, "role"), *tenant = args_get(&c->args, "tenant"), *kind = "";
	struct setup s = {.cli = c, .tenant = tenant ? tenant : "default", .account = args_get(&c->args, "name")};
	long hours;
	int rc;

	if (!s.account || !role)
		return cli_usage(e, "--name and --role are wanted");
	rc = choose_kind(c, &kind, e);
	if (rc != 0)
		return rc;
	if (args_number(&c->args, "hours", 1, 24L * 3660, strcmp(kind, "one_time") == 0 ? ONE_TIME_HOURS : 0, &hours, e) < 0)
		return CLI_USAGE;
	rc = setup_open(c, &s, e);
	if (rc == 0)
		rc = account_commit(&s, role, kind, hours, args_get(&c->args, "certificate"), e);
	db_free(s.db); /* ends the transaction when it wasn't committed */
	return rc;
}

/* For who lost his phone and his recovery codes, and has nobody above him: the next sign-in to the console sets up another second factor. */
static int
reset_second_factor(struct setup *s, int *ret_n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (db_query(s->db, "WITH f AS (DELETE FROM second_factor WHERE account_id = $1::int8 RETURNING account_id),"
	             " p AS (DELETE FROM passkey WHERE account_id = $1::int8 RETURNING account_id)"
	             " SELECT account_id FROM f UNION SELECT account_id FROM p",
	             (struct db_param[]){DB_INT(s->account_id)}, 1, false, &r, e) < 0)
		return -1;
	*ret_n = db_rows(r);
	return *ret_n == 0 ? 0
	                   : record(s, "account.second_factor_reset", arena_printf(s->cli->arena, "account/%s", db_text(r, 0, 0)),
	                            json_pack("{s:s}", "name", s->account), e);
}

/* Revokes what is asked for and counts it. What opens sessions takes those along that it opened. */
static int
revoke_credentials(struct setup *s, const char *kind, long id, int *ret_n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *present;

	if (find_tenant(s, e) < 0 || find_account(s, &present, e) < 0)
		return -1;
	if (!present)
		return fail(e, E_NOT_FOUND, "there is no account \"%s\"", s->account);
	const struct db_param params[] = {DB_INT(s->account_id), kind ? DB_TEXT(kind) : DB_NULL, id ? DB_INT(id) : DB_NULL};
	if ((!kind || strcmp(kind, "login") == 0 || strcmp(kind, SECOND_FACTOR) == 0) &&
	    db_query(s->db, "DELETE FROM session WHERE account_id = $1::int8", params, 1, false, NULL, e) < 0)
		return -1;
	if (kind && strcmp(kind, SECOND_FACTOR) == 0)
		return reset_second_factor(s, ret_n, e) < 0 ? -1 : db_exec(s->db, "COMMIT", e);
	if (db_query(s->db,
	             "UPDATE credential SET revoked_at = now() WHERE account_id = $1::int8 AND revoked_at IS NULL "
	             "AND ($2::text IS NULL OR kind = $2::text) AND ($3::int8 IS NULL OR id = $3::int8) RETURNING id, kind",
	             params, ARRAY_LEN(params), false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		if (record(s, "credential.revoked", arena_printf(s->cli->arena, "credential/%s", db_text(r, i, 0)),
		           json_pack("{s:s,s:s}", "account", s->account, "kind", db_text(r, i, 1)), e) < 0)
			return -1;
	}
	*ret_n = db_rows(r);
	return db_exec(s->db, "COMMIT", e);
}

static int
run_revoke(struct cli *c, struct error *e)
{
	const char *tenant = args_get(&c->args, "tenant"), *kind = args_get(&c->args, "kind");
	struct setup s = {.cli = c, .tenant = tenant ? tenant : "default", .account = args_get(&c->args, "name")};
	int rc, n = 0;
	long id;

	if (!s.account)
		return cli_usage(e, "--name is wanted");
	if (args_number(&c->args, "id", 1, 0x7fffffffffffffff, 0, &id, e) < 0)
		return CLI_USAGE;
	if (kind && strcmp(kind, "token") != 0 && strcmp(kind, "password") != 0 && strcmp(kind, "one_time") != 0 && strcmp(kind,
		"certificate") != 0 &&
	    strcmp(kind, "login") != 0 && (strcmp(kind, SECOND_FACTOR) != 0 || id))
		return cli_usage(e, "--kind is one of token, password, one_time, certificate, login, second_factor");
	if (!kind && !id && !args_has(&c->args, "all"))
		return cli_usage(e, "one of --id, --kind and --all is wanted");
	rc = setup_open(c, &s, e);
	if (rc == 0)
		rc = revoke_credentials(&s, kind, id, &n, e);
	db_free(s.db);
	if (rc < 0)
		return -1;
	if (n == 0)
		return fail(e, E_NOT_FOUND, "the account \"%s\" has no such credential that is good", s.account);
	if (c->json) {
		JSON_CLEANUP json_t *doc = json_pack("{s:s,s:i}", "account", s.account, "revoked", n);

		cli_print_json(doc);
	} else {
		printf("revoked %d of %s\n", n, s.account);
	}
	return 0;
}

/* The account's own rule, or with a role's name that role's. */
static int
set_rule(struct setup *s, const char *role, const char *rule, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *what = role ? "role" : "account";
	const struct db_param params[] = {DB_INT(s->tenant_id), DB_TEXT(role ? role : s->account), DB_TEXT(rule)};

	if (db_query(s->db,
	             arena_printf(s->cli->arena,
	                          "UPDATE %s SET sign_in = $3::text, version = version + 1 WHERE tenant_id = $1::int4 AND name = $2::text"
	                          " RETURNING id",
	                          what),
	             params, ARRAY_LEN(params), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return role ? fail(e, E_NOT_FOUND, "the tenant has no role \"%s\" of its own; those that all have carry no rule", role)
		            : fail(e, E_NOT_FOUND, "there is no account \"%s\"", s->account);
	s->account_id = role ? 0 : db_int(r, 0, 0);
	return record(s, arena_printf(s->cli->arena, "%s.sign_in_set", what), arena_printf(s->cli->arena, "%s/%s", what, db_text(r, 0, 0)),
	              json_pack("{s:s,s:s}", "name", role ? role : s->account, "sign_in", rule), e);
}

static int
sign_in_commit(struct setup *s, const char *role, const char *rule, struct error *e)
{
	const char *holds = rule, *what = role ? "role" : "account", *name = role ? role : s->account;
	bool opens = true;

	if (find_tenant(s, e) < 0 || set_rule(s, role, rule, e) < 0 || (!role && find_rule(s, &holds, &opens, e) < 0) ||
	    db_exec(s->db, "COMMIT", e) < 0)
		return -1;
	if (s->cli->json) {
		JSON_CLEANUP json_t *doc = json_pack("{s:s,s:s,s:s}", what, name, "sign_in", rule, "holds", holds);

		cli_print_json(doc);
		return 0;
	}
	printf("%s %s: %s\n", what, name, rule);
	if (strcmp(holds, rule) != 0)
		fprintf(stderr, "its role wants more: %s holds (--role changes that)\n", holds);
	if (!opens)
		fprintf(stderr, "it has nothing to sign in by now: siegelctl setup account --one-time lets it register a passkey, --certificate binds"
		                " a card\n");
	return 0;
}

static int
run_sign_in(struct cli *c, struct error *e)
{
	const char *role = args_get(&c->args, "role"), *tenant = args_get(&c->args, "tenant"), *rule = args_get(&c->args, "require");
	struct setup s = {.cli = c, .tenant = tenant ? tenant : "default", .account = args_get(&c->args, "name")};
	int rc;

	if (!s.account == !role)
		return cli_usage(e, "one of --name and --role is wanted");
	if (!rule || (strcmp(rule, "any") != 0 && strcmp(rule, "passkey") != 0 && strcmp(rule, "certificate") != 0))
		return cli_usage(e, "--require is one of any, passkey, certificate");
	rc = setup_open(c, &s, e);
	if (rc == 0)
		rc = sign_in_commit(&s, role, rule, e);
	db_free(s.db);
	return rc;
}

static const struct arg_spec account_options[] = {
	{"tenant", ARG_VALUE, "NAME", "tenant (default)"},
	{"name", ARG_VALUE, "NAME", "name of the account; it is made when it isn't there"},
	{"role", ARG_VALUE, "ROLE", "administrator, operator, requestor or auditor"},
	{"token", ARG_FLAG, NULL, "make a token for REST"},
	{"password", ARG_FLAG, NULL, "make a password for HTTP Basic, as EST clients use it"},
	{"one-time", ARG_FLAG, NULL, "make a code for one sign-in"},
	{"certificate", ARG_VALUE, "FILE", "let this client certificate (PEM) speak for the account"},
	{"hours", ARG_VALUE, "N", "time until the credential ends (24 for a one-time code, else never)"},
	{NULL, ARG_FLAG, NULL, NULL},
};

static const struct arg_spec revoke_options[] = {
	{"tenant", ARG_VALUE, "NAME", "tenant (default)"},
	{"name", ARG_VALUE, "NAME", "name of the account"},
	{"id", ARG_VALUE, "N", "this credential"},
	{"kind", ARG_VALUE, "KIND", "all of this kind: token, password, one_time, certificate; login or second_factor of the console"},
	{"all", ARG_FLAG, NULL, "all credentials of the account"},
	{NULL, ARG_FLAG, NULL, NULL},
};

static const struct arg_spec sign_in_options[] = {
	{"tenant", ARG_VALUE, "NAME", "tenant (default)"},
	{"name", ARG_VALUE, "NAME", "name of the account"},
	{"role", ARG_VALUE, "ROLE", "or a role of the tenant's own: all of its accounts"},
	{"require", ARG_VALUE, "WHAT", "any, passkey (or a certificate), certificate (alone)"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_setup[] = {
	{"setup", "account", "", 0, 0, "make an account, or one more credential for it (as siegel_setup)", account_options, run_account},
	{"setup", "sign-in", "", 0, 0, "say by what an account, or all of a role, have to sign in (as siegel_setup)", sign_in_options, run_sign_in},
	{"setup", "revoke-credential", "", 0, 0, "end credentials of an account (as siegel_setup)", revoke_options, run_revoke},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
