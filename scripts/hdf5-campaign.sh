#!/usr/bin/env bash
# Compares our reader of HDF5 files with h5py: scripts/hdf5-campaign.sh COUNT [--seed S]
# Makes mutants of files that Keras, h5py and we wrote, until both readers accepted COUNT of them. What
# both read of a mutant must be the same: names, shapes, numbers and texts. Goes on past disagreements,
# whose mutants are left in build/mutants, and fails then. The last line is a count. docs/campaigns.md has
# the results.
. "$(dirname "$0")/common.sh"

campaign_arguments mutants "$@"

build=build/release
step "configuring $build" cmake --preset release -DCORNU_TESTS=ON
step "building" cmake --build "$build" -j "$(nproc)" --target hdf5_mutants cornu_program
rm -rf build/mutants
mkdir -p build/mutants/files

cases=tests/golden/cases
files=("$cases"/*.h5 cornu/formats/testdata/*.h5)
for name in graph_unet graph_nested_model train_opt_adam separable1d_same_d2 batchnorm_axis1_noscale; do
  python3 -m zipfile -e "$cases/$name.keras" "build/mutants/files/$name"  # Keras wrote it
  files+=("build/mutants/files/$name/model.weights.h5")
  for suffix in h5 weights.h5; do
    "$build/cornu" convert "$cases/$name.keras" "build/mutants/files/$name.$suffix" >/dev/null
    files+=("build/mutants/files/$name.$suffix")
  done
done

say "seed $seed, ${#files[@]} files"
/usr/bin/python3 tests/mutants/compare.py "$build/tests/mutants/hdf5_mutants" "$seed" "$count" \
  build/mutants "${files[@]}"
