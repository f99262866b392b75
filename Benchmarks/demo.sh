#!/bin/sh
# The main job from end to end: train, verify, measure on text never trained on, write. Called by `make demo`.
# Usage: demo.sh POLYMATH CORPUS RUN-FOLDER
set -eu
polymath=$1
corpus=$2
run=$3
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

say() { printf '\n\033[1m$ polymath %s\033[0m\n' "$*"; }
go() { say "$@"; "$polymath" "$@"; }

say train --base nano --corpus "$corpus" --out "$run"
"$polymath" train --base nano --corpus "$corpus" --out "$run" | tee "$log/train"
go adapter verify --base nano --adapter "$run/adapter.gguf"
go audit verify "$run" --base nano
say eval --base nano --adapter "$run/adapter.gguf" --corpus "$corpus" --compare --bootstrap 1000
"$polymath" eval --base nano --adapter "$run/adapter.gguf" --corpus "$corpus" --compare --bootstrap 1000 | tee "$log/eval"
prompt='Called the relay at 7. Mr Tamsin'
go generate --base nano --prompt "$prompt" --max-tokens 60 --seed 7
go generate --base nano --adapter "$run/adapter.gguf" --prompt "$prompt" --max-tokens 60 --seed 7

printf '\n\033[1mSummary\033[0m (test text: never trained on, never used to choose)\n'
grep -E '^(loss|perplexity|difference)' "$log/eval"
grep -E '^(exported|content id|signer|seal|memory|speed)' "$log/train" | grep -v 'found within'
printf 'open        %s/report.html\n' "$run"
