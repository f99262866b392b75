// Inner loops that need an instruction set, picked at run time; no allocation, no threads. Every path gives the bits
// of the plain Swift loops in Blocks, which stay the oracle.

#ifndef POLYMATH_CKERNELS_H
#define POLYMATH_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The instruction sets that an inner loop may be compiled for. AVX2 means AVX2 with FMA, Dot the int8 dot products of
/// ARMv8.2.
typedef enum { CKPathPlain, CKPathAVX2, CKPathAVXVNNI, CKPathAVX512, CKPathNEON, CKPathDot } CKPath;

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

// Products of packed operands, c = a·b with f32 sums, for every way in which operands may be held. What lies in packed
// rows and panels is the kernels' own affair, but for packed rows in bfloat16: these are plain rows of bfloat16 values,
// value k at byte 2k, an odd inner dimension padded with a zero. The order of a sum depends on its inner dimension and on
// the caller's steps along it alone. Every path gives the same bits.

/// How operands are held. bfloat16: rounded to nearest, ties to even. int8: whole numbers with one scale for each block
/// of the inner dimension; a block that holds an infinity or a NaN makes every product with it a NaN, and what lies
/// below 2^-120 in a block counts as zero.
typedef enum { CKBF16, CKInt8 } CKKind;

/// Steps along the inner dimension begin at multiples of this, and end at one or at the end of the dimension.
enum { CK_INNER_BLOCK = 64 };

/// Whether the processor has AVX-512 with the kind's own instructions.
bool ck_is_native(CKKind kind);

/// Whether this processor can take the path for the kind. A path that it lacks is replaced by CKPathPlain.
bool ck_has_path(CKKind kind, CKPath path);

/// The fastest path on this processor.
CKPath ck_best_path(CKKind kind);

/// Bytes from one packed row to the next: a multiple of 64 that does not crowd one set of a cache.
size_t ck_rows_stride(CKKind kind, size_t inner);

/// Bytes from the start of a packed row to inner index `firstInner`, a multiple of CK_INNER_BLOCK.
size_t ck_rows_offset(CKKind kind, size_t firstInner);

/// Packs a, row by row; `fromStride` in floats, `toStride` in bytes. A stretch of the inner dimension may be packed on
/// its own, with `to` moved by ck_rows_offset.
void ck_pack_rows(
    CKKind kind, CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, void *to,
    size_t toStride);

/// Bytes of a panel, the right operand [inner, columns].
size_t ck_panel_size(CKKind kind, size_t inner, size_t columns);

/// The panel b = fromᵀ: each of the `rows` rows of `inner` values becomes a column.
///
/// - type: GGML's number. 0: `from` holds f32; 2, 8, 12, 14: blocks of Q4_0, Q8_0, Q4_K, Q6_K, `inner` a multiple of the
///   block's length.
/// - fromStride: bytes from one row to the next.
/// Returns false, with nothing written, for any other type.
bool ck_panel_transposed(
    CKKind kind, CKPath path, uint32_t type, const void *from, size_t fromStride, size_t rows, size_t inner,
    void *panel);

/// The panel b = from: `inner` rows of `columns` values; of blocks, `columns` is a multiple of the block's length.
bool ck_panel_straight(
    CKKind kind, CKPath path, uint32_t type, const void *from, size_t fromStride, size_t inner, size_t columns,
    void *panel);

/// c = a·b, or c += a·b where `adds`; c: [rows, columns], `cStride` in floats. `a` points at the packed rows' inner index
/// where the panel begins.
void ck_multiply(
    CKKind kind, CKPath path, const void *a, size_t aStride, size_t rows, const void *panel, size_t inner, float *c,
    size_t cStride, size_t columns, bool adds);

/// Memory that is read after a product, for instance what the next panel is made from: `rows` runs of `bytes` bytes,
/// `stride` bytes apart. All zero: none.
typedef struct {
    const void *from;
    size_t stride, rows, bytes;
} CKAhead;

/// The same; `next` is fetched meanwhile into a cache, where the path can do that.
void ck_multiply_ahead(
    CKKind kind, CKPath path, const void *a, size_t aStride, size_t rows, const void *panel, size_t inner, float *c,
    size_t cStride, size_t columns, bool adds, CKAhead next);

// The machine's peak, to hold the kernels against.

/// The multiplying instruction: f32 fused multiply-add, pairs of bfloat16, fours of int8.
typedef enum { CKPeakF32, CKPeakBF16, CKPeakInt8 } CKPeak;

/// Runs the instruction alone on registers and returns the operations done, a multiplication and an addition counting
/// as two; 0 where the processor lacks it. The caller times this on as many threads as it likes.
double ck_peak_operations(CKPeak which, uint64_t iterations);

// Saved activations: a value as bfloat16 (nearest, ties to even), or as a signed byte times its block's scale, which is
// a bfloat16 (absmax / 127, rounded up). A block with a value that is not finite is read back as NaN.

/// Values that share a scale.
enum { CK_SAVED_BLOCK = 32 };

void ck_store_bf16(const float *from, uint16_t *to, size_t count);
void ck_load_bf16(const uint16_t *from, float *to, size_t count);

/// `scales` holds one value per started block.
void ck_store_int8(const float *from, int8_t *to, uint16_t *scales, size_t count);
void ck_load_int8(const int8_t *from, const uint16_t *scales, float *to, size_t count);

// An optimiser's moments: floats of eight bits, in units of their block's scale.

/// A first moment, whose largest code is 1,984 units, or the root of a second one, never negative, of up to 4,032.
typedef enum { CKMomentFirst, CKMomentRoot } CKMoment;

void ck_load_moments(CKMoment which, const uint8_t *codes, float unit, float *to, size_t count);

/// - inverse: 1 ÷ the unit.
/// - dither: with a value's place, decides which of its two neighbours it becomes; over all dithers, their mean is the
///   value. A root above 0 becomes no 0.
void ck_store_moments(
    CKMoment which, const float *from, float inverse, uint32_t dither, uint8_t *codes, size_t count);

#endif
