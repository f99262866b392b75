// Inner loops that need an instruction set, picked at run time; no allocation, no threads. Every path gives the bits
// of the plain Swift loops in Blocks, which stay the oracle.

#ifndef POLYMATH_CKERNELS_H
#define POLYMATH_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The instruction sets that an inner loop may be compiled for.
typedef enum { CKPathPlain, CKPathAVX2, CKPathAVX512 } CKPath;

/// Decodes `rows` runs of `blocks` whole blocks each.
///
/// - type: GGML's number; Q4_0 (2), Q8_0 (8), Q4_K (12) and Q6_K (14) are known.
/// - from, fromStride: the first run's bytes, and bytes from one run to the next.
/// - to, toStride: the first run's values, and floats from one run to the next.
/// Returns false, with nothing written, for any other type.
bool ck_decode(
    uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows, size_t blocks);

/// The same on one given path. Returns false also where the processor lacks the path's instructions.
bool ck_decode_on(
    CKPath path, uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows,
    size_t blocks);

#endif
