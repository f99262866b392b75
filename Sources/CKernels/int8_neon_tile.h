// Tiles of an int8 product in vectors of 4 lanes; int8_neon.c includes this once for each of its two ways to the whole
// numbers, with NAME(dots), NAME(tile), NAME(multiply) and TARGET.

// `count` rows times 8 columns of a group, from sums to sums; `count` is a constant where this is inlined.
static inline __attribute__((always_inline, TARGET)) void NAME(tile)(
    int count, const uint8_t *a, size_t aStride, const CKInt8Block *w, size_t start, size_t blocks, float sums[4][8]) {
    float32x4_t s[4][2];
    for (int i = 0; i < count; i++)
        for (int half = 0; half < 2; half++) s[i][half] = vld1q_f32(sums[i] + 4 * half);
    for (size_t b = 0; b < blocks; b++, w++, a += sizeof(CKInt8Row)) {
        const CKInt8Row *rows[4];
        int32x4_t d[4][2];
        for (int i = 0; i < count; i++) rows[i] = (const CKInt8Row *)(a + i * aStride);
        NAME(dots)(count, rows, w, start, d);
        for (int half = 0; half < 2; half++) {
            float32x4_t scale = vld1q_f32(w->scale + start + 4 * half);
            for (int i = 0; i < count; i++)
                s[i][half] = vfmaq_n_f32(s[i][half], vmulq_f32(vcvtq_f32_s32(d[i][half]), scale), rows[i]->scale);
        }
    }
    for (int i = 0; i < count; i++)
        for (int half = 0; half < 2; half++) vst1q_f32(sums[i] + 4 * half, s[i][half]);
}

__attribute__((TARGET)) static void NAME(multiply)(
    const uint8_t *a, size_t aStride, size_t rows, const uint8_t *panel, size_t inner, float *c, size_t cStride,
    size_t columns, bool adds, const CKAhead *next) {
    (void)next;
    size_t blocks = ckInt8Blocks(inner);
    for (size_t column = 0; column < columns; column += 8) {
        size_t width = columns - column < 8 ? columns - column : 8, start = column % CK_GROUP;
        const CKInt8Block *group = (const CKInt8Block *)panel + column / CK_GROUP * blocks;
        for (size_t row = 0; row < rows; row += 4) {
            size_t count = rows - row < 4 ? rows - row : 4;
            const uint8_t *x = a + row * aStride;
            float *corner = c + row * cStride + column, sums[4][8] = {{0}};
            for (size_t i = 0; adds && i < count; i++) memcpy(sums[i], corner + i * cStride, width * sizeof *c);
            switch (count) {
            case 1: NAME(tile)(1, x, aStride, group, start, blocks, sums); break;
            case 2: NAME(tile)(2, x, aStride, group, start, blocks, sums); break;
            case 3: NAME(tile)(3, x, aStride, group, start, blocks, sums); break;
            default: NAME(tile)(4, x, aStride, group, start, blocks, sums); break;
            }
            for (size_t i = 0; i < count; i++) memcpy(corner + i * cStride, sums[i], width * sizeof *c);
        }
    }
}
