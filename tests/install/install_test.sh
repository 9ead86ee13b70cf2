#!/usr/bin/env bash
# install_test.sh this|other BUILD: installs BUILD, or a second build with the other kind of library,
# and uses it as a user would: find_package, pkg-config, every header by itself.
# The environment names CMAKE, CXX and whether BUILD has SHARED libraries.
set -euo pipefail
kind=$1 build=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../..
work=$build/tests/install/$kind
prefix=$work/prefix

check() {  # check EXPECTED PROGRAM...
  local expected=$1 answer
  shift
  answer=$("$@")
  [ "$answer" = "$expected" ] || { echo "$*: expected '$expected', got '$answer'"; exit 1; }
}

rm -rf "$prefix" "$work/consumer"
mkdir -p "$work"
if [ "$kind" = other ]; then
  SHARED=$((1 - SHARED)) build=$work/build
  "$CMAKE" -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=$SHARED \
    -DCORNU_TESTS=OFF -DCORNU_EXAMPLES=OFF -DCMAKE_CXX_FLAGS=-DHWY_COMPILE_ONLY_STATIC
  "$CMAKE" --build "$build"
fi
"$CMAKE" --install "$build" --prefix "$prefix"

echo "--- find_package"
"$CMAKE" -S "$here/consumer" -B "$work/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
"$CMAKE" --build "$work/consumer"
check "(1, 6) 9" "$work/consumer/consumer"
check "(2, 3, 3) 77" "$work/consumer/image_consumer"

echo "--- pkg-config"
libraries=$(dirname "$(find "$prefix" -name 'libcornu.*' -print -quit)")
export PKG_CONFIG_PATH=$libraries/pkgconfig
read -ra flags < <(pkg-config --cflags --libs cornu)
"$CXX" -std=c++20 "$here/consumer/consumer.cc" "${flags[@]}" -o "$work/pkg_config_consumer"
check "(1, 6) 9" env LD_LIBRARY_PATH="$libraries" "$work/pkg_config_consumer"

echo "--- the program"
check "cornu $(pkg-config --modversion cornu)" "$prefix/bin/cornu" --version

echo "--- the kind of library"
suffix=.a
[ "$SHARED" = 0 ] || suffix=.so
[ -e "$libraries/libcornu$suffix" ] && [ -e "$libraries/libcornu_image$suffix" ] ||
  { echo "no libcornu$suffix in $libraries"; exit 1; }

[ "$kind" = this ] || exit 0
echo "--- every header by itself (they are the same for both)"
(cd "$prefix/include" && find cornu -name '*.h' | while read -r header; do
  echo "#include <$header>" | "$CXX" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow \
    -Wconversion -Wno-sign-conversion -Werror -I"$prefix/include" -x c++ - ||
    { echo "$header does not stand by itself"; exit 1; }
done)
