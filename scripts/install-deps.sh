#!/usr/bin/env bash
# Installs what building Cornu needs, from Debian's packages; does nothing where all is there.
#   scripts/install-deps.sh [--test] [--fuzz] [--quickstart] [--bench] [--arm64]
# --test adds what scripts/test.sh needs, --fuzz a clang with libFuzzer, --quickstart the pictures to
# train on and npm, which brings trained models, --bench what is measured beside Cornu in bench/,
# --arm64 a cross compiler, the libraries for arm64, and qemu to run what it makes.
. "$(dirname "$0")/common.sh"

# Without options: all that `cmake --preset release` asks for.
packages=(g++ cmake ninja-build zlib1g-dev libhwy-dev libpng-dev libjpeg-dev libcli11-dev libfmt-dev)
for option in "$@"; do
  case $option in
    --test)
      packages+=(libgtest-dev libgmock-dev librapidcheck-dev pkg-config python3 python3-h5py strace
        python3-onnx hdf5-tools libopenmpi-dev openmpi-bin)
      ;;
    --fuzz) packages+=(clang-14 libclang-rt-14-dev) ;;
    # A Node.js from elsewhere has its own npm, and Debian's would replace it.
    --quickstart)
      packages+=(dataset-fashion-mnist)
      command -v npm >/dev/null || packages+=(npm ca-certificates)
      ;;
    # PyTorch's matrix products are many times faster with OpenBLAS than with what it brings.
    --bench) packages+=(libbenchmark-dev libdnnl-dev python3-torch python3-onnx libopenblas0-pthread) ;;
    --arm64)
      packages+=(g++-aarch64-linux-gnu qemu-user-static {zlib1g,libhwy,libgtest,libgmock}-dev:arm64)
      ;;
    *)
      die "unknown option $option" \
        "usage: scripts/install-deps.sh [--test] [--fuzz] [--quickstart] [--bench] [--arm64]"
      ;;
  esac
done

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

command -v dpkg-query >/dev/null ||
  die "this is no Debian" "Install the counterparts of these packages by hand: ${packages[*]}"
missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
  say "everything needed is installed"
  exit 0
fi

root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null ||
    die "not root, and there is no sudo" "Run as root: apt-get install --no-install-recommends ${missing[*]}"
  root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
if [[ ${missing[*]} == *:arm64* ]]; then
  step "adding Debian's packages for arm64" "${root[@]}" dpkg --add-architecture arm64
fi
step "reading Debian's package lists" "${root[@]}" apt-get update
step "installing ${missing[*]}" "${root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
