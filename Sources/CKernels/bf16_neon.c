// Products in bfloat16 with NEON. Fused multiply-adds of widened operands, the upper of a pair first: what the plain path
// does, and what AVX-512's vdpbf16ps does. BFDOT and BFMMLA are left alone, since they round otherwise.

#include "routines.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

// MARK: Packing

// 4 floats to bfloat16, in the lower halves of the words.
INLINE uint32x4_t rounded(float32x4_t values) {
    uint32x4_t bits = vreinterpretq_u32_f32(values);
    uint32x4_t magnitude = vandq_u32(bits, vdupq_n_u32(0x7FFFFFFF));
    uint32x4_t upper = vshrq_n_u32(bits, 16);
    uint32x4_t odd = vandq_u32(upper, vdupq_n_u32(1));
    uint32x4_t nearest = vshrq_n_u32(vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7FFF)), odd), 16);
    uint32x4_t isNaN = vcgtq_u32(magnitude, vdupq_n_u32(0x7F800000));
    uint32x4_t isTiny = vcltq_u32(magnitude, vdupq_n_u32(0x00800000));
    uint32x4_t result = vbslq_u32(isNaN, vorrq_u32(upper, vdupq_n_u32(0x40)), nearest);
    return vbslq_u32(isTiny, vandq_u32(upper, vdupq_n_u32(0x8000)), result);
}

// 8 neighbours in a row as 4 pairs.
INLINE uint32x4_t pairsOf8(const float *x) {
    return vreinterpretq_u32_u16(vcombine_u16(vmovn_u32(rounded(vld1q_f32(x))), vmovn_u32(rounded(vld1q_f32(x + 4)))));
}

INLINE uint32x4_t pairsOfFewer(const float *x, size_t count) {
    float padded[8] = {0};
    memcpy(padded, x, count * sizeof *x);
    return pairsOf8(padded);
}

static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        uint32_t *y = (uint32_t *)(to + row * toStride);
        size_t k = 0;
        for (; k + 8 <= inner; k += 8) vst1q_u32(y + k / 2, pairsOf8(x + k));
        if (k < inner) {
            uint32_t words[4];
            vst1q_u32(words, pairsOfFewer(x + k, inner - k));
            memcpy(y + k / 2, words, (inner - k + 1) / 2 * sizeof *y);
        }
    }
}

// 4 vectors of 4 words: word j of vector i goes to word i of vector j.
INLINE void transpose(uint32x4_t r[4]) {
    uint32x4x2_t a = vtrnq_u32(r[0], r[1]), b = vtrnq_u32(r[2], r[3]);
    for (int j = 0; j < 2; j++) {
        r[j] = vcombine_u32(vget_low_u32(a.val[j]), vget_low_u32(b.val[j]));
        r[2 + j] = vcombine_u32(vget_high_u32(a.val[j]), vget_high_u32(b.val[j]));
    }
}

static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 4) {
        uint32_t *group = (uint32_t *)to + start;
        for (size_t k = 0; k < inner; k += 8) {
            size_t left = inner - k;
            uint32x4_t r[4];
            for (size_t i = 0; i < 4; i++) {
                const float *x = from + (start + i) * fromStride + k;
                r[i] = start + i >= rows ? vdupq_n_u32(0) : left >= 8 ? pairsOf8(x) : pairsOfFewer(x, left);
            }
            transpose(r);
            size_t count = left >= 8 ? 4 : (left + 1) / 2;
            for (size_t p = 0; p < count; p++) vst1q_u32(group + (k / 2 + p) * CK_GROUP, r[p]);
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
    size_t pairs = (inner + 1) / 2;
    for (size_t column = 0; column < CK_GROUP; column += 4) {
        size_t left = column < columns ? columns - column : 0;
        uint32_t *group = (uint32_t *)to + column;
        for (size_t p = 0; p < pairs; p++) {
            const float *a = from + 2 * p * fromStride + column;
            uint32x4_t first = rounded(loadFewer(a, left)), second = vdupq_n_u32(0);
            if (2 * p + 1 < inner) second = rounded(loadFewer(a + fromStride, left));
            vst1q_u32(group + p * CK_GROUP, vsliq_n_u32(first, second, 16));
        }
    }
}

// MARK: Multiplying

INLINE float32x4_t lower(uint32x4_t pairs) { return vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16)); }

INLINE float32x4_t upper(uint32x4_t pairs) {
    return vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xFFFF0000)));
}

enum { ROWS = 4, COLUMNS = 16 };

// One pair of each of `count` rows times the pairs of 16 columns.
#define STEP(lane)                                                                                                     \
    do {                                                                                                               \
        for (int v = 0; v < 4; v++) w[v] = vld1q_u32(panel + (p + lane) * CK_GROUP + 4 * v);                              \
        for (int i = 0; i < count; i++)                                                                                \
            for (int v = 0; v < 4; v++) s[i][v] = vfmaq_laneq_f32(s[i][v], upper(w[v]), upper(x[i]), lane);            \
        for (int i = 0; i < count; i++)                                                                                \
            for (int v = 0; v < 4; v++) s[i][v] = vfmaq_laneq_f32(s[i][v], lower(w[v]), lower(x[i]), lane);            \
    } while (0)

// `count` rows times 16 columns of a group, from sums to sums; `count` is a constant where this is inlined.
INLINE void tile(
    int count, const uint32_t *a, size_t aStride, const uint32_t *panel, size_t pairs, float sums[ROWS][COLUMNS]) {
    float32x4_t s[ROWS][4];
    for (int i = 0; i < count; i++)
        for (int v = 0; v < 4; v++) s[i][v] = vld1q_f32(sums[i] + 4 * v);
    size_t p = 0;
    uint32x4_t w[4], x[ROWS];
    for (; p + 4 <= pairs; p += 4) {
        for (int i = 0; i < count; i++) x[i] = vld1q_u32(a + i * aStride + p);
        STEP(0);
        STEP(1);
        STEP(2);
        STEP(3);
    }
    for (; p < pairs; p++) {
        for (int i = 0; i < count; i++) x[i] = vdupq_n_u32(a[i * aStride + p]);
        STEP(0);
    }
    for (int i = 0; i < count; i++)
        for (int v = 0; v < 4; v++) vst1q_f32(sums[i] + 4 * v, s[i][v]);
}

static __attribute__((noinline)) void tileOf(
    size_t count, const uint32_t *a, size_t aStride, const uint32_t *panel, size_t pairs, float sums[ROWS][COLUMNS]) {
    switch (count) {
    case 1: tile(1, a, aStride, panel, pairs, sums); break;
    case 2: tile(2, a, aStride, panel, pairs, sums); break;
    case 3: tile(3, a, aStride, panel, pairs, sums); break;
    default: tile(4, a, aStride, panel, pairs, sums); break;
    }
}

// Floating-point control: subnormals are read and written as zero, nearest. Status: something was so written.
enum { FlushToZero = 1 << 24, Underflow = 1 << 3 };

static inline uint64_t control(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value)::"memory");
    return value;
}

static inline void setControl(uint64_t value) { __asm__ volatile("msr fpcr, %0" ::"r"(value) : "memory"); }

static inline uint64_t status(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpsr" : "=r"(value)::"memory");
    return value;
}

static inline void setStatus(uint64_t value) { __asm__ volatile("msr fpsr, %0" ::"r"(value) : "memory"); }

static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    uint64_t keptControl = control(), keptStatus = status();
    size_t pairs = (inner + 1) / 2;
    for (size_t column = 0; column < columns; column += COLUMNS) {
        size_t width = columns - column < COLUMNS ? columns - column : COLUMNS;
        const uint32_t *group =
            (const uint32_t *)panel + column / CK_GROUP * pairs * CK_GROUP + column % CK_GROUP;
        for (size_t row = 0; row < rows; row += ROWS) {
            size_t count = rows - row < ROWS ? rows - row : ROWS;
            const uint8_t *x = a + row * aStride;
            float *corner = c + row * cStride + column, sums[ROWS][COLUMNS] = {{0}};
            for (size_t i = 0; adds && i < count; i++) memcpy(sums[i], corner + i * cStride, width * sizeof *c);
            setControl(FlushToZero);
            setStatus(0);
            tileOf(count, (const uint32_t *)x, aStride / 4, group, pairs, sums);
            bool isExact = (status() & Underflow) == 0;
            setControl(keptControl);
            // ARM flushes what is tiny before rounding, x86 what is tiny after it: the plain loops decide.
            if (isExact)
                for (size_t i = 0; i < count; i++) memcpy(corner + i * cStride, sums[i], width * sizeof *c);
            else
                ckBF16Plain.multiply(x, aStride, count, (const uint8_t *)group, inner, corner, cStride, width, adds, NULL);
        }
    }
    setStatus(keptStatus);
}

const CKRoutines ckBF16NEON = {packRows, packTransposed, packStraight, multiply, NULL, NULL};
#endif
