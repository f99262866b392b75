// int8 panels on AVX-512 that are quantised blocks as they stand; int8_blocks.c says what the bytes are. 64 rows make a
// block of the panel, and four rows share a word.

#include "int8_avx512.h"

#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF

/// Factors and offsets of 64 rows, four rows together in the order 0, 2, 1, 3.
typedef struct {
    uint16_t factor[64], offset[64];
} Rows;

INLINE void storeInOrder(__m512i x, uint16_t *to) {
    const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    _mm256_storeu_si256((__m256i *)to, _mm256_shuffle_epi8(_mm512_cvtepi32_epi16(x), order));
}

INLINE __m512i word(const uint16_t *pair) {
    int32_t bits;
    __builtin_memcpy(&bits, pair, sizeof bits);
    return _mm512_set1_epi32(bits);
}

INLINE Affine perRow(const Rows *rows, int four) {
    return (Affine){word(rows->factor + 4 * four), word(rows->factor + 4 * four + 2), word(rows->offset + 4 * four),
                    word(rows->offset + 4 * four + 2)};
}

/// 16 bytes of each of four rows: byte j of the rows goes to word j.
INLINE __m512i columnsOfRows(const uint8_t *const row[4], size_t at) {
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i x = ckFour(row[0] + at, row[1] + at, row[2] + at, row[3] + at);
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, x), bytes);
}

/// 64 rows of one or more runs of 32 columns; those from `count` on are to become zeros.
typedef struct {
    CKRows16 rows[4];
    __mmask16 mask[4];
} Tall;

INLINE Tall tall(const uint8_t *from, size_t stride, size_t count) {
    Tall t;
    for (size_t i = 0; i < 4; i++) {
        size_t first = 16 * i < count ? 16 * i : 0;
        t.rows[i] = ckRows16(from + first * stride, stride, count - first);
        t.mask[i] = ckFirst(count > 16 * i ? count - 16 * i : 0);
    }
    return t;
}

/// The scale of a group's block, written out; the inverse in all lanes.
INLINE __m512 shared(__m512i largest, float unit, CKInt8Block *y) {
    __m512 inverse, scale = scalesOf(_mm512_set1_epi32((int)_mm512_reduce_max_epu32(largest)), unit, &inverse);
    _mm512_storeu_ps(y->scale, scale);
    _mm512_storeu_ps(y->scale + 16, scale);
    return inverse;
}

INLINE void centredRows(const __m512 scale[4], const __mmask16 mask[4], __m512 inverse, int centre, Rows *to) {
    for (int i = 0; i < 4; i++) {
        __m512i factor = fixed(_mm512_maskz_mov_ps(mask[i], scale[i]), inverse, 128);
        storeInOrder(factor, to->factor + 16 * i);
        __m512i taken = _mm512_mullo_epi32(factor, _mm512_set1_epi32(centre));
        storeInOrder(_mm512_sub_epi32(_mm512_set1_epi32(MIDDLE), taken), to->offset + 16 * i);
    }
}

INLINE void straightQ4_0(const Tall *t, size_t at, CKInt8Block *y) {
    __m512 scale[4];
    __m512i largest = _mm512_setzero_si512();
    for (int i = 0; i < 4; i++) {
        scale[i] = _mm512_maskz_mov_ps(t->mask[i], ckScaleOfQ4_0(&t->rows[i], at));
        largest = largerOf(largest, scale[i]);
    }
    Rows rows;
    centredRows(scale, t->mask, shared(largest, 15.0f, y), 8, &rows);
    for (int four = 0; four < 16; four++) {
        __m512i x = columnsOfRows(&t->rows[four / 4].row[four % 4 * 4], at + 2);
        Affine by = perRow(&rows, four);
        _mm512_storeu_si512(y->q[four][0], lowNibbles(x, &by));
        _mm512_storeu_si512(y->q[four][16], highNibbles(x, &by));
    }
}

INLINE void straightQ8_0(const Tall *t, size_t at, CKInt8Block *y) {
    __m512 scale[4];
    __m512i largest = _mm512_setzero_si512();
    for (int i = 0; i < 4; i++) {
        scale[i] = _mm512_maskz_mov_ps(t->mask[i], ckScaleOfQ4_0(&t->rows[i], at));
        largest = largerOf(largest, scale[i]);
    }
    Rows rows;
    __m512 inverse = shared(largest, 1.0f, y);
    for (int i = 0; i < 4; i++) storeInOrder(factorsOfQ8_0(scale[i], inverse), rows.factor + 16 * i);
    for (int four = 0; four < 16; four++)
        for (size_t half = 0; half < 2; half++) {
            __m512i x = columnsOfRows(&t->rows[four / 4].row[four % 4 * 4], at + 2 + 16 * half);
            _mm512_storeu_si512(
                y->q[four][16 * half],
                scaled(x, word(rows.factor + 4 * four), word(rows.factor + 4 * four + 2)));
        }
}

/// A super-block's width: eight groups.
INLINE void straightQ4_K(const Tall *t, size_t at, CKInt8Block *const y[8]) {
    __m512 scale[4][8], minimum[4][8];
    for (int i = 0; i < 4; i++) ckScalesOfQ4_K(&t->rows[i], at, scale[i], minimum[i]);
    Rows rows[8];
    for (int j = 0; j < 8; j++) {
        __m512i largest = _mm512_setzero_si512();
        for (int i = 0; i < 4; i++) {
            __m512 top = _mm512_sub_ps(_mm512_mul_ps(_mm512_set1_ps(15), scale[i][j]), minimum[i][j]);
            __m512i of = largerOf(magnitudes(minimum[i][j]), top);
            largest = _mm512_max_epu32(largest, _mm512_maskz_mov_epi32(t->mask[i], of));
        }
        __m512 inverse = shared(largest, 127.0f, y[j]);
        for (int i = 0; i < 4; i++) {
            __m512i factor = fixed(_mm512_maskz_mov_ps(t->mask[i], scale[i][j]), inverse, 128);
            __m512i taken = fixed(_mm512_maskz_mov_ps(t->mask[i], minimum[i][j]), inverse, 128);
            storeInOrder(factor, rows[j].factor + 16 * i);
            storeInOrder(_mm512_sub_epi32(_mm512_set1_epi32(MIDDLE), taken), rows[j].offset + 16 * i);
        }
    }
    for (int pair = 0; pair < 4; pair++)
        for (int four = 0; four < 16; four++) {
            Affine low = perRow(&rows[2 * pair], four), high = perRow(&rows[2 * pair + 1], four);
            for (size_t half = 0; half < 2; half++) {
                __m512i x = columnsOfRows(
                    &t->rows[four / 4].row[four % 4 * 4], at + 16 + (size_t)pair * 32 + 16 * half);
                _mm512_storeu_si512(y[2 * pair]->q[four][16 * half], lowNibbles(x, &low));
                _mm512_storeu_si512(y[2 * pair + 1]->q[four][16 * half], highNibbles(x, &high));
            }
        }
}

INLINE void straightQ6_K(const Tall *t, size_t at, CKInt8Block *const y[8]) {
    __m512 scale[4][16];
    for (int i = 0; i < 4; i++) ckScalesOfQ6_K(&t->rows[i], at, scale[i]);
    Rows rows[16];
    for (int j = 0; j < 8; j++) {
        __m512i largest = _mm512_setzero_si512();
        for (int i = 0; i < 4; i++) {
            __m512i of = largerOf(magnitudes(scale[i][2 * j]), scale[i][2 * j + 1]);
            largest = _mm512_max_epu32(largest, _mm512_maskz_mov_epi32(t->mask[i], of));
        }
        __m512 inverse = shared(largest, 127.0f / 32.0f, y[j]);
        for (int half = 0; half < 2; half++) {
            __m512 part[4] = {scale[0][2 * j + half], scale[1][2 * j + half], scale[2][2 * j + half],
                              scale[3][2 * j + half]};
            centredRows(part, t->mask, inverse, 32, &rows[2 * j + half]);
        }
    }
    for (int upper = 0; upper < 2; upper++)
        for (int half = 0; half < 2; half++)
            for (int four = 0; four < 16; four++) {
                const uint8_t *const *row = &t->rows[four / 4].row[four % 4 * 4];
                __m512i high = columnsOfRows(row, at + 128 + (size_t)upper * 32 + (size_t)half * 16);
                for (int odd = 0; odd < 2; odd++) {
                    __m512i low = columnsOfRows(
                        row, at + (size_t)upper * 64 + (size_t)odd * 32 + (size_t)half * 16);
                    for (int top = 0; top < 2; top++) {
                        int quarter = 2 * top + odd, group = 4 * upper + quarter;
                        Affine by = perRow(&rows[2 * group + half], four);
                        _mm512_storeu_si512(y[group]->q[four][16 * half], sixBits(low, high, quarter, &by));
                    }
                }
            }
}

AVX512 void ckInt8StraightBlocksAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, size_t inner, size_t columns, uint8_t *panel,
    size_t groupSize) {
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        Tall t = tall(from + k * fromStride, fromStride, inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK);
        uint8_t *to = panel + k / CK_INT8_BLOCK * sizeof(CKInt8Block);
        if (type == 2 || type == 8) {
            for (size_t block = 0; block < columns / 32; block++) {
                CKInt8Block *y = (CKInt8Block *)(to + block * groupSize);
                if (type == 2) straightQ4_0(&t, block * 18, y);
                else straightQ8_0(&t, block * 34, y);
            }
            continue;
        }
        for (size_t block = 0; block < columns / 256; block++) {
            CKInt8Block *y[8];
            for (size_t j = 0; j < 8; j++) y[j] = (CKInt8Block *)(to + (8 * block + j) * groupSize);
            if (type == 12) straightQ4_K(&t, block * 144, y);
            else straightQ6_K(&t, block * 210, y);
        }
    }
}
#endif
