// bfloat16 panels straight from quantised blocks on AVX-512: the bits are those of values decoded to f32 and then rounded.
// Of four-bit types a run of one scale has 16 values at most: these are decoded and rounded once, and looked up.

#include "avx512.h"
#include "routines.h"

#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF

#define AVX512 __attribute__((target(CK_BF16_SET)))
#define INLINE static inline __attribute__((always_inline, target(CK_BF16_SET)))

/// Bytes of 32 columns of one pair of rows.
enum { PAIR = CK_GROUP * 4 };

INLINE __m512 sixteen(void) {
    return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// scale · q − minimum for every q of four bits.
INLINE __m512 levels(float scale, float minimum) {
    return _mm512_sub_ps(_mm512_mul_ps(_mm512_set1_ps(scale), sixteen()), _mm512_set1_ps(minimum));
}

/// scale · (q − 8).
INLINE __m512 centredLevels(float scale) {
    return _mm512_mul_ps(_mm512_sub_ps(sixteen(), _mm512_set1_ps(8)), _mm512_set1_ps(scale));
}

INLINE __m512i widened(const uint8_t *p) { return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p)); }

INLINE __m512 products(__m128i signedBytes, float scale) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(signedBytes)), _mm512_set1_ps(scale));
}

/// The six bits of 32 values of Q6_K, less their centre: quarter 0 … 3 of 128 values.
INLINE __m256i sixBits(const uint8_t *low, const uint8_t *high, int quarter) {
    __m256i l = _mm256_loadu_si256((const __m256i *)(low + quarter % 2 * 32));
    __m256i h = _mm256_loadu_si256((const __m256i *)high);
    if (quarter >= 2) l = _mm256_srli_epi16(l, 4);
    h = quarter == 0   ? _mm256_slli_epi16(h, 4)
        : quarter == 1 ? _mm256_slli_epi16(h, 2)
        : quarter == 2 ? h
                       : _mm256_srli_epi16(h, 2);
    __m256i q = _mm256_ternarylogic_epi32(_mm256_set1_epi8(15), l, h, 0xCA);
    return _mm256_sub_epi8(_mm256_and_si256(q, _mm256_set1_epi8(63)), _mm256_set1_epi8(32));
}

// MARK: Scales, one row at a time in memory

typedef struct {
    float scale[16][16], minimum[16][16];
} Scales;

INLINE void storeRows(__m512 values[16], float to[16][16]) {
    ckTranspose((__m512i *)values);
    for (int i = 0; i < 16; i++) _mm512_storeu_ps(to[i], values[i]);
}

/// to->scale[i][j]: run j of row i.
INLINE void scalesOf(uint32_t type, const CKRows16 *r, size_t at, Scales *to) {
    __m512 x[16];
    if (type == 12) {
        ckScalesOfQ4_K(r, at, x, x + 8);
        // Scales in the first half of each row, minimums in the second.
        storeRows(x, to->scale);
    } else {
        ckScalesOfQ6_K(r, at, x);
        storeRows(x, to->scale);
    }
}

// MARK: Transposed: rows become columns

/// 32 values of 16 rows, two in each word, into 16 pairs of the panel.
INLINE void store(__m512i words[16], uint8_t *to) {
    ckTranspose(words);
    for (size_t p = 0; p < 16; p++) _mm512_storeu_si512(to + p * PAIR, words[p]);
}

INLINE void transposedQ4_0(const CKRows16 *r, size_t at, uint8_t *to) {
    float scale[16];
    _mm512_storeu_ps(scale, ckScaleOfQ4_0(r, at));
    const __m512i shift = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
    __m512i words[16];
    for (int i = 0; i < 16; i++) {
        __m512 values = centredLevels(scale[i]);
        __m512i q = _mm512_broadcast_i64x4(_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(r->row[i] + at + 2))));
        q = _mm512_and_si512(_mm512_srlv_epi16(q, shift), _mm512_set1_epi16(15));
        words[i] = _mm512_permutexvar_epi16(q, ckRounded(values, values));
    }
    store(words, to);
}

INLINE void transposedQ8_0(const CKRows16 *r, size_t at, uint8_t *to) {
    float scale[16];
    _mm512_storeu_ps(scale, ckScaleOfQ4_0(r, at));
    __m512i words[16];
    for (int i = 0; i < 16; i++) {
        const __m128i *p = (const __m128i *)(r->row[i] + at + 2);
        words[i] = ckRounded(
            products(_mm_loadu_si128(p), scale[i]), products(_mm_loadu_si128(p + 1), scale[i]));
    }
    store(words, to);
}

INLINE void transposedQ4_K(const CKRows16 *r, size_t at, uint8_t *to) {
    Scales s;
    scalesOf(12, r, at, &s);
    const __m512i mask = _mm512_set1_epi16(15), second = _mm512_set1_epi16(16);
    for (int pair = 0; pair < 4; pair++) {
        __m512i low[16], high[16];
        for (int i = 0; i < 16; i++) {
            const float *scale = s.scale[i] + 2 * pair;
            __m512i values = ckRounded(levels(scale[0], scale[8]), levels(scale[1], scale[9]));
            __m512i q = widened(r->row[i] + at + 16 + (size_t)pair * 32);
            low[i] = _mm512_permutexvar_epi16(_mm512_and_si512(q, mask), values);
            high[i] = _mm512_permutexvar_epi16(_mm512_or_si512(_mm512_srli_epi16(q, 4), second), values);
        }
        store(low, to + (size_t)pair * 32 * PAIR);
        store(high, to + (size_t)pair * 32 * PAIR + 16 * PAIR);
    }
}

INLINE void transposedQ6_K(const CKRows16 *r, size_t at, uint8_t *to) {
    Scales s;
    scalesOf(14, r, at, &s);
    for (int run = 0; run < 8; run++) {
        size_t upper = (size_t)run / 4;
        __m512i words[16];
        for (int i = 0; i < 16; i++) {
            const uint8_t *p = r->row[i] + at;
            __m256i q = sixBits(p + upper * 64, p + 128 + upper * 32, run % 4);
            const float *scale = s.scale[i] + 2 * run;
            words[i] = ckRounded(
                products(_mm256_castsi256_si128(q), scale[0]), products(_mm256_extracti128_si256(q, 1), scale[1]));
        }
        store(words, to + (size_t)run * 16 * PAIR);
    }
}

/// Zeros for the 16 columns that only fill up a group.
INLINE void clear(size_t pairs, uint8_t *to) {
    for (size_t p = 0; p < pairs; p++) _mm512_storeu_si512(to + p * PAIR, _mm512_setzero_si512());
}

INLINE void clearBeyond(size_t count, size_t pairs, uint8_t *to) {
    if (count >= 16) return;
    for (size_t p = 0; p < pairs; p++)
        _mm512_storeu_si512(to + p * PAIR, _mm512_maskz_loadu_epi32(ckFirst(count), to + p * PAIR));
}

AVX512 void ckBF16TransposedBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t start = 0; start < CK_GROUP; start += 16) {
        uint8_t *y = to + start * 4;
        if (start >= rows) {
            clear(inner / 2, y);
            continue;
        }
        CKRows16 r = ckRows16(from + start * fromStride, fromStride, rows - start);
        switch (type) {
        case 2:
            for (size_t k = 0; k < inner; k += 32) transposedQ4_0(&r, k / 32 * 18, y + k / 2 * PAIR);
            break;
        case 8:
            for (size_t k = 0; k < inner; k += 32) transposedQ8_0(&r, k / 32 * 34, y + k / 2 * PAIR);
            break;
        case 12:
            for (size_t k = 0; k < inner; k += 256) transposedQ4_K(&r, k / 256 * 144, y + k / 2 * PAIR);
            break;
        default:
            for (size_t k = 0; k < inner; k += 256) transposedQ6_K(&r, k / 256 * 210, y + k / 2 * PAIR);
        }
        clearBeyond(rows - start, inner / 2, y);
    }
}

// MARK: Straight: two rows make a pair

/// Word j of two vectors of words side by side: first[j], second[j]. `upper` for the upper 16.
INLINE __m512i interleaved(__m512i first, __m512i second, bool upper) {
    const __m512i order = _mm512_setr_epi32(
        0x200000, 0x210001, 0x220002, 0x230003, 0x240004, 0x250005, 0x260006, 0x270007, 0x280008, 0x290009, 0x2A000A,
        0x2B000B, 0x2C000C, 0x2D000D, 0x2E000E, 0x2F000F);
    __m512i by = upper ? _mm512_add_epi16(order, _mm512_set1_epi16(16)) : order;
    return _mm512_permutex2var_epi16(first, by, second);
}

/// Looks up the four bits that stand `shift` up: those of the first row in the table's first half, of the second in its
/// second.
INLINE __m512i lookedUp(__m512i q, __m512i table, int shift) {
    const __m512i mask = _mm512_set1_epi16(15), second = _mm512_set1_epi32(0x100000);
    __m512i index = shift == 0 ? q : _mm512_srli_epi16(q, 4);
    // (index & 15) | second
    return _mm512_permutexvar_epi16(_mm512_ternarylogic_epi32(index, mask, second, 0xEA), table);
}

INLINE void straightQ4_0(const uint8_t *a, const uint8_t *b, float scaleOfA, float scaleOfB, uint8_t *to) {
    __m512i table = ckRounded(centredLevels(scaleOfA), centredLevels(scaleOfB));
    __m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(a + 2)));
    __m256i y = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(b + 2)));
    __m512i q = interleaved(_mm512_castsi256_si512(x), _mm512_castsi256_si512(y), false);
    _mm512_storeu_si512(to, lookedUp(q, table, 0));
    _mm512_storeu_si512(to + 64, lookedUp(q, table, 4));
}

INLINE void straightQ8_0(const uint8_t *a, const uint8_t *b, float scaleOfA, float scaleOfB, uint8_t *to) {
    for (size_t half = 0; half < 2; half++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(a + 2 + 16 * half));
        __m128i y = _mm_loadu_si128((const __m128i *)(b + 2 + 16 * half));
        _mm512_storeu_si512(to + 64 * half, ckPaired(products(x, scaleOfA), products(y, scaleOfB)));
    }
}

INLINE void straightQ4_K(
    const uint8_t *a, const uint8_t *b, const float *scalesOfA, const float *scalesOfB, uint8_t *to,
    size_t groupSize) {
    for (int pair = 0; pair < 4; pair++) {
        __m512i x = widened(a + 16 + pair * 32), y = widened(b + 16 + pair * 32);
        __m512i q[2] = {interleaved(x, y, false), interleaved(x, y, true)};
        for (int i = 0; i < 2; i++) {
            int run = 2 * pair + i;
            __m512i table = ckRounded(
                levels(scalesOfA[run], scalesOfA[run + 8]), levels(scalesOfB[run], scalesOfB[run + 8]));
            uint8_t *group = to + (size_t)run * groupSize;
            for (int half = 0; half < 2; half++) _mm512_storeu_si512(group + 64 * half, lookedUp(q[half], table, 4 * i));
        }
    }
}

INLINE void straightQ6_K(
    const uint8_t *a, const uint8_t *b, const float *scalesOfA, const float *scalesOfB, uint8_t *to,
    size_t groupSize) {
    for (int run = 0; run < 8; run++) {
        int upper = run / 4;
        __m256i x = sixBits(a + upper * 64, a + 128 + upper * 32, run % 4);
        __m256i y = sixBits(b + upper * 64, b + 128 + upper * 32, run % 4);
        uint8_t *group = to + (size_t)run * groupSize;
        _mm512_storeu_si512(
            group, ckPaired(
                       products(_mm256_castsi256_si128(x), scalesOfA[2 * run]),
                       products(_mm256_castsi256_si128(y), scalesOfB[2 * run])));
        _mm512_storeu_si512(
            group + 64, ckPaired(
                            products(_mm256_extracti128_si256(x, 1), scalesOfA[2 * run + 1]),
                            products(_mm256_extracti128_si256(y, 1), scalesOfB[2 * run + 1])));
    }
}

/// Clears the second values of the last pair, where the inner dimension is odd.
INLINE void clearSecond(uint8_t *to) {
    for (size_t half = 0; half < 2; half++)
        _mm512_storeu_si512(
            to + 64 * half,
            _mm512_and_si512(_mm512_loadu_si512(to + 64 * half), _mm512_set1_epi32(0xFFFF)));
}

AVX512 void ckBF16StraightBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize) {
    size_t length = type == 2 || type == 8 ? 32 : 256;
    size_t bytes = type == 2 ? 18 : type == 8 ? 34 : type == 12 ? 144 : 210;
    for (size_t k = 0; k < inner; k += 16) {
        size_t count = inner - k < 16 ? inner - k : 16;
        CKRows16 r = ckRows16(from + k * fromStride, fromStride, count);
        for (size_t block = 0; block < columns / length; block++) {
            size_t at = block * bytes;
            uint8_t *to = panel + block * (length / CK_GROUP) * groupSize + k / 2 * PAIR;
            Scales s;
            float one[16];
            if (length == 32) _mm512_storeu_ps(one, ckScaleOfQ4_0(&r, at));
            else scalesOf(type, &r, at, &s);
            for (size_t i = 0; i < count; i += 2) {
                const uint8_t *a = r.row[i] + at, *b = r.row[i + 1] + at;
                uint8_t *y = to + i / 2 * PAIR;
                switch (type) {
                case 2: straightQ4_0(a, b, one[i], one[i + 1], y); break;
                case 8: straightQ8_0(a, b, one[i], one[i + 1], y); break;
                case 12: straightQ4_K(a, b, s.scale[i], s.scale[i + 1], y, groupSize); break;
                default: straightQ6_K(a, b, s.scale[i], s.scale[i + 1], y, groupSize);
                }
            }
        }
    }
    if (inner % 2 == 1)
        for (size_t group = 0; group < columns / CK_GROUP; group++)
            clearSecond(panel + group * groupSize + inner / 2 * PAIR);
}
#endif
