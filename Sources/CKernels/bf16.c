// Products in bfloat16 with f32 sums: operands packed in pairs along the inner dimension, which is what one lane of
// vdpbf16ps multiplies and adds. The plain path is the oracle, and does what that instruction does: the product of the
// pair's second values is added, then that of its first; each sum is rounded once, and what is subnormal, read or
// written, is zero.

#include "floats.h"
#include "routines.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

// Round to nearest, ties to even; a NaN stays one, and what is subnormal becomes zero.
static inline __attribute__((always_inline)) uint32_t rounded(float value) {
    uint32_t bits = ckToBits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (bits >> 16) | 0x40u;
    if ((bits & 0x7F800000u) == 0) return (bits >> 16) & 0x8000u;
    return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}

static inline __attribute__((always_inline)) float widened(uint32_t half) { return ckFromBits(half << 16); }

static inline uint32_t pairOf(float first, float second) { return rounded(first) | rounded(second) << 16; }

// To f32; zero where the result, rounded to 24 bits, is below the smallest normal number.
static inline __attribute__((always_inline)) float flushed(double value) {
    return fabs(value) < 0x1.ffffffp-127 ? copysignf(0, (float)value) : (float)value;
}

// A fused multiply-add: the product is exact in Double, and where their sum is not, rounding it twice gives the same.
static inline __attribute__((always_inline)) float added(float sum, uint32_t x, uint32_t w) {
    return flushed((double)widened(x) * (double)widened(w) + (double)sum);
}

static void packRows(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        uint32_t *y = (uint32_t *)(to + row * toStride);
        for (size_t k = 0; k < inner; k += 2) y[k / 2] = pairOf(x[k], k + 1 < inner ? x[k + 1] : 0);
    }
}

/// A group's words: `step` floats lie between neighbours along the inner dimension, `across` between columns.
static void packGroup(const float *from, size_t step, size_t across, size_t inner, size_t columns, uint32_t *to) {
    for (size_t k = 0; k < inner; k += 2)
        for (size_t column = 0; column < CK_GROUP; column++) {
            const float *x = from + (column < columns ? column * across + k * step : 0);
            to[k / 2 * CK_GROUP + column] = column < columns ? pairOf(x[0], k + 1 < inner ? x[step] : 0) : 0;
        }
}

static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    packGroup(from, 1, fromStride, inner, rows, (uint32_t *)to);
}

static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    packGroup(from, fromStride, 1, inner, columns, (uint32_t *)to);
}

static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    size_t pairs = (inner + 1) / 2;
    for (size_t row = 0; row < rows; row++) {
        const uint32_t *x = (const uint32_t *)(a + row * aStride);
        for (size_t column = 0; column < columns; column++) {
            const uint32_t *w = (const uint32_t *)panel + column / CK_GROUP * pairs * CK_GROUP + column % CK_GROUP;
            float sum = adds ? flushed(c[row * cStride + column]) : 0;
            for (size_t p = 0; p < pairs; p++) {
                sum = added(sum, x[p] >> 16, w[p * CK_GROUP] >> 16);
                sum = added(sum, x[p] & 0xFFFF, w[p * CK_GROUP] & 0xFFFF);
            }
            c[row * cStride + column] = sum;
        }
    }
}

const CKRoutines ckBF16Plain = {packRows, packTransposed, packStraight, multiply, NULL, NULL};
