#include "ca/order.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "ca/constraints.h"
#include "ca/archive.h"
#include "ca/fault.h"
#include "ca/metadata.h"
#include "ca/rules.h"
#include "lib/password.h"

#define DAY_SEC 86400
#define EPOCH_2020 1577836800
#define SAMPLES_MAX 16        /* keys of trials, one for each type */
#define SAMPLE_RSA_BITS 4096  /* made in about a second at most */
#define ARCHIVE_MAX_BYTES 16384 /* PKCS#8 of the largest keys is about 5 KiB */

static struct bytes
bytes_of(ProtobufCBinaryData b)
{
	return (struct bytes){b.data, b.len};
}

int
order_renumber(struct order *o, struct error *e)
{
	static uint8_t last[SERIAL_BYTES];
	/* The time before the random part keeps new rows together in the index: among ten million numbers without order each insert would change
	 * a page of
	 * its own. It is in notBefore as well. The first bit stays 0: positive, and 20 octets (RFC 5280 4.1.2.2). */
	uint32_t at = (uint32_t)(time(NULL) - EPOCH_2020) & 0x7fffffff;
	for (int i = 0; i < SERIAL_TIME_BYTES; i++)
		o->serial[i] = (uint8_t)(at >> 8 * (SERIAL_TIME_BYTES - 1 - i));
	if (RAND_bytes(o->serial + SERIAL_TIME_BYTES, SERIAL_BYTES - SERIAL_TIME_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	/* A generator that repeats itself is broken: stop rather than sign (FPT_FLS.1). */
	if (memcmp(last + SERIAL_TIME_BYTES, o->serial + SERIAL_TIME_BYTES, SERIAL_BYTES - SERIAL_TIME_BYTES) == 0)
		return fail(e, E_INTERNAL, "the random generator repeats itself: nothing is signed");
	memcpy(last, o->serial, SERIAL_BYTES);
	o->tbs_input.serial = o->serial;
	o->tbs_input.serial_len = SERIAL_BYTES;
	while (o->tbs_input.serial_len > 1 && *o->tbs_input.serial == 0) { /* as its INTEGER has it: no zeros in front */
		o->tbs_input.serial++;
		o->tbs_input.serial_len--;
	}
	buf_clear(&o->tbs);
	tbs_put(&o->tbs, &o->tbs_input);
	return buf_check(&o->tbs, e);
}

/* What a CSR over ACME says of its subject (RFC 8555 7.4): a name, or the number of a device. Nobody looked whether the rest is true. */
static size_t
leave_names(struct dn_value *values, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(values[i].type->name, "CN") == 0 || strcmp(values[i].type->name, "serialNumber") == 0)
			values[kept++] = values[i];
	return kept;
}

/* The subject: what the request says, else what the CSR says. */
static int
take_subject(struct order *o, const struct csr *csr, struct error *e)
{
	const Siegel__Issue *q = o->request;
	size_t n = 0;
	if (q->n_subject == 0 && csr && dn_parse(o->arena, csr->subject, o->subject, LIMIT_RDN_COUNT, &n, e) < 0)
		return fail_again(e, e->code == E_MALFORMED ? E_BAD_CSR : e->code, "csr");
	if (csr && strcmp(q->requestor->source, "acme") == 0)
		n = leave_names(o->subject, n);
	if (q->n_subject > LIMIT_RDN_COUNT)
		return fail_at(e, E_BAD_VALUE, "subject", "subject: over %d attributes", LIMIT_RDN_COUNT);
	for (size_t i = 0; i < q->n_subject; i++) {
		struct dn_value v = {dn_type_by_name(q->subject[i]->type), q->subject[i]->value};
		const char *pointer = arena_printf(o->arena, "subject/%.32s", q->subject[i]->type);
		if (!v.type)
			return fail_at(e, E_BAD_VALUE, pointer, "subject: unknown attribute type");
		if (dn_check(&v, e) < 0)
			return fail_again(e, e->code, pointer);
		o->subject[n++] = v;
	}
	if (rules_subject(o->arena, o->profile, o->subject, &n, e) < 0)
		return -1;
	o->tbs_input.subject = o->subject;
	o->tbs_input.n_subject = n;
	o->tbs_input.ext.subject_is_empty = n == 0;
	o->common_name = "";
	for (size_t i = 0; i < n; i++)
		if (strcmp(o->subject[i].type->name, "CN") == 0)
			o->common_name = o->subject[i].value;
	return 0;
}

static int
keep_names(struct order *o, const char *root, size_t n, struct error *e)
{
	struct buf text BUF_CLEANUP = BUF_INIT(LIMIT_SAN_COUNT * (LIMIT_SAN_BYTES + 16));
	if (rules_names(o->arena, o->profile, o->names, n, root, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s:%s", i ? "\n" : "", name_kind_word(o->names[i].kind), o->names[i].text);
	o->tbs_input.ext.names = o->names;
	o->tbs_input.ext.n_names = n;
	o->names_text = arena_strndup(o->arena, text.data ? (const char *)text.data : "", text.len);
	return buf_check(&text, e);
}

/* The names: what the request says, else what the CSR says, else the common name where the profile makes it one. */
static int
take_names(struct order *o, const struct csr *csr, struct error *e)
{
	const Siegel__Issue *q = o->request;
	const struct profile *p = o->profile;
	const char *root = "names";
	size_t n = 0;
	if (q->n_names > LIMIT_SAN_COUNT)
		return fail_at(e, E_BAD_VALUE, "names", "names: over %d", LIMIT_SAN_COUNT);
	for (size_t i = 0; i < q->n_names; i++) {
		const Siegel__Name *name = q->names[i];
		if ((unsigned)name->kind >= NAME_KIND_COUNT)
			return fail_at(e, E_MALFORMED, "names", "names: unknown kind");
		if (name_make(o->arena, (enum name_kind)name->kind, name->value, strlen(name->value), p->wildcard, &o->names[n++], e) < 0)
			return fail_again(e, e->code, arena_printf(o->arena, "names/%zu", i));
	}
	if (n == 0 && csr && csr->san.len) {
		root = "csr";
		if (names_parse(o->arena, csr->san, p->wildcard, o->names, LIMIT_SAN_COUNT, &n, e) < 0)
			return fail_again(e, e->code == E_MALFORMED ? E_BAD_CSR : e->code, "csr");
	}
	if (n == 0 && p->from_common_name && name_is_dns(o->arena, o->common_name))
		if (name_make(o->arena, NAME_DNS, o->common_name, strlen(o->common_name), false, &o->names[n++], e) < 0)
			return -1;
	return keep_names(o, root, n, e);
}

static int
take_validity(struct order *o, int64_t now, struct error *e)
{
	struct validity v;
	if (rules_validity(o->profile, (int64_t)o->request->days * DAY_SEC, now, o->ca ? o->ca->cert.not_before : INT64_MIN,
			   o->tbs_input.issuer_not_after, &v, e) < 0)
		return -1;
	o->tbs_input.not_before = v.not_before;
	o->tbs_input.not_after = v.not_after;
	o->validity_rule = v.rule;
	return 0;
}

static int
check_key_type(struct order *o, const struct keytype *type, const char *pointer, struct error *e)
{
	if (profile_takes(o->profile, type, e) < 0)
		return fail_again(e, e->code, pointer);
	return 0;
}

/* Takes the public key's SubjectPublicKeyInfo into the order. spki must outlive it. */
static void
take_spki(struct order *o, const struct keytype *type, struct bytes spki, struct bytes bits)
{
	o->tbs_input.spki = spki;
	o->tbs_input.ext.key = type;
	o->tbs_input.ext.key_bits = bits;
	SHA256(spki.data, spki.len, o->spki_hash);
}

static int
take_own_key(struct order *o, EVP_PKEY *key, struct error *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return fail(e, E_INTERNAL, "a key can't be encoded");
	struct bytes spki = {arena_dup(o->arena, der, (size_t)len), (size_t)len}, algorithm, bits;
	OPENSSL_free(der);
	struct der d = der_of(spki), content;
	EVP_PKEY *again CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 ||
	    der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0 ||
	    der_get_bits(&content, "public key", &bits, e) < 0 || publickey_load(algorithm, bits, &type, &again, e) < 0)
		return -1;
	take_spki(o, type, spki, bits);
	return check_key_type(o, type, "key_type", e);
}

/* The request, in either form. */
static int
parse_request(struct order *o, struct csr *ret, struct error *e)
{
	struct bytes der = bytes_of(o->request->csr);
	return o->request->crmf ? crmf_parse(o->arena, der, ret, e) : csr_parse(der, ret, e);
}

/* RFC 7030 4.4.1: subject and names of a request whose key is made here. Its own key says of which type that is to be, where the profile takes the
 * type; and it must have signed the request if it is one that can. One that can't be read is a placeholder. */
static int
take_placeholder(struct order *o, struct csr *csr, const struct keytype **ret_type, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type = NULL;
	struct error ignored;
	if (parse_request(o, csr, e) < 0)
		return fail_again(e, e->code, "csr");
	if (csr->has_challenge && strcmp(o->request->requestor->source, "est") == 0)
		return fail_at(e, E_BAD_CSR, "csr", "a challengePassword can't be checked here: leave it out of the request");
	if (publickey_load(csr->spki_algorithm, csr->key, &type, &key, &ignored) < 0)
		return 0;
	if (type->signature && csr_verify(csr, type, key, e) < 0)
		return fail_again(e, e->code, "csr");
	if (profile_takes(o->profile, type, &ignored) == 0)
		*ret_type = type;
	return 0;
}

static int
wanted_key_type(struct order *o, const struct keytype **ret, struct error *e)
{
	const struct keytype *type = keytype_made(o->profile->keys[0]);
	struct csr csr = {0};
	if (o->request->server_key && take_placeholder(o, &csr, &type, e) < 0)
		return -1;
	if (*o->request->key_type) {
		type = keytype_by_name(o->request->key_type);
		if (!type)
			return fail_at(e, E_BAD_VALUE, "key_type", "key type: unknown; the profile \"%s\" takes %s", o->profile->name,
				       profile_key_list(o->arena, o->profile));
		if (check_key_type(o, type, "key_type", e) < 0)
			return -1;
	}
	*ret = type;
	return 0;
}

static int
generate_key(struct order *o, struct error *e)
{
	const struct keytype *type;
	if (!o->private_key && (wanted_key_type(o, &type, e) < 0 || keytype_generate(type, &o->private_key, e) < 0))
		return -1;
	return take_own_key(o, o->private_key, e);
}

static int
take_csr(struct order *o, struct csr *csr, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type;
	if (parse_request(o, csr, e) < 0 || publickey_load(csr->spki_algorithm, csr->key, &type, &key, e) < 0 ||
	    check_key_type(o, type, "csr", e) < 0 || csr_verify(csr, type, key, e) < 0)
		return fail_again(e, e->code, "csr");
	/* RFC 7030 3.5: it would bind the request to the client's TLS connection, which ends at the edge; unchecked it must not pass. */
	if (csr->has_challenge && strcmp(o->request->requestor->source, "est") == 0)
		return fail_at(e, E_BAD_CSR, "csr", "a challengePassword can't be checked here: leave it out of the request");
	take_spki(o, type, csr->spki, csr->key);
	return 0;
}

/* CA and profile of a request that stands for itself; *ret is a profile on trial, or NULL. */
static int
find_named(struct order *o, const struct registry *r, const struct profile **ret, struct error *e)
{
	const Siegel__Issue *q = o->request;
	int32_t tenant = q->requestor->tenant_id;
	o->ca = authority_hold(registry_authority(r, tenant, q->ca));
	if (!o->ca)
		return *q->ca ? fail_at(e, E_NOT_FOUND, "ca", "ca: there is none of this name")
			      : fail_at(e, E_NOT_FOUND, "ca", "ca: the tenant has no default CA");
	*ret = *ret ? *ret : registry_profile(r, tenant, q->profile);
	if (!*ret || (*ret)->internal)
		return fail_at(e, E_NOT_FOUND, "profile", "profile: there is none of this name");
	return 0;
}

/* What the profile says of successors. now 0: the time isn't asked about. */
static int
check_renewal(const struct renewal *rule, const struct predecessor *p, bool same_key, int64_t now, struct error *e)
{
	if (!rule->allowed)
		return fail(e, E_POLICY, "the certificate's profile has no successors: ask for a new certificate");
	if (same_key && !rule->same_key)
		return fail(e, E_POLICY, "the certificate's profile wants a new key: re-key it");
	if (now && now > p->cert.not_after + (int64_t)rule->after_days * DAY_SEC)
		return fail(e, E_CONFLICT, "the certificate is expired: ask for a new one");
	if (now && rule->before_days && now < p->cert.not_after - (int64_t)rule->before_days * DAY_SEC)
		return fail(e, E_POLICY, "the certificate is replaced in its last %ld days, not before", rule->before_days);
	return 0;
}

/* CA and profile of the certificate that is replaced, which must be good itself. */
static int
find_inherited(struct order *o, const struct registry *r, const struct predecessor *p, int64_t now, const struct profile **ret, struct error *e)
{
	*ret = registry_profile_by_id(r, o->request->requestor->tenant_id, p->profile_id);
	if (!*ret || (*ret)->internal)
		return fail(e, E_FORBIDDEN, "a certificate of a CA or an OCSP signer isn't renewed by this request");
	if (p->status != 1)
		return fail(e, E_CONFLICT, "the certificate is %s: it has no successor", p->status == 2 ? "revoked" : "held");
	if (check_renewal(&(*ret)->renewal, p, o->request->same_key, now, e) < 0)
		return -1;
	o->ca = authority_hold(registry_authority_heir(r, p->ca_id));
	return o->ca ? 0 : fail(e, E_NOT_FOUND, "the certificate's CA isn't there any more");
}

/* trial: the profile in the place of the named one, or NULL. */
static int
find_rules(struct order *o, const struct registry *r, const struct predecessor *p, const struct profile *trial, int64_t now, struct error *e)
{
	const struct profile *profile = trial;
	if (p ? find_inherited(o, r, p, now, &profile, e) < 0 : find_named(o, r, &profile, e) < 0)
		return -1;
	if (o->ca->status != AUTHORITY_ACTIVE)
		return fail_at(e, E_POLICY, "ca", "ca: \"%s\" is %s and issues nothing on request", o->ca->name,
			       authority_status_word(o->ca->status));
	o->profile = profile_hold(profile);
	if (profile->disabled)
		return fail_at(e, E_POLICY, "profile", "profile: \"%s\" is disabled", profile->name);
	const Siegel__Issue *q = o->request;
	if (p && q->same_key)
		return 0;
	if (order_makes_key(q) ? profile->key_origin == ORIGIN_CLIENT : profile->key_origin == ORIGIN_APPLIANCE)
		return fail_at(e, E_POLICY, "csr", "csr: the profile \"%s\" %s", profile->name,
			       order_makes_key(q) ? "wants one: the key is made by who asks" : "takes none: the key is made here");
	return *q->pkcs12_password ? password_check_file(q->pkcs12_password, "pkcs12_password", e) : 0;
}

/* The CAs above the issuer bind it, too. */
static int
check_ancestors(const struct order *o, const struct registry *r, struct error *e)
{
	const struct authority *ca = o->ca;
	for (int between = 1; ca->parent_id && between < LIMIT_CHAIN_LENGTH; between++) {
		ca = registry_authority_by_id(r, ca->parent_id);
		if (!ca)
			return 0; /* one of another house */
		if (constraints_check(&ca->cert, between, &o->tbs_input, e) < 0)
			return -1;
	}
	return 0;
}

/* What follows the choice of CA, profile and key. */
static int
complete(struct order *o, const struct csr *csr, int64_t now, struct error *e)
{
	struct tbs_input *in = &o->tbs_input;
	in->ext.profile = o->profile;
	in->ext.ca = o->ca;
	if (o->ca) {
		in->ext.issuer_ski = o->ca->ski;
		in->signature_algorithm = authority_signature(o->ca)->algorithm;
		in->issuer = o->ca->cert.subject;
		in->issuer_not_after = o->ca->cert.not_after;
	}
	if (take_subject(o, csr, e) < 0 || take_names(o, csr, e) < 0)
		return -1;
	struct buf name BUF_CLEANUP = BUF_INIT(LIMIT_CSR_BYTES);
	dn_put(&name, in->subject, in->n_subject);
	if (buf_check(&name, e) < 0)
		return -1;
	struct bytes subject = {arena_dup(o->arena, name.data, name.len), name.len};
	o->subject_text = dn_text(o->arena, subject);
	if (!o->ca) { /* a root: its own issuer */
		uint8_t id[20];
		ext_key_identifier(in->ext.key_bits, id);
		in->ext.issuer_ski = (struct bytes){arena_dup(o->arena, id, sizeof(id)), sizeof(id)};
		in->signature_algorithm = in->ext.key->signature->algorithm;
		in->issuer = subject;
		in->issuer_not_after = INT64_MAX;
	}
	if (take_validity(o, now, e) < 0 || (o->ca && constraints_check(&o->ca->cert, 0, in, e) < 0))
		return -1;
	return order_renumber(o, e);
}

static struct order *
order_new(const Siegel__Issue *request)
{
	struct order *o = xcalloc(1, sizeof(*o));
	o->arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	o->request = request;
	o->tbs = BUF_INIT(LIMIT_CERT_BYTES);
	o->certificate = BUF_INIT(LIMIT_CERT_BYTES);
	o->wrapped = BUF_INIT(ARCHIVE_MAX_BYTES);
	return o;
}

void
order_free(struct order *o)
{
	if (!o)
		return;
	EVP_PKEY_free(o->private_key);
	authority_free(o->ca);
	profile_free(o->profile);
	buf_free(&o->tbs);
	buf_free(&o->certificate);
	buf_free(&o->wrapped);
	arena_free(o->arena);
	free(o);
}

int
order_key_type(const struct registry *r, const Siegel__Issue *request, const struct predecessor *p, const struct keytype **ret, struct error *e)
{
	struct order *o CLEANUP(order_free) = order_new(request);
	return find_rules(o, r, p, NULL, 0, e) < 0 ? -1 : wanted_key_type(o, ret, e);
}

/* The public key of the certificate that is replaced. */
static int
take_same_key(struct order *o, const struct predecessor *p, struct error *e)
{
	struct bytes spki = {arena_dup(o->arena, p->cert.spki.data, p->cert.spki.len), p->cert.spki.len}, algorithm, bits;
	struct der d = der_of(spki), content;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 ||
	    der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0 ||
	    der_get_bits(&content, "public key", &bits, e) < 0 || publickey_load(algorithm, bits, &type, &key, e) < 0)
		return -1;
	take_spki(o, type, spki, bits);
	o->unproven = !p->possession;
	return check_key_type(o, type, "", e);
}

/* Owner and metadata: what the request says, else what the certificate has that is replaced; of metadata each key by itself, and behind
 * these what the profile says. */
static int
take_ownership(struct order *o, const struct predecessor *p, struct error *e)
{
	const Siegel__Issue *q = o->request;
	const char *const sources[] = {q->metadata, p && p->metadata ? p->metadata : "", o->profile->metadata};
	if (owner_check(q->owner, e) < 0 || metadata_merge(o->arena, sources, ARRAY_LEN(sources), &o->metadata, e) < 0)
		return -1;
	o->owner = *q->owner ? q->owner : p && p->owner ? arena_strdup(o->arena, p->owner) : NULL;
	return 0;
}

/* What a successor may say for itself. */
static int
check_inherited(const Siegel__Issue *q, struct error *e)
{
	if (*q->ca || *q->profile)
		return fail_at(e, E_BAD_VALUE, *q->ca ? "ca" : "profile", "CA and profile are those of the certificate that is replaced");
	if (q->same_key && (q->csr.len || *q->key_type))
		return fail_at(e, E_BAD_VALUE, q->csr.len ? "csr" : "key_type", "key: a renewed certificate has that of the one that it replaces");
	return 0;
}

int
order_renew(const struct registry *r, const Siegel__Issue *request, const struct predecessor *p, EVP_PKEY *made, int64_t now,
	    struct order **ret, struct error *e)
{
	struct order *o CLEANUP(order_free) = order_new(request);
	struct csr csr = {0};
	o->private_key = made;
	if ((p && check_inherited(request, e) < 0) || find_rules(o, r, p, NULL, now, e) < 0)
		return -1;
	const struct keytype *ignored;
	if (request->server_key && !request->same_key && take_placeholder(o, &csr, &ignored, e) < 0)
		return -1;
	if (p && request->same_key ? take_same_key(o, p, e) < 0 : order_makes_key(request) ? generate_key(o, e) < 0 : take_csr(o, &csr, e) < 0)
		return -1;
	if (registry_is_ca_key(r, o->spki_hash))
		return fail_at(e, E_BAD_KEY, "csr", "key: it is the key of a CA");
	if (!p && request->csr.len && order_take_change(o, &csr, e) < 0)
		return -1;
	if (p) { /* in the place of what a CSR asks for */
		csr.subject = p->cert.subject;
		csr.san = cert_san(&p->cert);
	}
	if (complete(o, p || request->csr.len ? &csr : NULL, now, e) < 0 || check_ancestors(o, r, e) < 0 ||
	    take_ownership(o, p, e) < 0)
		return -1;
	if (request->renewal && order_reenrolment(o, now, e) < 0)
		return -1;
	if (request->same_identity_as.len && order_same_identity(o, bytes_of(request->same_identity_as), e) < 0)
		return -1;
	if (order_identities(o, e) < 0)
		return -1;
	*ret = TAKE(o);
	return 0;
}

int
order_make(const struct registry *r, const Siegel__Issue *request, EVP_PKEY *made, int64_t now, struct order **ret, struct error *e)
{
	return order_renew(r, request, NULL, made, now, ret, e);
}

/* A key of the type that a request is about, of which nothing is ever signed: one of each type is made and kept, since a sample is tried again and
 * again. */
static int
sample_key(const struct keytype *type, EVP_PKEY **ret, struct error *e)
{
	static struct {
		const struct keytype *type;
		EVP_PKEY *key;
	} samples[SAMPLES_MAX];
	size_t i = 0;
	while (i < SAMPLES_MAX && samples[i].key && samples[i].type != type)
		i++;
	if (i == SAMPLES_MAX) {
		EVP_PKEY_free(samples[--i].key);
		samples[i].key = NULL;
	}
	if (!samples[i].key) {
		if (type->slow && type->bits > SAMPLE_RSA_BITS)
			return fail_at(e, E_UNSUPPORTED, "key_type", "key type: a trial makes no key of over %d bits: try it with a CSR",
				       SAMPLE_RSA_BITS);
		if (keytype_generate(type, &samples[i].key, e) < 0)
			return -1;
		samples[i].type = type;
	}
	EVP_PKEY_up_ref(samples[i].key);
	*ret = samples[i].key;
	return 0;
}

int
order_try(const struct registry *r, const Siegel__Issue *request, const struct profile *trial, int64_t now, struct order **ret, struct error *e)
{
	struct order *o CLEANUP(order_free) = order_new(request);
	struct csr csr = {0};
	const struct keytype *type;
	if (find_rules(o, r, NULL, trial, now, e) < 0)
		return -1;
	if (request->csr.len ? take_csr(o, &csr, e) < 0
			     : wanted_key_type(o, &type, e) < 0 || sample_key(type, &o->private_key, e) < 0 || take_own_key(o, o->private_key, e) < 0)
		return -1;
	if (registry_is_ca_key(r, o->spki_hash))
		return fail_at(e, E_BAD_KEY, "csr", "key: it is the key of a CA");
	if (complete(o, request->csr.len ? &csr : NULL, now, e) < 0 || check_ancestors(o, r, e) < 0 || take_ownership(o, NULL, e) < 0)
		return -1;
	if (tbs_lint((struct bytes){o->tbs.data, o->tbs.len}, &o->tbs_input, e) < 0)
		return -1;
	*ret = TAKE(o);
	return 0;
}

int
order_make_internal(struct authority *issuer, const struct profile *profile, EVP_PKEY *key, const Siegel__Issue *request, int64_t now,
		    struct order **ret, struct error *e)
{
	struct order *o CLEANUP(order_free) = order_new(request);
	o->ca = authority_hold(issuer);
	o->profile = profile_hold(profile);
	if (take_own_key(o, key, e) < 0 || complete(o, NULL, now, e) < 0)
		return -1;
	*ret = TAKE(o);
	return 0;
}

int
order_sign(struct order *o, struct hsm *hsm, struct error *e)
{
	uint8_t signature[SIGNATURE_MAX_BYTES] NOT_ZEROED;
	size_t len = 0;
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	if (tbs_lint(tbs, &o->tbs_input, e) < 0)
		return -1;
	FAULT("linted");
	if (authority_sign(o->ca, hsm, tbs, signature, &len, e) < 0)
		return -1;
	certificate_put(&o->certificate, tbs, o->tbs_input.signature_algorithm, signature, len);
	if (buf_check(&o->certificate, e) < 0)
		return -1;
	struct der d = der_of((struct bytes){o->certificate.data, o->certificate.len}), content;
	struct bytes signed_tbs;
	if (der_get(&d, DER_SEQUENCE, "certificate", &content, e) < 0 ||
	    der_get_any(&content, "certificate", NULL, &signed_tbs, NULL, e) < 0 || !bytes_equal(signed_tbs, tbs))
		return fail(e, E_INTERNAL, "what was signed isn't what was intended");
	/* Before anything is handed out: whoever gets the key relies on its being kept. */
	if (o->private_key && o->profile->archive_keys && !o->wrapped.len)
		return archive_seal(hsm, o->ca->id, (struct bytes){o->tbs_input.serial, o->tbs_input.serial_len}, o->private_key, o->arena,
				    &o->wrapped, e);
	return 0;
}
