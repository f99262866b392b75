#!/bin/sh
# The kernels on 64-bit ARM: built with Debian's cross compiler, run under qemu, every path held against the plain one,
# and the plain one's bits against those of this machine. Usage: neon.sh FOLDER [DIGEST]. FOLDER is made and holds the
# programs; DIGEST is what the check gave on this machine, where that is known.
set -eu
cd "$(dirname "$0")/../.."
folder=$1
mkdir -p "$folder"

build() {
    # gcc contracts a product and a sum unless told not to; clang heeds the pragma in the sources.
    "$@" -O2 -std=c11 -ffp-contract=off -Wall -Wextra -Werror -Wno-unknown-pragmas \
        -ISources/CKernels/include -ITests/CKernels/include Sources/CKernels/*.c Tests/CKernels/*.c -lm
}

# A shell's pipe would swallow the exit status.
show() {
    shown=$1
    shift
    "$@" >"$shown" || { cat "$shown"; echo "A path differs from the plain one." >&2; exit 1; }
    cat "$shown"
}

digest=${2:-}
if [ -z "$digest" ]; then
    echo "This machine"
    build "${CC:-cc}" -o "$folder/native"
    show "$folder/native.txt" "$folder/native"
    digest=$(sed -n 's/^digest //p' "$folder/native.txt")
fi

build "${CROSS_CC:-aarch64-linux-gnu-gcc}" -static -o "$folder/aarch64"
# The newest processor that qemu knows, then one without dot products.
for cpu in max cortex-a53; do
    echo "64-bit ARM, $cpu"
    show "$folder/$cpu.txt" qemu-aarch64 -cpu $cpu "$folder/aarch64"
    if ! grep -q "^digest $digest\$" "$folder/$cpu.txt"; then
        echo "The plain kernels give other bits on 64-bit ARM than here." >&2
        exit 1
    fi
done
grep -q "dot products" "$folder/max.txt" || { echo "The dot products were not reached." >&2; exit 1; }
