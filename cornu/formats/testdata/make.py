#!/usr/bin/env python3
"""Writes the .h5 files of this folder (needs numpy and h5py): HDF5 as its tools write it when they are
asked for more than Keras asks for. Element i of every dataset is i / 2, or i where it is an integer."""
import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent


def count(*shape, dtype="f4"):
    numbers = np.arange(np.prod(shape, dtype=int))
    return (numbers if dtype[0] in "iu" else numbers / 2).astype(dtype).reshape(shape)


with h5py.File(HERE / "chunked.h5", "w") as f:
    f.create_dataset("plain", data=count(7, 5), chunks=(3, 2))
    f.create_dataset("deflated", data=count(7, 5), chunks=(3, 5), compression="gzip")
    f.create_dataset("shuffled", data=count(40, 3, dtype="i2"), chunks=(7, 2), compression="gzip",
                     shuffle=True)
    f.create_dataset("checked", data=count(4, 9), chunks=(4, 4), fletcher32=True, shuffle=True)
    f.create_dataset("all", data=count(2, 3, 4, 5), chunks=(1, 2, 3, 4), compression="gzip",
                     shuffle=True, fletcher32=True)
    f.create_dataset("grows", data=count(3, 3), maxshape=(None, 3), chunks=(5, 3))
    f.create_dataset("many", data=count(500), chunks=(2,), compression="gzip")
    f.create_dataset("empty", data=count(0, 3), maxshape=(None, 3))
    f.create_dataset("lzf", data=count(64), chunks=(8,), compression="lzf")
    f.create_dataset("hole", shape=(8,), chunks=(2,), dtype="f4")[0:2] = 1

for name, versions in (("latest.h5", "latest"), ("v108.h5", ("v108", "v108"))):
    with h5py.File(HERE / name, "w", libver=versions) as f:
        f.attrs["keras_version"] = "2.15.0"
        f.attrs["layer_names"] = np.array([b"conv", b"dense"])
        f.create_dataset("conv/kernel:0", data=count(3, 3, 1, 2))
        f.create_dataset("conv/bias:0", data=count(2))
        f.create_dataset("dense/kernel:0", data=count(2, 4, dtype="f8"))
        f.create_dataset("scalar", data=np.float32(0))
        for i in range(7):
            f["dense"].attrs[f"attribute_{i}"] = "x" * 50

with h5py.File(HERE / "large_group.h5", "w", libver="latest") as f:
    for i in range(20):
        f.create_group(f"g{i}")

with h5py.File(HERE / "numbers.h5", "w") as f:
    for dtype in (">f2", ">f4", ">f8", ">i2", ">i8"):
        f.create_dataset(dtype[1:], data=count(2, 3, dtype=dtype[1:]).astype(dtype))
    f.create_dataset("chunked", data=count(40).astype(">f4"), chunks=(7,), compression="gzip",
                     shuffle=True)
    # What Keras 3 writes of ml_dtypes.bfloat16, which is a void of two bytes to h5py.
    upper = (count(2, 3).view("<u4") >> 16).astype("<u2")
    f.create_dataset("bfloat16", data=upper.view("V2")).attrs["dtype"] = "bfloat16"
