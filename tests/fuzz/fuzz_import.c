/* Files of other PKIs, as the process that is thrown away takes them apart, and what it gives back. */
#include "ca/import/crl_read.h"
#include "ca/import/split.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const passwords[] = {"secret"};
	BUF_CLEANUP struct buf out = BUF_INIT(4 * LIMIT_IMPORT_FILE_BYTES);
	struct crl_read crl;
	struct crl_entry entry;
	struct error e;

	split_here((struct bytes){data, size}, passwords, 1, &out);
	if (crl_read((struct bytes){data, size}, &crl, &e) == 0)
		for (bool end = false; !end && crl_entry(&crl.entries, &entry, &end, &e) == 0;)
			;
	return 0;
}
