#!/usr/bin/env bash
# Fuzzes the file readers, each target (fuzz_json, ...) for SECONDS:
#   scripts/fuzz.sh SECONDS [TARGET...]
# or, at the lowest priority, until docs/fuzzing.json counts INPUTS for the sources as they are:
#   scripts/fuzz.sh --campaign INPUTS [TARGET...]
# Fails on the first crash, leak, slow input (1 s) or input that takes too much memory, whose bytes
# are left in build/fuzz/crashes. Inputs worth keeping gather in build/fuzz/corpus.
. "$(dirname "$0")/common.sh"

usage="usage: scripts/fuzz.sh SECONDS [TARGET...] or scripts/fuzz.sh --campaign INPUTS [TARGET...]"
campaign=
if [ "${1:-}" = --campaign ]; then
  campaign=yes
  shift
fi
[[ ${1:-} =~ ^[0-9]+$ ]] || die "how long?" "$usage"
amount=$1
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cc; do targets+=("$(basename "$source" .cc)"); done
fi

build=build/fuzz
step "configuring $build" cmake --preset fuzz -DCORNU_KERNELS=OFF
step "building ${targets[*]}" nice cmake --build "$build" --target "${targets[@]}"
mkdir -p "$build/crashes"

# Sets `command` and `folders`. Short inputs are quicker, and say as much of formats that are short.
command_for() {
  local target=$1 longest=$2
  mkdir -p "$build/corpus/$target"
  command=("$build/tests/fuzz/$target" -max_len="$longest" -rss_limit_mb=512 -malloc_limit_mb=64
    -artifact_prefix="$build/crashes/$target-")
  if [ -f "tests/fuzz/$target.dict" ]; then command+=(-dict="tests/fuzz/$target.dict"); fi
  folders=("$build/corpus/$target" "tests/fuzz/corpus/$target")
}
longest_of() {  # of a target, in round number
  case $1 in
    fuzz_json | fuzz_npy | fuzz_safetensors | fuzz_tfjs | fuzz_zip)
      if [ $(($2 % 4)) = 3 ]; then echo 12288; else echo 1024; fi
      ;;
    *) echo 12288 ;;
  esac
}

# On a busy machine a process may stand still for a second: what seemed slow is looked at again, by
# the processor's time.
slow_inputs() {
  local file
  for file in "$build/crashes/$1"-{slow-unit,timeout}-*; do
    [ -e "$file" ] || continue
    if (ulimit -t 1 && "$build/tests/fuzz/$1" "$file") >/dev/null 2>&1; then rm "$file"; else return 0; fi
  done
  return 1
}

# One round of a campaign, five minutes at most: counts it, and says whether nothing was found.
round() {
  local target=$1 sha=$2 runs=$3 number=$4 log inputs result=nothing begin=$SECONDS
  log=$(mktemp)
  command_for "$target" "$(longest_of "$target" "$number")"
  ASAN_OPTIONS=quarantine_size_mb=16 nice -n 19 "${command[@]}" -timeout=20 -report_slow_units=1 \
    -runs="$runs" -max_total_time=300 -print_final_stats=1 "${folders[@]}" >"$log" 2>&1 ||
    result="see $(grep -oP 'Test unit written to \K.*' "$log" | tail -n 1)"
  if slow_inputs "$target"; then
    result="a slow input"
  elif [[ $result == *-timeout-* ]]; then
    result=nothing
  fi
  inputs=$(grep -oP 'stat::number_of_executed_units: \K[0-9]+' "$log" || echo 0)
  scripts/fuzz_ledger.py add "$sha" "$target" "$inputs" $((SECONDS - begin)) "$result"
  say "$target: $inputs inputs in $((SECONDS - begin)) s, found: $result"
  if [ "$result" != nothing ]; then
    tail -n 40 "$log" >&2
    return 1
  fi
  rm -f "$log"
}

if [ -z "$campaign" ]; then
  for target in "${targets[@]}"; do
    command_for "$target" 12288
    step "$target for $amount s" "${command[@]}" -timeout=1 -max_total_time="$amount" "${folders[@]}"
  done
  exit 0
fi

declare -A sha
for target in "${targets[@]}"; do
  sha[$target]=$(scripts/fuzz_ledger.py sources "$build" "$target")
done
# In turn, so that each has had its share whenever this ends.
open=yes
for ((number = 0; ${#open}; ++number)); do
  open=
  for target in "${targets[@]}"; do
    left=$((amount - $(scripts/fuzz_ledger.py count "${sha[$target]}" "$target")))
    [ "$left" -gt 0 ] || continue
    open=yes
    round "$target" "${sha[$target]}" "$left" "$number" || die "$target found something"
  done
done
