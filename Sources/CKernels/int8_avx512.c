// Products in int8 on AVX-512 VNNI: vpdpbusd multiplies four unsigned bytes of a column with four signed ones of a row.

#include "routines.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#pragma STDC FP_CONTRACT OFF

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

bool ckHasInt8AVX512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

INLINE __m512i magnitudes(__m512 x) { return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7FFFFFFF)); }

/// Scales from the bits of the largest magnitudes, as in int8.c; lanes with an inverse are in `valid`.
INLINE __m512 scalesOf(__m512i largest, __m512 *inverse, __mmask16 *valid) {
    __mmask16 broken = _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x7F800000));
    __mmask16 finite = _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x03800000)) & ~broken;
    __m512 value = _mm512_castsi512_ps(largest);
    *valid = finite;
    *inverse = _mm512_maskz_div_ps(finite, _mm512_set1_ps(127.0f), value);
    __m512 scale = _mm512_maskz_mul_ps(finite, value, _mm512_set1_ps(1.0f / 127.0f));
    return _mm512_mask_mov_ps(scale, broken, _mm512_set1_ps(NAN));
}

/// Four vectors of one row's values, zeros beyond `count`.
INLINE void load(const float *from, size_t count, __m512 x[4]) {
    for (size_t i = 0; i < 4; i++) {
        size_t left = count > 16 * i ? count - 16 * i : 0;
        x[i] = left >= 16 ? _mm512_loadu_ps(from + 16 * i)
                          : _mm512_maskz_loadu_ps((__mmask16)((1u << left) - 1), from + 16 * i);
    }
}

INLINE __m512i largestOf(const __m512 x[4]) {
    return _mm512_max_epu32(
        _mm512_max_epu32(magnitudes(x[0]), magnitudes(x[1])), _mm512_max_epu32(magnitudes(x[2]), magnitudes(x[3])));
}

/// The bytes of one block, in order.
INLINE __m512i bytesOf(const __m512 x[4], __m512 inverse, __mmask16 valid) {
    __m128i b[4];
    for (int i = 0; i < 4; i++)
        b[i] = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_maskz_mul_ps(valid, x[i], inverse)));
    __m512i all = _mm512_castsi128_si512(b[0]);
    all = _mm512_inserti32x4(all, b[1], 1);
    all = _mm512_inserti32x4(all, b[2], 2);
    return _mm512_inserti32x4(all, b[3], 3);
}

AVX512 static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        CKInt8Row *y = (CKInt8Row *)(to + row * toStride);
        for (size_t k = 0; k < inner; k += CK_INT8_BLOCK, y++) {
            __m512 x[4], inverse;
            __mmask16 valid;
            load(from + row * fromStride + k, inner - k, x);
            __m512i largest = _mm512_set1_epi32((int)_mm512_reduce_max_epu32(largestOf(x)));
            __m512 scale = scalesOf(largest, &inverse, &valid);
            __m512i q = bytesOf(x, inverse, valid);
            _mm512_storeu_si512(y->q, q);
            y->scale = _mm512_cvtss_f32(scale);
            __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q);
            y->correction = -128 * _mm512_reduce_add_epi32(sums);
        }
    }
}

// 16 vectors of 16 words: word j of vector i goes to word i of vector j.
INLINE void transpose(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int j = 0; j < 4; j++) {
        __m512i a = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88), b = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
        __m512i c = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xDD), d = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xDD);
        t[j] = _mm512_shuffle_i32x4(a, b, 0x88);
        t[8 + j] = _mm512_shuffle_i32x4(a, b, 0xDD);
        t[4 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
        t[12 + j] = _mm512_shuffle_i32x4(c, d, 0xDD);
    }
    for (int i = 0; i < 16; i++) r[i] = t[i];
}

AVX512 static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    const __m512i offset = _mm512_set1_epi8((char)0x80);
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 16) {
            __m512i r[16];
            for (size_t i = 0; i < 16; i++) {
                if (start + i >= rows) {
                    r[i] = offset;
                    y->scale[start + i] = 0;
                    continue;
                }
                __m512 x[4], inverse;
                __mmask16 valid;
                load(from + (start + i) * fromStride + k, inner - k, x);
                __m512i largest = _mm512_set1_epi32((int)_mm512_reduce_max_epu32(largestOf(x)));
                y->scale[start + i] = _mm512_cvtss_f32(scalesOf(largest, &inverse, &valid));
                r[i] = _mm512_xor_si512(bytesOf(x, inverse, valid), offset);
            }
            transpose(r);
            for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(y->q[i][start], r[i]);
        }
    }
}

AVX512 static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    const __m512i offset = _mm512_set1_epi8((char)0x80), byte = _mm512_set1_epi32(0xFF);
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        size_t count = inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 16) {
            size_t left = start < columns ? columns - start : 0;
            __mmask16 mask = left >= 16 ? 0xFFFF : (__mmask16)((1u << left) - 1);
            const float *x = from + k * fromStride + start;
            __m512i largest = _mm512_setzero_si512();
            for (size_t i = 0; i < count; i++)
                largest = _mm512_max_epu32(largest, magnitudes(_mm512_maskz_loadu_ps(mask, x + i * fromStride)));
            __m512 inverse;
            __mmask16 valid;
            _mm512_storeu_ps(y->scale + start, scalesOf(largest, &inverse, &valid));
            for (size_t i = 0; i < CK_INT8_BLOCK / 4; i++) {
                __m512i word = _mm512_setzero_si512();
                for (size_t j = 0; j < 4; j++) {
                    if (4 * i + j >= count) break;
                    __m512 value = _mm512_maskz_loadu_ps(mask & valid, x + (4 * i + j) * fromStride);
                    __m512i q = _mm512_and_si512(_mm512_cvtps_epi32(_mm512_mul_ps(value, inverse)), byte);
                    word = _mm512_or_si512(word, _mm512_sll_epi32(q, _mm_cvtsi32_si128((int)(8 * j))));
                }
                _mm512_storeu_si512(y->q[i][start], _mm512_xor_si512(word, offset));
            }
        }
    }
}

// `count` rows times one group of 32 columns; `count` is a constant where this is inlined.
INLINE void tile(
    int count, const uint8_t *a, size_t aStride, const CKInt8Block *w, size_t blocks, float *c, size_t cStride,
    __mmask16 left, __mmask16 right, bool adds) {
    __m512 s[6][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm512_maskz_loadu_ps(left, c + i * cStride) : _mm512_setzero_ps();
        s[i][1] = adds ? _mm512_maskz_loadu_ps(right, c + i * cStride + 16) : _mm512_setzero_ps();
    }
    for (size_t b = 0; b < blocks; b++, w++, a += sizeof(CKInt8Row)) {
        __m512i d[6][2];
        for (int i = 0; i < count; i++)
            d[i][0] = d[i][1] = _mm512_set1_epi32(((const CKInt8Row *)(a + i * aStride))->correction);
        for (int k = 0; k < CK_INT8_BLOCK / 4; k++) {
            __m512i w0 = _mm512_loadu_si512(w->q[k][0]), w1 = _mm512_loadu_si512(w->q[k][16]);
            for (int i = 0; i < count; i++) {
                const CKInt8Row *row = (const CKInt8Row *)(a + i * aStride);
                __m512i x = _mm512_set1_epi32(((const int32_t *)row->q)[k]);
                d[i][0] = _mm512_dpbusd_epi32(d[i][0], w0, x);
                d[i][1] = _mm512_dpbusd_epi32(d[i][1], w1, x);
            }
        }
        __m512 s0 = _mm512_loadu_ps(w->scale), s1 = _mm512_loadu_ps(w->scale + 16);
        for (int i = 0; i < count; i++) {
            __m512 scale = _mm512_set1_ps(((const CKInt8Row *)(a + i * aStride))->scale);
            s[i][0] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(d[i][0]), s0), scale, s[i][0]);
            s[i][1] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(d[i][1]), s1), scale, s[i][1]);
        }
    }
    for (int i = 0; i < count; i++) {
        _mm512_mask_storeu_ps(c + i * cStride, left, s[i][0]);
        _mm512_mask_storeu_ps(c + i * cStride + 16, right, s[i][1]);
    }
}

AVX512 static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds) {
    size_t blocks = ckInt8Blocks(inner);
    for (size_t column = 0; column < columns; column += CK_GROUP) {
        size_t width = columns - column;
        __mmask16 left = width >= 16 ? 0xFFFF : (__mmask16)((1u << width) - 1);
        __mmask16 right = width >= 32 ? 0xFFFF : width <= 16 ? 0 : (__mmask16)((1u << (width - 16)) - 1);
        const CKInt8Block *group = (const CKInt8Block *)panel + column / CK_GROUP * blocks;
        size_t row = 0;
#define TILE(n) tile(n, a + row * aStride, aStride, group, blocks, c + row * cStride + column, cStride, left, right, adds)
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

const CKRoutines ckInt8AVX512 = {packRows, packTransposed, packStraight, multiply};
#endif
