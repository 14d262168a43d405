#include "enroll/common.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/code.h"
#include "lib/auth/kept.h"
#include "lib/db/listener.h"
#include "lib/db/tally.h"
#include "lib/ipc/engine.h"
#include "lib/x509/names.h"
#include "lib/x509/pem.h"

enum {
	IDLE_ENGINES = 64, /* connections kept for the next request; more than that many at once are closed afterwards */
};

struct enroll {
	const struct config *config;
	const char *caller;
	struct db_pool *db;
	struct endpoints *endpoints;
	struct principals *principals;
	struct db_listener *listener;
	struct db_tally *refusals;
	pthread_mutex_t lock;
	struct engine *idle[IDLE_ENGINES];
	int n_idle;
};

/* A label changed, or an account, role, tenant or credential: they change so seldom that both are forgotten. */
static void
changed(void *ctx, bool heard)
{
	struct enroll *en = ctx;
	endpoints_changed(en->endpoints, heard);
	principals_changed(en->principals, heard);
}

int
enroll_open(const struct config *c, const char *caller, const char *role, int db_connections, struct enroll **ret, struct error *e)
{
	static const char *const channels[] = {"endpoints_changed", "credentials_changed", NULL};
	struct db_pool *db = NULL;
	if (db_pool_new(c, role, db_connections, &db, e) < 0)
		return -1;
	struct enroll *en = xcalloc(1, sizeof(*en));
	*en = (struct enroll){.config = c, .caller = caller, .db = db, .lock = PTHREAD_MUTEX_INITIALIZER};
	en->endpoints = endpoints_new();
	en->principals = principals_new();
	if (db_listener_start(c, role, channels, "labels and credentials", changed, en, &en->listener, e) < 0 ||
	    db_tally_start(c, role, &en->refusals, e) < 0) {
		enroll_close(en);
		return -1;
	}
	*ret = en;
	return 0;
}

void
enroll_close(struct enroll *en)
{
	if (!en)
		return;
	for (int i = 0; i < en->n_idle; i++)
		engine_free(en->idle[i]);
	db_tally_stop(en->refusals);
	db_listener_stop(en->listener);
	endpoints_free(en->endpoints);
	principals_free(en->principals);
	db_pool_free(en->db);
	pthread_mutex_destroy(&en->lock);
	free(en);
}

struct db_pool *
enroll_db(struct enroll *en)
{
	return en->db;
}

void
enroll_refused(struct enroll *en, int32_t tenant_id, enum error_code code)
{
	db_tally_add(en->refusals, tenant_id, code);
}

void
enroll_failed(struct enroll *en, int32_t tenant_id, const char *reason)
{
	db_tally_add_reason(en->refusals, tenant_id, reason);
}

int
enroll_query(struct enroll *en, int32_t tenant_id, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
             struct error *e)
{
	struct db *db = NULL;
	if (db_pool_take(en->db, &db, e) < 0)
		return -1;
	int rc = tenant_id ? auth_set_tenant(db, tenant_id, e) : 0;
	if (rc == 0)
		rc = db_query(db, sql, params, n_params, false, ret, e);
	db_pool_give(en->db, db);
	return rc;
}

int
enroll_ca_is_of(struct db *db, int32_t ca_id, int32_t other_id, bool *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(ca_id), DB_INT(other_id)};
	if (ca_id != other_id && db_query(db, "SELECT ca_is_of($1::int, $2::int)", row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	*ret = ca_id == other_id || db_bool(r, 0, 0);
	return 0;
}

struct endpoints *
enroll_endpoints(struct enroll *en)
{
	return en->endpoints;
}

int
enroll_password(struct enroll *en, struct db *db, const char *authorization, struct arena *a, struct principal *ret, struct error *e)
{
	struct principals_question question = {0};
	struct principal who = {0};
	if (authorization && principals_find(en->principals, BYTES_STR(authorization), a, ret, &question))
		return 0;
	if (auth_basic(db, authorization, true, a, &who, e) < 0)
		return -1;
	principals_keep(en->principals, &question, &who);
	*ret = who;
	return 0;
}

/* The engine's client serves one thread at a time, so each request takes one. */
static struct engine *
engine_take(struct enroll *en)
{
	pthread_mutex_lock(&en->lock);
	struct engine *engine = en->n_idle > 0 ? en->idle[--en->n_idle] : NULL;
	pthread_mutex_unlock(&en->lock);
	return engine ? engine : engine_new(en->config, en->caller);
}

static void
engine_give(struct enroll *en, struct engine *engine)
{
	pthread_mutex_lock(&en->lock);
	if (en->n_idle < IDLE_ENGINES)
		en->idle[en->n_idle++] = TAKE(engine);
	pthread_mutex_unlock(&en->lock);
	engine_free(engine);
}

int
enroll_call(struct enroll *en, const Siegel__Request *request, Siegel__Reply **ret, struct error *e)
{
	struct engine *engine = engine_take(en);
	int rc = engine_call(engine, request, ret, e);
	engine_give(en, engine);
	return rc;
}

static void
sha256(const void *data, size_t len, uint8_t ret[ENROLL_KEY_BYTES])
{
	if (EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* no input makes SHA-256 fail */
}

void
enroll_request_key(const char *protocol, const struct enroll_request *r, uint8_t ret[ENROLL_KEY_BYTES])
{
	char identity[160], door[64]; /* an identity is "anchor:" and 64 digits at most */
	snprintf(door, sizeof(door), r->endpoint_id ? "%s/%lld" : "%s", protocol, (long long)r->endpoint_id);
	if (r->who->identity)
		snprintf(identity, sizeof(identity), "tenant/%d/%s", r->who->tenant_id, r->who->identity);
	else if (r->who->account_id)
		snprintf(identity, sizeof(identity), "tenant/%d/account/%lld", r->who->tenant_id, (long long)r->who->account_id);
	else
		snprintf(identity, sizeof(identity), "tenant/%d/certificate/%lld", r->who->tenant_id,
		         (long long)r->who->certificate_id);
	uint8_t csr_hash[ENROLL_KEY_BYTES];
	struct bytes request = r->transaction ? BYTES_STR(r->transaction) : r->csr;
	sha256(request.data, request.len, csr_hash);
	const struct bytes fields[] = {
	    BYTES_STR(door),
	    BYTES_STR(identity),
	    {csr_hash, sizeof(csr_hash)},
	    BYTES_STR(r->operation),
	};
	struct buf BUF_CLEANUP b = BUF_INIT(1024);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		buf_add_byte(&b, (uint8_t)fields[i].len); /* protocol's and operation's words are ours and short */
		buf_add(&b, fields[i].data, fields[i].len);
	}
	sha256(b.data, b.len, ret);
}

static ProtobufCBinaryData
binary(struct arena *a, const void *data, size_t len)
{
	return (ProtobufCBinaryData){.len = len, .data = len ? arena_dup(a, data, len) : NULL};
}

static int
take_key(const Siegel__Issued *issued, struct arena *a, struct enroll_result *ret, struct error *e)
{
	struct bytes der;
	if (issued->repeated)
		return fail(e, E_CONFLICT,
			    "this repeats a request whose private key was handed out, and keys aren't kept: make a new signing request");
	if (pem_decode(a, issued->private_key_pem, strlen(issued->private_key_pem), "PRIVATE KEY", NULL, &der, e) < 0)
		return fail(e, E_INTERNAL, "the engine's answer has no private key");
	ret->private_key = secret_new(der.data, der.len);
	return 0;
}

static int
take_issued(const Siegel__Reply *reply, bool server_key, struct arena *a, struct enroll_result *ret, struct error *e)
{
	if (reply->result_case != SIEGEL__REPLY__RESULT_ISSUED || !reply->issued->certificate)
		return fail(e, E_INTERNAL, "the engine's answer isn't a certificate");
	const Siegel__Certificate *c = reply->issued->certificate;
	if (reply->issued->repeated && strcmp(c->status, "issued") != 0)
		return fail(e, E_FORBIDDEN, "this repeats a request whose certificate is revoked or on hold; make a new signing request");
	*ret = (struct enroll_result){
	    .certificate = {arena_dup(a, c->der.data, c->der.len), c->der.len},
	    .serial = arena_hex(a, c->serial.data, c->serial.len),
	    .id = c->id,
	    .repeated = reply->issued->repeated,
	};
	return server_key ? take_key(reply->issued, a, ret, e) : 0;
}

static Siegel__Identity *
identity_of(struct arena *a, const struct enroll_identity *rule)
{
	Siegel__Identity *q = arena_alloc(a, sizeof(*q));
	siegel__identity__init(q);
	q->common_name = arena_strdup(a, rule->common_name ? rule->common_name : "");
	q->serial_number = arena_strdup(a, rule->serial_number ? rule->serial_number : "");
	q->names_bound = rule->names_bound;
	q->names = arena_alloc(a, (rule->n_names + 1) * sizeof(*q->names));
	for (size_t i = 0; i < rule->n_names; i++)
		q->names[q->n_names++] = arena_strdup(a, rule->names[i]);
	q->certificate = binary(a, rule->certificate.data, rule->certificate.len);
	return q;
}

static void
put_rules(struct arena *a, const struct enroll_request *r, Siegel__Issue *issue)
{
	issue->identities = arena_alloc(a, ARRAY_LEN(r->rules) * sizeof(*issue->identities));
	for (size_t i = 0; i < ARRAY_LEN(r->rules); i++) {
		const struct enroll_identity *rule = &r->rules[i];
		if (rule->common_name || rule->serial_number || rule->names_bound || rule->certificate.len)
			issue->identities[issue->n_identities++] = identity_of(a, rule);
	}
}

static void
put_names(struct arena *a, const struct enroll_request *r, Siegel__Issue *issue)
{
	issue->names = arena_alloc(a, (r->n_names + 1) * sizeof(*issue->names));
	for (size_t i = 0; i < r->n_names; i++) {
		Siegel__Name *name = arena_alloc(a, sizeof(*name));
		size_t len = strcspn(r->names[i], ":");
		int kind = 0;
		while (kind < NAME_KIND_COUNT && (strncmp(name_kind_words[kind], r->names[i], len) != 0 || name_kind_words[kind][len]))
			kind++;
		siegel__name__init(name);
		name->kind = (Siegel__Name__Kind)kind; /* the engine refuses one that isn't known */
		name->value = arena_strdup(a, r->names[i][len] ? r->names[i] + len + 1 : "");
		issue->names[issue->n_names++] = name;
	}
}

static int
ask(struct enroll *en, const struct enroll_request *r, const uint8_t key[ENROLL_KEY_BYTES], struct arena *a, struct enroll_result *ret,
    struct error *e)
{
	uint8_t body_hash[ENROLL_KEY_BYTES];
	struct bytes body = r->transaction ? r->binding : r->csr;
	sha256(body.data, body.len, body_hash);

	Siegel__Requestor who;
	siegel__requestor__init(&who);
	who.tenant_id = r->who->tenant_id;
	who.account_id = r->who->account_id;
	who.name = arena_strdup(a, r->who->name);
	who.role = arena_strdup(a, r->who->role);
	who.evidence = arena_strdup(a, evidence_name(r->who->evidence));
	who.source = arena_strdup(a, en->caller);
	who.request_id = arena_strdup(a, r->request_id);

	Siegel__Issue issue;
	siegel__issue__init(&issue);
	issue.requestor = &who;
	issue.profile = arena_strdup(a, r->profile);
	issue.ca = arena_strdup(a, r->ca);
	issue.csr = binary(a, r->csr.data, r->csr.len);
	issue.same_identity_as = binary(a, r->same_identity_as.data, r->same_identity_as.len);
	issue.renewal = r->renewal;
	issue.crmf = r->crmf;
	issue.server_key = r->server_key;
	put_rules(a, r, &issue);
	put_names(a, r, &issue);
	issue.request_key = binary(a, key, ENROLL_KEY_BYTES);
	issue.body_hash = binary(a, body_hash, sizeof(body_hash));
	issue.window_sec = r->code_id ? ENROLL_CODE_WINDOW_SEC : r->window_sec;

	Siegel__Request request;
	siegel__request__init(&request);
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &issue;
	Siegel__Reply *reply = NULL;
	if (enroll_call(en, &request, &reply, e) < 0)
		return -1;
	int result = take_issued(reply, r->server_key, a, ret, e);
	engine_reply_free(reply);
	return result;
}

static int
take_code(struct enroll *en, int64_t id, const uint8_t key[ENROLL_KEY_BYTES], struct error *e)
{
	struct db *db = NULL;
	if (db_pool_take(en->db, &db, e) < 0)
		return -1;
	int rc = enroll_code_take(db, id, key, e);
	db_pool_give(en->db, db);
	return rc;
}

int
enroll_issue(struct enroll *en, const struct enroll_request *r, struct arena *a, struct enroll_result *ret, struct error *e)
{
	uint8_t key[ENROLL_KEY_BYTES];
	enroll_request_key(en->caller, r, key);
	if (r->code_id && take_code(en, r->code_id, key, e) < 0)
		return -1;
	int rc = ask(en, r, key, a, ret, e);
	if (rc < 0 && r->code_id)
		enroll_code_give(en->db, r->code_id, key, e);
	return rc;
}
