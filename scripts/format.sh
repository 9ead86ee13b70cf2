#!/usr/bin/env bash
# Puts every source file in the project's form (.clang-format), or with --check only says which are
# not. Debian's clang-format (14) decides.
. "$(dirname "$0")/common.sh"

command -v clang-format >/dev/null ||
  die "clang-format is missing" "On Debian: apt-get install clang-format"
mode=-i
case ${1:-} in
  "") ;;
  --check) mode="--dry-run --Werror" ;;
  *) die "unknown option $1" "usage: scripts/format.sh [--check]" ;;
esac
# shellcheck disable=SC2086  # two words
git ls-files -z -- '*.h' '*.cc' | xargs -0 clang-format $mode
