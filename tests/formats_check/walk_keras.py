#!/usr/bin/env python3
"""Walks .keras archives the way Keras 3's loader does, over h5py.

    walk_keras.py FILE.keras ...

What a model needs is worked out from config.json alone: which groups of model.weights.h5 its layers
read, how many variables each has and of which shapes, which tensors its calls name. Prints a line for
everything that Keras would stumble on, and exits 1 if there is any.
"""
import io
import json
import math
import re
import sys
import zipfile

import h5py


class Complaint(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Complaint(" ".join(str(w) for w in what))


def snake_case(name):
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_model(obj):
    return obj["class_name"] in ("Sequential", "Functional")


def is_operation(obj):
    return (obj.get("module") or "").startswith("keras.src.ops")


# ---- what variables a layer has


def channels(config, shape):
    return shape[1] if config.get("data_format") == "channels_first" else shape[-1]


def variables(obj, shape):
    """Shapes of a layer's variables as Keras creates them; None for classes not listed here."""
    name, c = obj["class_name"], obj["config"]
    bias = lambda n: [[n]] if c.get("use_bias") else []
    if name == "Dense":
        return [[shape[-1], c["units"]]] + bias(c["units"])
    if match := re.fullmatch(r"Conv(\d)D", name):
        return [c["kernel_size"] + [channels(c, shape) // c["groups"], c["filters"]]] + bias(c["filters"])
    if re.fullmatch(r"Conv\dDTranspose", name):
        return [c["kernel_size"] + [c["filters"], channels(c, shape)]] + bias(c["filters"])
    if re.fullmatch(r"DepthwiseConv\dD", name):
        inputs, times = channels(c, shape), c["depth_multiplier"]
        return [c["kernel_size"] + [inputs, times]] + bias(inputs * times)
    if re.fullmatch(r"SeparableConv\dD", name):
        inputs, times = channels(c, shape), c["depth_multiplier"]
        ones = [1] * len(c["kernel_size"])
        return [c["kernel_size"] + [inputs, times], ones + [inputs * times, c["filters"]]] + bias(c["filters"])
    if name == "BatchNormalization":
        n = [shape[c["axis"]]]
        return [n] * (bool(c["scale"]) + bool(c["center"]) + 2)
    if name == "LayerNormalization":
        axis = c["axis"] if isinstance(c["axis"], list) else [c["axis"]]
        n = [shape[a] for a in axis]
        return [n] * (bool(c["scale"]) + bool(c["center"]))
    if name == "PReLU":
        alpha = list(shape[1:])
        for axis in c["shared_axes"] or []:
            alpha[axis - 1] = 1
        return [alpha]
    if name in ("TimeDistributed", "Lambda"):
        return None
    return []


class Walk:
    """One archive."""

    def __init__(self, path):
        archive = zipfile.ZipFile(path)
        need(archive.testzip() is None, "a member's CRC is wrong")
        names = archive.namelist()
        need(names[:3] == ["metadata.json", "config.json", "model.weights.h5"], "members:", names)
        need(len(set(names)) == len(names), "a member comes twice")
        for info in archive.infolist():
            need(info.compress_type == zipfile.ZIP_STORED, info.filename, "is compressed")
        need("keras_version" in json.loads(archive.read("metadata.json")), "no keras_version")
        self.config = json.loads(archive.read("config.json"))
        self.h5 = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
        self.visited = {}
        self.trainable = []  # shapes
        self.groups = set()

    def run(self):
        self.model(self.config, "", True)
        self.optimizer()
        unread = self.unread()
        need(unread is None, "nobody reads", unread)

    def unread(self):
        known = set()
        for group in self.groups:
            while group:
                known.add(group)
                group = group.rpartition("/")[0]

        def visit(name, obj):
            group = name if isinstance(obj, h5py.Group) else name.rpartition("/")[0]
            return None if group in known else name

        return self.h5.visititems(visit)

    # ---- weights: saving_lib._load_state

    def store(self, path, name):
        path = path.strip("/") + "/vars"
        path = path.strip("/")
        need(path in self.h5, "no group", path)
        self.groups.add(path)
        if name is not None:
            need(self.h5[path].attrs.get("name") == name, path, "is of", self.h5[path].attrs.get("name"),
                 "and not of", name)
        data = self.h5[path]
        need(sorted(data, key=int) == [str(i) for i in range(len(data))], path, "holds", list(data))
        return [data[str(i)] for i in range(len(data))]

    def model(self, obj, path, trainable):
        config = obj["config"]
        trainable = trainable and config["trainable"]
        need(not self.store(path, config["name"]), "a model has variables of its own")
        self.groups.add((path + "/layers").strip("/"))
        layers = [x for x in config["layers"] if not is_operation(x)]
        if obj["class_name"] == "Sequential":
            layers = [x for x in layers if x["class_name"] != "InputLayer"]
        else:
            self.wire(config)
        used = {}
        for layer in layers:
            name = snake_case(layer["class_name"])
            if name in used:
                used[name] += 1
                name = f"{name}_{used[name]}"
            else:
                used[name] = 0
            self.layer(layer, f"{path}/layers/{name}", trainable)

    def layer(self, obj, path, trainable, shape=None):
        shared = obj.get("shared_object_id")
        if shared is not None:  # once, at its first place
            if shared in self.visited:
                need(self.visited[shared] == obj["config"]["name"], "two objects are number", shared)
                need(path.strip("/") not in self.h5, path, "is there twice")
                return
            self.visited[shared] = obj["config"]["name"]
        if is_model(obj):
            return self.model(obj, path, trainable)
        config = obj["config"]
        trainable = trainable and config.get("trainable", True)
        if obj["class_name"] == "InputLayer" and path.strip("/") not in self.h5:
            return  # Keras takes a group that is not there for an empty one
        data = self.store(path, config["name"])
        if obj["class_name"] == "TimeDistributed":
            steps = obj["build_config"]["input_shape"]
            return self.layer(config["layer"], path + "/layer", trainable, steps[:1] + steps[2:])
        shape = shape or obj.get("build_config", {}).get("input_shape")
        want = [] if shape is None else variables(obj, shape)
        if want is None:
            return
        need([list(d.shape) for d in data] == want, path, "holds", [d.shape for d in data], "needs", want)
        need(all(d.dtype == "<f4" for d in data), path, "is not float32")
        if trainable:
            moving = 2 if obj["class_name"] == "BatchNormalization" else 0
            self.trainable += want[: len(want) - moving]

    # ---- the optimizer: its variables are made for the trainable ones, then counted

    SLOTS = {"SGD": lambda c: 1 if c["momentum"] else 0,
             "RMSprop": lambda c: 1 + bool(c["momentum"]) + bool(c["centered"]),
             "Adam": lambda c: 3 if c["amsgrad"] else 2, "AdamW": lambda c: 3 if c["amsgrad"] else 2,
             "Nadam": lambda c: 2, "Adamax": lambda c: 2, "Adadelta": lambda c: 2, "Adagrad": lambda c: 1}

    def optimizer(self):
        compiled = self.config.get("compile_config", {})
        optimizer = compiled.get("optimizer") if compiled else None
        if not isinstance(optimizer, dict):
            need("optimizer" not in self.h5, "an optimizer's state without the optimizer")
            return
        config = optimizer["config"]
        data = self.store("optimizer", config["name"])
        need(data and data[0].shape == () and data[0].dtype == "<i8" and data[0][()] >= 0, "no iteration")
        first = 1
        if not isinstance(config["learning_rate"], dict):
            need(data[1].shape == () and data[1].dtype == "<f4", "no learning rate")
            if len(data) == 2:  # a fresh one
                need(math.isclose(data[1][()], config["learning_rate"], rel_tol=1e-6), "learning rate",
                     data[1][()], "and", config["learning_rate"])
            first = 2
        slots = data[first:]
        if not slots:  # before its first step Keras has no others
            return
        count = self.SLOTS[optimizer["class_name"]](config)
        count += bool(config["use_ema"]) + bool(config["gradient_accumulation_steps"])
        need(len(slots) == count * len(self.trainable), len(slots), "slots for", len(self.trainable),
             "trainable variables")
        for slot in slots:
            need(list(slot.shape) in self.trainable, "a slot of shape", slot.shape)

    # ---- the calls: functional_from_config

    def wire(self, config):
        layers = {x["name"]: x for x in config["layers"]}
        need(len(layers) == len(config["layers"]), "two layers have one name")
        made = {name: 1 if x["class_name"] == "InputLayer" else 0 for name, x in layers.items()}
        left = {name: list(x["inbound_nodes"]) for name, x in layers.items()}

        def tensors(node):
            for arg in node["args"]:
                for tensor in arg if isinstance(arg, list) else [arg]:
                    if isinstance(tensor, dict):
                        need(tensor["class_name"] == "__keras_tensor__", "an argument is", tensor)
                        yield tensor["config"]["keras_history"]

        def exists(history):
            name, node, tensor = history
            need(name in layers, "no layer", name)
            return 0 <= node < made[name] and tensor >= 0

        waiting = [name for name in left if left[name]]
        while waiting:
            before = sum(len(left[name]) for name in waiting)
            for name in waiting:
                while left[name] and all(exists(h) for h in tensors(left[name][0])):
                    left[name].pop(0)
                    made[name] += 1
            waiting = [name for name in waiting if left[name]]
            need(sum(len(left[name]) for name in waiting) < before, "a loop, or no such call:", waiting[:3])

        for key in ("input_layers", "output_layers"):
            entries = config[key]
            for name, node, tensor in entries if isinstance(entries[0], list) else [entries]:
                need(name in layers, "no layer", name)
                if layers[name]["class_name"] == "Functional":
                    node -= 1  # Functional models start out with a built-in node
                need(0 <= node < made[name], key, "names call", node, "of", name)


def main():
    bad = 0
    for path in sys.argv[1:]:
        try:
            Walk(path).run()
        except (Complaint, KeyError, ValueError, OSError, zipfile.BadZipFile) as e:
            print(f"{path}: {type(e).__name__}: {e}")
            bad += 1
    print(f"{len(sys.argv) - 1} files, {bad} complaints")
    return 1 if bad or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
