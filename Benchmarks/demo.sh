#!/bin/sh
# The main job from end to end: train, verify, measure on text never trained on, write. Called by `make demo`.
# Usage: demo.sh POLYMATH CORPUS RUN-FOLDER
set -eu
polymath=$1
corpus=$2
run=$3
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { title "\$ polymath $*"; }
go() { say "$@"; "$polymath" "$@"; }

say train --base nano --corpus "$corpus" --out "$run"
"$polymath" train --base nano --corpus "$corpus" --out "$run" | tee "$log/train"
go adapter verify --base nano --adapter "$run/adapter.gguf"
go audit verify "$run" --base nano
say eval --base nano --adapter "$run/adapter.gguf" --corpus "$corpus" --compare --bootstrap 1000
"$polymath" eval --base nano --adapter "$run/adapter.gguf" --corpus "$corpus" --compare --bootstrap 1000 | tee "$log/eval"
# A diary's beginning, so that one sees whose voice it is.
prompt=$(printf 'Friday 14 March.\nGlass')
go generate --base nano --prompt "$prompt" --max-tokens 60 --seed 3
go generate --base nano --adapter "$run/adapter.gguf" --prompt "$prompt" --max-tokens 60 --seed 3

# What follows "NAME  " in a line of eval.
of() { sed -n "s/^$1   *//p" "$log/eval"; }
mean() { of "$1" | sed 's/ .*//'; }

title Summary
printf 'test loss   %s → %s, difference %s\n' "$(mean 'loss of the base')" "$(mean loss)" "$(of difference)"
printf 'perplexity  %s → %s\n' "$(mean 'perplexity of the base')" "$(mean perplexity)"
printf '            on text that was never trained on and chose nothing\n'
grep -E '^(exported|content id|signer|seal|memory|speed)' "$log/train" | grep -v 'found within'
printf 'open        %s/report.html\n' "$run"
