#!/usr/bin/env python3
"""Checks which folder includes which: upper ones see lower ones, never the reverse.

    scripts/check_includes.py [ROOT]

Prints one line for each include that breaks a rule, and exits 1 if there is any. Tests may include
what they like; docs/design.md says why the order is this one.
"""
import pathlib
import re
import sys

# A folder of cornu/ and the folders it may include, besides itself.
ALLOWED = {
    "base": "",
    "tensor": "base",
    "ops": "tensor base",
    "graph": "ops tensor base",
    "kernels": "ops tensor base",
    "grad": "graph ops tensor base",
    "nn": "graph ops tensor base",
    "compile": "graph kernels ops tensor base",
    "exec": "compile graph kernels ops tensor base",
    "layers": "nn graph ops tensor base",
    "model": "exec compile layers nn graph ops tensor base",
    "formats": "model compile layers nn graph ops tensor base",
    "train": "grad formats model exec compile layers nn graph ops tensor base",
    "mpi": "base",
    "image": "train ops tensor base",
}
# The program and the examples see what a user sees: what is installed.
USERS = ("cli", "examples")
HIGHWAY_ONLY_IN = "kernels"
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def included_by(path):
    """(line number, header) of each include of a file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1]


def public_headers(root):
    """What the umbrella and the headers of the other libraries reach: cmake/install.cmake installs
    the same."""
    found, left = set(), ["cornu/cornu.h", "cornu/image/image.h", "cornu/image/dataset.h",
                         "cornu/mpi/mpi.h"]
    while left:
        header = left.pop()
        if header not in found and (root / header).is_file():
            found.add(header)
            left += [h for _, h in included_by(root / header)]
    return found


def complaint(folder, included, public):
    """Why a file of `folder` (of cornu/, or one of USERS) may not include it; None if it may."""
    if included.startswith("hwy/"):
        return None if folder == HIGHWAY_ONLY_IN else "only kernels/ includes Highway"
    if included.startswith("tests/"):
        return "only tests include tests/"
    if not included.startswith("cornu/"):
        return None
    target = included.split("/")[1]
    if folder in USERS:
        return None if included in public else "cornu/cornu.h does not reach it"
    if target == folder or target in ALLOWED[folder].split():
        return None
    return f"{folder}/ may not include {target}/"


def files(root):
    """(folder, path) of every file under a rule."""
    for top in ("cornu",) + USERS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cc") or path.stem.endswith("_test"):
                continue
            parts = path.relative_to(root).parts
            if top != "cornu":
                yield top, path
            elif len(parts) > 2:  # cornu/cornu.h gathers all public headers
                yield parts[1], path


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    public = public_headers(root)
    checked = bad = 0
    for folder, path in files(root):
        checked += 1
        if folder not in USERS and folder not in ALLOWED:
            print(f"{path}: cornu/{folder}/ has no line in the table of scripts/check_includes.py")
            bad += 1
            continue
        for number, header in included_by(path):
            why = complaint(folder, header, public)
            if why:
                print(f"{path}:{number}: {why}: {header}")
                bad += 1
    print(f"{checked} files, {bad} complaints")
    return 1 if bad or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
