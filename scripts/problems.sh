#!/usr/bin/env bash
# Random convolutions (cornu/kernels/random_problems_test.cc), at the lowest priority and CHUNK to a
# process, by default 500, until docs/problems.json counts COUNT of integers and COUNT of reals for the
# kernels as they are:
#   scripts/problems.sh COUNT [--preset NAME] [--chunk CHUNK]
# NAME is one of CMakePresets.json, by default release; arm64 is NEON, run by qemu. It can be ended at any
# time: the next run goes on after the last chunk that was counted. Fails on the first wrong result.
. "$(dirname "$0")/common.sh"

usage="usage: scripts/problems.sh COUNT [--preset NAME] [--chunk CHUNK]"
[[ ${1:-} =~ ^[0-9]+$ ]] || die "how many problems?" "$usage"
count=$1 preset=release chunk=500
shift
while [ $# -gt 0 ]; do
  case $1-$# in
    --preset-1 | --chunk-1) die "$1 needs a value" "$usage" ;;
    --preset-*) preset=$2 ;;
    --chunk-*) chunk=$2 ;;
    *) die "unknown option $1" "$usage" ;;
  esac
  shift 2
done

build=build/$preset
step "configuring $build" cmake --preset "$preset" -DCORNU_TESTS=ON
step "building test_kernels" nice cmake --build "$build" --target test_kernels
# Another build must not change what is running.
program=$build/problems
cp "$build/tests/test_kernels" "$program"
run=(nice -n 19)
[ "$preset" != arm64 ] || run+=(qemu-aarch64-static)

ledger() { CORNU_LEDGER=docs/problems.json scripts/fuzz_ledger.py "$@"; }
# Of the kernels, of what they are to compute and of the draw; other tests change nothing.
sha=$(find cornu/ops cornu/kernels -name '*.h' -o -name '*.cc' ! -name '*_test.cc' -o \
  -name random_problems_test.cc | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)

# One chunk: counts it, and says whether nothing was found.
round() {
  local what=$1 filter=$2 first=$3 size=$4 log result=nothing begin=$SECONDS
  log=$(mktemp)
  CORNU_FIRST_PROBLEM=$first CORNU_PROBLEMS=$size "${run[@]}" "$program" --gtest_filter="$filter" \
    >"$log" 2>&1 || result="see $log"
  # A test that is not there must not count.
  grep -q '^\[  PASSED  \] 1 test' "$log" || result="see $log"
  [ "$result" = nothing ] || size=0
  ledger add "$sha" "$what" "$size" $((SECONDS - begin)) "$result"
  say "$what: from $first, $size in $((SECONDS - begin)) s, found: $result"
  if [ "$result" != nothing ]; then
    tail -n 40 "$log" >&2
    return 1
  fi
  rm -f "$log"
}

# In turn, so that each has had its share whenever this ends.
open=yes
while [ "$open" ]; do
  open=
  for kind in integers=RandomProblems.Strict\* reals=RandomProblems.Fast\*; do
    what="$preset ${kind%%=*}"
    done=$(ledger count "$sha" "$what")
    [ "$done" -lt "$count" ] || continue
    open=yes
    left=$((count - done))
    round "$what" "${kind#*=}" "$done" $((left < chunk ? left : chunk)) || die "$what: a wrong result"
  done
done
