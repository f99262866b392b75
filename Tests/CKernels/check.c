// Every path of every kernel against the plain one, on this processor: random ragged shapes, and numbers of all sorts.

#include "CKernelsCheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Random inputs

static uint64_t state;

static uint32_t word(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static size_t upTo(size_t most) { return 1 + word() % most; }

static float fromBits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// A value with an exponent of `low` to `low + count - 1`, biased.
static float scaled(uint32_t low, uint32_t count) { return fromBits((word() & 0x807FFFFF) | (low + word() % count) << 23); }

typedef enum { Ordinary, AnyBits, MostlyZero, Rare, Tiny, Huge, Edge, Sorts } Sort;

// What a number is for: the left operand, the right one, and what products are added to.
typedef enum { Left, Right, Sum } Role;

static float number(Sort sort, Role role) {
    switch (sort) {
    case Ordinary: return scaled(120, 8);
    case AnyBits: return fromBits(word());  // Infinities, NaNs and subnormals among them.
    case MostlyZero: return word() % 8 == 0 ? scaled(100, 30) : word() % 2 == 0 ? 0.0f : -0.0f;
    // Blocks whose largest magnitude is infinite, or near the one below which a block counts as zero.
    case Rare: return word() % 40 != 0 ? 0 : word() % 4 == 0 ? fromBits(0x7F800000) : scaled(5, 5);
    case Tiny: return role == Sum ? scaled(0, 30) : scaled(50, 30);
    // Overflow in a few places only: elsewhere infinities would hide the rest.
    case Huge: return role == Left && word() % 64 != 0 ? scaled(60, 8) : scaled(180, 20);
    // Sums on both sides of the smallest normal number, by a fraction of their last bit.
    default: return role == Left ? scaled(57, 3) : role == Right ? scaled(44, 8) : fromBits(0x00800000 + word() % 2);
    }
}

static float *numbers(size_t count, Sort sort, Role role) {
    float *values = malloc(count * sizeof *values + 1);
    for (size_t i = 0; i < count; i++) values[i] = number(sort, role);
    return values;
}

// MARK: Comparing

static uint64_t digest = 0xCBF29CE484222325u;
static int differences;

static void digestBytes(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) digest = (digest ^ bytes[i]) * 0x100000001B3u;
}

// Which NaN an operation gives is the processor's choice: all are one here.
static void unifyNaNs(float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != values[i]) values[i] = fromBits(0x7FC00000);
}

static void compare(const char *what, int kind, int path, const void *got, const void *wanted, size_t bytes) {
    if (memcmp(got, wanted, bytes) == 0) return;
    size_t at = 0;
    while (((const uint8_t *)got)[at] == ((const uint8_t *)wanted)[at]) at++;
    printf("kind %d, path %d: %s differ from byte %zu of %zu on\n", kind, path, what, at, bytes);
    differences++;
}

// MARK: Products

typedef struct {
    uint8_t *rows, *transposed, *straight;
    float *products[2];
} Outcome;

typedef struct {
    size_t rows, inner, columns;
    float *a, *b, *turned, *c;
} Inputs;

enum { Gap = 3 };

static Outcome outcome(CKKind kind, CKPath path, const Inputs *in) {
    size_t stride = ck_rows_stride(kind, in->inner), size = ck_panel_size(kind, in->inner, in->columns);
    size_t cStride = in->columns + Gap;
    Outcome out = {calloc(in->rows, stride), calloc(1, size), calloc(1, size), {NULL, NULL}};
    ck_pack_rows(kind, path, in->a, in->inner, in->rows, in->inner, out.rows, stride);
    ck_panel_transposed(kind, path, 0, in->b, in->inner * 4, in->columns, in->inner, out.transposed);
    ck_panel_straight(kind, path, 0, in->turned, in->columns * 4, in->inner, in->columns, out.straight);
    for (int adds = 0; adds < 2; adds++) {
        out.products[adds] = malloc(in->rows * cStride * sizeof(float));
        memcpy(out.products[adds], in->c, in->rows * cStride * sizeof(float));
        ck_multiply(
            kind, path, out.rows, stride, in->rows, out.straight, in->inner, out.products[adds], cStride, in->columns,
            adds);
        unifyNaNs(out.products[adds], in->rows * cStride);
    }
    return out;
}

static void release(Outcome out) {
    free(out.rows);
    free(out.transposed);
    free(out.straight);
    free(out.products[0]);
    free(out.products[1]);
}

static void checkProducts(CKKind kind, Sort sort) {
    Inputs in = {upTo(14), upTo(word() % 4 == 0 ? 700 : 130), upTo(70), NULL, NULL, NULL, NULL};
    if (sort == Edge) in.inner = upTo(4);
    in.a = numbers(in.rows * in.inner, sort, Left);
    in.b = numbers(in.columns * in.inner, sort, Right);
    in.c = numbers(in.rows * (in.columns + Gap), sort, Sum);
    in.turned = malloc(in.columns * in.inner * sizeof(float));
    for (size_t j = 0; j < in.columns; j++)
        for (size_t k = 0; k < in.inner; k++) in.turned[k * in.columns + j] = in.b[j * in.inner + k];

    size_t stride = ck_rows_stride(kind, in.inner), size = ck_panel_size(kind, in.inner, in.columns);
    size_t results = in.rows * (in.columns + Gap) * sizeof(float);
    Outcome plain = outcome(kind, CKPathPlain, &in);
    compare("straight and transposed panels", kind, CKPathPlain, plain.straight, plain.transposed, size);
    digestBytes(plain.rows, in.rows * stride);
    digestBytes(plain.straight, size);
    for (int adds = 0; adds < 2; adds++) digestBytes((uint8_t *)plain.products[adds], results);
    for (int path = 1; path <= CKPathDot; path++) {
        if (!ck_has_path(kind, (CKPath)path)) continue;
        Outcome other = outcome(kind, (CKPath)path, &in);
        compare("packed rows", kind, path, other.rows, plain.rows, in.rows * stride);
        compare("transposed panels", kind, path, other.transposed, plain.transposed, size);
        compare("straight panels", kind, path, other.straight, plain.straight, size);
        compare("products", kind, path, other.products[0], plain.products[0], results);
        compare("added products", kind, path, other.products[1], plain.products[1], results);
        release(other);
    }
    release(plain);
    free(in.a);
    free(in.b);
    free(in.c);
    free(in.turned);
}

// MARK: Quantised blocks

typedef struct {
    uint32_t number;
    size_t bytes, length;
    // Where a block's binary16 scales end; 0 for none.
    size_t scales[2];
} Type;

static const Type types[] = {{2, 18, 32, {2, 0}}, {8, 34, 32, {2, 0}}, {12, 144, 256, {2, 4}}, {14, 210, 256, {210, 0}}};

/// Blocks of any bytes, but without infinities and NaNs among the scales: a NaN keeps other bits on other processors.
static uint8_t *blocksOf(const Type *type, size_t count) {
    uint8_t *blocks = malloc(count * type->bytes);
    for (size_t i = 0; i < count * type->bytes; i++) blocks[i] = (uint8_t)word();
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < 2; j++)
            if (type->scales[j] > 0) blocks[i * type->bytes + type->scales[j] - 1] &= 0xFB;
    return blocks;
}

static void checkDecoding(const Type *type) {
    size_t rows = upTo(3), blocks = upTo(4), stride = blocks * type->bytes;
    size_t length = blocks * type->length, size = rows * length * sizeof(float);
    uint8_t *from = blocksOf(type, rows * blocks);
    float *plain = malloc(size), *other = malloc(size);
    ck_decode_on(CKPathPlain, type->number, from, stride, plain, length, rows, blocks);
    digestBytes((uint8_t *)plain, size);
    for (int path = 1; path <= CKPathDot; path++)
        if (ck_decode_on((CKPath)path, type->number, from, stride, other, length, rows, blocks))
            compare("decoded blocks", (int)type->number, path, other, plain, size);
    free(from);
    free(plain);
    free(other);
}

// A panel from blocks, whose rows become columns where `isTransposed`.
static void checkPanel(CKKind kind, const Type *type, bool isTransposed) {
    size_t wide = upTo(type->length == 32 ? 5 : 2), high = upTo(isTransposed ? 40 : 150);
    size_t inner = isTransposed ? wide * type->length : high, columns = isTransposed ? high : wide * type->length;
    size_t stride = wide * type->bytes, size = ck_panel_size(kind, inner, columns);
    uint8_t *from = blocksOf(type, high * wide), *plain = NULL;
    for (int path = 0; path <= CKPathDot; path++) {
        if (!ck_has_path(kind, (CKPath)path)) continue;
        uint8_t *panel = calloc(1, size);
        bool isKnown =
            isTransposed ? ck_panel_transposed(kind, (CKPath)path, type->number, from, stride, high, inner, panel)
                         : ck_panel_straight(kind, (CKPath)path, type->number, from, stride, inner, columns, panel);
        if (!isKnown) differences++;
        if (path == CKPathPlain) {
            plain = panel;
            digestBytes(plain, size);
            continue;
        }
        compare(isTransposed ? "transposed blocks" : "straight blocks", kind, path, panel, plain, size);
        free(panel);
    }
    free(from);
    free(plain);
}

// MARK: Saved activations

// These have one door, to the fastest path: the digest compares processors.
static void digestSaved(Sort sort) {
    size_t count = upTo(300), blocks = (count + CK_SAVED_BLOCK - 1) / CK_SAVED_BLOCK;
    float *from = numbers(count, sort, Sum), *back = malloc(count * sizeof(float));
    uint16_t *halves = malloc(2 * count), *scales = malloc(2 * blocks);
    int8_t *bytes = malloc(count);
    ck_store_bf16(from, halves, count);
    digestBytes((uint8_t *)halves, 2 * count);
    ck_load_bf16(halves, back, count);
    unifyNaNs(back, count);
    digestBytes((uint8_t *)back, count * sizeof(float));
    ck_store_int8(from, bytes, scales, count);
    digestBytes((uint8_t *)bytes, count);
    digestBytes((uint8_t *)scales, 2 * blocks);
    ck_load_int8(bytes, scales, back, count);
    unifyNaNs(back, count);
    digestBytes((uint8_t *)back, count * sizeof(float));
    free(from);
    free(back);
    free(halves);
    free(scales);
    free(bytes);
}

// An optimiser's moments, likewise.
static void digestMoments(Sort sort) {
    size_t count = upTo(300);
    float *from = numbers(count, sort, Sum), *back = malloc(count * sizeof(float));
    uint8_t *codes = malloc(count);
    for (int which = CKMomentFirst; which <= CKMomentRoot; which++) {
        if (which == CKMomentRoot)
            for (size_t i = 0; i < count; i++) from[i] = from[i] < 0 ? -from[i] : from[i];
        // The order in which a compiler takes arguments is its own.
        float inverse = fromBits((120 + word() % 12) << 23 | 0x345678), unit = fromBits((110 + word() % 30) << 23);
        ck_store_moments((CKMoment)which, from, inverse, word(), codes, count);
        digestBytes(codes, count);
        ck_load_moments((CKMoment)which, codes, unit, back, count);
        digestBytes((uint8_t *)back, count * sizeof(float));
    }
    free(from);
    free(back);
    free(codes);
}

int ck_check(int rounds, uint64_t *digestOfPlain) {
    digest = 0xCBF29CE484222325u;
    differences = 0;
    for (int round = 0; round < rounds; round++) {
        state = (uint64_t)round;
        for (int sort = 0; sort < Sorts; sort++) {
            checkProducts(CKBF16, (Sort)sort);
            checkProducts(CKInt8, (Sort)sort);
            digestSaved((Sort)sort);
            digestMoments((Sort)sort);
        }
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            checkDecoding(&types[i]);
            for (int kind = 0; kind < 2; kind++) {
                checkPanel((CKKind)kind, &types[i], true);
                checkPanel((CKKind)kind, &types[i], false);
            }
        }
    }
    *digestOfPlain = digest;
    return differences;
}
