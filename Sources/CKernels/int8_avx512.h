// What the int8 files for AVX-512 share: scales of blocks, and stored bytes turned into a panel's.

#ifndef POLYMATH_CKERNELS_INT8_AVX512_H
#define POLYMATH_CKERNELS_INT8_AVX512_H

#include "avx512.h"
#include "routines.h"

#if defined(__x86_64__)
#include <math.h>

#pragma STDC FP_CONTRACT OFF

#define AVX512 __attribute__((target(CK_AVX512_SET)))
#define INLINE CK_INLINE512

INLINE __m512i magnitudes(__m512 x) { return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7FFFFFFF)); }

INLINE __m512i largerOf(__m512i largest, __m512 value) { return _mm512_max_epu32(largest, magnitudes(value)); }

/// Scales from the bits of the largest magnitudes; the inverse is 0 where there is none.
INLINE __m512 scalesOf(__m512i largest, float unit, __m512 *inverse) {
    __mmask16 broken = _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x7F800000));
    __mmask16 finite = _mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x03800000)) & ~broken;
    __m512 value = _mm512_castsi512_ps(largest);
    *inverse = _mm512_maskz_div_ps(finite, _mm512_set1_ps(unit), value);
    __m512 scale = _mm512_maskz_mul_ps(finite, value, _mm512_set1_ps(1.0f / unit));
    return _mm512_mask_mov_ps(scale, broken, _mm512_set1_ps(NAN));
}

/// value · inverse · one in whole numbers; 0 where the inverse is, whatever the value.
INLINE __m512i fixed(__m512 value, __m512 inverse, float one) {
    __mmask16 valid = _mm512_cmpneq_ps_mask(inverse, _mm512_setzero_ps());
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_mul_ps(valid, value, inverse), _mm512_set1_ps(one)));
}

/// A factor and an offset in 16 bits for the bytes at even and at odd places of each word.
typedef struct {
    __m512i evenFactor, oddFactor, evenOffset, oddOffset;
} Affine;

/// (q · factor + offset) ÷ 128 for bytes q in the lower halves of 16 bits.
INLINE __m512i affine(__m512i even, __m512i odd, const Affine *x) {
    even = _mm512_add_epi16(_mm512_mullo_epi16(even, x->evenFactor), x->evenOffset);
    odd = _mm512_add_epi16(_mm512_mullo_epi16(odd, x->oddFactor), x->oddOffset);
    // Even bytes from below, odd ones from above.
    return _mm512_ternarylogic_epi32(
        _mm512_set1_epi16(0xFF), _mm512_srli_epi16(even, 7), _mm512_slli_epi16(odd, 1), 0xCA);
}

/// 128 + (2q · factor) ÷ 32768, rounded, for signed bytes.
INLINE __m512i scaled(__m512i bytes, __m512i evenFactor, __m512i oddFactor) {
    __m512i even = _mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 7);
    __m512i odd = _mm512_and_si512(_mm512_srai_epi16(bytes, 7), _mm512_set1_epi16(-2));
    even = _mm512_mulhrs_epi16(even, evenFactor);
    odd = _mm512_slli_epi16(_mm512_mulhrs_epi16(odd, oddFactor), 8);
    return _mm512_xor_si512(
        _mm512_ternarylogic_epi32(_mm512_set1_epi16(0xFF), even, odd, 0xCA), _mm512_set1_epi8((char)0x80));
}

/// Factors for `scaled`; the least one keeps −128 times it within a byte.
INLINE __m512i factorsOfQ8_0(__m512 scale, __m512 inverse) {
    return _mm512_max_epi32(fixed(scale, inverse, 16384), _mm512_set1_epi32(-16256));
}

INLINE __m512i lowNibbles(__m512i x, const Affine *by) {
    const __m512i mask = _mm512_set1_epi16(15);
    return affine(_mm512_and_si512(x, mask), _mm512_and_si512(_mm512_srli_epi16(x, 8), mask), by);
}

INLINE __m512i highNibbles(__m512i x, const Affine *by) {
    return affine(
        _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi16(15)), _mm512_srli_epi16(x, 12), by);
}

/// Six bits of Q6_K, quarter 0 … 3 of 128 values: four from `low`, two from `high`.
INLINE __m512i sixBits(__m512i low, __m512i high, int quarter, const Affine *by) {
    if (quarter >= 2) low = _mm512_srli_epi16(low, 4);
    high = quarter == 0   ? _mm512_slli_epi16(high, 4)
           : quarter == 1 ? _mm512_slli_epi16(high, 2)
           : quarter == 2 ? high
                          : _mm512_srli_epi16(high, 2);
    __m512i q = _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), low, high, 0xCA);
    return affine(
        _mm512_and_si512(q, _mm512_set1_epi16(63)),
        _mm512_and_si512(_mm512_srli_epi16(q, 8), _mm512_set1_epi16(63)), by);
}

/// Zero in fixed point, and a half for rounding.
enum { MIDDLE = 128 * 128 + 64 };

#endif
#endif
