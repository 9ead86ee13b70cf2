#!/usr/bin/env python3
"""Keeps docs/fuzzing.json, the count of inputs that each fuzz target was given, for scripts/fuzz.sh.

  fuzz_ledger.py sources BUILD TARGET                  the hash of the sources the target is made of
  fuzz_ledger.py count HASH TARGET                      how many inputs it was given
  fuzz_ledger.py add HASH TARGET INPUTS SECONDS RESULT adds a run

A target's count starts anew when a source of the library changes that it is made of: those of the objects
that the linker took, and all headers that these and the target itself include.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LEDGER = pathlib.Path(os.environ.get("CORNU_LEDGER", ROOT / "docs" / "fuzzing.json"))


def sources(build, target):
    """Paths from the root, of the library's own files."""
    link_map = (ROOT / build / "tests" / "fuzz" / f"{target}.map").read_text(errors="replace")
    taken = set(re.findall(r"libcornu(?:_image)?\.a\(([^)]+\.o)\)", link_map))
    objects = [o for o in subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], cwd=ROOT, check=True,
                                         capture_output=True, text=True).stdout.split("\n")]
    objects = [o.split(":")[0] for o in objects if ".o: " in o]
    wanted = [o for o in objects if o.split("/")[-1] in taken and "/tests/" not in o or
              o.endswith(f"/{target}.cc.o")]
    deps = subprocess.run(["ninja", "-C", build, "-t", "deps", *wanted], cwd=ROOT, check=True,
                          capture_output=True, text=True).stdout
    files = set()
    for line in deps.split("\n"):
        path = (ROOT / build / line.strip()).resolve()
        if line.startswith(" ") and path.is_relative_to(ROOT / "cornu"):
            files.add(path.relative_to(ROOT).as_posix())
    return sorted(files)


def hash_of(build, target):
    files = sources(build, target)
    if not any(f.startswith("cornu/") and f.endswith(".cc") for f in files):
        sys.exit(f"fuzz_ledger.py: {target} seems to be made of nothing")
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\0".encode() + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def read():
    return json.loads(LEDGER.read_text()) if LEDGER.exists() else []


def find(rows, sha, target):
    return next((r for r in rows if r["sources"] == sha and r["target"] == target), None)


def add(sha, target, inputs, seconds, result):
    rows = read()
    row = find(rows, sha, target)
    if not row:
        row = {"target": target, "sources": sha, "inputs": 0, "seconds": 0, "runs": 0}
        rows.append(row)
    row["inputs"] += int(inputs)
    row["seconds"] += int(seconds)
    row["runs"] += 1
    row["last"] = datetime.date.today().isoformat()
    if result != "nothing" or "found" not in row:
        row["found"] = result
    rows.sort(key=lambda r: r["target"])
    LEDGER.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "sources":
        print(hash_of(*arguments[1:]))
    elif len(arguments) == 3 and arguments[0] == "count":
        row = find(read(), *arguments[1:])
        print(row["inputs"] if row else 0)
    elif len(arguments) == 6 and arguments[0] == "add":
        add(*arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
