/* What the body of an operation on CAs says. */
#include <string.h>
#include <strings.h>

#include "ca/manage/authority.h"
#include "lib/x509/dn.h"

#define URL_MAX 255
#define INTERVAL_MAX_SEC (366 * 24 * 3600)

/* protobuf-c has no const. */
static char *
writable(struct manage *m, const char *s)
{
	return arena_strdup(m->arena, s);
}

void
ca_request_init(struct manage *m, struct ca_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	siegel__issue__init(&ret->issue);
	siegel__requestor__init(&ret->requestor);
	ret->requestor.tenant_id = m->who->tenant_id;
	ret->requestor.source = writable(m, m->who->source);
	ret->requestor.name = writable(m, m->who->name);
	ret->requestor.role = writable(m, m->who->role);
	ret->requestor.evidence = writable(m, m->who->evidence);
	ret->requestor.request_id = writable(m, m->who->request_id);
	ret->issue.requestor = &ret->requestor;
	ret->issue.subject = ret->subject;
}

static void
add_attribute(struct manage *m, struct ca_request *q, const char *type, const char *value)
{
	Siegel__Attribute *a = &q->attributes[q->issue.n_subject];
	siegel__attribute__init(a);
	a->type = writable(m, type);
	a->value = writable(m, value);
	q->subject[q->issue.n_subject++] = a;
}

int
ca_request_subject(struct manage *m, struct ca_request *q, struct error *e)
{
	json_t *list, *pair;
	size_t i;
	if (manage_array(m, "subject", MANAGE_REQUIRED, &list, e) < 0)
		return -1;
	if (json_array_size(list) == 0 || json_array_size(list) > MAX_SUBJECT)
		return fail_at(e, E_BAD_VALUE, "subject", "subject: 1 to %d pairs of type and value are wanted", MAX_SUBJECT);
	json_array_foreach(list, i, pair)
	{
		const char *type = json_string_value(json_array_get(pair, 0)), *value = json_string_value(json_array_get(pair, 1));
		if (!type || !value || json_array_size(pair) != 2)
			return fail_at(e, E_BAD_VALUE, "subject", "subject: a list of [type, value] is wanted, as in [[\"CN\", \"Root\"], [\"O\","
			    " \"Example\"]]");
		add_attribute(m, q, type, value);
	}
	return 0;
}

int
ca_request_same_subject(struct manage *m, struct ca_request *q, struct bytes name, struct error *e)
{
	struct dn_value values[MAX_SUBJECT];
	size_t n = 0;
	if (dn_parse(m->arena, name, values, MAX_SUBJECT, &n, e) < 0)
		return fail_at(e, E_POLICY, e->pointer, "subject: it can't be taken over: %s", arena_strdup(m->arena, e->detail));
	q->issue.n_subject = 0;
	for (size_t i = 0; i < n; i++)
		add_attribute(m, q, values[i].type->name, values[i].value);
	return 0;
}

int
ca_request_days(struct manage *m, struct ca_request *q, struct error *e)
{
	int64_t days;
	if (manage_int(m, "days", 0, 1, LIMIT_VALIDITY_DAYS, 0, &days, e) < 0)
		return -1;
	q->issue.days = (int32_t)days;
	return 0;
}

int
ca_profile(struct manage *m, int32_t id, const char *otherwise, bool certified, struct profile **ret, int32_t *ret_id, struct error *e)
{
	const char *name;
	int64_t path_length;
	if (manage_text(m, "profile", 0, NAME_TEXT_MAX, &name, e) < 0 ||
	    manage_int(m, "path_length", 0, 0, LIMIT_CA_DEPTH, PATH_LENGTH_OF_PROFILE, &path_length, e) < 0)
		return -1;
	const struct profile *base = !name && id ? registry_profile_by_id(m->desk->registry, m->who->tenant_id, id) : NULL;
	if (!base)
		base = registry_profile(m->desk->registry, m->who->tenant_id, name ? name : otherwise);
	if (!base)
		return fail_at(e, E_NOT_FOUND, "profile", "profile: there is no \"%s\"", name ? name : otherwise);
	*ret_id = base->id;
	return found_profile(base, (int)path_length, certified, ret, e);
}

int
ca_algorithm(struct manage *m, const struct keytype *otherwise, const struct keytype **ret, const struct sigalg **ret_signature, struct error *e)
{
	const char *type, *digest, *signature, *list = "";
	const struct sigalg *s;
	if (manage_text(m, "key_type", 0, NAME_TEXT_MAX, &type, e) < 0 || manage_text(m, "digest", 0, NAME_TEXT_MAX, &digest, e) < 0 ||
	    manage_text(m, "signature", 0, NAME_TEXT_MAX, &signature, e) < 0)
		return -1;
	*ret = type ? keytype_by_name(type) : otherwise;
	*ret_signature = NULL;
	if (!*ret)
		return fail_at(e, E_BAD_VALUE, "key_type", "key type: \"%s\" isn't known", type);
	if (digest && signature)
		return fail_at(e, E_BAD_VALUE, "digest", "digest: it is part of the signature algorithm; give one of the two");
	if (!digest && !signature)
		return 0;
	for (size_t i = 0; (s = keytype_signature_at(*ret, i)) != NULL; i++) {
		if (signature ? strcmp(s->name, signature) == 0 : s->digest && strcasecmp(s->digest, digest) == 0) {
			*ret_signature = s;
			return 0;
		}
		list = arena_printf(m->arena, "%s%s%s", list, *list ? ", " : "", s->name);
	}
	return fail_at(e, E_BAD_VALUE, signature ? "signature" : "digest", "%s: a %s key signs with %s", signature ? "signature" : "digest",
	    (*ret)->name, list);
}

/* An http URL of visible ASCII: it stands in every certificate. Plain http, for CRLs and OCSP are signed themselves, and TLS would ask for
 * the status of its own certificate first (RFC 5280 4.2.1.13 and 8). */
static int
read_url(struct manage *m, const char *name, const char **ret, struct error *e)
{
	if (manage_text(m, name, 0, URL_MAX, ret, e) < 0)
		return -1;
	bool good = !*ret || (strncmp(*ret, "http://", 7) == 0 && (*ret)[7] && (*ret)[7] != '/');
	for (const char *p = *ret; good && p && *p; p++)
		good = *p > ' ' && *p < 0x7f && *p != '"' && *p != '<' && *p != '>';
	return good ? 0 : fail_at(e, E_BAD_VALUE, name, "%s: \"http://\" and a host name, in visible ASCII, is wanted (RFC 5280 4.2.1.13)", name);
}

/* "http://pki.example/ocsp" without its last part. */
static const char *
base_of(struct manage *m, const char *ocsp_url)
{
	const char *slash = strrchr(ocsp_url, '/');
	return arena_strndup(m->arena, ocsp_url, slash && slash > ocsp_url + 7 ? (size_t)(slash - ocsp_url) : strlen(ocsp_url));
}

int
ca_places_read(struct manage *m, struct ca_places *ret, struct error *e)
{
	if (read_url(m, "base_url", &ret->base_url, e) < 0 || read_url(m, "ocsp_url", &ret->ocsp_url, e) < 0 ||
	    read_url(m, "crl_url", &ret->crl_url, e) < 0 || read_url(m, "ca_url", &ret->ca_url, e) < 0 ||
	    manage_int(m, "crl_interval_sec", 0, 60, INTERVAL_MAX_SEC, -1, &ret->crl_interval_sec, e) < 0 ||
	    manage_int(m, "crl_overlap_sec", 0, 0, INTERVAL_MAX_SEC, -1, &ret->crl_overlap_sec, e) < 0)
		return -1;
	return 0;
}

int
ca_places_fill(struct manage *m, const struct ca_places *p, const char *like_ocsp_url, const char *ski_hex, struct found_row *row, struct error *e)
{
	bool root = row->parent_id == 0 && !row->external;
	if (p->base_url) {
		size_t len = strlen(p->base_url);
		found_urls(m->arena, arena_strndup(m->arena, p->base_url, len - (p->base_url[len - 1] == '/')), ski_hex, row);
	} else if (like_ocsp_url) {
		found_urls(m->arena, base_of(m, like_ocsp_url), ski_hex, row);
	} else if (!p->ocsp_url || !p->crl_url || !p->ca_url) {
		return fail_at(e, E_BAD_VALUE, "base_url", "base_url: the tenant has no CA yet whose URLs could be taken over");
	}
	row->ocsp_url = p->ocsp_url ? p->ocsp_url : row->ocsp_url;
	row->crl_url = p->crl_url ? p->crl_url : row->crl_url;
	row->ca_url = p->ca_url ? p->ca_url : row->ca_url;
	if (p->crl_interval_sec >= 0)
		row->crl_interval_sec = (long)p->crl_interval_sec;
	else if (!row->crl_interval_sec)
		row->crl_interval_sec = root ? CRL_INTERVAL_ROOT_SEC : CRL_INTERVAL_ISSUING_SEC;
	if (p->crl_overlap_sec >= 0)
		row->crl_overlap_sec = (long)p->crl_overlap_sec;
	else if (!row->crl_overlap_sec)
		row->crl_overlap_sec = CRL_OVERLAP_SEC;
	return 0;
}
