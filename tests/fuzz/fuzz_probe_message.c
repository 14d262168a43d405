/* What siegel-acme and its probe could send each other if one were taken over: a frame, read as a Task and as a Finding. */
#include "lib/ipc/frame.h"
#include "lib/ipc/probe.pb-c.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Siegel__Task *task;
	Siegel__Finding *finding;
	struct error e;
	size_t len;

	if (frame_peek((struct bytes){data, size}, &len, &e) != 0)
		return 0;
	if ((task = siegel__task__unpack(NULL, len, data + 4)))
		siegel__task__free_unpacked(task, NULL);
	if ((finding = siegel__finding__unpack(NULL, len, data + 4)))
		siegel__finding__free_unpacked(finding, NULL);
	return 0;
}
