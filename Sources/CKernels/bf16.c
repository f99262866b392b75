// Products in bfloat16 with f32 sums: operands packed in pairs along the inner dimension, which is what one lane of
// vdpbf16ps multiplies and adds. The plain path is the oracle, and does what that instruction does: the product of the
// pair's second values is added, then that of its first; each sum is rounded once, and what is subnormal, read or
// written, is zero.

#include "avx512.h"
#include "floats.h"
#include "routines.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

// Columns of a panel's group: two vectors of 16 lanes.
#define GROUP CK_BF16_GROUP

// Round to nearest, ties to even; a NaN stays one, and what is subnormal becomes zero.
static inline __attribute__((always_inline)) uint32_t rounded(float value) {
    uint32_t bits = ckToBits(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (bits >> 16) | 0x40u;
    if ((bits & 0x7F800000u) == 0) return (bits >> 16) & 0x8000u;
    return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}

static inline __attribute__((always_inline)) float widened(uint32_t half) {
    return ckFromBits(half << 16);
}

static inline uint32_t pairOf(float first, float second) { return rounded(first) | rounded(second) << 16; }

// To f32; zero where the result, rounded to 24 bits, is below the smallest normal number.
static inline __attribute__((always_inline)) float flushed(double value) {
    return fabs(value) < 0x1.ffffffp-127 ? copysignf(0, (float)value) : (float)value;
}

// A fused multiply-add: the product is exact in Double, and where their sum is not, rounding it twice gives the same.
static inline __attribute__((always_inline)) float added(float sum, uint32_t x, uint32_t w) {
    return flushed((double)widened(x) * (double)widened(w) + (double)sum);
}

// MARK: Plain

static void packRowsPlain(const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        for (size_t p = 0; 2 * p < inner; p++)
            to[row * toStride + p] = pairOf(x[2 * p], 2 * p + 1 < inner ? x[2 * p + 1] : 0);
    }
}

static void packColumnsOfRowsPlain(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *panel) {
    size_t pairs = (inner + 1) / 2;
    for (size_t row = 0; row < (rows + GROUP - 1) / GROUP * GROUP; row++) {
        uint32_t *group = panel + row / GROUP * pairs * GROUP + row % GROUP;
        const float *x = from + row * fromStride;
        for (size_t p = 0; p < pairs; p++)
            group[p * GROUP] = row < rows ? pairOf(x[2 * p], 2 * p + 1 < inner ? x[2 * p + 1] : 0) : 0;
    }
}

static void packPairsOfRowsPlain(
    const float *from, size_t fromStride, size_t rows, size_t columns, uint32_t *panel) {
    size_t pairs = (rows + 1) / 2;
    for (size_t p = 0; p < pairs; p++) {
        const float *a = from + 2 * p * fromStride, *b = a + fromStride;
        for (size_t column = 0; column < (columns + GROUP - 1) / GROUP * GROUP; column++) {
            uint32_t *group = panel + column / GROUP * pairs * GROUP + p * GROUP;
            group[column % GROUP] =
                column < columns ? pairOf(a[column], 2 * p + 1 < rows ? b[column] : 0) : 0;
        }
    }
}

static void multiplyPlain(
    const uint32_t *a, size_t aStride, size_t rows, const uint32_t *panel, size_t pairs, float *c, size_t cStride,
    size_t columns, bool adds) {
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            const uint32_t *group = panel + column / GROUP * pairs * GROUP + column % GROUP;
            float sum = adds ? flushed(c[row * cStride + column]) : 0;
            for (size_t p = 0; p < pairs; p++) {
                uint32_t x = a[row * aStride + p], w = group[p * GROUP];
                sum = added(sum, x >> 16, w >> 16);
                sum = added(sum, x & 0xFFFF, w & 0xFFFF);
            }
            c[row * cStride + column] = sum;
        }
}

#if defined(__x86_64__)

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

// MARK: AVX-512 BF16

INLINE __m512i pairsOf32(const float *x) {
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
}

INLINE __m512i pairsOfFewer(const float *x, size_t count) {
    __mmask16 low = count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1);
    __mmask16 high = count <= 16 ? 0 : count >= 32 ? 0xFFFF : (__mmask16)((1u << (count - 16)) - 1);
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, x + 16), _mm512_maskz_loadu_ps(low, x));
}

AVX512 static void packRowsAVX512(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        uint32_t *y = to + row * toStride;
        size_t k = 0;
        for (; k + 32 <= inner; k += 32) _mm512_storeu_si512(y + k / 2, pairsOf32(x + k));
        if (k < inner) {
            size_t left = (inner - k + 1) / 2;
            _mm512_mask_storeu_epi32(y + k / 2, (__mmask16)((1u << left) - 1), pairsOfFewer(x + k, inner - k));
        }
    }
}

AVX512 static void packColumnsOfRowsAVX512(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *panel) {
    size_t pairs = (inner + 1) / 2;
    for (size_t start = 0; start < (rows + GROUP - 1) / GROUP * GROUP; start += 16) {
        uint32_t *group = panel + start / GROUP * pairs * GROUP + start % GROUP;
        for (size_t k = 0; k < inner; k += 32) {
            size_t left = inner - k;
            __m512i r[16];
            for (size_t i = 0; i < 16; i++) {
                const float *x = from + (start + i) * fromStride + k;
                r[i] = start + i >= rows ? _mm512_setzero_si512() : left >= 32 ? pairsOf32(x) : pairsOfFewer(x, left);
            }
            ckTranspose(r);
            size_t count = left >= 32 ? 16 : (left + 1) / 2;
            for (size_t p = 0; p < count; p++) _mm512_storeu_si512(group + (k / 2 + p) * GROUP, r[p]);
        }
    }
}

AVX512 static void packPairsOfRowsAVX512(
    const float *from, size_t fromStride, size_t rows, size_t columns, uint32_t *panel) {
    size_t pairs = (rows + 1) / 2;
    // Word 2i from the first 16 halves, word 2i + 1 from the second.
    static const uint16_t order[32] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    __m512i index = _mm512_loadu_si512(order);
    for (size_t column = 0; column < (columns + GROUP - 1) / GROUP * GROUP; column += 16) {
        size_t left = column < columns ? columns - column : 0;
        __mmask16 mask = left >= 16 ? 0xFFFF : (__mmask16)((1u << left) - 1);
        uint32_t *group = panel + column / GROUP * pairs * GROUP + column % GROUP;
        for (size_t p = 0; p < pairs; p++) {
            const float *a = from + 2 * p * fromStride + column;
            __m512 first = _mm512_maskz_loadu_ps(mask, a);
            __m512 second = 2 * p + 1 < rows ? _mm512_maskz_loadu_ps(mask, a + fromStride) : _mm512_setzero_ps();
            __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(second, first);
            _mm512_storeu_si512(group + p * GROUP, _mm512_permutexvar_epi16(index, halves));
        }
    }
}

// `count` rows times one group of 32 columns; `count` is a constant where this is inlined.
INLINE void tile(
    int count, const uint32_t *a, size_t aStride, const uint32_t *panel, size_t pairs, float *c, size_t cStride,
    __mmask16 left, __mmask16 right, bool adds) {
    __m512 s[12][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm512_maskz_loadu_ps(left, c + i * cStride) : _mm512_setzero_ps();
        s[i][1] = adds ? _mm512_maskz_loadu_ps(right, c + i * cStride + 16) : _mm512_setzero_ps();
    }
    for (size_t p = 0; p < pairs; p++) {
        __m512bh w0 = (__m512bh)_mm512_loadu_si512(panel + p * GROUP);
        __m512bh w1 = (__m512bh)_mm512_loadu_si512(panel + p * GROUP + 16);
        for (int i = 0; i < count; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i * aStride + p]);
            s[i][0] = _mm512_dpbf16_ps(s[i][0], x, w0);
            s[i][1] = _mm512_dpbf16_ps(s[i][1], x, w1);
        }
    }
    for (int i = 0; i < count; i++) {
        _mm512_mask_storeu_ps(c + i * cStride, left, s[i][0]);
        _mm512_mask_storeu_ps(c + i * cStride + 16, right, s[i][1]);
    }
}

AVX512 static void multiplyAVX512(
    const uint32_t *a, size_t aStride, size_t rows, const uint32_t *panel, size_t pairs, float *c, size_t cStride,
    size_t columns, bool adds) {
    for (size_t column = 0; column < columns; column += GROUP) {
        size_t width = columns - column;
        __mmask16 left = width >= 16 ? 0xFFFF : (__mmask16)((1u << width) - 1);
        __mmask16 right = width >= 32 ? 0xFFFF : width <= 16 ? 0 : (__mmask16)((1u << (width - 16)) - 1);
        const uint32_t *group = panel + column / GROUP * pairs * GROUP;
        size_t row = 0;
#define TILE(n) tile(n, a + row * aStride, aStride, group, pairs, c + row * cStride + column, cStride, left, right, adds)
        for (; row + 12 <= rows; row += 12) TILE(12);
        switch (rows - row) {
        case 11: TILE(11); break;
        case 10: TILE(10); break;
        case 9: TILE(9); break;
        case 8: TILE(8); break;
        case 7: TILE(7); break;
        case 6: TILE(6); break;
        case 5: TILE(5); break;
        case 4: TILE(4); break;
        case 3: TILE(3); break;
        case 2: TILE(2); break;
        case 1: TILE(1); break;
        default: break;
        }
#undef TILE
    }
}

static bool hasBF16(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bf16");
}
#endif

// MARK: The doors

bool ck_bf16_is_native(void) {
#if defined(__x86_64__)
    return hasBF16();
#else
    return false;
#endif
}

#if defined(__x86_64__)
#define PICK(name, ...)                                                                                                \
    do {                                                                                                               \
        if (path == CKPathAVX512 && hasBF16()) name##AVX512(__VA_ARGS__);                                              \
        else name##Plain(__VA_ARGS__);                                                                                 \
    } while (0)
#else
#define PICK(name, ...) ((void)path, name##Plain(__VA_ARGS__))
#endif

void ck_bf16_pack_rows(
    CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *to, size_t toStride) {
    PICK(packRows, from, fromStride, rows, inner, to, toStride);
}

void ck_bf16_pack_transposed(
    CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, uint32_t *panel) {
    PICK(packColumnsOfRows, from, fromStride, rows, inner, panel);
}

void ck_bf16_pack_straight(
    CKPath path, const float *from, size_t fromStride, size_t inner, size_t columns, uint32_t *panel) {
    PICK(packPairsOfRows, from, fromStride, inner, columns, panel);
}

void ck_bf16_multiply(
    CKPath path, const uint32_t *a, size_t aStride, size_t rows, const uint32_t *panel, size_t pairs, float *c,
    size_t cStride, size_t columns, bool adds) {
    PICK(multiply, a, aStride, rows, panel, pairs, c, cStride, columns, adds);
}

// MARK: As products.c wants them

#define DOORS(path, transposedBlocks, straightBlocks)                                                                                                    \
    static void rows##path(                                                                                            \
        const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {               \
        packRows##path(from, fromStride, rows, inner, (uint32_t *)to, toStride / 4);                                   \
    }                                                                                                                  \
    static void transposed##path(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {       \
        packColumnsOfRows##path(from, fromStride, rows, inner, (uint32_t *)to);                                        \
    }                                                                                                                  \
    static void straight##path(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {      \
        packPairsOfRows##path(from, fromStride, inner, columns, (uint32_t *)to);                                       \
    }                                                                                                                  \
    static void product##path(                                                                                         \
        const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,   \
        size_t columns, bool adds) {                                                                                   \
        multiply##path(                                                                                                \
            (const uint32_t *)a, aStride / 4, rows, (const uint32_t *)panel, (inner + 1) / 2, c, cStride, columns,     \
            adds);                                                                                                     \
    }                                                                                                                  \
    const CKRoutines ckBF16##path = {rows##path, transposed##path, straight##path, product##path, transposedBlocks, straightBlocks};

DOORS(Plain, NULL, NULL)
#if defined(__x86_64__)
DOORS(AVX512, ckBF16TransposedBlocksAVX512, ckBF16StraightBlocksAVX512)
bool ckHasBF16AVX512(void) { return hasBF16(); }
#endif
