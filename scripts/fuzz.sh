#!/usr/bin/env bash
# Fuzzes the file readers: scripts/fuzz.sh SECONDS [TARGET...], each target (fuzz_json, ...) for
# SECONDS. Fails on the first crash, leak, slow input (1 s) or input that takes too much memory, whose
# bytes are left in build/fuzz/crashes. Inputs worth keeping gather in build/fuzz/corpus.
. "$(dirname "$0")/common.sh"

[[ ${1:-} =~ ^[0-9]+$ ]] || die "how long?" "usage: scripts/fuzz.sh SECONDS [TARGET...]"
seconds=$1
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cc; do targets+=("$(basename "$source" .cc)"); done
fi

build=build/fuzz
step "configuring $build" cmake --preset fuzz -DCORNU_KERNELS=OFF
step "building ${targets[*]}" cmake --build "$build" --target "${targets[@]}"
mkdir -p "$build/crashes"
for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target"
  words=()
  if [ -f "tests/fuzz/$target.dict" ]; then words=(-dict="tests/fuzz/$target.dict"); fi
  step "$target for $seconds s" "$build/tests/fuzz/$target" "${words[@]}" -max_total_time="$seconds" \
    -max_len=12288 -timeout=1 -rss_limit_mb=512 -malloc_limit_mb=64 \
    -artifact_prefix="$build/crashes/$target-" "$build/corpus/$target" "tests/fuzz/corpus/$target"
done
