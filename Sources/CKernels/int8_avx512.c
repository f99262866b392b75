// Products in int8 on AVX-512 VNNI: vpdpbusd multiplies four unsigned bytes of a column with four signed ones of a row.

#include "int8_avx512.h"

#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF

#define VNNI __attribute__((target(CK_AVX512_SET ",avx512vnni")))
#define VNNI_INLINE static inline __attribute__((always_inline, target(CK_AVX512_SET ",avx512vnni")))

bool ckHasInt8AVX512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

// MARK: From f32

/// Lane i of the result: of all lanes of v[i], the largest or the sum.
INLINE __m512i reduced(const __m512i v[16], bool sums) {
#define BOTH(a, b) (sums ? _mm512_add_epi32(a, b) : _mm512_max_epu32(a, b))
    __m512i two[8], four[4];
    for (int i = 0; i < 8; i++)
        two[i] = BOTH(_mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]), _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
    for (int i = 0; i < 4; i++)
        four[i] = BOTH(
            _mm512_unpacklo_epi64(two[2 * i], two[2 * i + 1]), _mm512_unpackhi_epi64(two[2 * i], two[2 * i + 1]));
    __m512i a = BOTH(_mm512_shuffle_i32x4(four[0], four[1], 0x88), _mm512_shuffle_i32x4(four[0], four[1], 0xDD));
    __m512i b = BOTH(_mm512_shuffle_i32x4(four[2], four[3], 0x88), _mm512_shuffle_i32x4(four[2], four[3], 0xDD));
    return BOTH(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
#undef BOTH
}

/// Four vectors of one row's values, zeros beyond `count`.
INLINE void load(const float *from, size_t count, __m512 x[4]) {
    for (size_t i = 0; i < 4; i++)
        x[i] = count >= CK_INT8_BLOCK ? _mm512_loadu_ps(from + 16 * i)
               : count > 16 * i       ? _mm512_maskz_loadu_ps(ckFirst(count - 16 * i), from + 16 * i)
                                      : _mm512_setzero_ps();
}

/// One block of each of 16 rows, those from `rows` on and values from `count` on zero: returns the scales.
INLINE __m512 quantise(const float *from, size_t fromStride, size_t rows, size_t count, __m512i q[16]) {
    __m512i largest[16];
    for (size_t i = 0; i < 16; i++) {
        largest[i] = _mm512_setzero_si512();
        if (i >= rows) continue;
        __m512 x[4];
        load(from + i * fromStride, count, x);
        largest[i] = _mm512_max_epu32(
            _mm512_max_epu32(magnitudes(x[0]), magnitudes(x[1])),
            _mm512_max_epu32(magnitudes(x[2]), magnitudes(x[3])));
    }
    __m512 inverses;
    __m512 scales = scalesOf(reduced(largest, false), 127.0f, &inverses);
    float inverse[16];
    _mm512_storeu_ps(inverse, inverses);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (size_t i = 0; i < 16; i++) {
        q[i] = _mm512_setzero_si512();
        if (inverse[i] == 0) continue;
        __m512 x[4];
        load(from + i * fromStride, count, x);
        __m512i w[4];
        for (int j = 0; j < 4; j++) w[j] = _mm512_cvtps_epi32(_mm512_mul_ps(x[j], _mm512_set1_ps(inverse[i])));
        __m512i narrow = _mm512_packs_epi16(_mm512_packs_epi32(w[0], w[1]), _mm512_packs_epi32(w[2], w[3]));
        q[i] = _mm512_permutexvar_epi32(order, narrow);
    }
    return scales;
}

VNNI_INLINE void packBlocks(const float *from, size_t blocks, size_t count, CKInt8Row *y) {
    __m512i q[16], sums[16];
    float scale[16];
    int32_t correction[16];
    _mm512_storeu_ps(scale, quantise(from, CK_INT8_BLOCK, blocks, count, q));
    for (int i = 0; i < 16; i++) sums[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q[i]);
    _mm512_storeu_si512(correction, _mm512_mullo_epi32(reduced(sums, true), _mm512_set1_epi32(-128)));
    for (size_t i = 0; i < blocks; i++) {
        y[i].scale = scale[i];
        y[i].correction = correction[i];
        _mm512_storeu_si512(y[i].q, q[i]);
    }
}

VNNI static void packRows(
    const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to, size_t toStride) {
    size_t whole = inner / CK_INT8_BLOCK, left = inner % CK_INT8_BLOCK;
    for (size_t row = 0; row < rows; row++) {
        // 16 blocks of a row stand where packTransposed has 16 rows.
        const float *x = from + row * fromStride;
        CKInt8Row *y = (CKInt8Row *)(to + row * toStride);
        for (size_t b = 0; b < whole; b += 16)
            packBlocks(x + b * CK_INT8_BLOCK, whole - b < 16 ? whole - b : 16, CK_INT8_BLOCK, y + b);
        if (left > 0) packBlocks(x + whole * CK_INT8_BLOCK, 1, left, y + whole);
    }
}

AVX512 static void packTransposed(const float *from, size_t fromStride, size_t rows, size_t inner, uint8_t *to) {
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 16) {
            __m512i q[16];
            size_t count = rows > start ? rows - start : 0;
            _mm512_storeu_ps(
                y->scale + start, quantise(from + start * fromStride + k, fromStride, count, inner - k, q));
            ckTranspose(q);
            for (size_t i = 0; i < 16; i++)
                _mm512_storeu_si512(y->q[i][start], _mm512_xor_si512(q[i], _mm512_set1_epi8((char)0x80)));
        }
    }
}

AVX512 static void packStraight(const float *from, size_t fromStride, size_t inner, size_t columns, uint8_t *to) {
    for (size_t k = 0; k < inner; k += CK_INT8_BLOCK) {
        CKInt8Block *y = (CKInt8Block *)to + k / CK_INT8_BLOCK;
        size_t count = inner - k < CK_INT8_BLOCK ? inner - k : CK_INT8_BLOCK;
        for (size_t start = 0; start < CK_GROUP; start += 16) {
            __mmask16 mask = ckFirst(start < columns ? columns - start : 0);
            const float *x = from + k * fromStride + start;
            __m512i largest = _mm512_setzero_si512();
            for (size_t i = 0; i < count; i++)
                largest = _mm512_max_epu32(largest, magnitudes(_mm512_maskz_loadu_ps(mask, x + i * fromStride)));
            __m512 inverse;
            _mm512_storeu_ps(y->scale + start, scalesOf(largest, 127.0f, &inverse));
            __mmask16 valid = mask & _mm512_cmpneq_ps_mask(inverse, _mm512_setzero_ps());
            for (size_t i = 0; i < CK_INT8_BLOCK; i += 4) {
                __m512i word = _mm512_set1_epi8((char)0x80);
                for (size_t j = 0; j < 4; j++) {
                    if (i + j >= count) break;
                    __m512 value = _mm512_maskz_loadu_ps(valid, x + (i + j) * fromStride);
                    __m512i q = _mm512_and_si512(
                        _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse)), _mm512_set1_epi32(0xFF));
                    word = _mm512_xor_si512(word, _mm512_slli_epi32(q, 8 * j));
                }
                _mm512_storeu_si512(y->q[i / 4][start], word);
            }
        }
    }
}

// MARK: The product

/// Rows of a tile: their sums, whole-number and float, fill the registers.
enum { TILE_ROWS = 7 };

// `count` rows times one group of 32 columns; `count` is a constant where this is inlined.
VNNI_INLINE void tile(
    int count, const uint8_t *a, size_t aStride, const CKInt8Block *w, size_t blocks, float *c, size_t cStride,
    __mmask16 left, __mmask16 right, bool adds) {
    __m512 s[TILE_ROWS][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm512_maskz_loadu_ps(left, c + i * cStride) : _mm512_setzero_ps();
        s[i][1] = adds ? _mm512_maskz_loadu_ps(right, c + i * cStride + 16) : _mm512_setzero_ps();
    }
    for (size_t b = 0; b < blocks; b++, w++, a += sizeof(CKInt8Row)) {
        __m512i d[TILE_ROWS][2];
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

VNNI static void multiply(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    size_t blocks = ckInt8Blocks(inner), size = blocks * sizeof(CKInt8Block);
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
                const CKInt8Block *group = (const CKInt8Block *)(panel + column / CK_GROUP * size);
#define TILE(n) tile(n, a + row * aStride, aStride, group, blocks, c + row * cStride + column, cStride, low, high, adds)
                switch (height) {
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

const CKRoutines ckInt8AVX512 = {packRows,       packTransposed, packStraight,
                                 multiply,       ckInt8TransposedBlocksAVX512, ckInt8StraightBlocksAVX512};
#endif
