// What the machine can do at best: the multiplying instructions alone, on registers, in enough independent chains to keep
// every unit busy. No kernel can be faster; how near one comes is its share of the peak.

#include "routines.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Chains: more than the latency of any of these instructions times those begun in a cycle, and few enough to stay in
// registers beside the operand.
enum { CHAINS = 12 };

#define LOOP(zero, step)                                                                                               \
    for (int i = 0; i < CHAINS; i++) sum[i] = zero;                                                                    \
    for (uint64_t n = 0; n < iterations; n++) {                                                                        \
        for (int i = 0; i < CHAINS; i++) sum[i] = step;                                                                \
        /* The compiler may neither drop the chains nor move them out of registers. */                                 \
        for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : "+v"(sum[i]));                                          \
    }

__attribute__((target("avx512f"))) static double float32AVX512(uint64_t iterations) {
    __m512 sum[CHAINS], x = _mm512_set1_ps(0.5f);
    LOOP(_mm512_setzero_ps(), _mm512_fmadd_ps(x, x, sum[i]))
    return 2.0 * 16 * CHAINS * (double)iterations;
}

__attribute__((target("avx2,fma"))) static double float32AVX2(uint64_t iterations) {
    __m256 sum[CHAINS], x = _mm256_set1_ps(0.5f);
    LOOP(_mm256_setzero_ps(), _mm256_fmadd_ps(x, x, sum[i]))
    return 2.0 * 8 * CHAINS * (double)iterations;
}

__attribute__((target("avx512f,avx512bf16"))) static double bf16AVX512(uint64_t iterations) {
    __m512 sum[CHAINS];
    __m512bh x = (__m512bh)_mm512_set1_epi32(0x3F003F00);
    LOOP(_mm512_setzero_ps(), _mm512_dpbf16_ps(sum[i], x, x))
    return 2.0 * 32 * CHAINS * (double)iterations;
}

__attribute__((target("avx512f,avx512vnni"))) static double int8AVX512(uint64_t iterations) {
    __m512i sum[CHAINS], x = _mm512_set1_epi8(1);
    LOOP(_mm512_setzero_si512(), _mm512_dpbusd_epi32(sum[i], x, x))
    return 2.0 * 64 * CHAINS * (double)iterations;
}
#endif

double ck_peak_operations(CKPeak which, uint64_t iterations) {
#if defined(__x86_64__)
    switch (which) {
    case CKPeakF32:
        if (__builtin_cpu_supports("avx512f")) return float32AVX512(iterations);
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return float32AVX2(iterations);
        break;
    case CKPeakBF16:
        if (ckHasBF16AVX512()) return bf16AVX512(iterations);
        break;
    case CKPeakInt8:
        if (ckHasInt8AVX512()) return int8AVX512(iterations);
        break;
    }
#else
    (void)which;
    (void)iterations;
#endif
    return 0;
}
