// Products in int8 on NEON, twice: with the dot products of ARMv8.2 (SDOT), and with the widening multiplications that
// every 64-bit ARM has. No q is beyond ±127, so two products fit 16 bits.

#include "routines.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#if defined(__linux__) && !defined(__ARM_FEATURE_DOTPROD)
#include <sys/auxv.h>
#endif

#define INLINE static inline __attribute__((always_inline))

bool ckHasDot(void) {
#if defined(__ARM_FEATURE_DOTPROD)
    return true;
#elif defined(__linux__)
    return (getauxval(AT_HWCAP) & 1 << 20) != 0;  // HWCAP_ASIMDDP
#else
    return false;
#endif
}

// MARK: Packing

/// One row's values of a block, zeros beyond `count`.
INLINE void load(const float *from, size_t count, float32x4_t x[16]) {
    float padded[CK_INT8_BLOCK] = {0};
    if (count < CK_INT8_BLOCK) from = memcpy(padded, from, count * sizeof *from);
    for (int i = 0; i < 16; i++) x[i] = vld1q_f32(from + 4 * i);
}

INLINE uint32x4_t magnitudes(float32x4_t x) { return vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0x7FFFFFFF)); }

/// Scales from the bits of the largest magnitudes, as in int8.c. Values are cleared by `valid`, then multiplied.
INLINE float32x4_t scalesOf(uint32x4_t largest, float32x4_t *inverse, uint32x4_t *valid) {
    uint32x4_t broken = vcgeq_u32(largest, vdupq_n_u32(0x7F800000));
    uint32x4_t large = vcgeq_u32(largest, vdupq_n_u32(0x03800000));
    float32x4_t value = vreinterpretq_f32_u32(largest);
    *valid = vbicq_u32(large, broken);
    float32x4_t quotient = vdivq_f32(vdupq_n_f32(127.0f), value);
    *inverse = vreinterpretq_f32_u32(vandq_u32(*valid, vreinterpretq_u32_f32(quotient)));
    float32x4_t scale = vmulq_f32(value, vdupq_n_f32(1.0f / 127.0f));
    scale = vreinterpretq_f32_u32(vandq_u32(*valid, vreinterpretq_u32_f32(scale)));
    return vbslq_f32(broken, vdupq_n_f32(NAN), scale);
}

INLINE int32x4_t nearest(float32x4_t x, float32x4_t inverse, uint32x4_t valid) {
    x = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), valid));
    return vcvtnq_s32_f32(vmulq_f32(x, inverse));
}

/// The bytes of a block in order; returns its scale.
INLINE float quantise(const float *from, size_t count, int8x16_t q[4]) {
    float32x4_t x[16], inverse;
    load(from, count, x);
    uint32x4_t largest = magnitudes(x[0]), valid;
    for (int i = 1; i < 16; i++) largest = vmaxq_u32(largest, magnitudes(x[i]));
    float32x4_t scale = scalesOf(vdupq_n_u32(vmaxvq_u32(largest)), &inverse, &valid);
    for (int i = 0; i < 4; i++) {
        int16x4_t n[4];
        for (int j = 0; j < 4; j++) n[j] = vmovn_s32(nearest(x[4 * i + j], inverse, valid));
        q[i] = vcombine_s8(vmovn_s16(vcombine_s16(n[0], n[1])), vmovn_s16(vcombine_s16(n[2], n[3])));
    }
    return vgetq_lane_f32(scale, 0);
}

static void packRows(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        CKInt8Row *y = (CKInt8Row *)(to + row * toStride);
        for (size_t k = 0; k < inner; k += CK_INT8_BLOCK, y++) {
            int8x16_t q[4];
            y->scale = quantise(from + row * fromStride + k, inner - k, q);
            int32_t sum = 0;
            for (int i = 0; i < 4; i++) {
                vst1q_s8(y->q + 16 * i, q[i]);
                sum += vaddlvq_s8(q[i]);
            }
            y->correction = -128 * sum;
        }
    }
}

static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    const uint8x16_t offset = vdupq_n_u8(128);
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 4) {
            uint32x4_t r[4][4];
            for (size_t j = 0; j < 4; j++) {
                int8x16_t q[4] = {vdupq_n_s8(0), vdupq_n_s8(0), vdupq_n_s8(0), vdupq_n_s8(0)};
                y->scale[start + j] =
                    start + j < rows ? quantise(from + (start + j) * fromStride + k, inner - k, q) : 0;
                for (int i = 0; i < 4; i++)
                    r[i][j] = vreinterpretq_u32_u8(veorq_u8(vreinterpretq_u8_s8(q[i]), offset));
            }
            // Four columns' words k of each quarter become one vector per k.
            for (size_t i = 0; i < 4; i++) {
                uint32x4x2_t a = vtrnq_u32(r[i][0], r[i][1]), b = vtrnq_u32(r[i][2], r[i][3]);
                for (size_t j = 0; j < 2; j++) {
                    uint32x4_t first = vcombine_u32(vget_low_u32(a.val[j]), vget_low_u32(b.val[j]));
                    uint32x4_t second = vcombine_u32(vget_high_u32(a.val[j]), vget_high_u32(b.val[j]));
                    vst1q_u8(y->q[4 * i + j][start], vreinterpretq_u8_u32(first));
                    vst1q_u8(y->q[4 * i + 2 + j][start], vreinterpretq_u8_u32(second));
                }
            }
        }
    }
}

INLINE float32x4_t loadFewer(const float *x, size_t count) {
    if (count >= 4) return vld1q_f32(x);
    float padded[4] = {0};
    memcpy(padded, x, count * sizeof *x);
    return vld1q_f32(padded);
}

static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        size_t count = inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 4) {
            size_t left = start < columns ? columns - start : 0;
            const float *x = from + k * fromStride + (left > 0 ? start : 0);
            uint32x4_t largest = vdupq_n_u32(0), valid;
            for (size_t i = 0; i < count; i++)
                largest = vmaxq_u32(largest, magnitudes(loadFewer(x + i * fromStride, left)));
            float32x4_t inverse;
            vst1q_f32(y->scale + start, scalesOf(largest, &inverse, &valid));
            for (size_t i = 0; i < CK_INT8_BLOCK / 4; i++) {
                uint32x4_t word = vdupq_n_u32(0);
                for (size_t j = 0; j < 4 && 4 * i + j < count; j++) {
                    int32x4_t q = nearest(loadFewer(x + (4 * i + j) * fromStride, left), inverse, valid);
                    uint32x4_t byte = vandq_u32(vreinterpretq_u32_s32(q), vdupq_n_u32(0xFF));
                    word = vorrq_u32(word, vshlq_u32(byte, vdupq_n_s32((int32_t)(8 * j))));
                }
                vst1q_u8(y->q[i][start], veorq_u8(vreinterpretq_u8_u32(word), vdupq_n_u8(128)));
            }
        }
    }
}

// MARK: Multiplying

/// Four columns' words of the inner dimension as signed bytes.
INLINE int8x16_t wordOf(const CKInt8Block *w, size_t k, size_t start) {
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w->q[k][start]), vdupq_n_u8(128)));
}

/// The products of a block: `count` rows of q times 8 columns from `start` on, as whole numbers.
INLINE void dotsNEON(int count, const CKInt8Row *rows[], const CKInt8Block *w, size_t start, int32x4_t d[][2]) {
    for (int half = 0; half < 2; half++) {
        // Sums of neighbouring pairs: columns 0 and 1 in the first vector, 2 and 3 in the second.
        int32x4_t s[4][2];
        for (int i = 0; i < count; i++) s[i][0] = s[i][1] = vdupq_n_s32(0);
        for (size_t k = 0; k < CK_INT8_BLOCK / 4; k += 2) {
            int8x16_t w0 = wordOf(w, k, start + 4 * (size_t)half), w1 = wordOf(w, k + 1, start + 4 * (size_t)half);
            for (int i = 0; i < count; i++) {
                int8x8_t x = vld1_s8(rows[i]->q + 4 * k);
                int8x8_t x0 = vreinterpret_s8_s32(vdup_lane_s32(vreinterpret_s32_s8(x), 0));
                int8x8_t x1 = vreinterpret_s8_s32(vdup_lane_s32(vreinterpret_s32_s8(x), 1));
                int16x8_t low = vmlal_s8(vmull_s8(vget_low_s8(w0), x0), vget_low_s8(w1), x1);
                int16x8_t high = vmlal_s8(vmull_s8(vget_high_s8(w0), x0), vget_high_s8(w1), x1);
                s[i][0] = vpadalq_s16(s[i][0], low);
                s[i][1] = vpadalq_s16(s[i][1], high);
            }
        }
        for (int i = 0; i < count; i++) d[i][half] = vpaddq_s32(s[i][0], s[i][1]);
    }
}

#define WITH_DOT "arch=armv8.2-a+dotprod"

static inline __attribute__((always_inline, target(WITH_DOT))) void dotsDot(
    int count, const CKInt8Row *rows[], const CKInt8Block *w, size_t start, int32x4_t d[][2]) {
    for (int i = 0; i < count; i++) d[i][0] = d[i][1] = vdupq_n_s32(0);
    for (size_t quarter = 0; quarter < 4; quarter++) {
        int8x16_t x[4];
        for (int i = 0; i < count; i++) x[i] = vld1q_s8(rows[i]->q + 16 * quarter);
#define STEP(lane)                                                                                                     \
    do {                                                                                                               \
        int8x16_t w0 = wordOf(w, 4 * quarter + lane, start), w1 = wordOf(w, 4 * quarter + lane, start + 4);            \
        for (int i = 0; i < count; i++) {                                                                              \
            d[i][0] = vdotq_laneq_s32(d[i][0], w0, x[i], lane);                                                        \
            d[i][1] = vdotq_laneq_s32(d[i][1], w1, x[i], lane);                                                        \
        }                                                                                                              \
    } while (0)
        STEP(0);
        STEP(1);
        STEP(2);
        STEP(3);
#undef STEP
    }
}

#define NAME(name) name##NEON
#define TARGET
#include "int8_neon_tile.h"
#undef NAME
#undef TARGET

#define NAME(name) name##Dot
#define TARGET target(WITH_DOT)
#include "int8_neon_tile.h"

const CKRoutines ckInt8NEON = {
    packRows, packTransposed, packStraight, multiplyNEON, ckInt8TransposedBlocks, ckInt8StraightBlocks};
const CKRoutines ckInt8Dot = {
    packRows, packTransposed, packStraight, multiplyDot, ckInt8TransposedBlocks, ckInt8StraightBlocks};
#endif
