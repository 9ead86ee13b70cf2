#!/usr/bin/env bash
# Brings what is tested and measured beside Cornu in Node.js from npm into DEST/node_modules, by default
# below build/npm: ONNX Runtime, TensorFlow.js, h5wasm and jsfive (free licences).
# What is there already stays.
#   scripts/fetch-node-packages.sh [DEST]
. "$(dirname "$0")/common.sh"

packages=(onnxruntime-node@1.30.0 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
          h5wasm@0.10.3 jsfive@0.4.2)
# common.sh has changed the folder; a relative DEST means the caller's.
dest=$([ $# = 0 ] || cd "$OLDPWD"; mkdir -p "${1:-build/npm}" && cd "${1:-build/npm}" && pwd)

complete() {
  local package
  for package in "${packages[@]}"; do
    grep -q "\"version\": \"${package##*@}\"" "$dest/node_modules/${package%@*}/package.json" || return 1
  done
}

if complete 2>/dev/null; then
  say "Node.js packages are in $dest"
  exit 0
fi
command -v npm >/dev/null || scripts/install-deps.sh --quickstart
# ONNX Runtime's install script would fetch what is for graphics cards.
step "fetching ${packages[*]} (345 MB) from npm" \
  npm install --prefix "$dest" --ignore-scripts --no-audit --no-fund --loglevel=error "${packages[@]}"
rm -rf "$dest"/node_modules/onnxruntime-node/bin/*/{darwin,win32}
complete || die "npm installed other packages than ${packages[*]} in $dest"
say "Node.js packages are in $dest"
