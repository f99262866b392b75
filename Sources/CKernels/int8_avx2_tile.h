// Tiles of an int8 product in vectors of 8 lanes; int8_avx2.c includes this once for each of its two ways to the whole
// numbers, with NAME(dots), NAME(tile), NAME(multiply) and TARGET.

// `count` rows times 16 columns of a group, from `start` on; `count` is a constant where this is inlined.
static inline __attribute__((always_inline, target(TARGET))) void NAME(tile)(
    int count, const uint8_t *a, size_t aStride, const CKInt8Block *w, size_t start, size_t blocks, float *c,
    size_t cStride, __m256i left, __m256i right, bool adds) {
    __m256 s[6][2];
    for (int i = 0; i < count; i++) {
        s[i][0] = adds ? _mm256_maskload_ps(c + i * cStride, left) : _mm256_setzero_ps();
        s[i][1] = adds ? _mm256_maskload_ps(c + i * cStride + 8, right) : _mm256_setzero_ps();
    }
    for (size_t b = 0; b < blocks; b++, w++, a += sizeof(CKInt8Row)) {
        const CKInt8Row *rows[6];
        __m256i d[6][2];
        for (int i = 0; i < count; i++) rows[i] = (const CKInt8Row *)(a + i * aStride);
        NAME(dots)(count, rows, w, start, d);
        __m256 s0 = _mm256_loadu_ps(w->scale + start), s1 = _mm256_loadu_ps(w->scale + start + 8);
        for (int i = 0; i < count; i++) {
            __m256 scale = _mm256_set1_ps(rows[i]->scale);
            s[i][0] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(d[i][0]), s0), scale, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(d[i][1]), s1), scale, s[i][1]);
        }
    }
    for (int i = 0; i < count; i++) {
        _mm256_maskstore_ps(c + i * cStride, left, s[i][0]);
        _mm256_maskstore_ps(c + i * cStride + 8, right, s[i][1]);
    }
}

__attribute__((target(TARGET))) static void NAME(multiply)(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    size_t blocks = ckInt8Blocks(inner);
    for (size_t column = 0; column < columns; column += 16) {
        size_t width = columns - column;
        __m256i left = lanes(width), right = lanes(width > 8 ? width - 8 : 0);
        const CKInt8Block *group = (const CKInt8Block *)panel + column / CK_GROUP * blocks;
        size_t row = 0, start = column % CK_GROUP;
#define TILE(n)                                                                                                        \
    NAME(tile)(                                                                                                        \
        n, a + row * aStride, aStride, group, start, blocks, c + row * cStride + column, cStride, left, right, adds)
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
