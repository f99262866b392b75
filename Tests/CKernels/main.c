// The check as a program: prints the paths that it met and the digest, and leaves with 1 where a path differs. With the
// argument `speed` it times each path instead.

#include "CKernelsCheck.h"

#include <stdio.h>
#include <string.h>

void ck_speed(CKKind kind, CKPath path, const char *name);

int main(int count, char **arguments) {
    bool timesOnly = count == 2 && strcmp(arguments[1], "speed") == 0;
    static const char *const names[] = {"plain", "AVX2", "AVX-VNNI", "AVX-512", "NEON", "dot products"};
    for (int kind = 0; kind < 2; kind++) {
        if (!timesOnly) printf("%s:", kind == CKBF16 ? "bf16" : "int8");
        for (int path = 0; path <= CKPathDot; path++) {
            if (!ck_has_path((CKKind)kind, (CKPath)path)) continue;
            if (timesOnly) ck_speed((CKKind)kind, (CKPath)path, names[path]);
            else printf(" %s,", names[path]);
        }
        if (!timesOnly) printf(" fastest: %s\n", names[ck_best_path((CKKind)kind)]);
    }
    if (timesOnly) return 0;
    uint64_t digest;
    int differences = ck_check(CK_CHECK_ROUNDS, &digest);
    printf("digest %016llx\n", (unsigned long long)digest);
    return differences == 0 ? 0 : 1;
}
