# shellcheck shell=bash
# Shared by the scripts beside it; sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }

# die WHAT-HAPPENED WHAT-TO-DO
die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  [ $# -lt 2 ] || printf '%s\n' "$2" >&2
  exit 1
}

# campaign_arguments WHAT ARGUMENT...: sets `count` and `seed` from COUNT [--seed S].
# shellcheck disable=SC2034
campaign_arguments() {
  local usage what=$1
  usage="usage: scripts/$(basename "$0") COUNT [--seed S]"
  shift
  [[ ${1:-} =~ ^[0-9]+$ ]] || die "how many $what?" "$usage"
  count=$1 seed=$RANDOM
  if [ $# -gt 1 ]; then
    [[ $# = 3 && $2 = --seed && $3 =~ ^[0-9]+$ ]] || die "unknown option $2" "$usage"
    seed=$3
  fi
}

# step WHAT-IT-DOES COMMAND...: the command's output goes to a log that is shown when it fails.
step() {
  local what=$1 log
  shift
  say "$what"
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    die "failed: $*" "All it printed is in $log"
  fi
  rm -f "$log"
}
