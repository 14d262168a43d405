/* POST of a certificate. No look-up of ours on this path but the token's: the engine decides, and its answer is all that is shown. */
#include "config.h"
#include "api/issue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "api/list.h"
#include "lib/limits.h"
#include "lib/x509/csr.h"
#include "lib/x509/pem.h"

#define ANSWER_MAX_BYTES (1024 * 1024) /* certificate, chain and key of the largest algorithms */
#define IDEMPOTENCY_WINDOW_SEC 86400
#define TEXT_BYTES 255                 /* a name in a certificate; the engine's limits are narrower */

enum kind { KIND_SUBJECT, KIND_NAMES, KIND_OTHER };

/* What a client may send. Whatever else there is in a certificate is decided by the profile and the engine. */
static const struct {
	const char *name;
	enum kind kind;
	const char *rdn; /* KIND_SUBJECT: type of the attribute in the engine's terms */
	Siegel__Name__Kind name_kind;
} inputs[] = {
#define SUBJECT(attribute, type, text) {.name = #attribute, .kind = KIND_SUBJECT, .rdn = (type)},
#define NAMES(attribute, of, text) {.name = #attribute, .kind = KIND_NAMES, .name_kind = SIEGEL__NAME__KIND__##of},
#define OTHER(attribute, type, flags, of, text) {.name = #attribute, .kind = KIND_OTHER},
#include "api/issue_inputs.def"
#undef SUBJECT
#undef NAMES
#undef OTHER
};

/* The same for the description of the interface. */
const struct attribute issue_members[ISSUE_MEMBERS] = {
#define SUBJECT(attribute, type, text) {#attribute, NULL, ATTRIBUTE_TEXT, 0, text},
#define NAMES(attribute, of, text) {#attribute, NULL, ATTRIBUTE_TEXTS, 0, text},
#define OTHER(attribute, type, flags, of, text) {#attribute, NULL, ATTRIBUTE_##type, flags, text, NULL, NULL, of},
#include "api/issue_inputs.def"
#undef SUBJECT
#undef NAMES
#undef OTHER
};

/* What may be said of a successor: the rest is as in the certificate that it replaces. */
static const char *const renew_inputs[] = {"cert_days", "owner", "metadata", NULL};
static const char *const rekey_inputs[] = {"cert_days", "owner", "metadata", "csr", "key_type", "pkcs12_password", NULL};

static const char *const read_only[] = {
	"id", "serial", "subject", "common_name", "names", "not_before", "not_after", "status", "issuer", "issuer_id", "pem", "chain_pem",
	"fingerprint_sha256", "validity_rule", "created_at", "created_by", "approved_by", "requestor", "source", "revoked_at",
	"revocation_reason", "tenant", "tenant_id", "role", "private_key_pem", "pkcs12", "replaces",
};

static bool
is_in(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list != NULL;
}

/* allowed NULL: all inputs. */
static int
check_known(const struct document *d, const char *const *allowed, struct error *e)
{
	const char *name;
	json_t *value;
	char at[96];

	json_object_foreach(d->attributes, name, value) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
			known = known || strcmp(inputs[i].name, name) == 0;
		document_pointer(at, name);
		if (known && allowed && !is_in(allowed, name))
			return fail_at(e, E_BAD_VALUE, at, "%s is that of the certificate that is replaced", name);
		if (known)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(read_only); i++)
			if (strcmp(read_only[i], name) == 0)
				return fail_at(e, E_BAD_VALUE, at, "the attribute is read-only: the server sets it");
		return fail_at(e, E_BAD_VALUE, at, "there is no such attribute");
	}
	return 0;
}

static int
add_names(const struct document *d, size_t input, struct issue *ret, struct error *e)
{
	const char *attribute = inputs[input].name;
	const json_t *list = json_object_get(d->attributes, attribute), *v;
	size_t n = ret->message.n_names, count = json_array_size(list);
	char at[96];

	if (!list || json_is_null(list))
		return 0;
	document_pointer(at, attribute);
	if (!json_is_array(list))
		return fail_at(e, E_BAD_VALUE, at, "%s has to be an array of strings", attribute);
	for (size_t i = 0; i < count; i++, n++) {
		v = json_array_get(list, i);
		snprintf(at, sizeof at, "/data/attributes/%s/%zu", attribute, i);
		if (n == ISSUE_MAX_NAMES)
			return fail_at(e, E_BAD_VALUE, at, "there are more than %d alternative names", ISSUE_MAX_NAMES);
		if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) > LIMIT_SAN_BYTES)
			return fail_at(e, E_BAD_VALUE, at, "a name has to be a string of 1 to %d bytes", LIMIT_SAN_BYTES);
		siegel__name__init(&ret->names[n]);
		ret->names[n].kind = inputs[input].name_kind;
		ret->names[n].value = (char *)(uintptr_t)json_string_value(v);
		ret->message.names[n] = &ret->names[n];
		ret->origin[n].attribute = attribute;
		ret->origin[n].index = (int)i;
	}
	ret->message.n_names = n;
	return 0;
}

/* Room for all names that the document has. */
static void
reserve_names(const struct document *d, struct arena *a, struct issue *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
		if (inputs[i].kind == KIND_NAMES)
			n += json_array_size(json_object_get(d->attributes, inputs[i].name));
	if (n > ISSUE_MAX_NAMES)
		n = ISSUE_MAX_NAMES; /* add_names() refuses the next one */
	ret->message.names = arena_alloc(a, n * sizeof(Siegel__Name *));
	ret->names = arena_alloc(a, n * sizeof(Siegel__Name));
	ret->origin = arena_alloc(a, n * sizeof *ret->origin);
}

static int
add_subject(const struct document *d, size_t input, struct issue *ret, struct error *e)
{
	size_t n = ret->message.n_subject;
	const char *value;

	if (document_text(d, inputs[input].name, TEXT_BYTES, &value, e))
		return -1;
	if (!value)
		return 0;
	if (n == ISSUE_MAX_SUBJECT)
		return fail(e, E_BAD_VALUE, "the subject has more than %d attributes", ISSUE_MAX_SUBJECT);
	siegel__attribute__init(&ret->subject[n]);
	ret->subject[n].type = (char *)(uintptr_t)inputs[input].rdn;
	ret->subject[n].value = (char *)(uintptr_t)value;
	ret->subject_list[n] = &ret->subject[n];
	ret->message.n_subject = n + 1;
	return 0;
}

/* A text attribute into a field of the message, which is never NULL. */
static int
put_text(const struct document *d, const char *name, size_t max, char **ret, struct error *e)
{
	const char *value;

	if (document_text(d, name, max, &value, e))
		return -1;
	if (value)
		*ret = (char *)(uintptr_t)value;
	return 0;
}

static int
add_csr(const struct document *d, struct arena *a, struct issue *ret, struct error *e)
{
	const char *csr;
	struct bytes der;

	if (document_text(d, "csr", LIMIT_BODY_BYTES, &csr, e))
		return -1;
	if (!csr)
		return 0;
	if (pem_decode(a, csr, strlen(csr), "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, e))
		return fail_at(e, E_BAD_CSR, "/data/attributes/csr", CSR_UNREADABLE, e->detail);
	if (der.len == 0 || der.len > LIMIT_CSR_BYTES)
		return fail_at(e, E_BAD_CSR, "/data/attributes/csr", "csr is empty or longer than %d bytes", LIMIT_CSR_BYTES);
	if (*ret->message.key_type)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/key_type", "key_type is for keys made here; csr brings its own");
	if (*ret->message.pkcs12_password)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/pkcs12_password", "with csr there is no private key here to pack");
	ret->message.csr = (ProtobufCBinaryData){der.len, (uint8_t *)(uintptr_t)der.data};
	return 0;
}

/* An object of texts; the engine looks at it. */
static int
add_metadata(const struct document *d, struct arena *a, struct issue *ret, struct error *e)
{
	const json_t *metadata = json_object_get(d->attributes, "metadata");
	char *text;

	if (!metadata || json_is_null(metadata))
		return 0;
	if (!json_is_object(metadata))
		return fail_at(e, E_BAD_VALUE, "/data/attributes/metadata", "metadata has to be an object of texts");
	text = json_dumps(metadata, JSON_COMPACT);
	ret->message.metadata = arena_strdup(a, text ? text : "");
	free(text);
	return 0;
}

/* The attributes that stand for themselves. */
static int
add_rest(const struct document *d, struct arena *a, struct issue *ret, struct error *e)
{
	Siegel__Issue *m = &ret->message;
	int64_t days;

	if (document_int(d, "cert_days", 1, LIMIT_VALIDITY_DAYS, &days, e) || put_text(d, "profile", 63, &m->profile, e) ||
	    put_text(d, "ca", 63, &m->ca, e) || put_text(d, "key_type", 32, &m->key_type, e) ||
	    put_text(d, "pkcs12_password", LIMIT_PASSWORD_BYTES, &m->pkcs12_password, e) ||
	    put_text(d, "owner", LIMIT_METADATA_VALUE_BYTES, &m->owner, e) || add_metadata(d, a, ret, e))
		return -1;
	m->days = (int32_t)days;
	return add_csr(d, a, ret, e);
}

int
issue_from_renewal(const struct document *d, int64_t id, bool same_key, struct arena *a, struct issue *ret, struct error *e)
{
	siegel__issue__init(&ret->message);
	ret->message.replaces_id = id;
	ret->message.same_key = same_key;
	return check_known(d, same_key ? renew_inputs : rekey_inputs, e) ? -1 : add_rest(d, a, ret, e);
}

int
issue_from_document(const struct document *d, const char *default_profile, struct arena *a, struct issue *ret, struct error *e)
{
	Siegel__Issue *m = &ret->message;

	siegel__issue__init(m);
	m->subject = ret->subject_list;
	reserve_names(d, a, ret);
	m->profile = (char *)(uintptr_t)default_profile;
	if (check_known(d, NULL, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		if (inputs[i].kind == KIND_SUBJECT && add_subject(d, i, ret, e))
			return -1;
		if (inputs[i].kind == KIND_NAMES && add_names(d, i, ret, e))
			return -1;
	}
	return add_rest(d, a, ret, e);
}

void
issue_map_pointer(const struct issue *i, const struct document *d, struct error *e)
{
	char field[sizeof e->pointer];
	const char *attribute = field;
	int index = -1, n;

	if (strcmp(e->pointer, "approval") == 0)
		e->pointer[0] = '\0'; /* people refused it: nothing in the document is at fault */
	if (!e->pointer[0])
		return;
	snprintf(field, sizeof field, "%s", e->pointer);
	if (strcmp(field, "days") == 0)
		attribute = "cert_days";
	if (sscanf(field, "names/%d", &n) == 1) {
		/* A name that the document doesn't have came from the request for a certificate, or from the common name. */
		bool ours = n >= 0 && (size_t)n < i->message.n_names;

		attribute = ours ? i->origin[n].attribute : i->message.csr.len ? "csr" : "cn";
		index = ours ? i->origin[n].index : -1;
	} else if (strncmp(field, "names", 5) == 0) {
		attribute = i->message.n_names ? i->origin[0].attribute : i->message.csr.len ? "csr" : "cn";
	} else if (strncmp(field, "subject", 7) == 0) {
		attribute = i->message.csr.len ? "csr" : "cn";
		for (size_t k = 0; field[7] == '/' && k < ARRAY_LEN(inputs); k++)
			if (inputs[k].kind == KIND_SUBJECT && strcmp(inputs[k].rdn, field + 8) == 0 &&
			    (!i->message.csr.len || json_object_get(d->attributes, inputs[k].name)))
				attribute = inputs[k].name;
	}
	if (i->message.replaces_id && !json_object_get(d->attributes, attribute)) {
		e->pointer[0] = '\0'; /* it is the certificate's that is replaced, and the document doesn't have it */
		return;
	}
	if (index >= 0)
		snprintf(e->pointer, sizeof e->pointer, "/data/attributes/%s/%d", attribute, index);
	else
		snprintf(e->pointer, sizeof e->pointer, "/data/attributes/%.60s", attribute);
}

static void
hash_part(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

	EVP_DigestUpdate(ctx, head, sizeof head);
	EVP_DigestUpdate(ctx, data, len);
}

/* Idempotency-Key: SHA-256 of who and the key, and of what is asked for. */
static int
add_request_key(const struct call *c, struct issue *i, struct error *e)
{
	const char *key = http_header_get(c->request, "Idempotency-Key");
	char who[64];
	EVP_MD_CTX *ctx;

	if (!key)
		return 0;
	if (!*key || strlen(key) > LIMIT_IDEMPOTENCY_KEY_BYTES)
		return fail_at(e, E_MALFORMED, ":Idempotency-Key", "an idempotency key has 1 to %d characters", LIMIT_IDEMPOTENCY_KEY_BYTES);
	for (const char *p = key; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return fail_at(e, E_MALFORMED, ":Idempotency-Key", "an idempotency key has printable ASCII characters alone");
	snprintf(who, sizeof who, "%d/%lld/%lld", c->who.tenant_id, (long long)c->who.account_id, (long long)c->who.certificate_id);
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return fail(e, E_INTERNAL, "no SHA-256");
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	hash_part(ctx, "rest", 4);
	hash_part(ctx, who, strlen(who));
	hash_part(ctx, key, strlen(key));
	EVP_DigestFinal_ex(ctx, i->request_key, NULL);
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	hash_part(ctx, c->request->path, strlen(c->request->path));
	hash_part(ctx, c->request->body.data, c->request->body.len);
	EVP_DigestFinal_ex(ctx, i->body_hash, NULL);
	EVP_MD_CTX_free(ctx);
	i->message.request_key = (ProtobufCBinaryData){32, i->request_key};
	i->message.body_hash = (ProtobufCBinaryData){32, i->body_hash};
	i->message.window_sec = IDEMPOTENCY_WINDOW_SEC;
	return 0;
}

static void
write_certificate(struct call *c, struct json *j, const Siegel__Issued *issued)
{
	const Siegel__Certificate *x = issued->certificate;
	unsigned char digest[EVP_MAX_MD_SIZE];

	jw_open(j, "attributes");
	jw_text(j, "serial", arena_hex(c->arena, x->serial.data, x->serial.len));
	jw_text(j, "subject", x->subject);
	jw_text(j, "common_name", x->common_name);
	jw_open_array(j, "names");
	for (size_t i = 0; i < x->n_names; i++)
		jw_text(j, NULL, x->names[i]);
	jw_close_array(j);
	jw_time(j, "not_before", x->not_before);
	jw_time(j, "not_after", x->not_after);
	jw_text(j, "status", x->status);
	jw_text(j, "profile", x->profile);
	jw_text(j, "issuer", x->ca);
	jw_text(j, "key_type", *x->key_type ? x->key_type : NULL);
	jw_text(j, "owner", *x->owner ? x->owner : NULL);
	jw_raw(j, "metadata", *x->metadata ? x->metadata : "null");
	jw_text(j, "replaces", x->replaces_id ? arena_printf(c->arena, "%lld", (long long)x->replaces_id) : NULL);
	jw_time(j, "created_at", x->created_at);
	jw_text(j, "validity_rule", issued->validity_rule);
	if (EVP_Digest(x->der.data, x->der.len, digest, NULL, EVP_sha256(), NULL) == 1)
		jw_text(j, "fingerprint_sha256", arena_hex(c->arena, digest, 32));
	jw_text(j, "pem", pem_encode(c->arena, "CERTIFICATE", (struct bytes){x->der.data, x->der.len}));
	jw_text(j, "chain_pem", issued->chain_pem);
	if (*issued->private_key_pem)
		jw_text(j, "private_key_pem", issued->private_key_pem);
	if (issued->pkcs12.len)
		jw_text(j, "pkcs12", base64_encode(c->arena, (struct bytes){issued->pkcs12.data, issued->pkcs12.len}));
	jw_close(j);
}

static int
answer_issued(struct call *c, const struct issue *asked, const Siegel__Issued *issued, struct error *e)
{
	const Siegel__Certificate *x = issued->certificate;
	JSON_CLEANUP struct json j = JSON_INIT(ANSWER_MAX_BYTES);
	const char *id = arena_printf(c->arena, "%lld", (long long)x->id);
	const char *self = call_link(c, "certificates", id);

	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", x->kind);
	jw_text(&j, "id", id);
	write_certificate(c, &j, issued);
	jw_open(&j, "relationships");
	jw_open(&j, "ca");
	jw_open(&j, "data");
	jw_text(&j, "type", "cas");
	jw_text(&j, "id", arena_printf(c->arena, "%d", x->ca_id));
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	jw_open(&j, "links");
	jw_text(&j, "self", self);
	jw_close(&j);
	jw_close(&j);
	if (issued->repeated) {
		jw_open(&j, "meta");
		jw_bool(&j, "repeated", true);
		if (!asked->message.csr.len && !asked->message.same_key)
			jw_text(&j, "private_key", "handed out once, in the first answer");
		jw_close(&j);
	}
	jw_close(&j);
	http_answer_header(c->answer, "Location", self);
	c->answer->secret = *issued->private_key_pem || issued->pkcs12.len;
	return call_answer(c, issued->repeated ? 200 : 201, &j, e);
}

/* 202 with what it waits for. */
static int
answer_pending(struct call *c, const struct error *pending, struct error *e)
{
	long long id;

	if (sscanf(pending->pointer, "approval/%lld", &id) != 1)
		return fail(e, E_INTERNAL, "the engine's reply names no approval");
	c->resource = resource_find("approvals");
	c->id = arena_printf(c->arena, "%lld", id);
	if (list_one(c, e))
		return -1;
	c->answer->status = error_http_status(E_PENDING);
	http_answer_header(c->answer, "Location", call_link(c, c->resource->path, c->id));
	http_answer_header(c->answer, "Retry-After", arena_printf(c->arena, "%u", pending->retry_after_sec));
	return 0;
}

static int
ask(struct call *c, struct issue *i, const struct document *d, struct error *e)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	struct error told;
	int result;

	if (add_request_key(c, i, e))
		return -1;
	call_requestor(c, &i->requestor);
	i->message.requestor = &i->requestor;
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &i->message;
	call_release_db(c);
	if (engine_call(call_engine(c), &request, &reply, &told)) {
		if (told.code == E_PENDING)
			return answer_pending(c, &told, e);
		*e = told;
		issue_map_pointer(i, d, e);
		return -1;
	}
	if (reply->result_case != SIEGEL__REPLY__RESULT_ISSUED || !reply->issued->certificate)
		result = fail(e, E_INTERNAL, "the engine's reply isn't a certificate");
	else
		result = answer_issued(c, i, reply->issued, e);
	engine_reply_free(reply);
	return result;
}

int
issue_post(struct call *c, const char *default_profile, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	struct issue *i = arena_alloc(c->arena, sizeof *i);

	if (document_parse(c->request->body, c->resource->types[0], &d, e) || issue_from_document(&d, default_profile, c->arena, i, e))
		return -1;
	return ask(c, i, &d, e);
}

int
issue_successor(struct call *c, bool same_key, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	struct issue *i = arena_alloc(c->arena, sizeof *i);

	if (!id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	if (c->request->body.len && document_parse(c->request->body, same_key ? "renew" : "rekey", &d, e))
		return -1;
	if (issue_from_renewal(&d, strtoll(c->id, NULL, 10), same_key, c->arena, i, e))
		return -1;
	return ask(c, i, &d, e);
}
