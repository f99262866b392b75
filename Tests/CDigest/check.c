// Says what the instructions for SHA-256 make of a message, for a script to hold against another program's digests.
//
//     check has                   exit status 0 where the processor has the instructions
//     check message COUNT START   the bytes from START on of a message of COUNT bytes
//     check whole COUNT           its digest
//     check last COUNT PIECE      that of its last piece of PIECE bytes, or fewer

#include "CDigest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "has") == 0) return cd_has_sha256() ? 0 : 1;
    if (count < 3) return 2;
    size_t byteCount = strtoul(words[2], NULL, 10), other = count > 3 ? strtoul(words[3], NULL, 10) : byteCount + 1;
    uint8_t *message = malloc(byteCount + 1);
    for (size_t i = 0; i < byteCount; i++) message[i] = (uint8_t)(i * 2654435761u >> 13);
    if (strcmp(words[1], "message") == 0) return fwrite(message + other, 1, byteCount - other, stdout) == 0;
    uint8_t digests[2][32] = {{0}};
    CDState whole = cd_begin();
    for (size_t start = 0; start < byteCount; start += other) {
        size_t length = byteCount - start < other ? byteCount - start : other;
        CDState piece = cd_begin();
        cd_update_both(&whole, &piece, message + start, length / CD_BLOCK);
        cd_finish(&piece, message + start + length / CD_BLOCK * CD_BLOCK, length, digests[1]);
    }
    cd_finish(&whole, message + byteCount / CD_BLOCK * CD_BLOCK, byteCount, digests[0]);
    for (int i = 0; i < 32; i++) printf("%02x", digests[strcmp(words[1], "last") == 0][i]);
    puts("");
    free(message);
    return 0;
}
