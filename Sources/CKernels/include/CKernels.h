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

// Products in bfloat16, c = a·b with f32 sums. Both operands are packed first: two values that are neighbours along the
// inner dimension share a 32-bit word, the first in its lower half; rounding is to nearest, ties to even. An odd inner
// dimension is padded with zero. `path` is CKPathAVX512 (where the processor has AVX-512 BF16) or CKPathPlain.

/// Columns of a panel that lie together: a panel of `columns` columns is ⌈columns / 32⌉ groups of [pairs][32] words.
enum { CK_BF16_GROUP = 32 };

/// Whether the processor has the instructions.
bool ck_bf16_is_native(void);

/// a, row by row: to[row][p] is the pair (from[row][2p], from[row][2p + 1]); `toStride` in words.
void ck_bf16_pack_rows(
    CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *to, size_t toStride);

/// b = fromᵀ: each of the `rows` rows of `from` becomes a column of the panel.
void ck_bf16_pack_transposed(
    CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *panel);

/// b = from: `inner` rows of `columns` values.
void ck_bf16_pack_straight(
    CKPath path, const float *from, size_t fromStride, size_t inner, size_t columns, uint32_t *panel);

/// c = a·b, or c += a·b where `adds`; c: [rows, columns], `cStride` in floats. Each sum runs over the pairs in ascending
/// order, whatever the other rows and columns are.
void ck_bf16_multiply(
    CKPath path, const uint32_t *a, size_t aStride, size_t rows, const uint32_t *panel, size_t pairs, float *c,
    size_t cStride, size_t columns, bool adds);

#endif

