// SHA-256 of a message and of a piece of it, in one pass: both digests want the same message schedule, and a processor
// that waits for one's rounds has time for the other's. C, for the instructions. No allocation, no threads.

#ifndef POLYMATH_CDIGEST_H
#define POLYMATH_CDIGEST_H

#include <stddef.h>
#include <stdint.h>

/// Bytes that one step of the hash takes.
enum { CD_BLOCK = 64 };

/// The eight words that a message's blocks are worked into, first word first.
typedef struct {
    uint32_t words[8];
} CDState;

/// Whether this processor has the instructions; without them none of the rest may be called.
int cd_has_sha256(void);

/// A message of no bytes yet.
CDState cd_begin(void);

/// Works `count` blocks into both states.
void cd_update_both(CDState *whole, CDState *piece, const uint8_t *blocks, size_t count);

/// Ends a message: works in its last bytes, fewer than a block, and the padding, and writes the digest.
///
/// `byteCount`: of the whole message; `tail`: its last `byteCount % CD_BLOCK` bytes.
void cd_finish(CDState *state, const uint8_t *tail, uint64_t byteCount, uint8_t digest[32]);

#endif
