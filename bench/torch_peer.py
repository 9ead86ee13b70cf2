#!/usr/bin/env python3
"""PyTorch as a contestant of bench_peers: answers on its output what is asked on its input.

  bench_peers --with 'PyTorch channels_last=bench/torch_peer.py channels_last 1'

The arguments are the layout (nchw or channels_last) and the number of threads. What is asked is in
contestant.h. Needs torch and numpy (Debian: python3-torch, and libopenblas0-pthread, without which
its matrix products are many times slower).
"""

import json
import os
import pathlib
import sys
import time

LAYOUT, THREADS = sys.argv[1:]
os.environ["OPENBLAS_NUM_THREADS"] = THREADS

import numpy as np
import torch
import torch.nn.functional as F

X, KERNEL, BIAS, GRADIENT, POINTWISE = range(1, 6)  # seeds, as in workloads.h


def numbers(shape, seed, summed=1):
    h = np.arange(np.prod(shape), dtype=np.uint32)
    h = (h + np.uint32(seed * 0x9e3779b9 & 0xffffffff)) * np.uint32(0x85ebca6b)
    h = (h ^ h >> np.uint32(15)) * np.uint32(0xc2b2ae35)
    h ^= h >> np.uint32(13)
    values = (h * 2.0**-31 - 1).astype(np.float32).reshape(shape)
    return torch.from_numpy(values / np.float32(summed)**np.float32(0.5))


class Case:
    """A workload made ready; run() leaves its result in self.y."""

    def __init__(self, w, layout):
        self.axes = len(w["n"])
        self.format = {"nchw": torch.contiguous_format}.get(layout) or {
            2: torch.channels_last, 3: torch.channels_last_3d}[self.axes]
        before, after = zip(*w["edges"])
        c, f, k, taps = w["channels"], w["filters"], w["k"], int(np.prod(w["k"]))
        sizes = [w["batch"], *w["n"], c]
        self.conv = (F.conv1d, F.conv2d, F.conv3d)[self.axes - 1]
        self.window = dict(stride=w["stride"], dilation=w["dilation"], groups=w["groups"])
        self.padding = list(before)
        self.bias = numbers([f], BIAS, 100)
        if w["kind"] == "transposed":
            self.transposed(w, after)
            return
        summed = taps * (f if w["kind"] == "input_grad" else c) // w["groups"]
        self.x = self.image(numbers(sizes, X))
        self.k = self.kernel(numbers([*k, c // w["groups"], f], KERNEL, summed))
        self.run = self.plain
        if w["kind"] == "separable":
            self.k = self.kernel(numbers([*k, 1, c], KERNEL, taps))
            self.pointwise = self.kernel(numbers([1, 1, c, f], POINTWISE, c))
            self.run = self.separable
        elif w["kind"] == "upsampled":
            self.run = self.upsampled
        elif w["kind"].endswith("_grad"):
            self.gradient(w)
        elif before != after:  # causal
            self.cells = [before[0], after[0]]
            self.padding = [0]
            self.run = self.causal

    def image(self, t):
        return t.movedim(-1, 1).contiguous(memory_format=self.format)

    def kernel(self, t):
        return t.movedim(-2, 0).movedim(-1, 0).contiguous(memory_format=self.format)

    def plain(self):
        self.y = self.conv(self.x, self.k, self.bias, padding=self.padding, **self.window).relu_()

    def causal(self):
        x = F.pad(self.x, self.cells)
        self.y = self.conv(x, self.k, self.bias, **self.window).relu_()

    def separable(self):
        x = self.conv(self.x, self.k, padding=self.padding, groups=len(self.k))
        self.y = self.conv(x, self.pointwise, self.bias).relu_()

    def upsampled(self):
        x = F.interpolate(self.x, scale_factor=2, mode="nearest")
        self.y = self.conv(x, self.k, self.bias, padding=self.padding).relu_()

    def transposed(self, w, after):
        """It cuts more at the start than at the end: everything is turned around, the sums stay."""
        axes = list(range(2, 2 + self.axes))
        c, f, taps = w["channels"], w["filters"], int(np.prod(w["k"]))
        k = numbers([*w["k"], f, c], KERNEL, taps * c)
        x = numbers([w["batch"], *w["n"], c], X)
        self.x = self.image(x.flip([a - 1 for a in axes]))
        k = k.movedim(-2, 0).movedim(-1, 0).flip(axes).contiguous(memory_format=self.format)
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.axes - 1]
        more = [a - b for a, b in zip(after, self.padding)]

        def run():
            self.y = conv(self.x, k, stride=w["stride"], padding=list(after), output_padding=more)

        self.run = run

    def gradient(self, w):
        sample = self.conv(self.x, self.k, padding=self.padding, **self.window)
        n, f, *sizes = sample.shape
        dy = self.image(numbers([n, *sizes, f], GRADIENT))
        kernel = w["kind"] == "filter_grad"
        same = [[v] * self.axes for v in (w["stride"], w["dilation"])]

        def run():
            self.y = torch.ops.aten.convolution_backward(
                dy, self.x, self.k, None, same[0], self.padding, same[1], False, [0] * self.axes,
                w["groups"], [not kernel, kernel, False])[kernel]

        self.run = run


def version():
    torch.ones(9, 9) @ torch.ones(9, 9)
    fast = "openblas" in pathlib.Path("/proc/self/maps").read_text()
    return f"PyTorch {torch.__version__} with {'OpenBLAS' if fast else 'the reference BLAS'}"


def answer(line, state):
    if line == "version":
        return version()
    if line.startswith("{"):
        try:
            state["case"] = Case(json.loads(line), LAYOUT)
            state["case"].run()
            return "ok"
        except Exception as e:
            return "no " + " ".join(str(e).split())
    if line == "sums":
        y = state["case"].y.double()
        return f"{y.sum().item()!r} {y.abs().sum().item()!r}"
    _, count, clock = line.split()
    clock = time.perf_counter if clock == "wall" else time.process_time
    run = state["case"].run
    run()
    start = clock()
    for _ in range(int(count)):
        run()
    return repr((clock() - start) / int(count))


def main():
    torch.set_num_threads(int(THREADS))
    state = {}
    with torch.inference_mode():
        for line in sys.stdin:
            print(answer(line.strip(), state), flush=True)


if __name__ == "__main__":
    main()
