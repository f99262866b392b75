// Products in int8 in plain C, the oracle of every other path: whole-number parts are exact, and the scales are applied
// in one fixed order, so that all paths give the same bits.

#include "floats.h"
#include "routines.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

/// The scale of a block from the bits of its largest magnitude, and what values are multiplied by. A block with an
/// infinity or a NaN has a NaN for its scale, so that every product with it is one; below 2⁻¹²⁰ all is zero.
static float scaleOf(uint32_t largest, float *inverse) {
    *inverse = 0;
    if (largest >= 0x7F800000u) return NAN;
    if (largest < 0x03800000u) return 0;
    float value = ckFromBits(largest);
    *inverse = 127.0f / value;
    return value * (1.0f / 127.0f);
}

/// To the nearest whole number, ties to even; |value| ≤ 127.
static inline int32_t nearest(float value) { return (int32_t)((value + 12582912.0f) - 12582912.0f); }

/// Quantises `count` values, `step` floats apart, into a whole block of bytes; returns the scale.
static float quantise(const float *from, size_t step, size_t count, int8_t q[CK_INT8_BLOCK]) {
    uint32_t largest = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t bits = ckMagnitude(from[k * step]);
        if (bits > largest) largest = bits;
    }
    float inverse, scale = scaleOf(largest, &inverse);
    for (size_t k = 0; k < CK_INT8_BLOCK; k++)
        q[k] = k < count && inverse != 0 ? (int8_t)nearest(from[k * step] * inverse) : 0;
    return scale;
}

static inline size_t lengthOf(size_t block, size_t inner) {
    size_t left = inner - block * CK_INT8_BLOCK;
    return left < CK_INT8_BLOCK ? left : CK_INT8_BLOCK;
}

static void packRows(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        CKInt8Row *blocks = (CKInt8Row *)(to + row * toStride);
        for (size_t b = 0; b < ckInt8Blocks(inner); b++) {
            CKInt8Row *y = blocks + b;
            y->scale = quantise(from + row * fromStride + b * CK_INT8_BLOCK, 1, lengthOf(b, inner), y->q);
            int32_t sum = 0;
            for (size_t k = 0; k < CK_INT8_BLOCK; k++) sum += y->q[k];
            y->correction = -128 * sum;
        }
    }
}

/// Column `column` of a group's block; `count` is 0 for the columns that fill up the group.
static void packColumn(const float *from, size_t step, size_t count, CKInt8Block *to, size_t column) {
    int8_t q[CK_INT8_BLOCK];
    to->scale[column] = quantise(from, step, count, q);
    for (size_t k = 0; k < CK_INT8_BLOCK; k++) to->q[k / 4][column][k % 4] = (uint8_t)(q[k] + 128);
}

static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t b = 0; b < ckInt8Blocks(inner); b++)
        for (size_t row = 0; row < CK_GROUP; row++)
            packColumn(
                from + (row < rows ? row * fromStride + b * CK_INT8_BLOCK : 0), 1, row < rows ? lengthOf(b, inner) : 0,
                (CKInt8Block *)to + b, row);
}

static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    for (size_t b = 0; b < ckInt8Blocks(inner); b++)
        for (size_t column = 0; column < CK_GROUP; column++)
            packColumn(
                from + (column < columns ? b * CK_INT8_BLOCK * fromStride + column : 0), fromStride,
                column < columns ? lengthOf(b, inner) : 0, (CKInt8Block *)to + b, column);
}

static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    size_t blocks = ckInt8Blocks(inner);
    for (size_t row = 0; row < rows; row++) {
        const CKInt8Row *x = (const CKInt8Row *)(a + row * aStride);
        for (size_t column = 0; column < columns; column++) {
            const CKInt8Block *w = (const CKInt8Block *)panel + column / CK_GROUP * blocks;
            size_t j = column % CK_GROUP;
            float sum = adds ? c[row * cStride + column] : 0;
            for (size_t b = 0; b < blocks; b++) {
                int32_t dot = x[b].correction;
                for (size_t k = 0; k < CK_INT8_BLOCK; k++) dot += (int32_t)w[b].q[k / 4][j][k % 4] * x[b].q[k];
                sum = fmaf((float)dot * w[b].scale[j], x[b].scale, sum);
            }
            c[row * cStride + column] = sum;
        }
    }
}

const CKRoutines ckInt8Plain = {
    packRows, packTransposed, packStraight, multiply, ckInt8TransposedBlocks, ckInt8StraightBlocks};
