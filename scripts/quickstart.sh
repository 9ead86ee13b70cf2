#!/usr/bin/env bash
# From a fresh copy of the sources to a trained network: installs what is needed, builds, trains a
# small network on the 60,000 pictures of Fashion-MNIST, saves it as a .keras file and draws what it
# makes of pictures it never saw. Where npm is there, it then makes a photo four times larger with a
# network that others trained.
#   scripts/quickstart.sh [EPOCHS]
. "$(dirname "$0")/common.sh"

out=build/quickstart
scripts/install-deps.sh --quickstart
step "configuring build/release" cmake --preset release
step "building (some minutes)" cmake --build --preset release -j "$(nproc)" \
  -t cornu_program example_fashion_mnist example_side_by_side
mkdir -p "$out"

say "training on Fashion-MNIST, ${1:-6} epochs"
build/release/examples/fashion_mnist /usr/share/datasets/fashion-mnist "$out" "${1:-6}" ||
  die "training failed" "Its own message stands above."
build/release/cornu summary "$out/fashion_mnist.keras"
echo
echo "The trained network   $PWD/$out/fashion_mnist.keras (Keras opens it, too)"
echo "What it takes 32 pictures for   $PWD/$out/fashion_mnist.png (red: wrong)"

if ! command -v npm >/dev/null; then
  say "no npm: the second part, enlarging a photo, is left out"
  exit 0
fi
models=build/models
scripts/fetch-models.sh "$models" esrgan-thick
cp "$models/esrgan-thick/assets/fixture.png" "$out/photo.png"
say "making a photo four times larger (a network of 154 convolutions)"
# This model takes and gives pixels from 0 to 1.
build/release/cornu predict "$models/esrgan-thick/models/x4/model.json" --scale 255 \
  --input "$out/photo.png" --output "$out/upscaled.png" ||
  die "the program failed" "Its own message stands above."
build/release/examples/side_by_side "$out/photo.png" "$out/upscaled.png" "$out/side_by_side.png"

echo
echo "The photo        $PWD/$out/photo.png"
echo "Four times it    $PWD/$out/upscaled.png"
echo "Side by side     $PWD/$out/side_by_side.png (left: pixels repeated; right: upscaled)"
