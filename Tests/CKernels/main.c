// The check as a program: prints the paths that it met and the digest, and leaves with 1 where a path differs.

#include "CKernelsCheck.h"

#include <stdio.h>

int main(void) {
    static const char *const names[] = {"plain", "AVX2", "AVX-VNNI", "AVX-512", "NEON", "dot products"};
    for (int kind = 0; kind < 2; kind++) {
        printf("%s:", kind == CKBF16 ? "bf16" : "int8");
        for (int path = 0; path <= CKPathDot; path++)
            if (ck_has_path((CKKind)kind, (CKPath)path)) printf(" %s,", names[path]);
        printf(" fastest: %s\n", names[ck_best_path((CKKind)kind)]);
    }
    uint64_t digest;
    int differences = ck_check(CK_CHECK_ROUNDS, &digest);
    printf("digest %016llx\n", (unsigned long long)digest);
    return differences == 0 ? 0 : 1;
}
