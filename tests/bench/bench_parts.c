/* What a certificate costs, part by part, by the engine's own functions, on one core: a CSR verified, the lint, a signature by the
 * token, that signature verified. Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/x509.h>
#include "lib/x509/csr.h"
#include "ca/publickey.h"
#include "hsm/hsm.h"
#include "tests/bench/pool.h"
#include "tests/unit/ca/inprocess.h"

#define CSRS 2000
#define TBS_BYTES 620

static void
die(const char *what, const struct error *e)
{
	fprintf(stderr, "bench_parts: %s: %s\n", what, e ? e->detail : "failed");
	exit(2);
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
csr_part(double seconds)
{
	struct pool_csr *pool = pool_new("parts", CSRS);
	double start = cpu_us(), end = start + seconds * 1e6;
	struct error e = {0};
	long n = 0;

	for (; cpu_us() < end; n++) {
		const struct pool_csr *one = &pool[n % CSRS];
		const struct keytype *type;
		struct csr csr;
		EVP_PKEY *key;

		if (csr_parse((struct bytes){one->der, one->len}, &csr, &e) < 0 ||
		    publickey_load(csr.spki_algorithm, csr.key, &type, &key, &e) < 0 || csr_verify(&csr, type, key, &e) < 0)
			die("CSR", &e);
		EVP_PKEY_free(key);
	}
	end = cpu_us();
	free(pool);
	return (end - start) / (double)n;
}

static void
token_parts(EVP_PKEY *private_key, EVP_PKEY *public_key, double seconds, double *ret_sign, double *ret_verify)
{
	unsigned char tbs[TBS_BYTES], signature[512];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	double start, end;
	size_t len = 0;
	long n;

	memset(tbs, 0x5a, sizeof(tbs));
	start = cpu_us();
	end = start + seconds * 1e6;
	for (n = 0; cpu_us() < end; n++) {
		len = sizeof(signature);
		memcpy(tbs, &n, sizeof(n));
		if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, private_key) != 1 ||
		    EVP_DigestSign(ctx, signature, &len, tbs, sizeof(tbs)) != 1)
			die("signature", NULL);
		EVP_MD_CTX_reset(ctx);
	}
	*ret_sign = (cpu_us() - start) / (double)n;
	start = cpu_us();
	end = start + seconds * 1e6;
	for (n = 0; cpu_us() < end; n++) {
		if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_key) != 1 ||
		    EVP_DigestVerify(ctx, signature, len, tbs, sizeof(tbs)) != 1)
			die("verification", NULL);
		EVP_MD_CTX_reset(ctx);
	}
	*ret_verify = (cpu_us() - start) / (double)n;
	EVP_MD_CTX_free(ctx);
}

/* A TLS server's certificate as the template makes it, read and checked again as before each signature. */
static double
lint_part(double seconds)
{
	static const char definition[] =
	    "{\"days\": 397, \"max_days\": 3650, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"],"
	    "\"extended_key_usage\": [\"serverAuth\"], \"subject_allowed\": [\"CN\", \"O\"], \"names_allowed\": [\"dns\"], \"policies\": [\"1.2.3\"]}";
	struct error e = {0};
	struct authority *ca = ca_make("p256", 5000, time(NULL));
	struct profile *p = profile_try(definition, "cert_server", &e);
	EVP_PKEY *key = NULL;
	struct order *o = NULL;
	struct asked *q = xcalloc(1, sizeof(*q));
	long n = 0;

	asked_init(q, "host.example.com");
	asked_attribute(q, "O", "Example");
	asked_name(q, SIEGEL__NAME__KIND__DNS, "host.example.com");
	asked_name(q, SIEGEL__NAME__KIND__DNS, "www.example.com");
	if (!p || keytype_generate(keytype_by_name("p256"), &key, &e) < 0 || order_make_internal(ca, p, key, &q->issue, time(NULL), &o, &e) < 0)
		die("order", &e);
	double start = cpu_us(), end = start + seconds * 1e6;
	for (; cpu_us() < end; n++)
		if (tbs_lint((struct bytes){o->tbs.data, o->tbs.len}, &o->tbs_input, &e) < 0)
			die("lint", &e);
	double each = (cpu_us() - start) / (double)n;
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
	free(q);
	return each;
}

int
main(int argc, char **argv)
{
	double seconds = argc > 4 ? strtod(argv[4], NULL) : 1, csr, lint, sign, verify;
	EVP_PKEY *public_key, *private_key;
	struct error e = {0};
	struct config *c;
	struct hsm *hsm;
	X509 *ca;
	FILE *f;

	if (argc < 4 || !(f = fopen(argv[3], "rb"))) {
		fprintf(stderr, "usage: bench_parts CONFIG KEY-REFERENCE CA-CERTIFICATE-DER [SECONDS]\n");
		return 2;
	}
	ca = d2i_X509_fp(f, NULL);
	fclose(f);
	public_key = ca ? X509_get0_pubkey(ca) : NULL;
	if (!public_key)
		die("CA certificate", NULL);
	if (config_load(argv[1], &c, &e) < 0)
		die("configuration", &e);
	if (hsm_open(c, &hsm, &e) < 0 || hsm_key_load(hsm, argv[2], public_key, &private_key, &e) < 0)
		die("key", &e);
	csr = csr_part(seconds);
	lint = lint_part(seconds);
	token_parts(private_key, public_key, seconds, &sign, &verify);
	printf("{\"csr_us\":%.1f,\"lint_us\":%.1f,\"sign_us\":%.1f,\"verify_us\":%.1f}\n", csr, lint, sign, verify);
	EVP_PKEY_free(private_key);
	hsm_close(hsm);
	X509_free(ca);
	config_free(c);
	return 0;
}
