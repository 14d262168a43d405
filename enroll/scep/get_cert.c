/* GetCert and GetCRL, RFC 8894 3.3.4 and 3.3.5: for holders of a certificate of ours, of this profile's CA alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"

_Static_assert(6 * LIMIT_SCEP_CRL_BYTES < LIMIT_REQUEST_ARENA_BYTES, "a list of revoked certificates on its way into an answer is there five times");

/* What a content names, and the CAs of that name among the endpoint's. E_NOT_FOUND. The store is asked before the content is looked at. */
static int
find_issuers(struct scep_exchange *x, struct bytes content, struct scep_serial *id, struct scep_ca ret[SCEP_LINE_MAX], int *ret_n, struct error *e)
{
	struct scep_ca line[SCEP_LINE_MAX];
	int n_line = 0, n = 0;
	if (scep_line(x, line, &n_line, e) < 0 || scep_serial_parse(content, id, e) < 0)
		return -1;
	for (int i = 0; i < n_line; i++) {
		struct cert c;
		if (cert_parse(line[i].certificate, &c, e) < 0)
			return -1;
		if (bytes_equal(c.subject, id->issuer))
			ret[n++] = line[i];
	}
	*ret_n = n;
	return n > 0 ? 0 : fail(e, E_NOT_FOUND, "this profile's CA has another name than the issuer that is asked for");
}

static int
find_certificate(struct scep_exchange *x, const struct scep_ca *cas, int n, struct bytes serial, struct bytes *ret, struct error *e)
{
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int result = 0;
	struct bytes der = {0};
	for (int i = 0; result == 0 && i < n && der.len == 0; i++) {
		CLEANUP(db_result_free) struct db_result *res = NULL;
		result = db_query(db, "SELECT scep_certificate($1::int, $2::int, $3::bytea)",
		                  (struct db_param[]){DB_INT(x->endpoint.tenant_id), DB_INT(cas[i].id), DB_BYTES(serial.data, serial.len)}, 3,
		                  false, &res, e);
		if (result == 0 && !db_is_null(res, 0, 0))
			der = db_bytes(res, 0, 0, x->arena);
	}
	db_pool_give(pool, db);
	if (result < 0)
		return -1;
	if (der.len == 0)
		return fail(e, E_NOT_FOUND, "there is no certificate of that serial number");
	*ret = der;
	return 0;
}

static int
handle_cert(struct scep_exchange *x, const struct scep_work *w, struct bytes *ret_content, struct error *e)
{
	struct scep_serial id;
	struct scep_ca cas[SCEP_LINE_MAX];
	struct bytes der;
	int n = 0;
	if (find_issuers(x, w->content, &id, cas, &n, e) < 0 || find_certificate(x, cas, n, id.serial, &der, e) < 0)
		return -1;
	x->named = true;
	return cms_certs_only_encode(x->arena, &der, 1, NULL, 0, ret_content, e);
}

/* The published file. It is put in place as a whole, so what is read is one list. */
static int
read_crl(struct scep_exchange *x, const struct scep_ca *ca, struct bytes *ret, struct error *e)
{
	const char *path = arena_printf(x->arena, "%s/%s.crl", config_str(scep_config(x->scep), OPT_scep_crl_dir), ca->key_id);
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return error == ENOENT ? fail(e, E_NOT_FOUND, "the CA has no list of revoked certificates yet")
		                       : fail(e, E_UNAVAILABLE, "the list of revoked certificates can't be read");
	}
	if (st.st_size > LIMIT_SCEP_CRL_BYTES) {
		close(fd);
		return fail(e, E_TOO_LARGE, "%s has the list of revoked certificates, which is over %d octets", ca->crl_url, LIMIT_SCEP_CRL_BYTES);
	}
	uint8_t *data = arena_alloc(x->arena, (size_t)st.st_size + 1);
	size_t n = 0;
	ssize_t got = 1;
	while (got > 0 && n < (size_t)st.st_size) {
		got = read(fd, data + n, (size_t)st.st_size - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (n != (size_t)st.st_size)
		return fail(e, E_UNAVAILABLE, "the list of revoked certificates can't be read");
	*ret = (struct bytes){data, n};
	return 0;
}

static int
handle_crl(struct scep_exchange *x, const struct scep_work *w, struct bytes *ret_content, struct error *e)
{
	struct scep_serial id;
	struct scep_ca cas[SCEP_LINE_MAX];
	struct bytes crl, ignored;
	int n = 0;
	if (find_issuers(x, w->content, &id, cas, &n, e) < 0)
		return -1;
	x->named = true;
	/* A CA whose key was changed has a list for each key (RFC 5280 5.1.2.6 knows the issuer by its name): that of the certificate which is asked
	 * about, and when there is no such certificate, that of the newest key. */
	int which = 0;
	for (int i = 0; i < n; i++)
		if (find_certificate(x, &cas[i], 1, id.serial, &ignored, e) == 0)
			which = i;
		else if (e->code != E_NOT_FOUND)
			return -1;
	if (read_crl(x, &cas[which], &crl, e) < 0)
		return -1;
	return cms_certs_only_encode(x->arena, NULL, 0, &crl, 1, ret_content, e);
}

const struct scep_message_type scep_get_cert = {
    .type = SCEP_GET_CERT,
    .name = "GetCert",
    .need = SCEP_NEED_OWN,
    .handle = handle_cert,
};

const struct scep_message_type scep_get_crl = {
    .type = SCEP_GET_CRL,
    .name = "GetCRL",
    .need = SCEP_NEED_OWN,
    .handle = handle_crl,
};
