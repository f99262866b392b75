#!/bin/sh
# Coverage-guided fuzzing of every reader, or of those that are named: `fuzz.sh RUNS [TARGET …]`.
# Needs no more than the Swift toolchain, whose libFuzzer it uses. Inputs found lie in .build/fuzz/corpus/TARGET and are
# gone on with; one that breaks something is left as .build/fuzz/crash-TARGET-… and belongs into Tests/Fuzz/Regressions.
set -eu
runs=$1
shift
build=.build/fuzz
swift build -c release --sanitize=fuzzer -Xswiftc -DLIBFUZZER --scratch-path $build --product polymath-fuzz
swift build --product polymath-fuzz
targets=${*:-$(POLYMATH_FUZZ='?' .build/debug/polymath-fuzz 2>&1 | sed 's/.*one of //; s/, not.*//; s/,//g')}
failed=
for target in $targets; do
    corpus=$build/corpus/$target
    mkdir -p "$corpus"
    POLYMATH_FUZZ=$target .build/debug/polymath-fuzz --write-seeds "$corpus" >/dev/null
    regressions=
    [ -d "Tests/Fuzz/Regressions/$target" ] && regressions=Tests/Fuzz/Regressions/$target
    # One input of 64 KiB at the most; a second is an age for any of them.
    # shellcheck disable=SC2086
    # Swift's own crash reports would keep libFuzzer from writing the input down.
    if SWIFT_BACKTRACE=enable=no POLYMATH_FUZZ=$target $build/release/polymath-fuzz -runs="$runs" -max_len=65536 -len_control=20 -timeout=10 \
        -rss_limit_mb=2048 -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/crash-$target-" "$corpus" \
        $regressions >"$build/$target.log" 2>&1; then
        printf '%-16s %s\n' "$target" "$(grep -aE '^Done' "$build/$target.log"), $(grep -aoE 'cov: [0-9]+' "$build/$target.log" | tail -1), none broken"
    else
        printf '%-16s BROKEN: %s\n' "$target" "$(grep -aE 'Fatal|ERROR|Test unit' "$build/$target.log" | head -3 | tr '\n' ' ')"
        failed=1
    fi
done
[ -z "$failed" ]
