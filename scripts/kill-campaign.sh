#!/usr/bin/env bash
# Kills training runs while they write checkpoints: scripts/kill-campaign.sh COUNT [--seed S]
# Runs of `cornu fit` and of the library are killed (SIGKILL) and started again until COUNT kills came
# while a file was being written. After each kill every file must be whole and hold what an
# undisturbed run has at that step, no more than one interval may be lost, and each run must end with
# the bits of an undisturbed one. Fails on the first thing that is not so, and leaves the run's files
# in build/kills. The last line is a count. docs/campaigns.md has the results.
. "$(dirname "$0")/common.sh"

campaign_arguments kills "$@"

build=build/release
step "configuring $build" cmake --preset release -DCORNU_TESTS=ON
step "building" cmake --build "$build" -j "$(nproc)" --target kill_campaign
say "seed $seed"
rm -rf build/kills
mkdir -p build/kills
"$build/tests/kills/kill_campaign" "$count" "$seed" "$PWD/build/kills" "$PWD/$build/cornu"
rm -rf build/kills
