// Products in bfloat16 with AVX2 and FMA. A product of two bfloat16 has at most 16 significant bits, so a fused
// multiply-add rounds just where one half of vdpbf16ps does; with subnormals read and written as zero (as that
// instruction does, whatever the mode) the bits are its bits.

#include "routines.h"

#if defined(__x86_64__)
#include "avx2.h"

#include <string.h>

// MARK: Packing

// 8 floats to bfloat16, in the lower halves of the words.
INLINE __m256i rounded(__m256 values) {
    __m256i bits = _mm256_castps_si256(values);
    __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF));
    __m256i upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i nearest = _mm256_srli_epi32(
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), 16);
    __m256i isNaN = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7F800000));
    __m256i isTiny = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x00800000), magnitude);
    __m256i result = _mm256_blendv_epi8(nearest, _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), isNaN);
    return _mm256_blendv_epi8(result, _mm256_and_si256(upper, _mm256_set1_epi32(0x8000)), isTiny);
}

// 16 neighbours in a row as 8 pairs.
INLINE __m256i pairsOf16(const float *x) {
    __m256i halves = _mm256_packus_epi32(rounded(_mm256_loadu_ps(x)), rounded(_mm256_loadu_ps(x + 8)));
    return _mm256_permute4x64_epi64(halves, 0xD8);
}

INLINE __m256i pairsOfFewer(const float *x, size_t count) {
    float padded[16] = {0};
    memcpy(padded, x, count * sizeof *x);
    return pairsOf16(padded);
}

AVX2 static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        uint32_t *y = (uint32_t *)(to + row * toStride);
        size_t k = 0;
        for (; k + 16 <= inner; k += 16) _mm256_storeu_si256((__m256i *)(y + k / 2), pairsOf16(x + k));
        if (k < inner) {
            uint32_t words[8];
            _mm256_storeu_si256((__m256i *)words, pairsOfFewer(x + k, inner - k));
            memcpy(y + k / 2, words, (inner - k + 1) / 2 * sizeof *y);
        }
    }
}

AVX2 static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 8) {
        uint32_t *group = (uint32_t *)to + start;
        for (size_t k = 0; k < inner; k += 16) {
            size_t left = inner - k;
            __m256i r[8];
            for (size_t i = 0; i < 8; i++) {
                const float *x = from + (start + i) * fromStride + k;
                r[i] = start + i >= rows ? _mm256_setzero_si256() : left >= 16 ? pairsOf16(x) : pairsOfFewer(x, left);
            }
            transpose(r);
            size_t count = left >= 16 ? 8 : (left + 1) / 2;
            for (size_t p = 0; p < count; p++) _mm256_storeu_si256((__m256i *)(group + (k / 2 + p) * CK_GROUP), r[p]);
        }
    }
}

AVX2 static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    size_t pairs = (inner + 1) / 2;
    for (size_t column = 0; column < CK_GROUP; column += 8) {
        __m256i mask = lanes(column < columns ? columns - column : 0);
        uint32_t *group = (uint32_t *)to + column;
        for (size_t p = 0; p < pairs; p++) {
            const float *a = from + 2 * p * fromStride + column;
            __m256i first = rounded(_mm256_maskload_ps(a, mask));
            __m256i second = 2 * p + 1 < inner ? rounded(_mm256_maskload_ps(a + fromStride, mask))
                                               : _mm256_setzero_si256();
            _mm256_storeu_si256(
                (__m256i *)(group + p * CK_GROUP), _mm256_or_si256(first, _mm256_slli_epi32(second, 16)));
        }
    }
}

// MARK: Multiplying

INLINE __m256 lower(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }

INLINE __m256 upper(__m256i pairs) {
    return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xFFFF0000)));
}

// `count` rows times 16 columns of a group; `count` is a constant where this is inlined.
INLINE void tile(
    int count, const uint32_t *a, size_t aStride, const uint32_t *panel, size_t pairs, float *c, size_t cStride,
    __m256i left, __m256i right, bool adds) {
    __m256 s[6][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm256_maskload_ps(c + i * cStride, left) : _mm256_setzero_ps();
        s[i][1] = adds ? _mm256_maskload_ps(c + i * cStride + 8, right) : _mm256_setzero_ps();
    }
    for (size_t p = 0; p < pairs; p++) {
        __m256i w0 = _mm256_loadu_si256((const __m256i *)(panel + p * CK_GROUP));
        __m256i w1 = _mm256_loadu_si256((const __m256i *)(panel + p * CK_GROUP + 8));
        __m256 u0 = upper(w0), u1 = upper(w1);
        for (int i = 0; i < count; i++) {
            __m256 x = upper(_mm256_set1_epi32((int)a[i * aStride + p]));
            s[i][0] = _mm256_fmadd_ps(x, u0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, u1, s[i][1]);
        }
        __m256 l0 = lower(w0), l1 = lower(w1);
        for (int i = 0; i < count; i++) {
            __m256 x = lower(_mm256_set1_epi32((int)a[i * aStride + p]));
            s[i][0] = _mm256_fmadd_ps(x, l0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, l1, s[i][1]);
        }
    }
    for (int i = 0; i < count; i++) {
        _mm256_maskstore_ps(c + i * cStride, left, s[i][0]);
        _mm256_maskstore_ps(c + i * cStride + 8, right, s[i][1]);
    }
}

AVX2 static __attribute__((noinline)) void tiles(
    const uint32_t *a, size_t aStride, size_t rows, const uint32_t *panel, size_t pairs, float *c, size_t cStride,
    size_t columns, bool adds) {
    for (size_t column = 0; column < columns; column += 16) {
        size_t width = columns - column;
        __m256i left = lanes(width), right = lanes(width > 8 ? width - 8 : 0);
        const uint32_t *group = panel + column / CK_GROUP * pairs * CK_GROUP + column % CK_GROUP;
        size_t row = 0;
#define TILE(n) tile(n, a + row * aStride, aStride, group, pairs, c + row * cStride + column, cStride, left, right, adds)
        for (; row + 6 <= rows; row += 6) TILE(6);
        switch (rows - row) {
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

static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    // Nearest, no traps, subnormals read and written as zero. The call is not inlined: nothing moves across the switch.
    unsigned kept = _mm_getcsr();
    _mm_setcsr(0x1F80 | 0x8040);
    tiles(
        (const uint32_t *)a, aStride / 4, rows, (const uint32_t *)panel, (inner + 1) / 2, c, cStride, columns, adds);
    _mm_setcsr(kept);
}

const CKRoutines ckBF16AVX2 = {packRows, packTransposed, packStraight, multiply, NULL, NULL};
#endif
