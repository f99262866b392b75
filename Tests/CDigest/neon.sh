#!/bin/sh
# SHA-256 by the instructions of 64-bit ARM, built with Debian's cross compiler and run under qemu, against sha256sum.
# Usage: neon.sh FOLDER. FOLDER is made and holds the program.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$1"
program=$1/digest
"${CROSS_CC:-aarch64-linux-gnu-gcc}" -O2 -std=c11 -Wall -Wextra -Werror -static -ISources/CDigest/include \
    Sources/CDigest/sha256.c Tests/CDigest/check.c -o "$program"
run() { qemu-aarch64 -cpu max "$program" "$@"; }
digest() { run message "$@" | sha256sum | cut -d ' ' -f 1; }

run has || { echo "qemu's newest processor should have the instructions." >&2; exit 1; }
for count in 1 55 56 63 64 65 119 120 1000 100001; do
    [ "$(run whole $count)" = "$(digest $count 0)" ] || { echo "$count bytes: another digest" >&2; exit 1; }
done
for count in 8191 8192 8200 12000; do
    start=$(( (count - 1) / 4096 * 4096 ))
    [ "$(run last $count 4096)" = "$(digest $count $start)" ] || { echo "$count bytes: another piece" >&2; exit 1; }
    [ "$(run whole $count)" = "$(digest $count 0)" ] || { echo "$count bytes: another digest" >&2; exit 1; }
done
echo "SHA-256 on 64-bit ARM: 18 digests agree with sha256sum"
