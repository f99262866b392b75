// int8 panels straight from quantised blocks, in plain C, compiled once for each instruction set but AVX-512, which has
// code of its own. A stored value is an affine function of a small whole number, and so is the panel's byte: a fixed-point
// multiplication takes one to the other, and no float is made on the way.
//
// The scale comes from the largest value that the blocks could hold, not from what they do hold: of Q8_0 and Q4_0, one
// scale's values stay whole numbers times that scale, exactly. In a straight panel the 32 columns of a group share it.

#include "floats.h"
#include "routines.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

// Types are constants where these are inlined.
#define BODY static inline __attribute__((always_inline))

/// 32 neighbours of a row: value = scale · q − minimum for each half of 16.
typedef struct {
    float scale[2], minimum[2];
    uint8_t q[32];
} Run;

/// The run from value `first`, a multiple of 32, of the row at `row`.
BODY Run runOf(uint32_t type, const uint8_t *row, size_t first) {
    Run run = {{0, 0}, {0, 0}, {0}};
    if (type == 2) {
        const uint8_t *p = row + first / 32 * 18;
        run.scale[0] = run.scale[1] = ckHalf(p);
        for (int j = 0; j < 16; j++) {
            run.q[j] = p[2 + j] & 15;
            run.q[j + 16] = p[2 + j] >> 4;
        }
    } else if (type == 8) {
        const uint8_t *p = row + first / 32 * 34;
        run.scale[0] = run.scale[1] = ckHalf(p);
        for (int j = 0; j < 32; j++) run.q[j] = p[2 + j];
    } else if (type == 12) {
        const uint8_t *p = row + first / 256 * 144, *s = p + 4;
        size_t j = first % 256 / 32;
        uint8_t scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        uint8_t minimum = j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | (s[j] >> 6) << 4;
        run.scale[0] = run.scale[1] = ckHalf(p) * (float)scale;
        run.minimum[0] = run.minimum[1] = ckHalf(p + 2) * (float)minimum;
        const uint8_t *q = p + 16 + j / 2 * 32;
        for (int i = 0; i < 32; i++) run.q[i] = j % 2 == 0 ? q[i] & 15 : q[i] >> 4;
    } else {
        const uint8_t *p = row + first / 256 * 210;
        size_t upper = first % 256 / 128, quarter = first % 128 / 32;
        const uint8_t *low = p + upper * 64 + quarter % 2 * 32, *high = p + 128 + upper * 32;
        for (int i = 0; i < 2; i++)
            run.scale[i] = ckHalf(p + 208) * (float)(int8_t)p[192 + upper * 8 + 2 * quarter + (size_t)i];
        for (int i = 0; i < 32; i++)
            run.q[i] = (uint8_t)((quarter < 2 ? low[i] & 15 : low[i] >> 4) | (high[i] >> 2 * quarter & 3) << 4);
    }
    return run;
}

/// The larger of `largest` and the bits of the largest magnitude that the run's scales allow for; of all types but
/// Q4_K, in units that `unitOf` names.
BODY uint32_t larger(uint32_t largest, uint32_t type, const Run *run) {
    for (int i = 0; i < 2; i++) {
        uint32_t a = type == 12 ? ckMagnitude(run->minimum[i]) : ckMagnitude(run->scale[i]);
        uint32_t b = type == 12 ? ckMagnitude(15 * run->scale[i] - run->minimum[i]) : 0;
        if (a > largest) largest = a;
        if (b > largest) largest = b;
    }
    return largest;
}

/// What the largest magnitude becomes in a panel.
BODY float unitOf(uint32_t type) {
    return type == 2 ? 15.0f : type == 8 ? 1.0f : type == 12 ? 127.0f : 127.0f / 32.0f;
}

BODY float scaleOf(uint32_t type, uint32_t largest, float *inverse) {
    *inverse = 0;
    if (largest >= 0x7F800000u) return NAN;
    if (largest < 0x03800000u) return 0;
    *inverse = unitOf(type) / ckFromBits(largest);
    return ckFromBits(largest) * (1.0f / unitOf(type));
}

BODY int32_t nearest(float value) { return (int32_t)((value + 12582912.0f) - 12582912.0f); }

/// A panel's byte for each value of a run; all 128, which stands for zero, where there is no inverse.
BODY void bytesOf(uint32_t type, const Run *run, float inverse, uint8_t bytes[32]) {
    memset(bytes, 128, 32);
    if (inverse == 0) return;
    for (int half = 0; half < 2; half++) {
        const uint8_t *q = run->q + 16 * half;
        uint8_t *y = bytes + 16 * half;
        float scale = run->scale[half] * inverse;
        if (type == 8) {
            int32_t a = nearest(scale * 16384), least = -16256;
            if (a < least) a = least;
            for (int i = 0; i < 16; i++) y[i] = (uint8_t)(128 + ((2 * (int8_t)q[i] * a + 16384) >> 15));
        } else {
            int32_t a = nearest(scale * 128), centre = type == 2 ? 8 : 32;
            int32_t b = type == 12 ? nearest(run->minimum[half] * inverse * 128) : centre * a;
            for (int i = 0; i < 16; i++) y[i] = (uint8_t)((q[i] * a + (128 * 128 + 64) - b) >> 7);
        }
    }
}

BODY void transposed(uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        for (size_t row = 0; row < CK_GROUP; row++) {
            size_t runs = row >= rows ? 0 : inner - k >= CK_INT8_BLOCK ? 2 : 1;
            Run run[2];
            uint32_t largest = 0;
            for (size_t i = 0; i < runs; i++) {
                run[i] = runOf(type, from + row * fromStride, k + 32 * i);
                largest = larger(largest, type, &run[i]);
            }
            float inverse;
            y->scale[row] = scaleOf(type, largest, &inverse);
            for (size_t i = 0; i < 2; i++) {
                uint8_t bytes[32];
                if (i < runs) bytesOf(type, &run[i], inverse, bytes);
                else memset(bytes, 128, sizeof bytes);
                for (size_t j = 0; j < 8; j++) memcpy(y->q[8 * i + j][row], bytes + 4 * j, 4);
            }
        }
    }
}

BODY void straight(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize) {
    for (size_t column = 0; column < columns; column += CK_GROUP)
        for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
            CKInt8Block *y = (CKInt8Block *)(panel + column / CK_GROUP * groupSize) + k / CK_INT8_BLOCK;
            size_t count = inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK;
            Run run[CK_INT8_BLOCK];
            uint32_t largest = 0;
            for (size_t i = 0; i < count; i++) {
                run[i] = runOf(type, from + (k + i) * fromStride, column);
                largest = larger(largest, type, &run[i]);
            }
            float inverse, scale = scaleOf(type, largest, &inverse);
            for (size_t j = 0; j < CK_GROUP; j++) y->scale[j] = scale;
            uint8_t bytes[CK_INT8_BLOCK][CK_GROUP];
            memset(bytes, 128, sizeof bytes);
            for (size_t i = 0; i < count; i++) bytesOf(type, &run[i], inverse, bytes[i]);
            for (size_t i = 0; i < CK_INT8_BLOCK; i += 4)
                for (size_t j = 0; j < CK_GROUP; j++) {
                    uint32_t word = bytes[i][j] | (uint32_t)bytes[i + 1][j] << 8 | (uint32_t)bytes[i + 2][j] << 16
                        | (uint32_t)bytes[i + 3][j] << 24;
                    memcpy(y->q[i / 4][j], &word, 4);
                }
        }
}

// MARK: One copy per instruction set

#define TYPES(type, body)                                                                                              \
    switch (type) {                                                                                                    \
    case 2: body(2); break;                                                                                            \
    case 8: body(8); break;                                                                                            \
    case 12: body(12); break;                                                                                          \
    default: body(14); break;                                                                                          \
    }
#define TRANSPOSED(type) transposed(type, from, fromStride, rows, inner, to)
#define STRAIGHT(type) straight(type, from, fromStride, inner, columns, panel, groupSize)
#define VARIANT(suffix, attributes)                                                                                    \
    attributes void ckInt8TransposedBlocks##suffix(                                                                    \
        uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {               \
        TYPES(type, TRANSPOSED)                                                                                        \
    }                                                                                                                  \
    attributes void ckInt8StraightBlocks##suffix(                                                                      \
        uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,           \
        size_t groupSize) {                                                                                            \
        TYPES(type, STRAIGHT)                                                                                          \
    }

VARIANT(, )
#if defined(__x86_64__)
VARIANT(AVX2, __attribute__((target("avx2"))))
#endif
