// What the AVX-512 files share: 16 rows of bytes turned into vectors over the rows, and the scales of quantised blocks.
// Everything here is inlined into functions compiled for the instruction set.

#ifndef POLYMATH_CKERNELS_AVX512_H
#define POLYMATH_CKERNELS_AVX512_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define CK_AVX512_SET "avx512f,avx512bw,avx512vl,avx512dq"
#define CK_INLINE512 static inline __attribute__((always_inline, target(CK_AVX512_SET)))

/// 16 rows, `stride` bytes apart, of which those from `count` on repeat the last: reading them is safe, and what they
/// hold is to be thrown away.
typedef struct {
    const uint8_t *row[16];
} CKRows16;

static inline __attribute__((always_inline)) CKRows16 ckRows16(const uint8_t *from, size_t stride, size_t count) {
    CKRows16 rows;
    for (size_t i = 0; i < 16; i++) rows.row[i] = from + (i < count ? i : count - 1) * stride;
    return rows;
}

/// The first `count` of 16 lanes.
static inline __attribute__((always_inline)) uint16_t ckFirst(size_t count) {
    return count >= 16 ? 0xFFFF : (uint16_t)((1u << count) - 1);
}

/// Columns of a panel that all rows run over before the next are begun, of groups of `size` bytes: as many as stay in the
/// second cache beside the rows.
static inline __attribute__((always_inline)) size_t ckPassWidth(size_t size) {
    size_t groups = 256 * 1024 / size;
    return (groups > 0 ? groups : 1) * 32;
}

/// 16 vectors of 16 words: word j of vector i goes to word i of vector j.
CK_INLINE512 void ckTranspose(__m512i r[16]) {
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
    // r[4i + j]: in each quarter q, words 4q + j of rows 4i … 4i + 3.
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

CK_INLINE512 __m512i ckFour(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d) {
    __m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)a));
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)b), 1);
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)c), 2);
    return _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)d), 3);
}

/// 16 bytes of each of 16 rows: bytes 4k … 4k + 3 of row i go to word i of y[k].
CK_INLINE512 void ckWordsOfRows(const CKRows16 *r, size_t at, __m512i y[4]) {
    __m512i z[4];
    for (int i = 0; i < 4; i++)
        z[i] = ckFour(r->row[i] + at, r->row[4 + i] + at, r->row[8 + i] + at, r->row[12 + i] + at);
    __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    __m512i c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    y[0] = _mm512_unpacklo_epi64(a, c);
    y[1] = _mm512_unpackhi_epi64(a, c);
    y[2] = _mm512_unpacklo_epi64(b, d);
    y[3] = _mm512_unpackhi_epi64(b, d);
}

/// Byte `n` of each word, as a signed whole number in f32.
CK_INLINE512 __m512 ckSignedByte(__m512i x, int n) {
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_sll_epi32(x, _mm_cvtsi32_si128(24 - 8 * n)), 24));
}

/// The lower or the upper half of each word, an f16 in f32.
CK_INLINE512 __m512 ckLowHalf(__m512i x) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x)); }
CK_INLINE512 __m512 ckHighHalf(__m512i x) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(x, 16))); }

// MARK: bfloat16

#define CK_BF16_SET CK_AVX512_SET ",avx512bf16"
#define CK_INLINE_BF16 static inline __attribute__((always_inline, target(CK_BF16_SET)))

/// 16 values and 16 more, rounded.
CK_INLINE_BF16 __m512i ckRounded(__m512 first, __m512 second) { return (__m512i)_mm512_cvtne2ps_pbh(second, first); }

/// The same, with value i of both next to each other.
CK_INLINE_BF16 __m512i ckPaired(__m512 first, __m512 second) {
    const __m512i order = _mm512_setr_epi32(
        0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007, 0x180008, 0x190009, 0x1A000A,
        0x1B000B, 0x1C000C, 0x1D000D, 0x1E000E, 0x1F000F);
    return _mm512_permutexvar_epi16(order, ckRounded(first, second));
}

// MARK: Scales of 16 rows' blocks at byte `at`: value = scale · q − minimum

CK_INLINE512 __m512 ckScaleOfQ4_0(const CKRows16 *r, size_t at) {
    __m512i y[4];
    ckWordsOfRows(r, at, y);
    return ckLowHalf(y[0]);
}

CK_INLINE512 void ckScalesOfQ4_K(const CKRows16 *r, size_t at, __m512 scale[8], __m512 minimum[8]) {
    __m512i y[4];
    ckWordsOfRows(r, at, y);
    const __m512i six = _mm512_set1_epi8(63), four = _mm512_set1_epi8(15), two = _mm512_set1_epi8(0x30);
    __m512 d = ckLowHalf(y[0]), dmin = ckHighHalf(y[0]);
    __m512i s[2], m[2];
    s[0] = _mm512_and_si512(y[1], six);
    m[0] = _mm512_and_si512(y[2], six);
    // The upper four: 4 bits here, 2 bits at the top of the lower four.
    s[1] = _mm512_or_si512(
        _mm512_and_si512(y[3], four), _mm512_and_si512(_mm512_srli_epi32(y[1], 2), two));
    m[1] = _mm512_or_si512(
        _mm512_and_si512(_mm512_srli_epi32(y[3], 4), four), _mm512_and_si512(_mm512_srli_epi32(y[2], 2), two));
    for (int j = 0; j < 8; j++) {
        scale[j] = _mm512_mul_ps(d, ckSignedByte(s[j / 4], j % 4));
        minimum[j] = _mm512_mul_ps(dmin, ckSignedByte(m[j / 4], j % 4));
    }
}

CK_INLINE512 void ckScalesOfQ6_K(const CKRows16 *r, size_t at, __m512 scale[16]) {
    __m512i y[4], z[4];
    ckWordsOfRows(r, at + 192, y);
    ckWordsOfRows(r, at + 194, z);
    __m512 d = ckHighHalf(z[3]);
    for (int j = 0; j < 16; j++) scale[j] = _mm512_mul_ps(d, ckSignedByte(y[j / 4], j % 4));
}

#endif
#endif
