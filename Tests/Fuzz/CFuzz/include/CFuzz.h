#ifndef CFUZZ_H
#define CFUZZ_H

#include <stddef.h>

/// Bytes on the heap now, as the allocator rounds them.
long fuzz_heap_bytes(void);

/// Most bytes that were on the heap since the last call of fuzz_reset_heap_peak.
long fuzz_heap_peak(void);

void fuzz_reset_heap_peak(void);

#endif
