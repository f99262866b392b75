// Every path of every kernel against the plain one, on this processor: random ragged shapes, and numbers of all sorts.

#ifndef POLYMATH_CKERNELS_CHECK_H
#define POLYMATH_CKERNELS_CHECK_H

#include "CKernels.h"

/// Rounds that the programs of `make neon` do.
enum { CK_CHECK_ROUNDS = 20 };

/// Prints a line for each difference and returns how many there are. The digest is of all plain results, of saved
/// activations and of moments, any NaN counting as any other: it is the same on every machine. Not for two threads at once.
int ck_check(int rounds, uint64_t *digestOfPlain);

#endif
