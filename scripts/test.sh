#!/usr/bin/env bash
# Builds and runs the tests. The last line is "N passed, N failed".
#   scripts/test.sh [--preset NAME] [--only "FOLDER ..."]
# NAME is one of CMakePresets.json, by default release. --only takes some of the folders under
# cornu/ and tests/, by default all. Tests of real models and beside other programs need the network
# once, to fetch those, unless CORNU_MODELS names a folder that scripts/fetch-models.sh filled, and
# CORNU_NODE_MODULES the node_modules of scripts/fetch-node-packages.sh.
. "$(dirname "$0")/common.sh"

preset=release only=()
while [ $# -gt 0 ]; do
  case $1-$# in
    --preset-1 | --only-1) die "$1 needs a value" ;;
    --preset-*) preset=$2 ;;
    --only-*) read -ra only <<<"$2" ;;
    *) die "unknown option $1" 'usage: scripts/test.sh [--preset NAME] [--only "FOLDER ..."]' ;;
  esac
  shift 2
done

# Whatever ends this script, its last line counts; what does not build is one failure.
passed=0 failed=1
trap 'echo "$passed passed, $failed failed"' EXIT

needed=(--test)
[ "$preset" != arm64 ] || needed+=(--arm64)
scripts/install-deps.sh "${needed[@]}"
if [ -z "${CORNU_MODELS:-}" ]; then
  scripts/fetch-models.sh build/models
  export CORNU_MODELS=$PWD/build/models
fi

[ -n "${CORNU_NODE_MODULES:-}" ] || scripts/fetch-node-packages.sh

build=build/$preset
step "configuring $build" cmake --preset "$preset" -DCORNU_TESTS=ON
targets=(all) select=()
if [ ${#only[@]} -gt 0 ]; then
  targets=()
  for folder in "${only[@]}"; do
    # Tests that are no program of their own (tests/install) use all that is built.
    cmake --build "$build" -t help | grep "^test_$folder:" >/dev/null || folder=
    targets+=("${folder:+test_}${folder:-all}")
  done
  select=(-L "^($(IFS='|' && echo "${only[*]}"))\$")
fi
step "building ${targets[*]}" cmake --build "$build" -j "$(nproc)" -t "${targets[@]}"

say "running the tests"
results=$(mktemp)
status=0
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "${select[@]}" \
  --output-junit "$results" || status=$?
count() { grep -m 1 -oP "\b$1=\"\K[0-9]+" "$results"; }
if [ -s "$results" ]; then
  failed=$(count failures)
  passed=$(($(count tests) - failed - $(count skipped) - $(count disabled)))
  say "$(count skipped) skipped"
  for name in $(grep -oP '<testcase name="\K[^"]*(?="[^>]*status="fail")' "$results"); do
    say "failed: $name"
  done
fi
rm -f "$results"
[ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
exit "$status"
