/* What a front end that was taken over could send to the engine: frames, and the message in each. */
#include "lib/ipc/engine.pb-c.h"
#include "lib/ipc/frame.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	Siegel__Request *request;
	struct error e;
	size_t len;

	while (frame_peek(in, &len, &e) == 0) {
		request = siegel__request__unpack(NULL, len, in.data + 4);
		if (request)
			siegel__request__free_unpacked(request, NULL);
		in = (struct bytes){in.data + 4 + len, in.len - 4 - len};
	}
	return 0;
}
