/* What every fuzz target defines: one input, taken to the end or refused, and 0. */
#ifndef SIEGEL_TESTS_FUZZ_FUZZ_H
#define SIEGEL_TESTS_FUZZ_FUZZ_H
#include <stddef.h>
#include <stdint.h>

/* Called by libFuzzer, or by replay.c for each file of the target's corpus. data has exactly size bytes; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
