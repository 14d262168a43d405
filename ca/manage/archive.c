/* Keys out of the archive, under n-of-m control: who asks waits until as many others as [ca] recovery_people says have approved, and then asks again,
 * for the key goes to him alone, once, and is stored nowhere on its way. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "ca/archive.h"
#include "ca/batch.h"
#include "ca/manage.h"
#include "lib/limits.h"
#include "lib/password.h"
#include "lib/x509/pem.h"

#define REASON_MAX_BYTES 500
#define PKCS12_ITERATIONS 100000

DEFINE_CLEANUP(BIO, BIO_free)
DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(PKCS12, PKCS12_free)

/* Who asks for the same key again finds his approval. */
static int
key_of(struct manage *m, uint8_t ret[32], struct error *e)
{
	const char *text = arena_printf(m->arena, "key.recover %d %lld %lld", m->who->tenant_id, (long long)m->who->account_id, (long long)m->id);
	return EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : fail(e, E_INTERNAL, "SHA-256 isn't available");
}

static int
ask(struct manage *m, const uint8_t key[32], const char *reason, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int people = (int)config_int(m->desk->config, OPT_ca_recovery_people);
	if (!reason)
		return fail_at(e, E_BAD_VALUE, "reason", "reason has to be there: those who approve read it");
	json_t *body CLEANUP(json_decref) = json_pack("{s:s}", "reason", reason);
	json_t *demand CLEANUP(json_decref) = json_pack("[{s:i, s:s, s:s}]", "count", people, "right", right_word(RIGHT_APPROVE), "message",
							 "a private key leaves the archive");
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(m->op->name), DB_INT(m->id), DB_TEXT(manage_json(m, body)), DB_BYTES(key, 32),
	    DB_INT(people), DB_TEXT(manage_json(m, demand)), DB_INT(m->who->account_id), DB_TEXT(m->actor), DB_INT(LIMIT_APPROVAL_DAYS)};
	if (db_query(m->desk->db,
	             "SELECT r_id, r_is_new FROM approval_add($1::int, $2::text, $3::int8, 0, $4::jsonb, NULL, $5::bytea, 'a private key "
	             "leaves the archive', $6::int, $7::jsonb, $8::int8, $9::text, $10::int)",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->ret_approval = db_int(r, 0, 0);
	return manage_audit(m, "approval.asked", arena_printf(m->arena, "approval/%lld", (long long)m->ret_approval),
			    detail_text(m->arena, "operation", m->op->name, "object", arena_printf(m->arena, "%lld", (long long)m->id), "body",
					manage_json(m, body), NULL),
			    e);
}

/* The certificate with its issuers, as the store has them. */
static int
put_certificates(struct manage *m, struct bytes der, int32_t ca_id)
{
	const struct authority *ca = registry_authority_by_id(m->desk->registry, ca_id);
	json_object_set_new(m->ret_result, "pem", json_string(pem_encode(m->arena, "CERTIFICATE", der)));
	return json_object_set_new(m->ret_result, "chain_pem", json_string(ca ? ca->chain_pem : ""));
}

static int
put_pem(struct manage *m, EVP_PKEY *key, struct error *e)
{
	BIO *bio CLEANUP(BIO_free) = BIO_new(BIO_s_secmem());
	char *text;
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return fail(e, E_INTERNAL, "the key can't be written");
	long len = BIO_get_mem_data(bio, &text);
	json_object_set_new(m->ret_result, "private_key_pem", json_stringn(text, (size_t)len));
	return 0;
}

static int
put_pkcs12(struct manage *m, EVP_PKEY *key, struct bytes der, const char *password, struct error *e)
{
	const unsigned char *p = der.data;
	unsigned char *box = NULL;
	X509 *cert CLEANUP(X509_free) = d2i_X509(NULL, &p, (long)der.len);
	PKCS12 *made CLEANUP(PKCS12_free) =
	    cert ? PKCS12_create(password, NULL, key, cert, NULL, 0, 0, PKCS12_ITERATIONS, PKCS12_ITERATIONS, 0) : NULL;
	int len = made ? i2d_PKCS12(made, &box) : 0;
	if (len <= 0)
		return fail(e, E_INTERNAL, "the PKCS#12 can't be made");
	json_object_set_new(m->ret_result, "pkcs12", json_string(base64_encode(m->arena, (struct bytes){box, (size_t)len})));
	OPENSSL_clear_free(box, (size_t)len);
	return 0;
}

static int
hand_out(struct manage *m, const struct db_result *found, const char *password, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	struct bytes serial = db_bytes(found, 0, 1, m->arena), der = db_bytes(found, 0, 2, m->arena), wrapped = db_bytes(found, 0, 3, m->arena);
	int32_t ca_id = (int32_t)db_int(found, 0, 0);
	if (archive_open(m->desk->hsm, ca_id, serial, wrapped, m->arena, &key, e) < 0)
		return -1;
	m->ret_result = json_object();
	if ((password ? put_pkcs12(m, key, der, password, e) : put_pem(m, key, e)) < 0)
		return -1;
	put_certificates(m, der, ca_id);
	m->object = arena_printf(m->arena, "certificate/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "approval", arena_printf(m->arena, "%lld", (long long)m->approval_id), "as",
	                        password ? "pkcs12" : "pem", NULL);
	return 0;
}

static int
recover(struct manage *m, struct error *e)
{
	struct db_result *found CLEANUP(db_result_free) = NULL, *waits CLEANUP(db_result_free) = NULL;
	const char *reason, *password;
	uint8_t key[32];
	if (manage_text(m, "reason", 0, REASON_MAX_BYTES, &reason, e) < 0 ||
	    manage_text(m, "pkcs12_password", 0, LIMIT_PASSWORD_BYTES, &password, e) < 0 || manage_body_end(m, e) < 0 ||
	    key_of(m, key, e) < 0)
		return -1;
	if (password && password_check_file(password, "pkcs12_password", e) < 0)
		return -1;
	struct db_param id[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)}, by_key[] = {DB_BYTES(key, sizeof(key))};
	if (db_query(m->desk->db,
	             "SELECT x.ca_id, x.serial, x.der, k.wrapped FROM archived_key k JOIN certificate x ON x.tenant_id = k.tenant_id AND "
	             "x.id = k.certificate_id WHERE k.certificate_id = $1::int8 AND k.tenant_id = $2::int",
	             id, 2, false, &found, e) < 0 ||
	    db_query(m->desk->db,
	             "SELECT id, status, expires_at > now() FROM approval WHERE request_key = $1::bytea AND status IN ('open', 'approved') "
	             "FOR UPDATE",
	             by_key, 1, false, &waits, e) < 0)
		return -1;
	if (db_rows(found) == 0)
		return fail(e, E_NOT_FOUND, "there is no archived key of this certificate");
	if (db_rows(waits) == 0)
		return ask(m, key, reason, e);
	if (!db_bool(waits, 0, 2))
		return fail(e, E_CONFLICT, "approval %s has run out: withdraw it and ask anew", db_text(waits, 0, 0));
	if (strcmp(db_text(waits, 0, 1), "open") == 0) {
		m->ret_approval = db_int(waits, 0, 0);
		return 0;
	}
	m->approval_id = db_int(waits, 0, 0); /* it is done with this */
	return hand_out(m, found, password, e);
}

extern const struct manage_op manage_archive[];
const struct manage_op manage_archive[] = {
    {"key.recover", "key.recovered", RIGHT_RECOVER, MANAGE_KEYS | MANAGE_DIRECT, recover},
    {0},
};
