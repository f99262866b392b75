// Products in int8 on AVX2, twice: with AVX-VNNI's vpdpbusd, as on AVX-512, and without it. There |q| of a column goes
// through vpmaddubsw with the row's q under that sign: no q is beyond ±127, so two products fit 16 bits.

#include "routines.h"

#if defined(__x86_64__)
#include "avx2.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

bool ckHasAVX2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool ckHasAVXVNNI(void) { return ckHasAVX2() && __builtin_cpu_supports("avxvnni"); }

// MARK: Packing

INLINE __m256i magnitudes(__m256 x) { return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7FFFFFFF)); }

/// Scales from the bits of the largest magnitudes, as in int8.c. Values are cleared by `valid`, then multiplied.
INLINE __m256 scalesOf(__m256i largest, __m256 *inverse, __m256 *valid) {
    __m256i broken = _mm256_cmpgt_epi32(largest, _mm256_set1_epi32(0x7F7FFFFF));
    __m256i large = _mm256_cmpgt_epi32(largest, _mm256_set1_epi32(0x037FFFFF));
    __m256 value = _mm256_castsi256_ps(largest);
    *valid = _mm256_castsi256_ps(_mm256_andnot_si256(broken, large));
    *inverse = _mm256_and_ps(*valid, _mm256_div_ps(_mm256_set1_ps(127.0f), value));
    __m256 scale = _mm256_and_ps(*valid, _mm256_mul_ps(value, _mm256_set1_ps(1.0f / 127.0f)));
    return _mm256_blendv_ps(scale, _mm256_set1_ps(NAN), _mm256_castsi256_ps(broken));
}

/// Eight vectors of one row's values, zeros beyond `count`.
INLINE void load(const float *from, size_t count, __m256 x[8]) {
    float padded[CK_INT8_BLOCK] = {0};
    if (count < CK_INT8_BLOCK) from = memcpy(padded, from, count * sizeof *from);
    for (int i = 0; i < 8; i++) x[i] = _mm256_loadu_ps(from + 8 * i);
}

/// The bits of the largest magnitude, in all lanes.
INLINE __m256i largestOf(const __m256 x[8]) {
    __m256i m = magnitudes(x[0]);
    for (int i = 1; i < 8; i++) m = _mm256_max_epu32(m, magnitudes(x[i]));
    m = _mm256_max_epu32(m, _mm256_permute2x128_si256(m, m, 1));
    m = _mm256_max_epu32(m, _mm256_shuffle_epi32(m, 0x4E));
    return _mm256_max_epu32(m, _mm256_shuffle_epi32(m, 0xB1));
}

/// The 64 bytes of one block, in order.
INLINE void bytesOf(const __m256 x[8], __m256 inverse, __m256 valid, __m256i q[2]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int half = 0; half < 2; half++) {
        __m256i n[4];
        for (int i = 0; i < 4; i++)
            n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_and_ps(x[4 * half + i], valid), inverse));
        __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
        q[half] = _mm256_permutevar8x32_epi32(packed, order);
    }
}

INLINE int32_t sumOf(const __m256i q[2]) {
    const __m256i one = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
    __m256i s = _mm256_add_epi32(
        _mm256_madd_epi16(_mm256_maddubs_epi16(one, q[0]), ones), _mm256_madd_epi16(_mm256_maddubs_epi16(one, q[1]), ones));
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1)));
}

AVX2 static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    for (size_t row = 0; row < rows; row++) {
        CKInt8Row *y = (CKInt8Row *)(to + row * toStride);
        for (size_t k = 0; k < inner; k += CK_INT8_BLOCK, y++) {
            __m256 x[8], inverse, valid;
            __m256i q[2];
            load(from + row * fromStride + k, inner - k, x);
            y->scale = _mm256_cvtss_f32(scalesOf(largestOf(x), &inverse, &valid));
            bytesOf(x, inverse, valid, q);
            _mm256_storeu_si256((__m256i *)y->q, q[0]);
            _mm256_storeu_si256((__m256i *)(y->q + 32), q[1]);
            y->correction = -128 * sumOf(q);
        }
    }
}

AVX2 static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    const __m256i offset = _mm256_set1_epi8((char)0x80);
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 8) {
            __m256i r[2][8];
            for (size_t i = 0; i < 8; i++) {
                r[0][i] = r[1][i] = offset;
                y->scale[start + i] = 0;
                if (start + i >= rows) continue;
                __m256 x[8], inverse, valid;
                __m256i q[2];
                load(from + (start + i) * fromStride + k, inner - k, x);
                y->scale[start + i] = _mm256_cvtss_f32(scalesOf(largestOf(x), &inverse, &valid));
                bytesOf(x, inverse, valid, q);
                for (int half = 0; half < 2; half++) r[half][i] = _mm256_xor_si256(q[half], offset);
            }
            for (size_t half = 0; half < 2; half++) {
                transpose(r[half]);
                for (size_t i = 0; i < 8; i++)
                    _mm256_storeu_si256((__m256i *)y->q[8 * half + i][start], r[half][i]);
            }
        }
    }
}

AVX2 static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    const __m256i offset = _mm256_set1_epi8((char)0x80), byte = _mm256_set1_epi32(0xFF);
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        size_t count = inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 8) {
            __m256i mask = lanes(start < columns ? columns - start : 0);
            const float *x = from + k * fromStride + start;
            __m256i largest = _mm256_setzero_si256();
            for (size_t i = 0; i < count; i++)
                largest = _mm256_max_epu32(largest, magnitudes(_mm256_maskload_ps(x + i * fromStride, mask)));
            __m256 inverse, valid;
            _mm256_storeu_ps(y->scale + start, scalesOf(largest, &inverse, &valid));
            for (size_t i = 0; i < CK_INT8_BLOCK / 4; i++) {
                __m256i word = _mm256_setzero_si256();
                for (size_t j = 0; j < 4 && 4 * i + j < count; j++) {
                    __m256 value = _mm256_and_ps(_mm256_maskload_ps(x + (4 * i + j) * fromStride, mask), valid);
                    __m256i q = _mm256_and_si256(_mm256_cvtps_epi32(_mm256_mul_ps(value, inverse)), byte);
                    word = _mm256_or_si256(word, _mm256_sll_epi32(q, _mm_cvtsi32_si128((int)(8 * j))));
                }
                _mm256_storeu_si256((__m256i *)y->q[i][start], _mm256_xor_si256(word, offset));
            }
        }
    }
}

// MARK: Multiplying

/// The products of a block: `count` rows of q times 16 columns from `start` on, as whole numbers.
INLINE void dotsAVX2(int count, const CKInt8Row *rows[], const CKInt8Block *w, size_t start, __m256i d[][2]) {
    const __m256i offset = _mm256_set1_epi8((char)0x80), ones = _mm256_set1_epi16(1);
    for (int i = 0; i < count; i++) d[i][0] = d[i][1] = _mm256_setzero_si256();
    for (int half = 0; half < 2; half++)
        for (int k = 0; k < CK_INT8_BLOCK / 4; k++) {
            __m256i signs = _mm256_loadu_si256((const __m256i *)w->q[k][start + 8 * (size_t)half]);
            signs = _mm256_xor_si256(signs, offset);
            __m256i sizes = _mm256_abs_epi8(signs);
            for (int i = 0; i < count; i++) {
                __m256i x = _mm256_set1_epi32(((const int32_t *)rows[i]->q)[k]);
                __m256i pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(x, signs));
                d[i][half] = _mm256_add_epi32(d[i][half], _mm256_madd_epi16(pairs, ones));
            }
        }
}

static inline __attribute__((always_inline, target("avx2,fma,avxvnni"))) void dotsVNNI(
    int count, const CKInt8Row *rows[], const CKInt8Block *w, size_t start, __m256i d[][2]) {
    for (int i = 0; i < count; i++) d[i][0] = d[i][1] = _mm256_set1_epi32(rows[i]->correction);
    for (int k = 0; k < CK_INT8_BLOCK / 4; k++) {
        __m256i w0 = _mm256_loadu_si256((const __m256i *)w->q[k][start]);
        __m256i w1 = _mm256_loadu_si256((const __m256i *)w->q[k][start + 8]);
        for (int i = 0; i < count; i++) {
            __m256i x = _mm256_set1_epi32(((const int32_t *)rows[i]->q)[k]);
            d[i][0] = _mm256_dpbusd_avx_epi32(d[i][0], w0, x);
            d[i][1] = _mm256_dpbusd_avx_epi32(d[i][1], w1, x);
        }
    }
}

#define NAME(name) name##AVX2
#define TARGET "avx2,fma"
#include "int8_avx2_tile.h"
#undef NAME
#undef TARGET

#define NAME(name) name##VNNI
#define TARGET "avx2,fma,avxvnni"
#include "int8_avx2_tile.h"

const CKRoutines ckInt8AVX2 = {
    packRows, packTransposed, packStraight, multiplyAVX2, ckInt8TransposedBlocksAVX2, ckInt8StraightBlocksAVX2};
const CKRoutines ckInt8VNNI = {
    packRows, packTransposed, packStraight, multiplyVNNI, ckInt8TransposedBlocksAVX2, ckInt8StraightBlocksAVX2};
#endif
