// Decoders as plain loops, compiled once for each instruction set. Layouts: Sources/Blocks/Decode+Plain.swift and
// Decode+K.swift; the arithmetic is theirs operation by operation, so the bits are too.

#include "CKernels.h"
#include "floats.h"

// A fused multiply-add would round once where Swift rounds twice.
#pragma STDC FP_CONTRACT OFF

#define BODY static inline __attribute__((always_inline)) void

BODY q4_0(const uint8_t *restrict p, float *restrict x, size_t blocks) {
    for (; blocks > 0; blocks--, p += 18, x += 32) {
        float d = ckHalf(p);
        for (int j = 0; j < 16; j++) {
            int32_t q = p[2 + j];
            x[j] = (float)((q & 15) - 8) * d;
            x[j + 16] = (float)((q >> 4) - 8) * d;
        }
    }
}

BODY q8_0(const uint8_t *restrict p, float *restrict x, size_t blocks) {
    for (; blocks > 0; blocks--, p += 34, x += 32) {
        float d = ckHalf(p);
        for (int j = 0; j < 32; j++) x[j] = (float)(int32_t)(int8_t)p[2 + j] * d;
    }
}

BODY q4_K(const uint8_t *restrict p, float *restrict x, size_t blocks) {
    for (; blocks > 0; blocks--, p += 144, x += 256) {
        float d = ckHalf(p), dmin = ckHalf(p + 2);
        const uint8_t *s = p + 4;
        float scale[8], minimum[8];
        for (int j = 0; j < 4; j++) {
            scale[j] = d * (float)(int32_t)(s[j] & 63);
            minimum[j] = dmin * (float)(int32_t)(s[j + 4] & 63);
            scale[j + 4] = d * (float)(int32_t)((s[j + 8] & 15) | ((s[j] >> 6) << 4));
            minimum[j + 4] = dmin * (float)(int32_t)((s[j + 8] >> 4) | ((s[j + 4] >> 6) << 4));
        }
        for (int pair = 0; pair < 4; pair++) {
            const uint8_t *q = p + 16 + pair * 32;
            float *y = x + pair * 64;
            float d1 = scale[2 * pair], m1 = minimum[2 * pair];
            float d2 = scale[2 * pair + 1], m2 = minimum[2 * pair + 1];
            for (int j = 0; j < 32; j++) {
                int32_t byte = q[j];
                y[j] = d1 * (float)(byte & 15) - m1;
                y[j + 32] = d2 * (float)(byte >> 4) - m2;
            }
        }
    }
}

BODY q6_K(const uint8_t *restrict p, float *restrict x, size_t blocks) {
    for (; blocks > 0; blocks--, p += 210, x += 256) {
        float d = ckHalf(p + 208);
        for (int quarter = 0; quarter < 4; quarter++) {
            int upper = quarter >> 1, run = quarter & 1;
            const uint8_t *l = p + upper * 64 + run * 16;
            const uint8_t *h = p + 128 + upper * 32 + run * 16;
            const uint8_t *s = p + 192 + upper * 8 + run;
            float s1 = d * (float)(int32_t)(int8_t)s[0], s2 = d * (float)(int32_t)(int8_t)s[2];
            float s3 = d * (float)(int32_t)(int8_t)s[4], s4 = d * (float)(int32_t)(int8_t)s[6];
            float *y = x + upper * 128 + run * 16;
            for (int j = 0; j < 16; j++) {
                int32_t a = l[j], b = l[j + 32], c = h[j];
                y[j] = s1 * (float)(((a & 15) | (c & 3) << 4) - 32);
                y[j + 32] = s2 * (float)(((b & 15) | (c & 12) << 2) - 32);
                y[j + 64] = s3 * (float)(((a >> 4) | (c & 48)) - 32);
                y[j + 96] = s4 * (float)(((b >> 4) | (c & 192) >> 2) - 32);
            }
        }
    }
}

static inline __attribute__((always_inline)) bool decodeRows(
    uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows, size_t blocks) {
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *p = from + row * fromStride;
        float *x = to + row * toStride;
        switch (type) {
        case 2: q4_0(p, x, blocks); break;
        case 8: q8_0(p, x, blocks); break;
        case 12: q4_K(p, x, blocks); break;
        case 14: q6_K(p, x, blocks); break;
        default: return false;
        }
    }
    return true;
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))) static bool decodeAVX512(
    uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows, size_t blocks) {
    return decodeRows(type, from, fromStride, to, toStride, rows, blocks);
}

__attribute__((target("avx2"))) static bool decodeAVX2(
    uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows, size_t blocks) {
    return decodeRows(type, from, fromStride, to, toStride, rows, blocks);
}

static bool hasAVX512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

bool ck_decode_on(
    CKPath path, uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows,
    size_t blocks) {
    switch (path) {
    case CKPathPlain:
        return decodeRows(type, from, fromStride, to, toStride, rows, blocks);
#if defined(__x86_64__)
    case CKPathAVX2:
        return __builtin_cpu_supports("avx2") && decodeAVX2(type, from, fromStride, to, toStride, rows, blocks);
    case CKPathAVX512:
        return hasAVX512() && decodeAVX512(type, from, fromStride, to, toStride, rows, blocks);
#elif defined(__aarch64__)
    case CKPathNEON:  // Part of every 64-bit ARM: the compiler's own vectors.
        return decodeRows(type, from, fromStride, to, toStride, rows, blocks);
#endif
    default:
        return false;
    }
}

bool ck_decode(
    uint32_t type, const uint8_t *from, size_t fromStride, float *to, size_t toStride, size_t rows, size_t blocks) {
#if defined(__x86_64__)
    if (hasAVX512()) return decodeAVX512(type, from, fromStride, to, toStride, rows, blocks);
    if (__builtin_cpu_supports("avx2")) return decodeAVX2(type, from, fromStride, to, toStride, rows, blocks);
#endif
    return decodeRows(type, from, fromStride, to, toStride, rows, blocks);
}
