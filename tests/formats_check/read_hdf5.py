#!/usr/bin/env python3
"""Reads HDF5 files with h5py or h5dump and compares with what our own reader finds.

    read_hdf5.py h5py|h5dump MANIFEST.json

The manifest is {path of a file: listing}; tests/support/hdf5_listing.h says what a listing is. Prints a
line for each file that is read otherwise, and exits 1 if there is any.
"""
import json
import re
import subprocess
import sys
import zlib

import numpy

TEXTS = re.compile(r"(keras_version|backend|model_config|training_config|name|(layer|weight)_names\d*)$")


def numbers_row(path, array):
    with numpy.errstate(all="ignore"):
        return [path, list(array.shape), zlib.crc32(array.astype("<f4").tobytes())]


def strings_row(path, strings):
    return [path, len(strings), zlib.crc32(b"".join(s + b"\n" for s in strings))]


def bytes_of(text):
    return bytes(text) if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def listing_by_h5py(h5, patient=False):
    """Of an open file. Where h5py refuses something in it: an exception, or a row of shape "refused"."""
    import h5py

    rows, todo = [], [("", h5)]

    def attempt(path, read):
        try:
            return read()
        except Exception:  # h5py has many
            if not patient:
                raise
            rows.append([path or "/", "refused", None])

    def visit(path, node):
        if isinstance(node, h5py.Group):
            rows.append([path or "/", None, None])
            for name in node:
                todo.append((f"{path}/{name}", attempt(f"{path}/{name}", lambda: node[name])))
        else:
            rows.append(numbers_row(path, numpy.asarray(node[()])))
        for name in filter(TEXTS.match, node.attrs):
            where = f"{path or '/'}@{name}"
            attempt(where, lambda: rows.append(strings_row(where, strings_of(node.attrs[name]))))

    while todo:
        path, node = todo.pop()
        if node is not None:
            attempt(path, lambda: visit(path, node))
    return rows


def strings_of(value):
    if isinstance(value, numpy.ndarray) and value.size == 0:
        return []
    return [bytes_of(s) for s in numpy.atleast_1d(numpy.asarray(value, object)).ravel().tolist()]


def read_h5py(path):
    import h5py

    with h5py.File(path, "r") as h5:
        return listing_by_h5py(h5)


def read_h5dump(path):
    """Groups, datasets and which attributes there are: their texts, h5dump does not delimit."""
    out = subprocess.run(["h5dump", "-y", "-w", "1000000000", "-m", "%.9g", path], check=True,
                         capture_output=True).stdout.decode()
    rows, open_at, shape, data = [], [], None, None
    for line in out.split("\n")[1:]:
        indent, text = len(line) - len(line.lstrip(" ")), line.strip()
        if match := re.fullmatch(r'(GROUP|DATASET|ATTRIBUTE) "(.*)" \{', text):
            kind, name = match.groups()
            if kind == "ATTRIBUTE":
                if TEXTS.match(name):
                    rows.append([("/".join(n for _, n in open_at) or "/") + "@" + name, None, None])
                indent_of_attribute = indent
                open_at.append((indent, None))
                continue
            if open_at and open_at[-1][1] is None:
                continue  # inside an attribute's text
            open_at.append((indent, "" if name == "/" else name))
            if kind == "GROUP":
                rows.append(["/".join(n for _, n in open_at) or "/", None, None])
        elif open_at and line == " " * open_at[-1][0] + "}":
            _, name = open_at.pop()
            if shape is not None and name is not None:
                path = "/".join(n for _, n in open_at) + "/" + name
                rows.append(numbers_row(path, numpy.array(data, "f8").astype("f4").reshape(shape)))
                shape = data = None
        elif open_at and open_at[-1][1] is None:
            continue
        elif match := re.match(r"DATASPACE  (?:SCALAR|SIMPLE \{ \(([^)]*)\) /)", text):
            shape, data = [int(n) for n in (match.group(1) or "").split(",") if n], []
        elif shape is not None and re.fullmatch(r"[-+.,\dinfae ]+", text):
            data += [float(n) for n in text.split(",") if n.strip()]
    return rows


def differences(ours, theirs, exactly=True):
    """What two listings of a file disagree in; of attributes, unless `exactly`, only the names count."""
    def table(rows):
        return {p: (None, None) if "@" in p and not exactly else (s, c) for p, s, c in rows}

    a, b = table(ours), table(theirs)
    return [(path, a.get(path, "nothing"), b.get(path, "nothing"))
            for path in sorted(a.keys() | b.keys()) if a.get(path, "") != b.get(path, "")]


def main():
    reader, manifest = sys.argv[1:]
    with open(manifest) as f:
        files = json.load(f)
    bad = rows = 0
    for path, ours in files.items():
        theirs = read_h5py(path) if reader == "h5py" else read_h5dump(path)
        rows += len(theirs)
        if found := differences(ours, theirs, reader == "h5py"):
            print(f"{path}: {found[:3]}")
            bad += 1
    print(f"{len(files)} files, {rows} rows, {bad} complaints")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
