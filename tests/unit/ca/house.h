/* The suites of test_store.pg, and what programs with a real store and a real token share: a house of the engine in the folder of
 * tests/unit/with-postgres, with a SoftHSM token, a configuration and the hierarchy that the bootstrap makes. */
#ifndef SIEGEL_TESTS_UNIT_CA_HOUSE_H
#define SIEGEL_TESTS_UNIT_CA_HOUSE_H
#include "tests/unit/db/support.h"

#include "ca/batch.h"
#include "ca/registry.h"

TCase *tcase_bootstrap(void);
TCase *tcase_registry(void);
TCase *tcase_doors(void);
TCase *tcase_batch(void);
TCase *tcase_signer(void);
TCase *tcase_ra(void);
TCase *tcase_acme_mac(void);
TCase *tcase_second_factor(void);
TCase *tcase_crl(void);
TCase *tcase_algorithms(void);

#define OCSP_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Makes token, configuration and hierarchy. Before the tests and in the process that forks them: it loads no PKCS#11 module itself, for
 * such a module doesn't survive a fork. */
void house_build(void);
/* The folder of the house; "<folder>/siegel.conf", "<folder>/crl" and "<folder>/sockets" are in it. */
const char *house_dir(void);
/* A text with the house's folder before it, good until the next call but three. */
const char *house_path(const char *name);
void house_write(const char *name, const char *text);
/* Runs the bootstrap on this plan in a child: 0, or the code of its error. */
int house_bootstrap(const char *plan);
/* The plan of the tenant "default", or of another. */
const char *house_plan(const char *tenant);

/* What a worker or the clerk has, on this chain. */
struct house {
	struct config *config;
	struct db *db;
	struct hsm *hsm;
	struct registry *registry;
	struct audit_chain chain;
};
void house_open(struct house *h, const char *chain);
void house_close(struct house *h);
/* The issuing CA of the tenant "default". */
struct authority *house_issuing(const struct house *h);
/* A number that this statement gives. */
int64_t house_number(struct house *h, const char *sql);

/* A request for a certificate: profile "server", this common name, by an account of tenant. */
struct asking {
	Siegel__Issue issue;
	Siegel__Requestor requestor;
	Siegel__Attribute attribute, *subject[1];
	char cn[80];
	uint8_t key[32], body[32];
};
void ask(struct asking *q, int32_t tenant, const char *cn);
/* With a request key and the hash of a body, each of 32 such octets. */
void ask_with_key(struct asking *q, uint8_t key, uint8_t body);
/* With a CSR for this key, made by libcrypto; the request's own until csr_free(). */
void ask_with_csr(struct asking *q, EVP_PKEY *key);
void ask_free(struct asking *q);
/* protobuf-c has no const. */
char *writable(const char *s);

#endif
