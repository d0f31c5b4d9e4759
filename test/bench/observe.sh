#!/bin/sh
# What it costs to be observed: processor time per getppid in a tight loop, unobserved, as an unwatched process of a host
# on which plimsoll learns containers, and as the command that plimsoll learns. Rounds are interleaved; medians are printed.
# Usage: observe.sh [ROUNDS [CALLS]]. Run it through `make bench` on a quiet machine.
set -eu

rounds=${1:-5}
calls=${2:-4000000}
work=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-bench.XXXXXX")
learner=''
trap 'rm -rf "$work"; [ -z "$learner" ] || kill "$learner" 2>/dev/null || true' EXIT
gcc -O2 -static -o "$work/loop" test/fixtures/programs/loop.c

# "... C ns of processor time" to nanoseconds per call
per_call() { sed -nE 's/.* ([0-9]+) ns of processor time.*/\1/p' | awk -v n="$calls" '{ printf "%d\n", $1 / n }'; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for round in $(seq "$rounds"); do
  "$work/loop" "$calls" 1 | per_call >>"$work/none"
  node dist/cli/main.js learn --all --state "$work/state" 2>"$work/said" >/dev/null &
  learner=$!
  until grep -q 'probes attached' "$work/said"; do sleep 0.1; done
  "$work/loop" "$calls" 1 | per_call >>"$work/unwatched"
  kill -TERM "$learner"
  wait "$learner" || true
  learner=''
  node dist/cli/main.js learn --state "$work/state" -- "$work/loop" "$calls" 1 2>/dev/null | per_call >>"$work/watched"
  echo "round $round: $(tail -n 1 "$work/none") $(tail -n 1 "$work/unwatched") $(tail -n 1 "$work/watched") ns" >&2
done

none=$(median "$work/none")
echo "bpftrace: $(bpftrace --version 2>/dev/null)"
for kind in none unwatched watched; do
  value=$(median "$work/$kind")
  echo "$kind: $value ns a call, $(awk -v a="$value" -v b="$none" 'BEGIN { printf "%.1f", a / b }') times"
done
