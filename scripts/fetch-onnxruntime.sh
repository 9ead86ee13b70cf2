#!/usr/bin/env bash
# Brings ONNX Runtime (MIT licence, from npm) into DEST/node_modules, by default below build/npm, for
# tests/onnx and bench/; what is there already stays.
#   scripts/fetch-onnxruntime.sh [DEST]
. "$(dirname "$0")/common.sh"

version=1.30.0
# common.sh has changed the folder; a relative DEST means the caller's.
dest=$([ $# = 0 ] || cd "$OLDPWD"; mkdir -p "${1:-build/npm}" && cd "${1:-build/npm}" && pwd)
package=$dest/node_modules/onnxruntime-node

if grep -q "\"version\": \"$version\"" "$package/package.json" 2>/dev/null; then
  say "ONNX Runtime is in $dest"
  exit 0
fi
command -v npm >/dev/null || scripts/install-deps.sh --quickstart
# Its install script would fetch what is for graphics cards.
step "fetching ONNX Runtime $version (290 MB) from npm" \
  npm install --prefix "$dest" --ignore-scripts --no-audit --no-fund --loglevel=error \
  "onnxruntime-node@$version"
rm -rf "$package"/bin/*/{darwin,win32}
say "ONNX Runtime is in $dest"
