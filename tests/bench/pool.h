/* Requests made before a measurement, so that making them isn't measured: PKCS#10 requests with distinct P-256 keys. */
#ifndef SIEGEL_TESTS_BENCH_POOL_H
#define SIEGEL_TESTS_BENCH_POOL_H
#include <stddef.h>
#include <stdint.h>

#define POOL_CSR_BYTES 512 /* a CSR of ours is about 220 */

struct pool_csr {
	uint8_t der[POOL_CSR_BYTES];
	size_t len;
};

/* n requests for the subject CN=<prefix>-<number of 7 digits>, made by all processors. The caller frees. Ends the process when
 * it can't. */
struct pool_csr *pool_new(const char *prefix, size_t n);

#endif
