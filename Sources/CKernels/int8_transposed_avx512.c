// int8 panels on AVX-512 whose columns are rows of quantised blocks; int8_blocks.c says what the bytes are. 16 rows' bytes
// are turned while they are still packed and become the panel's after that, 64 at a time.

#include "int8_avx512.h"

#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF

INLINE __m512i twice(__m512i x) {
    return _mm512_or_si512(_mm512_and_si512(x, _mm512_set1_epi32(0xFFFF)), _mm512_slli_epi32(x, 16));
}

INLINE Affine perColumn(__m512i factor, __m512i taken) {
    __m512i offset = twice(_mm512_sub_epi32(_mm512_set1_epi32(MIDDLE), taken));
    factor = twice(factor);
    return (Affine){factor, factor, offset, offset};
}

/// One scale with a centre: Q4_0 and Q6_K.
INLINE Affine centred(__m512 scale, __m512 inverse, int centre) {
    __m512i factor = fixed(scale, inverse, 128);
    return perColumn(factor, _mm512_mullo_epi32(factor, _mm512_set1_epi32(centre)));
}

INLINE void transposedQ4_0(const CKRows16 *r, size_t k, size_t runs, __mmask16 mask, CKInt8Block *y, size_t start) {
    __m512 scale[2], inverse;
    __m512i largest = _mm512_setzero_si512();
    for (size_t i = 0; i < 2; i++) {
        scale[i] = i < runs ? _mm512_maskz_mov_ps(mask, ckScaleOfQ4_0(r, (k / 32 + i) * 18)) : _mm512_setzero_ps();
        largest = largerOf(largest, scale[i]);
    }
    _mm512_storeu_ps(y->scale + start, scalesOf(largest, 15.0f, &inverse));
    for (size_t i = 0; i < 2; i++) {
        Affine by = centred(scale[i], inverse, 8);
        __m512i x[4];
        ckWordsOfRows(r, i < runs ? (k / 32 + i) * 18 + 2 : 0, x);
        for (size_t j = 0; j < 4; j++) {
            _mm512_storeu_si512(y->q[8 * i + j][start], lowNibbles(x[j], &by));
            _mm512_storeu_si512(y->q[8 * i + 4 + j][start], highNibbles(x[j], &by));
        }
    }
}

INLINE void transposedQ8_0(const CKRows16 *r, size_t k, size_t runs, __mmask16 mask, CKInt8Block *y, size_t start) {
    __m512 scale[2], inverse;
    __m512i largest = _mm512_setzero_si512();
    for (size_t i = 0; i < 2; i++) {
        scale[i] = i < runs ? _mm512_maskz_mov_ps(mask, ckScaleOfQ4_0(r, (k / 32 + i) * 34)) : _mm512_setzero_ps();
        largest = largerOf(largest, scale[i]);
    }
    _mm512_storeu_ps(y->scale + start, scalesOf(largest, 1.0f, &inverse));
    for (size_t i = 0; i < 2; i++) {
        __m512i factor = twice(factorsOfQ8_0(scale[i], inverse));
        for (size_t half = 0; half < 2; half++) {
            __m512i x[4];
            ckWordsOfRows(r, i < runs ? (k / 32 + i) * 34 + 2 + 16 * half : 0, x);
            for (size_t j = 0; j < 4; j++)
                _mm512_storeu_si512(y->q[8 * i + 4 * half + j][start], scaled(x[j], factor, factor));
        }
    }
}

/// A whole super-block: four blocks of the panel.
INLINE void transposedQ4_K(const CKRows16 *r, size_t at, __mmask16 mask, CKInt8Block *y, size_t start) {
    __m512 scale[8], minimum[8];
    ckScalesOfQ4_K(r, at, scale, minimum);
    for (int pair = 0; pair < 4; pair++, y++) {
        __m512i largest = _mm512_setzero_si512();
        for (int i = 2 * pair; i < 2 * pair + 2; i++) {
            __m512 top = _mm512_sub_ps(_mm512_mul_ps(_mm512_set1_ps(15), scale[i]), minimum[i]);
            largest = largerOf(largerOf(largest, minimum[i]), top);
        }
        __m512 inverse;
        _mm512_storeu_ps(y->scale + start, scalesOf(_mm512_maskz_mov_epi32(mask, largest), 127.0f, &inverse));
        Affine by[2];
        for (int i = 0; i < 2; i++)
            by[i] = perColumn(fixed(scale[2 * pair + i], inverse, 128), fixed(minimum[2 * pair + i], inverse, 128));
        for (int half = 0; half < 2; half++) {
            __m512i x[4];
            ckWordsOfRows(r, at + 16 + (size_t)pair * 32 + (size_t)half * 16, x);
            for (int j = 0; j < 4; j++) {
                _mm512_storeu_si512(y->q[4 * half + j][start], lowNibbles(x[j], &by[0]));
                _mm512_storeu_si512(y->q[8 + 4 * half + j][start], highNibbles(x[j], &by[1]));
            }
        }
    }
}

INLINE void transposedQ6_K(const CKRows16 *r, size_t at, __mmask16 mask, CKInt8Block *y, size_t start) {
    __m512 scale[16], inverse[4];
    ckScalesOfQ6_K(r, at, scale);
    for (int b = 0; b < 4; b++) {
        __m512i largest = _mm512_setzero_si512();
        for (int i = 4 * b; i < 4 * b + 4; i++) largest = largerOf(largest, scale[i]);
        largest = _mm512_maskz_mov_epi32(mask, largest);
        _mm512_storeu_ps(y[b].scale + start, scalesOf(largest, 127.0f / 32.0f, &inverse[b]));
    }
    for (int upper = 0; upper < 2; upper++)
        for (int half = 0; half < 2; half++) {
            __m512i high[4];
            ckWordsOfRows(r, at + 128 + (size_t)upper * 32 + (size_t)half * 16, high);
            for (int odd = 0; odd < 2; odd++) {
                __m512i low[4];
                ckWordsOfRows(r, at + (size_t)upper * 64 + (size_t)odd * 32 + (size_t)half * 16, low);
                for (int top = 0; top < 2; top++) {
                    int quarter = 2 * top + odd, block = 2 * upper + top;
                    Affine by = centred(scale[8 * upper + 2 * quarter + half], inverse[block], 32);
                    for (int j = 0; j < 4; j++)
                        _mm512_storeu_si512(
                            y[block].q[8 * odd + 4 * half + j][start], sixBits(low[j], high[j], quarter, &by));
                }
            }
        }
}

AVX512 void ckInt8TransposedBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 16) {
        size_t count = rows > start ? rows - start : 0;
        // Rows that fill up the group are those of its first half, with scales taken for zero.
        CKRows16 r = ckRows16(from + (count > 0 ? start * fromStride : 0), fromStride, count > 0 ? count : rows);
        __mmask16 mask = ckFirst(count);
        CKInt8Block *y = (CKInt8Block *)to;
        switch (type) {
        case 2:
            for (size_t k = 0; k < inner; k += 64) transposedQ4_0(&r, k, inner - k >= 64 ? 2 : 1, mask, y++, start);
            break;
        case 8:
            for (size_t k = 0; k < inner; k += 64) transposedQ8_0(&r, k, inner - k >= 64 ? 2 : 1, mask, y++, start);
            break;
        case 12:
            for (size_t k = 0; k < inner; k += 256, y += 4) transposedQ4_K(&r, k / 256 * 144, mask, y, start);
            break;
        default:
            for (size_t k = 0; k < inner; k += 256, y += 4) transposedQ6_K(&r, k / 256 * 210, mask, y, start);
        }
    }
}
#endif
