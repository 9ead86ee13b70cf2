#!/usr/bin/env bash
# What the program asks of the system when it is given hostile files: scripts/syscalls.sh [--every N]
# test_attacks writes its files, and every one of them (or every Nth) and some sound models are given
# to cornu under strace: tests/attacks/syscalls.py says what may be asked. The last line is a count.
# CORNU_BUILD is a build folder that has the program and test_attacks; without it both are built.
. "$(dirname "$0")/common.sh"

build=${CORNU_BUILD:-}
if [ -z "$build" ]; then
  build=build/release
  step "configuring $build" cmake --preset release -DCORNU_TESTS=ON
  step "building" cmake --build "$build" -j "$(nproc)" --target cornu_program test_attacks
fi
command -v strace >/dev/null || { say "strace is not installed" && exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"/attacks "$folder"/models/web
CORNU_ATTACKS=$folder/attacks "$build/tests/test_attacks" --gtest_brief=1 --gtest_filter='AttackFiles.*' >/dev/null
for name in graph_unet graph_resblock train_opt_adam; do
  model=$(find tests/golden/cases -name "$name*.keras" | sort | head -n 1)
  cp "$model" "$folder/models/"
  "$build/cornu" convert "$model" "$folder/models/$name.h5"
done
"$build/cornu" convert "$folder/models/graph_unet.keras" "$folder/models/web/model.json"
python3 tests/attacks/syscalls.py "$build/cornu" "$folder/attacks" "$folder/models" "$@"
