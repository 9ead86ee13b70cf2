#!/usr/bin/env bash
# From a fresh copy of the sources to an enlarged photo: installs what is needed, builds the program,
# fetches a trained model, and makes a photo four times larger.
. "$(dirname "$0")/common.sh"

models=build/models
out=build/quickstart
scripts/install-deps.sh --quickstart
step "configuring build/release" cmake --preset release
step "building the program (some minutes)" \
  cmake --build --preset release -j "$(nproc)" -t cornu_program example_side_by_side
scripts/fetch-models.sh "$models" esrgan-thick

mkdir -p "$out"
cp "$models/esrgan-thick/assets/fixture.png" "$out/photo.png"
say "making the photo four times larger (a network of 154 convolutions)"
# This model takes and gives pixels from 0 to 1.
build/release/cornu predict "$models/esrgan-thick/models/x4/model.json" --scale 255 \
  --input "$out/photo.png" --output "$out/upscaled.png" ||
  die "the program failed" "Its own message stands above."
build/release/examples/side_by_side "$out/photo.png" "$out/upscaled.png" "$out/side_by_side.png"

echo
echo "The photo        $PWD/$out/photo.png"
echo "Four times it    $PWD/$out/upscaled.png"
echo "Side by side     $PWD/$out/side_by_side.png (left: pixels repeated; right: upscaled)"
