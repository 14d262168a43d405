/* CAA records as a name server sends them: a length before each, then RDATA. */
#include "enroll/acme-probe/caa_records.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char ca[] = "ca.example";
	static char *const issuers[] = {ca};
	struct caa_question q = {issuers, 1, "https://ca.example/acct/1", "http-01", false};
	struct bytes records[64];
	struct error e;
	size_t n = 0;

	for (size_t at = 0; at < size && n < 64; at += 1 + data[at]) {
		size_t len = data[at] < size - at ? data[at] : size - at - 1;
		records[n++] = (struct bytes){data + at + 1, len};
	}
	(void)!caa_judge(records, n, &q, &e);
	q.wildcard = true;
	(void)!caa_judge(records, n, &q, &e);
	return 0;
}
