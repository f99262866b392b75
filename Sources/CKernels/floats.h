// The bits of floats, and half precision.

#ifndef POLYMATH_CKERNELS_FLOATS_H
#define POLYMATH_CKERNELS_FLOATS_H

#include <stdint.h>
#include <string.h>

static inline __attribute__((always_inline)) float ckFromBits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline __attribute__((always_inline)) uint32_t ckToBits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// The bits of |value|; they grow with it, and those of infinity and NaN come last.
static inline __attribute__((always_inline)) uint32_t ckMagnitude(float value) { return ckToBits(value) & 0x7FFFFFFFu; }

/// The little-endian binary16 at p.
static inline __attribute__((always_inline)) float ckHalf(const uint8_t *p) {
    uint32_t word = ((uint32_t)p[0] | (uint32_t)p[1] << 8) << 16;
    uint32_t doubled = word + word;
    float normal = ckFromBits((doubled >> 4) + ((uint32_t)0xE0 << 23)) * 0x1p-112f;
    float subnormal = ckFromBits((doubled >> 17) | ((uint32_t)126 << 23)) - 0.5f;
    uint32_t magnitude = doubled < ((uint32_t)1 << 27) ? ckToBits(subnormal) : ckToBits(normal);
    return ckFromBits((word & 0x80000000u) | magnitude);
}

#endif
