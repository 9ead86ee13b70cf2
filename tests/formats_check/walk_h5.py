#!/usr/bin/env python3
"""Walks whole models in HDF5 the way Keras's loader of .h5 files does, over h5py.

    walk_h5.py FOLDER

Beside each NAME.h5 lies NAME.keras, the same model. The layers that the configuration has must be those
of layer_names, each with the arrays it lists, and all of them together those of the archive. Prints a
line for everything that is wrong, and exits 1 if there is any.
"""
import io
import json
import pathlib
import sys
import zipfile

import h5py


def need(condition, *what):
    if not condition:
        raise ValueError(" ".join(str(w) for w in what))


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def names(group, key):
    if key in group.attrs:
        return [text(n) for n in group.attrs[key]]
    found = []
    while f"{key}{len(found)}" in group.attrs:
        found.append([text(n) for n in group.attrs[f"{key}{len(found)}"]])
    need(found, group.name, "lacks", key)
    return sum(found, [])


def arrays(h5):
    found = []
    h5.visititems(lambda _, o: found.append((o.shape, o[()].tobytes())) if isinstance(o, h5py.Dataset) else None)
    return found


def weights_of_archive(path):
    with zipfile.ZipFile(path) as z:
        need(z.testzip() is None, "a member is damaged")
        with h5py.File(io.BytesIO(z.read("model.weights.h5")), "r") as h5:
            return sorted(a for name in h5 if name != "optimizer" for a in arrays(h5[name]))


def walk(path):
    with h5py.File(path, "r") as h5:
        need(text(h5.attrs["keras_version"])[0] == "3" and text(h5.attrs["backend"]), "who wrote it?")
        config = json.loads(h5.attrs["model_config"])
        layers = [x for x in config["config"]["layers"] if not (x.get("module") or "").startswith("keras.src.ops")]
        if config["class_name"] == "Sequential":
            layers = [x for x in layers if x["class_name"] != "InputLayer"]
        group = h5["model_weights"]
        need(names(group, "layer_names") == [x["config"]["name"] for x in layers], "layer_names")
        found = []
        for layer in names(group, "layer_names"):
            listed = [group[layer][name] for name in names(group[layer], "weight_names")]
            need(len(listed) == len(arrays(group[layer])), layer, "holds more than it lists")
            need(all(d.dtype == "<f4" for d in listed), layer, "is not float32")
            found += [(d.shape, d[()].tobytes()) for d in listed]
        need(names(group["top_level_model_weights"], "weight_names") == [], "weights of the model itself")
        archive = weights_of_archive(path.with_suffix(".keras"))
        if sorted(found) != archive:  # what two models share is there twice
            need(set(found) == set(archive), "other weights than in the archive")
        if "training_config" in h5.attrs:
            training = json.loads(h5.attrs["training_config"])
            need({"class_name", "config"} <= set(training["optimizer_config"]), "no optimizer")
        if "optimizer_weights" in h5:
            state = h5["optimizer_weights"]
            first = state[names(state, "weight_names")[0]]
            need(first.shape == () and first.dtype == "<i8", "no iteration")
            need(len(arrays(state)) == len(names(state, "weight_names")), "optimizer_weights")


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.h5"))
    bad = 0
    for path in files:
        try:
            walk(path)
        except Exception as e:  # anything is a complaint
            print(f"{path.name}: {type(e).__name__}: {e}")
            bad += 1
    print(f"{len(files)} files, {bad} complaints")
    return 1 if bad or not files else 0


sys.exit(main())
