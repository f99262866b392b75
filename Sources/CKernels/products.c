// The doors to products of packed operands: sizes, the choice of a path, and panels from quantised blocks.

#include "routines.h"

// The routines of a path, none where the processor lacks it.
static const CKRoutines *onPath(CKKind kind, CKPath path) {
    switch (path) {
    case CKPathPlain: return kind == CKBF16 ? &ckBF16Plain : &ckInt8Plain;
#if defined(__x86_64__)
    case CKPathAVX2: return !ckHasAVX2() ? NULL : kind == CKBF16 ? &ckBF16AVX2 : &ckInt8AVX2;
    case CKPathAVXVNNI: return kind == CKInt8 && ckHasAVXVNNI() ? &ckInt8VNNI : NULL;
    case CKPathAVX512:
        if (kind == CKBF16) return ckHasBF16AVX512() ? &ckBF16AVX512 : NULL;
        return ckHasInt8AVX512() ? &ckInt8AVX512 : NULL;
#elif defined(__aarch64__)
    case CKPathNEON: return kind == CKBF16 ? &ckBF16NEON : &ckInt8NEON;
    case CKPathDot: return kind == CKInt8 && ckHasDot() ? &ckInt8Dot : NULL;
#endif
    default: return NULL;
    }
}

static const CKRoutines *routines(CKKind kind, CKPath path) {
    const CKRoutines *known = onPath(kind, path);
    return known != NULL ? known : onPath(kind, CKPathPlain);
}

bool ck_has_path(CKKind kind, CKPath path) { return onPath(kind, path) != NULL; }

CKPath ck_best_path(CKKind kind) {
    static const CKPath fastestFirst[] = {CKPathAVX512, CKPathAVXVNNI, CKPathAVX2, CKPathDot, CKPathNEON};
    for (size_t i = 0; i < sizeof fastestFirst / sizeof *fastestFirst; i++)
        if (ck_has_path(kind, fastestFirst[i])) return fastestFirst[i];
    return CKPathPlain;
}

bool ck_is_native(CKKind kind) { return ck_has_path(kind, CKPathAVX512); }

// MARK: Sizes

size_t ck_rows_offset(CKKind kind, size_t firstInner) {
    return kind == CKBF16 ? 2 * firstInner : firstInner / CK_INT8_BLOCK * sizeof(CKInt8Row);
}

size_t ck_rows_stride(CKKind kind, size_t inner) {
    size_t bytes = kind == CKBF16 ? (inner + 1) / 2 * 4 : ckInt8Blocks(inner) * sizeof(CKInt8Row);
    // An odd number of cache lines: rows one below the other spread over all sets of a cache.
    return ((bytes + 63) / 64 | 1) * 64;
}

/// Bytes of one group of columns.
static size_t groupSize(CKKind kind, size_t inner) {
    return kind == CKBF16 ? (inner + 1) / 2 * CK_GROUP * 4 : ckInt8Blocks(inner) * sizeof(CKInt8Block);
}

size_t ck_panel_size(CKKind kind, size_t inner, size_t columns) {
    return (columns + CK_GROUP - 1) / CK_GROUP * groupSize(kind, inner);
}

// MARK: Packing

void ck_pack_rows(
    CKKind kind, CKPath path, const float *from, size_t fromStride, size_t rows, size_t inner, void *to,
    size_t toStride) {
    routines(kind, path)->rows(from, fromStride, rows, inner, to, toStride);
}

// Values per block of a type whose blocks are unpacked here, 0 for others; and the block's bytes.
static size_t blockLength(uint32_t type) { return type == 2 || type == 8 ? 32 : type == 12 || type == 14 ? 256 : 0; }

static size_t blockBytes(uint32_t type) { return type == 2 ? 18 : type == 8 ? 34 : type == 12 ? 144 : 210; }

// A piece of decoded values, small enough for the stack and the first cache: 32 × 256 of them.
enum { PIECE = 256 };

bool ck_panel_transposed(
    CKKind kind, CKPath path, uint32_t type, const void *from, size_t fromStride, size_t rows, size_t inner,
    void *panel) {
    const CKRoutines *r = routines(kind, path);
    size_t length = blockLength(type), size = groupSize(kind, inner);
    if (type != 0 && (length == 0 || inner % length != 0)) return false;
    for (size_t row = 0; row < rows; row += CK_GROUP) {
        size_t count = rows - row < CK_GROUP ? rows - row : CK_GROUP;
        uint8_t *group = (uint8_t *)panel + row / CK_GROUP * size;
        const uint8_t *source = (const uint8_t *)from + row * fromStride;
        if (type == 0) {
            r->transposed((const float *)source, fromStride / sizeof(float), count, inner, group);
            continue;
        }
        if (r->transposedBlocks != NULL) {
            r->transposedBlocks(type, source, fromStride, count, inner, group);
            continue;
        }
        for (size_t k = 0; k < inner; k += PIECE) {
            float values[CK_GROUP * PIECE];
            size_t wide = inner - k < PIECE ? inner - k : PIECE;
            ck_decode(type, source + k / length * blockBytes(type), fromStride, values, PIECE, count, wide / length);
            r->transposed(values, PIECE, count, wide, group + groupSize(kind, k));
        }
    }
    return true;
}

bool ck_panel_straight(
    CKKind kind, CKPath path, uint32_t type, const void *from, size_t fromStride, size_t inner, size_t columns,
    void *panel) {
    const CKRoutines *r = routines(kind, path);
    size_t length = blockLength(type), size = groupSize(kind, inner);
    if (type != 0 && (length == 0 || columns % length != 0)) return false;
    if (type == 0) {
        for (size_t column = 0; column < columns; column += CK_GROUP)
            r->straight(
                (const float *)from + column, fromStride / sizeof(float), inner,
                columns - column < CK_GROUP ? columns - column : CK_GROUP,
                (uint8_t *)panel + column / CK_GROUP * size);
        return true;
    }
    if (r->straightBlocks != NULL) {
        r->straightBlocks(type, from, fromStride, inner, columns, panel, size);
        return true;
    }
    for (size_t k = 0; k < inner; k += CK_INNER_BLOCK) {
        size_t high = inner - k < CK_INNER_BLOCK ? inner - k : CK_INNER_BLOCK;
        for (size_t column = 0; column < columns; column += PIECE) {
            float values[CK_INNER_BLOCK * PIECE];
            size_t wide = columns - column < PIECE ? columns - column : PIECE;
            const uint8_t *source = (const uint8_t *)from + k * fromStride + column / length * blockBytes(type);
            ck_decode(type, source, fromStride, values, PIECE, high, wide / length);
            for (size_t j = 0; j < wide; j += CK_GROUP)
                r->straight(
                    values + j, PIECE, high, CK_GROUP,
                    (uint8_t *)panel + (column + j) / CK_GROUP * size + groupSize(kind, k));
        }
    }
    return true;
}

// MARK: The product

void ck_multiply(
    CKKind kind, CKPath path, const void *a, size_t aStride, size_t rows, const void *panel, size_t inner, float *c,
    size_t cStride, size_t columns, bool adds) {
    ck_multiply_ahead(kind, path, a, aStride, rows, panel, inner, c, cStride, columns, adds, (CKAhead){NULL, 0, 0, 0});
}

void ck_multiply_ahead(
    CKKind kind, CKPath path, const void *a, size_t aStride, size_t rows, const void *panel, size_t inner, float *c,
    size_t cStride, size_t columns, bool adds, CKAhead next) {
    routines(kind, path)->multiply(a, aStride, rows, panel, inner, c, cStride, columns, adds, &next);
}
