// Products in bfloat16 on AVX-512: a lane of vdpbf16ps multiplies a pair of neighbours along the inner dimension and adds.

#include "avx512.h"
#include "routines.h"

#if defined(__x86_64__)

#define AVX512 __attribute__((target(CK_BF16_SET)))
#define INLINE static inline __attribute__((always_inline, target(CK_BF16_SET)))

bool ckHasBF16AVX512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bf16");
}

// MARK: Packing

/// 16 pairs of a row's neighbours, zeros beyond `count` values.
INLINE __m512i pairsOf(const float *x, size_t count) {
    __m512 low = count >= 16 ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps(ckFirst(count), x);
    __m512 high = count >= 32   ? _mm512_loadu_ps(x + 16)
                  : count <= 16 ? _mm512_setzero_ps()
                                : _mm512_maskz_loadu_ps(ckFirst(count - 16), x + 16);
    return ckRounded(low, high);
}

AVX512 static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        const float *x = from + row * fromStride;
        uint8_t *y = to + row * toStride;
        size_t k = 0;
        for (; k + 32 <= inner; k += 32) _mm512_storeu_si512(y + 2 * k, pairsOf(x + k, 32));
        if (k < inner) _mm512_mask_storeu_epi32(y + 2 * k, ckFirst((inner - k + 1) / 2), pairsOf(x + k, inner - k));
    }
}

AVX512 static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 16)
        for (size_t k = 0; k < inner; k += 32) {
            size_t left = inner - k, pairs = left >= 32 ? 16 : (left + 1) / 2;
            __m512i r[16];
            for (size_t i = 0; i < 16; i++)
                r[i] = start + i < rows ? pairsOf(from + (start + i) * fromStride + k, left) : _mm512_setzero_si512();
            ckTranspose(r);
            for (size_t p = 0; p < pairs; p++) _mm512_storeu_si512(to + ((k / 2 + p) * CK_GROUP + start) * 4, r[p]);
        }
}

AVX512 static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 16) {
        __mmask16 mask = ckFirst(start < columns ? columns - start : 0);
        for (size_t k = 0; k < inner; k += 2) {
            const float *x = from + k * fromStride + start;
            __m512 first = _mm512_maskz_loadu_ps(mask, x);
            __m512 second = k + 1 < inner ? _mm512_maskz_loadu_ps(mask, x + fromStride) : _mm512_setzero_ps();
            _mm512_storeu_si512(to + (k / 2 * CK_GROUP + start) * 4, ckPaired(first, second));
        }
    }
}

// MARK: The product

/// Rows of a tile: their sums fill the registers.
enum { TILE_ROWS = 12 };

// `count` rows times one group of 32 columns; `count` is a constant where this is inlined.
INLINE void tile(
    int count, const uint8_t *a, size_t aStride, const uint8_t *w, size_t pairs, float *c, size_t cStride,
    __mmask16 left, __mmask16 right, bool adds) {
    __m512 s[TILE_ROWS][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm512_maskz_loadu_ps(left, c + i * cStride) : _mm512_setzero_ps();
        s[i][1] = adds ? _mm512_maskz_loadu_ps(right, c + i * cStride + 16) : _mm512_setzero_ps();
    }
    for (size_t p = 0; p < pairs; p++, a += 4, w += CK_GROUP * 4) {
        __m512bh w0 = (__m512bh)_mm512_loadu_si512(w), w1 = (__m512bh)_mm512_loadu_si512(w + 64);
        for (int i = 0; i < count; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32(*(const int32_t *)(a + i * aStride));
            s[i][0] = _mm512_dpbf16_ps(s[i][0], x, w0);
            s[i][1] = _mm512_dpbf16_ps(s[i][1], x, w1);
        }
    }
    for (int i = 0; i < count; i++) {
        _mm512_mask_storeu_ps(c + i * cStride, left, s[i][0]);
        _mm512_mask_storeu_ps(c + i * cStride + 16, right, s[i][1]);
    }
}

AVX512 static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    size_t pairs = (inner + 1) / 2, size = pairs * CK_GROUP * 4;
    size_t width = ckPassWidth(size), tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    size_t calls = tiles * ((columns + CK_GROUP - 1) / CK_GROUP);
    CKLines ahead = ckLines(next);
    size_t share = ckShare(next, calls);
    for (size_t first = 0; first < columns; first += width)
        for (size_t t = 0; t < tiles; t++) {
            // Tiles of nearly one height: a low one at the end would leave units idle.
            size_t row = t * rows / tiles, height = (t + 1) * rows / tiles - row;
            for (size_t column = first; column < columns && column < first + width; column += CK_GROUP) {
                ckFetch(&ahead, share);
                if (adds && column + CK_GROUP < columns)
                    ckFetchSums(c + row * cStride + column + CK_GROUP, cStride, height);
                size_t left = columns - column;
                __mmask16 low = ckFirst(left), high = left > 16 ? ckFirst(left - 16) : 0;
                const uint8_t *group = panel + column / CK_GROUP * size;
#define TILE(n) tile(n, a + row * aStride, aStride, group, pairs, c + row * cStride + column, cStride, low, high, adds)
                switch (height) {
                case 12: TILE(12); break;
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
                default: TILE(1); break;
                }
#undef TILE
            }
        }
}

const CKRoutines ckBF16AVX512 = {packRows, packTransposed,              packStraight,
                                 multiply, ckBF16TransposedBlocksAVX512, ckBF16StraightBlocksAVX512};
#endif
