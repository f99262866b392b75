// Saved activations: bfloat16 and eight bits with a scale per block. Plain loops, compiled once for each instruction
// set; every path gives the same bits, because each value is rounded on its own.

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

// Round to nearest, ties to even; a NaN stays one.
static inline __attribute__((always_inline)) uint16_t nearest(float value) {
    uint32_t bits = bitsOf(value);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

BODY storeBF16(const float *restrict from, uint16_t *restrict to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = nearest(from[i]);
}

BODY loadBF16(const uint16_t *restrict from, float *restrict to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = valueOf((uint32_t)from[i] << 16);
}

// The scale is absmax / 127, rounded up to bfloat16 so that no value needs more than 127 steps. The largest magnitude
// is taken over bit patterns, among which a NaN is larger than infinity: either spoils the scale, and with it the block.
BODY storeInt8(const float *restrict from, int8_t *restrict to, uint16_t *restrict scales, size_t count) {
    for (size_t block = 0; block * CK_SAVED_BLOCK < count; block++) {
        const float *x = from + block * CK_SAVED_BLOCK;
        int8_t *q = to + block * CK_SAVED_BLOCK;
        size_t left = count - block * CK_SAVED_BLOCK;
        size_t length = left < CK_SAVED_BLOCK ? left : CK_SAVED_BLOCK;
        uint32_t largest = 0;
        for (size_t i = 0; i < length; i++) {
            uint32_t magnitude = bitsOf(x[i]) & 0x7FFFFFFFu;
            largest = magnitude > largest ? magnitude : largest;
        }
        if (largest >= 0x7F800000u) {
            scales[block] = 0x7FC0u;
            memset(q, 0, length);
            continue;
        }
        uint32_t scale = (bitsOf(valueOf(largest) * (1.0f / 127.0f)) + 0xFFFFu) >> 16;
        scales[block] = (uint16_t)scale;
        // Below the smallest normal scale there is nothing worth keeping; its inverse would overflow.
        float inverse = scale < 0x80u ? 0.0f : 1.0f / valueOf(scale << 16);
        if (scale < 0x80u) scales[block] = 0;
        for (size_t i = 0; i < length; i++) {
            // Adding 1.5·2^23 rounds to the nearest whole number, ties to even, and leaves it in the low bits.
            float shifted = x[i] * inverse + 12582912.0f;
            q[i] = (int8_t)(int32_t)(bitsOf(shifted) - 0x4B400000u);
        }
    }
}

BODY loadInt8(const int8_t *restrict from, const uint16_t *restrict scales, float *restrict to, size_t count) {
    for (size_t block = 0; block * CK_SAVED_BLOCK < count; block++) {
        float scale = valueOf((uint32_t)scales[block] << 16);
        size_t left = count - block * CK_SAVED_BLOCK;
        size_t length = left < CK_SAVED_BLOCK ? left : CK_SAVED_BLOCK;
        for (size_t i = 0; i < length; i++)
            to[block * CK_SAVED_BLOCK + i] = (float)(int32_t)from[block * CK_SAVED_BLOCK + i] * scale;
    }
}

// MARK: One copy per instruction set

#define CAT(a, b) a##b
#define VARIANT(suffix, attributes)                                                                                    \
    attributes static void CAT(storeBF16, suffix)(const float *from, uint16_t *to, size_t count) {                     \
        storeBF16(from, to, count);                                                                                    \
    }                                                                                                                  \
    attributes static void CAT(loadBF16, suffix)(const uint16_t *from, float *to, size_t count) {                      \
        loadBF16(from, to, count);                                                                                     \
    }                                                                                                                  \
    attributes static void CAT(storeInt8, suffix)(                                                                     \
        const float *from, int8_t *to, uint16_t *scales, size_t count) {                                               \
        storeInt8(from, to, scales, count);                                                                            \
    }                                                                                                                  \
    attributes static void CAT(loadInt8, suffix)(                                                                      \
        const int8_t *from, const uint16_t *scales, float *to, size_t count) {                                         \
        loadInt8(from, scales, to, count);                                                                             \
    }

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

void ck_store_bf16(const float *from, uint16_t *to, size_t count) { PICK(storeBF16, from, to, count); }

void ck_load_bf16(const uint16_t *from, float *to, size_t count) { PICK(loadBF16, from, to, count); }

void ck_store_int8(const float *from, int8_t *to, uint16_t *scales, size_t count) {
    PICK(storeInt8, from, to, scales, count);
}

void ck_load_int8(const int8_t *from, const uint16_t *scales, float *to, size_t count) {
    PICK(loadInt8, from, scales, to, count);
}
