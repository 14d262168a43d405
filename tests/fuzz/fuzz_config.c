/* siegel.conf. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/config.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct config *c;
	struct error e;
	int fd = memfd_create("siegel.conf", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && config_load(path, &c, &e) == 0)
		config_free(c);
	close(fd);
	return 0;
}
