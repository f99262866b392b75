// An optimiser's moments in eight bits. Plain loops, compiled once for each instruction set; every path gives the same
// bits, because each value is rounded on its own.
//
// A code is a small float, in units of its block's scale:
//
//   first moment     sign, 3 bits of exponent, 4 of mantissa:  0, 1, … 15;  16 … 31;  32, 34, … 62;  … ;  1024 … 1984
//   second, as root  3 bits of exponent, 5 of mantissa:        0, 1, … 31;  32 … 63;  64, 66, … 126; … ;  2048 … 4032
//
// Both are the upper bits of an f32: the lowest run becomes one like the others when its own length is added to it.

#include "CKernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define BODY static inline __attribute__((always_inline)) void

static inline __attribute__((always_inline)) uint32_t bitsOf(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline __attribute__((always_inline)) float valueOf(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// An f32 of a code's run: exponent and mantissa moved up, and the exponent of the first run that is one.
BODY load(const uint8_t *restrict codes, float unit, float *restrict to, size_t count, uint32_t run, uint32_t shift) {
    uint32_t first = bitsOf((float)run);
    for (size_t i = 0; i < count; i++) {
        uint32_t code = codes[i] & (8 * run - 1);
        // 2^(exponent − 1) · (run + mantissa); the lowest run as if its exponent were 1, less the run.
        uint32_t isLowest = code < run;
        float units = valueOf((code << shift) + first - ((1 - isLowest) << 23)) - (float)(isLowest * run);
        to[i] = valueOf(bitsOf(units * unit) | (uint32_t)(codes[i] & ~(8 * run - 1)) << 24);
    }
}

// Adding to the bits that fall away what the place in the row draws, and cutting them off, goes up as often as a value
// is far from the code below it.
BODY store(
    const float *restrict from, float inverse, uint32_t dither, uint8_t *restrict codes, size_t count, uint32_t run,
    uint32_t shift, uint32_t least) {
    float most = (float)((2 * run - 1) << 6);
    uint32_t first = bitsOf((float)run) >> shift;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bitsOf(from[i]);
        float units = valueOf(bits & 0x7FFFFFFFu) * inverse;
        units = units < most ? units : most;
        uint32_t isLowest = units < (float)run;
        uint32_t random = dither + (uint32_t)i * 0x9E3779B9u;
        uint32_t kept = (bitsOf(units + (float)(isLowest * run)) + (random >> (32 - shift))) >> shift;
        uint32_t code = kept - first + (1 - isLowest) * run;
        code = units > 0 && code < least ? least : code;
        codes[i] = (uint8_t)(code | ((bits >> 24) & ~(8 * run - 1) & 0x80u));
    }
}

BODY loadFirst(const uint8_t *codes, float unit, float *to, size_t count) { load(codes, unit, to, count, 16, 19); }

BODY loadRoot(const uint8_t *codes, float unit, float *to, size_t count) { load(codes, unit, to, count, 32, 18); }

BODY storeFirst(const float *from, float inverse, uint32_t dither, uint8_t *codes, size_t count) {
    store(from, inverse, dither, codes, count, 16, 19, 0);
}

// What an update is divided by never becomes zero.
BODY storeRoot(const float *from, float inverse, uint32_t dither, uint8_t *codes, size_t count) {
    store(from, inverse, dither, codes, count, 32, 18, 1);
}

// MARK: One copy per instruction set

#define CAT(a, b) a##b
#define LOAD(name, suffix, attributes)                                                                                 \
    attributes static void CAT(name, suffix)(const uint8_t *codes, float unit, float *to, size_t count) {              \
        name(codes, unit, to, count);                                                                                  \
    }
#define STORE(name, suffix, attributes)                                                                                \
    attributes static void CAT(name, suffix)(                                                                          \
        const float *from, float inverse, uint32_t dither, uint8_t *codes, size_t count) {                             \
        name(from, inverse, dither, codes, count);                                                                     \
    }
#define VARIANT(suffix, attributes)                                                                                    \
    LOAD(loadFirst, suffix, attributes)                                                                                \
    LOAD(loadRoot, suffix, attributes)                                                                                 \
    STORE(storeFirst, suffix, attributes)                                                                              \
    STORE(storeRoot, suffix, attributes)

VARIANT(Plain, )
#if defined(__x86_64__)
VARIANT(AVX2, __attribute__((target("avx2"))))
VARIANT(AVX512, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))))
#define PICK(name, ...)                                                                                                \
    do {                                                                                                               \
        if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")                                   \
            && __builtin_cpu_supports("avx512dq"))                                                                     \
            CAT(name, AVX512)(__VA_ARGS__);                                                                            \
        else if (__builtin_cpu_supports("avx2")) CAT(name, AVX2)(__VA_ARGS__);                                         \
        else CAT(name, Plain)(__VA_ARGS__);                                                                            \
    } while (0)
#else
#define PICK(name, ...) CAT(name, Plain)(__VA_ARGS__)
#endif

void ck_load_moments(CKMoment which, const uint8_t *codes, float unit, float *to, size_t count) {
    if (which == CKMomentFirst) PICK(loadFirst, codes, unit, to, count);
    else PICK(loadRoot, codes, unit, to, count);
}

void ck_store_moments(
    CKMoment which, const float *from, float inverse, uint32_t dither, uint8_t *codes, size_t count) {
    if (which == CKMomentFirst) PICK(storeFirst, from, inverse, dither, codes, count);
    else PICK(storeRoot, from, inverse, dither, codes, count);
}
