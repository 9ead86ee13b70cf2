#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets (needs numpy and h5py): small files of every kind read."""
import io
import json
import pathlib
import zipfile

import h5py
import numpy as np

CORPUS = pathlib.Path(__file__).parent / "corpus"
PICTURES = pathlib.Path(__file__).parents[2] / "cornu" / "image" / "testdata"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def hdf5(fill, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as f:
        fill(f)
    return buffer.getvalue()


def legacy(f):
    f.attrs["keras_version"] = "2.15.0"
    f.attrs["model_config"] = b'{"class_name": "Sequential"}'
    g = f.create_group("model_weights")
    g.attrs["layer_names"] = np.array([b"conv", b"relu"])
    layer = g.create_group("conv")
    layer.attrs["weight_names"] = [b"conv/kernel:0", b"conv/bias:0"]
    layer.create_dataset("conv/kernel:0", data=np.ones((1, 1, 1, 2), "f4"))
    layer.create_dataset("conv/bias:0", data=np.zeros(2, "f4"))
    g.create_group("relu").attrs["weight_names"] = []


def keras3(f):
    v = f.create_group("layers/conv2d/vars")
    v.attrs["name"] = "conv2d"
    v.create_dataset("0", data=np.arange(3, dtype="f4"))


def numbers(f):
    for t in "f2 f8 i1 u2 i8".split():
        f.create_dataset(t, data=np.arange(2).astype(t))
    f.create_dataset("scalar", data=np.float32(1))
    f.create_dataset("empty", data=np.zeros((0, 3), "f4"))


def links(f):
    f["soft"] = h5py.SoftLink("/x")


def many(f):
    for i in range(10):
        f[f"w{i}"] = np.int8(i)
    f.attrs["layer_names0"] = np.array([b"a", b"b"])
    f.attrs["layer_names1"] = np.array([b"c"])


def packed(f):
    f.create_dataset("x", data=np.zeros(64, "f4"), chunks=(8,), compression="gzip")


def filters(f):
    for i, options in enumerate(({}, {"shuffle": True, "fletcher32": True, "compression": "gzip"})):
        f.create_dataset(f"x{i}", data=np.arange(15, dtype="i2").reshape(5, 3), chunks=(2, 2), **options)


def archive(members, method=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name), data, method)
        z.comment = comment
    return buffer.getvalue()


class Pipe(io.RawIOBase):
    """What cannot be rewound makes zipfile write data descriptors."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def streamed():
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("a"), b"hello hello hello")
    return pipe.data


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def npz(save, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def model(layers, fill, **more):
    """The members of a .keras archive with their lengths before them, as fuzz_load takes them."""
    metadata = b'{"keras_version": "3.8.0"}'
    config = json.dumps({"class_name": "Sequential", "config": {
        "layers": [{"class_name": c, "config": f} for c, f in layers], **more}}).encode()
    return bytes([len(metadata), len(config) % 256, len(config) // 256]) + metadata + config + hdf5(fill)


def dense(f):
    v = f.create_group("layers/dense/vars")
    v.attrs["name"] = "d"
    v["0"], v["1"] = np.ones((2, 1), "f4"), np.zeros(1, "f4")


def nested(f):
    f["_layer_checkpoint_dependencies/time_distributed/layer/vars/0"] = np.ones((1, 1), "f4")


def whole(layers, weights, optimizer=None):
    """A whole model in HDF5."""
    def fill(f):
        f.attrs["keras_version"] = "2.15.0"
        f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {
            "layers": [{"class_name": c, "config": o} for c, o in layers]}}).encode()
        g = f.create_group("model_weights")
        g.attrs["keras_version"] = "2.15.0"
        g.attrs["layer_names"] = np.array([o["name"].encode() for _, o in layers])
        for (_, o), arrays in zip(layers, weights):
            layer = g.create_group(o["name"])
            layer.attrs["weight_names"] = [f"w{i}:0".encode() for i in range(len(arrays))]
            for i, a in enumerate(arrays):
                layer[f"w{i}:0"] = a
        if optimizer:
            f.attrs["training_config"] = json.dumps({"loss": "mse", "optimizer_config": {
                "class_name": optimizer[0], "config": {"learning_rate": 0.5}}}).encode()
            o = f.create_group("optimizer_weights")
            o.attrs["weight_names"] = [f"a/v{i}:0".encode() for i in range(len(optimizer[1]))]
            for i, a in enumerate(optimizer[1]):
                o[f"a/v{i}:0"] = a
    return hdf5(fill)


def tfjs(groups, data):
    return json.dumps(groups).encode() + b"\n" + data


def safetensors(arrays, data, **metadata):
    header = json.dumps({**({"__metadata__": metadata} if metadata else {}), **{
        name: {"dtype": d, "shape": s, "data_offsets": o} for name, d, s, o in arrays}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def transposed(keras3):
    """A Conv2DTranspose whose output_padding the writer lost, in both kinds of models."""
    def at(shape):
        return {"class_name": "__keras_tensor__", "config": {
            "shape": shape, "dtype": "float32", "keras_history": ["i" if shape[1] == 4 else "t", 0, 0]}}
    config = {"name": "t", "filters": 2, "kernel_size": [3, 3], "strides": [2, 2], "padding": "valid"}
    layer = {"class_name": "Conv2DTranspose", "config": config}
    if not keras3:
        return json.dumps({"class_name": "Sequential", "config": {"layers": [
            {**layer, "build_config": {"input_shape": [None, 4, 4, 2]}},
            {"class_name": "ReLU", "config": {"name": "r"},
             "build_config": {"input_shape": [None, 10, 10, 2]}}],
            "build_input_shape": [None, 4, 4, 2]}}).encode()
    return json.dumps({"class_name": "Functional", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "name": "i", "config": {
            "name": "i", "batch_shape": [None, 4, 4, 2]}, "inbound_nodes": []},
        {**layer, "name": "t", "inbound_nodes": [{"args": [at([None, 4, 4, 2])], "kwargs": {}}]},
        {"class_name": "ReLU", "name": "r", "config": {"name": "r"},
         "inbound_nodes": [{"args": [at([None, 10, 10, 2])], "kwargs": {}}]}],
        "input_layers": [["i", 0, 0]], "output_layers": [["r", 0, 0]]}}).encode()


def images(f):
    v = f.create_group("layers/conv2d/vars")
    v.attrs["name"] = "c"
    v["0"], v["1"] = np.ones((2, 2, 1, 2), "f4"), np.zeros(2, "f4")
    b = f.create_group("layers/batch_normalization/vars")
    for i in range(4):
        b[str(i)] = np.ones(2, "f4")
    v = f.create_group("layers/dense/vars")
    v["0"], v["1"] = np.ones((8, 1), "f4"), np.zeros(1, "f4")


def main():
    for fill in (legacy, keras3, numbers, links, many, packed):
        put("fuzz_hdf5", fill.__name__, hdf5(fill))
    put("fuzz_hdf5", "filters", hdf5(filters))
    put("fuzz_hdf5", "latest", hdf5(legacy, libver="latest"))
    members = [("metadata.json", b"{}"), ("config.json", b'{"a": 1}' * 9), ("assets/", b"")]
    put("fuzz_zip", "stored", archive(members))
    put("fuzz_zip", "deflated", archive(members, zipfile.ZIP_DEFLATED, b"comment"))
    put("fuzz_zip", "streamed", streamed())
    put("fuzz_zip", "zip64", npz(np.savez, x=np.zeros(2, "f4")))
    put("fuzz_npy", "f4", npy(np.arange(6, dtype="<f4").reshape(2, 3)))
    put("fuzz_npy", "fortran", npy(np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))))
    put("fuzz_npy", "version2", npy(np.array(True), (2, 0)))
    put("fuzz_npy", "npz", npz(np.savez, x=np.zeros(2, "f2"), y=np.arange(2)))
    put("fuzz_npy", "npz_compressed", npz(np.savez_compressed, x=np.zeros((2, 3), "u1")))
    put("fuzz_json", "config", json.dumps({"class_name": "Sequential", "config": {"layers": [
        {"class_name": "Conv2D", "config": {"filters": 8, "strides": [1, 1], "rate": 1e-7}}]}}).encode())
    put("fuzz_json", "values", '[null, true, false, NaN, -Infinity, -0.5e+3, "\\ud83d\\ude00é\\n", {}]'.encode())
    put("fuzz_json", "keys", json.dumps({f"k{i}": i for i in range(20)}).encode())
    put("fuzz_load", "dense", model([("Dense", {"name": "d", "units": 1})], dense,
                                    build_input_shape=[None, 2]))
    put("fuzz_load", "nested", model([("TimeDistributed", {"layer": {
        "class_name": "Dense", "config": {"units": 1, "use_bias": False}}})], nested,
        build_input_shape=[None, 2, 1]))
    put("fuzz_load", "images", model([
        ("Conv2D", {"name": "c", "filters": 2, "kernel_size": [2, 2], "activation": "relu"}),
        ("BatchNormalization", {"name": "b"}), ("MaxPooling2D", {"name": "p", "padding": "same"}),
        ("Flatten", {"name": "f"}), ("Dense", {"name": "d", "units": 1})], images,
        build_input_shape=[None, 5, 5, 1]))
    put("fuzz_doctor", "sequential", transposed(False))
    put("fuzz_doctor", "functional", transposed(True))
    put("fuzz_safetensors", "one", safetensors([("a", "F32", [2], [0, 8])], b"12345678"))
    put("fuzz_safetensors", "types", safetensors(
        [("a", "F16", [2, 1], [0, 4]), ("b", "I8", [3], [4, 7]), ("c", "BOOL", [], [7, 8]),
         ("d", "F64", [0], [8, 8]), ("e", "U32", [1], [8, 12]), ("f", "BF16", [1], [12, 14])],
        b"12345678901234", format="pt"))
    one, bias = np.ones((2, 1), "f4"), np.zeros(1, "f4")
    put("fuzz_h5", "dense", whole([("Dense", {"name": "d", "units": 1, "batch_input_shape": [None, 2]})],
                                  [[one, bias]]))
    put("fuzz_h5", "trained", whole(
        [("Dense", {"name": "d", "units": 1, "batch_input_shape": [None, 2]}), ("ReLU", {"name": "r"})],
        [[one, bias], []], ("Adam", [np.int64(3), one, bias, one, bias])))
    plain = {"name": "w", "shape": [2], "dtype": "float32"}
    scaled = {"name": "q", "shape": [4], "dtype": "float32",
              "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}}
    put("fuzz_tfjs", "plain", tfjs([{"paths": ["a", "b"], "weights": [plain]}], b"12345678"))
    put("fuzz_tfjs", "groups", tfjs(
        [{"paths": ["a"], "weights": [plain]}, {"paths": ["b"], "weights": [
            scaled, {"name": "o", "shape": [], "dtype": "int32", "group": "optimizer"}]}], b"1234567812345678"))
    for picture in sorted(PICTURES.glob("*.*g")):
        put("fuzz_image", picture.name, picture.read_bytes())


main()
