#include "ca/reply.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc/frame.h"
#include "lib/x509/pem.h"

/* Iterations of the password's derivation: a few milliseconds, and out of reach of quick guessing. */
#define PKCS12_ITERATIONS 10000

DEFINE_CLEANUP(BIO, BIO_free_all)
DEFINE_CLEANUP(PKCS12, PKCS12_free)
DEFINE_CLEANUP(X509, X509_free)

static ProtobufCBinaryData
binary(struct bytes b)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = b.data};
	return (ProtobufCBinaryData){.data = u.out, .len = b.len};
}

/* protobuf-c has no const: what is only read is passed on through this. */
static char *
text(const char *s)
{
	union {
		const char *in;
		char *out;
	} u = {.in = s};
	return u.out;
}

void
reply_put(struct buf *out, const Siegel__Reply *reply)
{
	size_t len = siegel__reply__get_packed_size(reply);
	uint8_t head[4];
	frame_head(head, len);
	buf_add(out, head, sizeof(head));
	uint8_t *data = xcalloc(1, len + 1);
	siegel__reply__pack(reply, data);
	buf_add(out, data, len);
	OPENSSL_cleanse(data, len);
	free(data);
}

void
reply_error(struct buf *out, const struct error *e)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Error error;
	siegel__error__init(&error);
	error.code = text(error_name(e->code));
	error.pointer = text(e->pointer);
	error.detail = text(e->detail);
	error.retry_after_sec = e->retry_after_sec;
	error.message_de = text(e->message_de);
	uint32_t values[2 * ERROR_VALUES];
	error.values = values;
	error.n_values = 2 * (size_t)e->n_values;
	for (size_t i = 0; i < e->n_values; i++) {
		values[2 * i] = e->values[i].at;
		values[2 * i + 1] = e->values[i].len;
	}
	reply.result_case = SIEGEL__REPLY__RESULT_ERROR;
	reply.error = &error;
	reply_put(out, &reply);
}

void
stored_read(struct stored *s, const struct db_result *r, int row, const struct registry *registry, int32_t tenant)
{
	enum { ID = STORED_FIRST, CA, PROFILE, SERIAL, STATUS, SUBJECT, CN, NAMES, FROM, TO, CREATED, DER, KEY_TYPE, OWNER, METADATA, REPLACES };
	static const char *const status[] = {"", "issued", "revoked", "held"};
	const struct profile *p = registry_profile_by_id(registry, tenant, (int32_t)db_int(r, row, PROFILE));
	*s = (struct stored){
	    .id = db_int(r, row, ID),
	    .ca = registry_authority_by_id(registry, (int32_t)db_int(r, row, CA)),
	    .profile = p ? p->name : "",
	    .kind = p ? p->kind : "certificate",
	    .serial = db_bytes(r, row, SERIAL, NULL),
	    .status = status[db_int(r, row, STATUS) & 3],
	    .subject = db_text(r, row, SUBJECT),
	    .common_name = db_text(r, row, CN),
	    .names = db_text(r, row, NAMES),
	    .not_before = db_int(r, row, FROM),
	    .not_after = db_int(r, row, TO),
	    .created_at = db_int(r, row, CREATED),
	    .der = db_bytes(r, row, DER, NULL),
	    .key_type = db_text(r, row, KEY_TYPE),
	    .owner = db_text(r, row, OWNER),
	    .metadata = db_text(r, row, METADATA),
	    .replaces_id = db_int(r, row, REPLACES),
	};
}

static void
fill(Siegel__Certificate *c, struct arena *a, const struct stored *s)
{
	c->id = s->id;
	c->serial = binary(s->serial);
	c->subject = text(s->subject);
	c->common_name = text(s->common_name);
	c->not_before = s->not_before;
	c->not_after = s->not_after;
	c->created_at = s->created_at;
	c->status = text(s->status);
	c->profile = text(s->profile);
	c->kind = text(s->kind);
	c->ca = text(s->ca ? s->ca->name : "");
	c->ca_id = s->ca ? s->ca->id : 0;
	c->der = binary(s->der);
	c->key_type = text(s->key_type);
	c->owner = text(s->owner);
	c->metadata = text(s->metadata);
	c->replaces_id = s->replaces_id;
	size_t n = *s->names ? 1 : 0;
	for (const char *p = s->names; *p; p++)
		n += *p == '\n';
	c->names = arena_alloc(a, (n + 1) * sizeof(char *));
	char *copy = arena_strdup(a, s->names);
	for (size_t i = 0; i < n; i++) {
		c->names[i] = copy;
		copy += strcspn(copy, "\n");
		*copy++ = '\0';
	}
	c->n_names = n;
}

/* The private key as PKCS#8 PEM in the arena. */
static const char *
private_pem(struct arena *a, EVP_PKEY *key)
{
	BIO *bio CLEANUP(BIO_free_all) = BIO_new(BIO_s_secmem());
	char *data;
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return NULL;
	long len = BIO_get_mem_data(bio, &data);
	return arena_strndup(a, data, (size_t)len);
}

static bool
pkcs12(struct arena *a, struct order *o, const char *password, struct bytes *ret)
{
	const unsigned char *p = o->certificate.data, *q = o->ca->cert.whole.data;
	unsigned char *der = NULL;
	X509 *cert CLEANUP(X509_free) = d2i_X509(NULL, &p, (long)o->certificate.len);
	X509 *issuer = d2i_X509(NULL, &q, (long)o->ca->cert.whole.len);
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *box CLEANUP(PKCS12_free) = NULL;
	if (chain && issuer)
		sk_X509_push(chain, issuer);
	if (cert && issuer && chain)
		box = PKCS12_create(password, o->common_name, o->private_key, cert, chain, 0, 0, PKCS12_ITERATIONS, PKCS12_ITERATIONS, 0);
	sk_X509_free(chain);
	X509_free(issuer);
	int len = box ? i2d_PKCS12(box, &der) : 0;
	if (len <= 0)
		return false;
	*ret = (struct bytes){arena_dup(a, der, (size_t)len), (size_t)len};
	OPENSSL_clear_free(der, (size_t)len);
	return true;
}

int
reply_issued(struct buf *out, struct order *o, int64_t id, int64_t created_at, struct error *e)
{
	struct stored s = {
	    .id = id,
	    .created_at = created_at,
	    .not_before = o->tbs_input.not_before,
	    .not_after = o->tbs_input.not_after,
	    .serial = {o->tbs_input.serial, o->tbs_input.serial_len},
	    .der = {o->certificate.data, o->certificate.len},
	    .subject = o->subject_text,
	    .common_name = o->common_name,
	    .names = o->names_text,
	    .status = "issued",
	    .profile = o->profile->name,
	    .kind = o->profile->kind,
	    .ca = o->ca,
	    .key_type = o->tbs_input.ext.key->name,
	    .owner = o->owner ? o->owner : "",
	    .metadata = o->metadata ? o->metadata : "",
	    .replaces_id = o->request->replaces_id,
	};
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Issued issued;
	siegel__issued__init(&issued);
	Siegel__Certificate certificate;
	siegel__certificate__init(&certificate);
	fill(&certificate, o->arena, &s);
	issued.certificate = &certificate;
	issued.chain_pem = text(o->ca->chain_pem);
	issued.validity_rule = text(o->validity_rule);
	if (o->private_key && *o->request->pkcs12_password) {
		struct bytes box;
		if (!pkcs12(o->arena, o, o->request->pkcs12_password, &box))
			return fail(e, E_INTERNAL, "the PKCS#12 file can't be made");
		issued.pkcs12 = binary(box);
	} else if (o->private_key) {
		const char *pem = private_pem(o->arena, o->private_key);
		if (!pem)
			return fail(e, E_INTERNAL, "the private key can't be encoded");
		issued.private_key_pem = text(pem);
	}
	reply.result_case = SIEGEL__REPLY__RESULT_ISSUED;
	reply.issued = &issued;
	reply_put(out, &reply);
	return 0;
}

void
reply_repeated(struct buf *out, struct arena *a, const struct stored *s)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Issued issued;
	siegel__issued__init(&issued);
	Siegel__Certificate certificate;
	siegel__certificate__init(&certificate);
	fill(&certificate, a, s);
	issued.certificate = &certificate;
	issued.chain_pem = text(s->ca ? s->ca->chain_pem : "");
	issued.validity_rule = text("as issued before");
	issued.repeated = true;
	reply.result_case = SIEGEL__REPLY__RESULT_ISSUED;
	reply.issued = &issued;
	reply_put(out, &reply);
}

/* "17,23" → numbers in the arena. */
static size_t
numbers(struct arena *a, const char *list, int64_t **ret)
{
	size_t n = *list ? 1 : 0;
	for (const char *p = list; *p; p++)
		n += *p == ',';
	*ret = arena_alloc(a, (n + 1) * sizeof(int64_t));
	char *end = arena_strdup(a, list);
	for (size_t i = 0; i < n; i++) {
		(*ret)[i] = strtoll(end, &end, 10);
		end += *end == ',';
	}
	return n;
}

void
reply_revoked(struct buf *out, struct arena *a, const struct stored *s, const struct revocation *v)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Revoked revoked;
	siegel__revoked__init(&revoked);
	Siegel__Certificate certificate;
	siegel__certificate__init(&certificate);
	fill(&certificate, a, s);
	revoked.certificate = &certificate;
	revoked.revoked_at = v->at;
	revoked.reason = v->reason;
	revoked.repeated = v->repeated;
	revoked.n_same_key = numbers(a, v->same_key, &revoked.same_key);
	reply.result_case = SIEGEL__REPLY__RESULT_REVOKED;
	reply.revoked = &revoked;
	reply_put(out, &reply);
}

void
reply_unjudged(struct buf *out)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Revoked revoked = SIEGEL__REVOKED__INIT;
	revoked.unjudged = true;
	reply.result_case = SIEGEL__REPLY__RESULT_REVOKED;
	reply.revoked = &revoked;
	reply_put(out, &reply);
}
