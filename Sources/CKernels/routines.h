// What a processor's paths must offer, one table for each kind of operand and path; products.c picks from them.
// All memory is bytes here: each kind's file draws its own layout.

#ifndef POLYMATH_CKERNELS_ROUTINES_H
#define POLYMATH_CKERNELS_ROUTINES_H

#include "CKernels.h"

/// Columns of a panel that lie together as one group; a group holds its inner dimension in ascending order.
enum { CK_GROUP = 32 };

typedef struct {
    /// Rows of the left operand; `inner` values, from a multiple of CK_INNER_BLOCK on.
    void (*rows)(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride);
    /// One group, or a stretch of its inner dimension: each of up to CK_GROUP rows of `from` becomes a column.
    void (*transposed)(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
    /// The same from `inner` rows of up to CK_GROUP values.
    void (*straight)(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to);
    /// c = or += a·panel, where a panel's groups follow each other; fetches what `next` names on the way, or does not.
    void (*multiply)(
        const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
        size_t columns, bool adds, const CKAhead *next);
    /// As `transposed`, from blocks of type 2, 8, 12 or 14, `inner` whole blocks long. Null: by way of decoded values.
    void (*transposedBlocks)(
        uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
    /// A panel of groups of `groupSize` bytes, `columns` whole blocks wide. Null: by way of decoded values.
    void (*straightBlocks)(
        uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
        size_t groupSize);
} CKRoutines;

void ckInt8TransposedBlocks(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
void ckInt8StraightBlocks(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize);

extern const CKRoutines ckBF16Plain, ckInt8Plain;
#if defined(__x86_64__)
extern const CKRoutines ckBF16AVX2, ckBF16AVX512, ckInt8AVX2, ckInt8VNNI, ckInt8AVX512;
bool ckHasAVX2(void);
void ckInt8TransposedBlocksAVX2(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
void ckInt8StraightBlocksAVX2(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize);
bool ckHasAVXVNNI(void);
bool ckHasBF16AVX512(void);
bool ckHasInt8AVX512(void);
void ckBF16TransposedBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
void ckBF16StraightBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize);
void ckInt8TransposedBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to);
void ckInt8StraightBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize);
#elif defined(__aarch64__)
extern const CKRoutines ckBF16NEON, ckInt8NEON, ckInt8Dot;
bool ckHasDot(void);
#endif

/// Lines of runs of bytes, to be fetched a few at a time.
typedef struct {
    const uint8_t *line, *end, *run;
    size_t stride, bytes, runs;
} CKLines;

static inline __attribute__((always_inline)) void ckBeginRun(CKLines *x) {
    x->line = (const uint8_t *)((uintptr_t)x->run & ~(uintptr_t)63);
    x->end = x->run + x->bytes;
}

static inline __attribute__((always_inline)) CKLines ckLines(const CKAhead *next) {
    CKLines x = {NULL, NULL, (const uint8_t *)next->from, next->stride, next->bytes, next->bytes > 0 ? next->rows : 0};
    if (x.runs > 0) ckBeginRun(&x);
    return x;
}

/// How many of all lines must be fetched at each of `calls` times.
static inline __attribute__((always_inline)) size_t ckShare(const CKAhead *next, size_t calls) {
    return calls > 0 ? (next->rows * (next->bytes / 64 + 2) + calls - 1) / calls : 0;
}

/// Fetches the next `count` lines, or as many as there are, into the second cache.
static inline __attribute__((always_inline)) void ckFetch(CKLines *x, size_t count) {
    for (; count > 0 && x->runs > 0; count--) {
        __builtin_prefetch(x->line, 0, 2);
        x->line += 64;
        if (x->line < x->end) continue;
        x->runs--;
        x->run += x->stride;
        if (x->runs > 0) ckBeginRun(x);
    }
}

/// Fetches the 32 sums of each of `rows` rows, to be added to.
static inline __attribute__((always_inline)) void ckFetchSums(const float *c, size_t cStride, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        __builtin_prefetch(c + i * cStride, 1, 3);
        __builtin_prefetch(c + i * cStride + 16, 1, 3);
    }
}

// The layout of int8 operands. An operand is cut along the inner dimension into blocks of 64 values that share a scale:
// value = scale · q, |q| ≤ 127.

enum { CK_INT8_BLOCK = 64 };

/// One block of a packed row.
typedef struct {
    float scale;
    /// −128 · Σ q: what the panel's offset of 128 adds to a product, taken away again.
    int32_t correction;
    int8_t q[CK_INT8_BLOCK];
} CKInt8Row;

/// One block of a panel's group: the scales of its columns, then four neighbours along the inner dimension of each
/// column as unsigned bytes, q + 128.
typedef struct {
    float scale[CK_GROUP];
    uint8_t q[CK_INT8_BLOCK / 4][CK_GROUP][4];
} CKInt8Block;

static inline size_t ckInt8Blocks(size_t inner) { return (inner + CK_INT8_BLOCK - 1) / CK_INT8_BLOCK; }

#endif
