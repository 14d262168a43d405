/* A store with a tenant, a CA of our own making, accounts and certificates, as lib/auth meets it. */
#ifndef SIEGEL_TESTS_UNIT_AUTH_STORE_H
#define SIEGEL_TESTS_UNIT_AUTH_STORE_H
#include <check.h>
#include <openssl/x509.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include "lib/auth/auth.h"

/* Set for each test by store_setup(). */
extern struct arena *arena;
extern struct db *owner; /* may do everything */
extern struct db *db;    /* as siegel-est */
extern int32_t tenant_id, ca_id;
extern EVP_PKEY *ca_key;
extern X509 *ca_cert;

void store_setup(void);
void store_teardown(void);

/* A statement as the owner that has to succeed; gives the first field as a number, 0 when there are no rows. */
int64_t store_sql(const char *sql, const struct db_param *params, int n);
/* An account; gives its id. */
int64_t store_account(const char *name, const char *role);
/* A credential of an account by the SHA-256 of the secret. */
void store_credential(int64_t account, const char *kind, const void *secret, size_t len);

/* What a certificate looks like; zero means a good client certificate. */
struct recipe {
	EVP_PKEY *issuer_key; /* NULL: our CA's */
	X509 *issuer;         /* NULL: our CA */
	bool no_aki, ca;
	const char *eku; /* NULL: clientAuth; "": none */
	int64_t serial;  /* 0: the next free one */
	long from_sec, to_sec; /* from now; both 0: from an hour ago for a day */
};
/* Makes a certificate; the caller frees it. */
X509 *make_cert(const struct recipe *r);
/* Stores it as issued; gives its id. */
int64_t store_cert(X509 *cert);
char *cert_pem(X509 *cert);
struct bytes cert_der(X509 *cert);
EVP_PKEY *make_key(void);

TCase *tcase_client_cert(void);

#endif
