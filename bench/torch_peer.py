#!/usr/bin/env python3
"""PyTorch as a contestant of bench_peers: answers on its output what is asked on its input.

  bench_peers --with 'PyTorch channels_last=bench/torch_peer.py channels_last 1'

The arguments are the layout (nchw or channels_last) and the number of threads. What is asked is in
contestant.h. Needs torch, numpy and onnx (Debian: python3-torch, python3-onnx, and libopenblas0-pthread, without
which its matrix products are many times slower).
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

import onnx_torch

X, KERNEL, BIAS, GRADIENT, POINTWISE, WEIGHTS = range(1, 7)  # seeds, as in workloads.h


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


def image_format(t, layout):
    """The layout's memory format for a tensor of so many axes; None: there is none."""
    if layout == "nchw":
        return torch.contiguous_format
    return {4: torch.channels_last, 5: torch.channels_last_3d}.get(t.dim())


class NetworkCase:
    """A network in the fastest of PyTorch's ways: run as it is, frozen, or optimized."""

    def __init__(self, subject, layout):
        self.x = numbers(subject["input"], X)
        self.channels_first = subject["channels_first"]
        if self.channels_first:
            self.x = self.x.movedim(-1, 1)
            self.x = self.x.contiguous(memory_format=image_format(self.x, layout))
        network = onnx_torch.Network(subject["onnx"]).eval()
        converted(network, layout)
        ways = {"eager": network}
        try:
            traced = torch.jit.trace(network, self.x)
            ways["frozen"] = torch.jit.freeze(traced)
            ways["optimized for inference"] = torch.jit.optimize_for_inference(traced)
        except Exception:  # not every version takes every network
            pass
        self.detail, self.network = min(ways.items(), key=lambda way: self.seconds(way[1]))

    def seconds(self, network):
        try:
            times = []
            while len(times) < 4 and sum(times) < 2:  # the first ones of a traced one are slow
                start = time.process_time()
                network(self.x)
                times.append(time.process_time() - start)
            return min(times)
        except Exception:
            return float("inf")

    def run(self):
        self.y = self.network(self.x)

    def result(self):
        return self.y.movedim(1, -1) if self.channels_first else self.y


def converted(network, layout):
    for t in [*network.parameters(), *network.buffers()]:
        if t.dim() > 2:
            t.data = t.data.contiguous(memory_format=image_format(t, layout) or
                                       torch.contiguous_format)


class StepCase:
    """Steps of training on one batch; the results are the losses of the first two."""

    detail = ""

    def __init__(self, subject, layout):
        self.network = onnx_torch.Network(subject["onnx"]).train()
        converted(self.network, layout)
        self.x = numbers(subject["input"], X)
        *cells, classes = subject["output"]
        labels = numbers(cells, GRADIENT)
        self.labels = ((labels + 1) / 2 * classes).floor().clamp(max=classes - 1).long()
        make = torch.optim.Adam if subject["optimizer"] == "adam" else torch.optim.SGD
        more = {"eps": 1e-7} if subject["optimizer"] == "adam" else {"momentum": 0.9}
        self.optimizer = make(self.network.parameters(), lr=subject["learning_rate"], **more)
        self.losses = []

    @torch.inference_mode(False)
    @torch.enable_grad()
    def run(self):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.network(self.x).movedim(-1, 1), self.labels)
        loss.backward()
        self.optimizer.step()
        if len(self.losses) < 2:
            self.losses.append(loss.item())

    def result(self):
        return torch.tensor(self.losses)


def make_case(subject, layout):
    if subject["kind"] == "model":
        return NetworkCase(subject, layout)
    with torch.inference_mode(False):
        return StepCase(subject, layout) if subject["kind"] == "step" else Case(subject, layout)


def version():
    torch.ones(9, 9) @ torch.ones(9, 9)
    fast = "openblas" in pathlib.Path("/proc/self/maps").read_text()
    return f"PyTorch {torch.__version__} with {'OpenBLAS' if fast else 'the reference BLAS'}"


def answer(line, state):
    if line == "version":
        return version()
    if line.startswith("{"):
        try:
            state.pop("case", None)
            state["case"] = make_case(json.loads(line), LAYOUT)
            if not isinstance(state["case"], StepCase):
                state["case"].run()
            return f"ok {getattr(state['case'], 'detail', '')}"
        except Exception as e:
            return "no " + " ".join(str(e).split())
    if line == "sums":
        y = state["case"].y.double()
        return f"{y.sum().item()!r} {y.abs().sum().item()!r}"
    if line == "weighted sums":
        y = state["case"].result().double()
        weighted = y * numbers(list(y.shape), WEIGHTS)
        return f"{weighted.sum().item()!r} {y.abs().sum().item()!r}"
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
