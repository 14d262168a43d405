#include "ca/fault.h"

#ifdef SIEGEL_FAULT_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void
fault_point(const char *step)
{
	static long passes;
	const char *at = getenv("SIEGEL_FAULT_AT"), *one_in = getenv("SIEGEL_FAULT_ONE_IN");
	if (!at || strcmp(at, step) != 0)
		return;
	long every = one_in ? strtol(one_in, NULL, 10) : 1;
	if (every < 1 || ++passes % every == 0)
		raise(SIGKILL);
}
#else
/* A translation unit isn't empty. */
extern int fault_points_are_off;
int fault_points_are_off = 1;
#endif
