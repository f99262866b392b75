// FIPS 180-4, section 6.2, with the instructions of x86 (Intel SHA Extensions, 2013) and of 64-bit ARM (FEAT_SHA256).

#include "CDigest.h"

#include <string.h>

// The first 32 bits of the fractional parts of the square roots of the first 8 primes (section 5.3.3).
CDState cd_begin(void) {
    CDState state = {{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}};
    return state;
}

#if defined(__x86_64__) || defined(__aarch64__)

// Those of the cube roots of the first 64 primes (section 4.2.2).
static const uint32_t roundConstants[64] __attribute__((aligned(16))) = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

#endif

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

int cd_has_sha256(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
    // SSSE3 for the byte order, SSE4.1 for the blend.
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 9 & 1) && (c >> 19 & 1);
}

// The instructions keep the words as (f, e, b, a) and (h, g, d, c), lowest first.
typedef struct {
    __m128i feba, hgdc;
} Registers;

__attribute__((target("sse4.1"))) static Registers load(const CDState *state) {
    __m128i dcba = _mm_loadu_si128((const __m128i *)state->words);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(state->words + 4));
    __m128i abcd = _mm_shuffle_epi32(dcba, 0x1B), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    Registers registers = {_mm_unpackhi_epi64(efgh, abcd), _mm_unpacklo_epi64(efgh, abcd)};
    return registers;
}

__attribute__((target("sse4.1"))) static void store(CDState *state, Registers registers) {
    __m128i abcd = _mm_unpackhi_epi64(registers.hgdc, registers.feba);
    __m128i efgh = _mm_unpacklo_epi64(registers.hgdc, registers.feba);
    _mm_storeu_si128((__m128i *)state->words, _mm_shuffle_epi32(abcd, 0x1B));
    _mm_storeu_si128((__m128i *)(state->words + 4), _mm_shuffle_epi32(efgh, 0x1B));
}

// Four rounds of one message.
#define FOUR_ROUNDS(r, wk)                                                 \
    (r).hgdc = _mm_sha256rnds2_epu32((r).hgdc, (r).feba, wk);              \
    (r).feba = _mm_sha256rnds2_epu32((r).feba, (r).hgdc, _mm_shuffle_epi32(wk, 0x0E))

__attribute__((target("sha,sse4.1"))) void cd_update_both(
    CDState *whole, CDState *piece, const uint8_t *blocks, size_t count) {
    const __m128i bigEndian = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    Registers a = load(whole), b = load(piece);
    for (; count > 0; count--, blocks += CD_BLOCK) {
        Registers a0 = a, b0 = b;
        __m128i w[4];
#if defined(__clang__)
#pragma clang loop unroll(full)
#endif
        for (int i = 0; i < 16; i++) {
            // The words that rounds 4i to 4i + 3 take.
            __m128i now;
            if (i < 4) {
                now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks + i), bigEndian);
            } else {
                now = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
                now = _mm_add_epi32(now, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
                now = _mm_sha256msg2_epu32(now, w[(i + 3) & 3]);
            }
            w[i & 3] = now;
            __m128i wk = _mm_add_epi32(now, _mm_load_si128((const __m128i *)roundConstants + i));
            FOUR_ROUNDS(a, wk);
            FOUR_ROUNDS(b, wk);
        }
        a.feba = _mm_add_epi32(a.feba, a0.feba);
        a.hgdc = _mm_add_epi32(a.hgdc, a0.hgdc);
        b.feba = _mm_add_epi32(b.feba, b0.feba);
        b.hgdc = _mm_add_epi32(b.hgdc, b0.hgdc);
    }
    store(whole, a);
    store(piece, b);
}

#elif defined(__aarch64__)

#include <arm_neon.h>

#if defined(__linux__)
#include <sys/auxv.h>
#endif

int cd_has_sha256(void) {
#if defined(__linux__)
    // HWCAP_SHA2 of asm/hwcap.h.
    return (getauxval(AT_HWCAP) >> 6 & 1) != 0;
#else
    return 1;
#endif
}

typedef struct {
    uint32x4_t abcd, efgh;
} Registers;

#if defined(__clang__)
__attribute__((target("sha2")))
#else
__attribute__((target("+crypto")))
#endif
void cd_update_both(CDState *whole, CDState *piece, const uint8_t *blocks, size_t count) {
    Registers a = {vld1q_u32(whole->words), vld1q_u32(whole->words + 4)};
    Registers b = {vld1q_u32(piece->words), vld1q_u32(piece->words + 4)};
    for (; count > 0; count--, blocks += CD_BLOCK) {
        Registers a0 = a, b0 = b;
        uint32x4_t w[4];
#if defined(__clang__)
#pragma clang loop unroll(full)
#endif
        for (int i = 0; i < 16; i++) {
            // The words that rounds 4i to 4i + 3 take.
            w[i & 3] = i < 4 ? vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)))
                             : vsha256su1q_u32(
                                   vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
            uint32x4_t wk = vaddq_u32(w[i & 3], vld1q_u32(roundConstants + 4 * i));
            uint32x4_t abcd = a.abcd;
            a.abcd = vsha256hq_u32(abcd, a.efgh, wk);
            a.efgh = vsha256h2q_u32(a.efgh, abcd, wk);
            abcd = b.abcd;
            b.abcd = vsha256hq_u32(abcd, b.efgh, wk);
            b.efgh = vsha256h2q_u32(b.efgh, abcd, wk);
        }
        a.abcd = vaddq_u32(a.abcd, a0.abcd);
        a.efgh = vaddq_u32(a.efgh, a0.efgh);
        b.abcd = vaddq_u32(b.abcd, b0.abcd);
        b.efgh = vaddq_u32(b.efgh, b0.efgh);
    }
    vst1q_u32(whole->words, a.abcd);
    vst1q_u32(whole->words + 4, a.efgh);
    vst1q_u32(piece->words, b.abcd);
    vst1q_u32(piece->words + 4, b.efgh);
}

#else

int cd_has_sha256(void) { return 0; }

void cd_update_both(CDState *whole, CDState *piece, const uint8_t *blocks, size_t count) {
    (void)whole, (void)piece, (void)blocks, (void)count;
}

#endif

void cd_finish(CDState *state, const uint8_t *tail, uint64_t byteCount, uint8_t digest[32]) {
    // A one, zeros, and the number of bits in 64 bits at the end of a block (section 5.1.1).
    uint8_t last[2 * CD_BLOCK] = {0};
    size_t tailCount = byteCount % CD_BLOCK;
    if (tailCount > 0) memcpy(last, tail, tailCount);
    last[tailCount] = 0x80;
    size_t blocks = tailCount < CD_BLOCK - 8 ? 1 : 2;
    for (int i = 0; i < 8; i++) last[blocks * CD_BLOCK - 1 - i] = (uint8_t)(byteCount * 8 >> 8 * i);
    CDState other = *state;
    cd_update_both(state, &other, last, blocks);
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(state->words[i / 4] >> (24 - 8 * (i % 4)));
}
