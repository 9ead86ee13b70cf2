"""Networks of ONNX files as PyTorch modules: the ops that bench/models.cc needs."""

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
import torch.nn.functional as F


def values_of(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


class Network(torch.nn.Module):
    """Numbers that convolutions, Gemm and normalization take are parameters, or buffers."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
        self.steps = []
        for node in graph.node:
            make = getattr(self, "make_" + node.op_type.lower())
            self.steps.append((make(node, values_of(node)),
                               [n for n in node.input if n and n not in self.constants],
                               node.output[0]))
        self.dying = self.last_uses()

    def last_uses(self):
        """After each step, the values nobody needs any more."""
        last = {}
        for i, (_, names, _) in enumerate(self.steps):
            last.update({name: i for name in names})
        last.pop(self.output, None)
        return [[name for name, j in last.items() if j == i] for i in range(len(self.steps))]

    def forward(self, x):
        values = {self.input: x}
        for (run, names, out), dying in zip(self.steps, self.dying):
            values[out] = run(*[values[name] for name in names])
            for name in dying:
                del values[name]
        return values[self.output]

    def parameter(self, name, buffer=False):
        value = torch.from_numpy(self.constants[name].copy())
        own = "".join(c if c.isalnum() else "_" for c in name)
        if buffer:
            self.register_buffer(own, value)
        else:
            self.register_parameter(own, torch.nn.Parameter(value))
        return lambda: getattr(self, own)

    def number(self, name):
        """A constant operand: a number where it is one."""
        value = self.constants[name]
        return float(value) if value.size == 1 else torch.from_numpy(value.copy())

    # ---- convolution ----
    def make_conv(self, node, a):
        axes = len(a["strides"])
        before, after = a["pads"][:axes], a["pads"][axes:]
        conv = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
        kernel, bias = self.parameter(node.input[1]), None
        if len(node.input) > 2:
            bias = self.parameter(node.input[2])
        options = dict(stride=tuple(a["strides"]), dilation=tuple(a["dilations"]),
                       groups=a["group"])
        if before == after:
            return lambda x: conv(x, kernel(), bias and bias(), padding=tuple(before), **options)
        cells = [n for pair in reversed(list(zip(before, after))) for n in pair]
        return lambda x: conv(F.pad(x, cells), kernel(), bias and bias(), **options)

    def make_convtranspose(self, node, a):
        """It pads alike on both sides: what is too much after is cut off."""
        axes = len(a["strides"])
        before, after = a["pads"][:axes], a["pads"][axes:]
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[axes - 1]
        kernel = self.parameter(node.input[1])
        bias = self.parameter(node.input[2]) if len(node.input) > 2 else None
        more = [o + max(b - e, 0) for o, b, e in zip(a["output_padding"], before, after)]
        less = [max(e - b, 0) for b, e in zip(before, after)]
        options = dict(stride=tuple(a["strides"]), padding=tuple(before),
                       output_padding=tuple(more), dilation=tuple(a["dilations"]),
                       groups=a["group"])

        def run(x):
            y = conv(x, kernel(), bias and bias(), **options)
            for axis, cells in enumerate(less):
                y = y.narrow(axis + 2, 0, y.shape[axis + 2] - cells) if cells else y
            return y

        return run

    def make_gemm(self, node, a):
        kernel = self.parameter(node.input[1])
        bias = self.parameter(node.input[2]) if len(node.input) > 2 else None
        return lambda x: F.linear(x, kernel().t(), bias and bias())

    def make_batchnormalization(self, node, a):
        scale, shift = self.parameter(node.input[1]), self.parameter(node.input[2])
        mean, variance = (self.parameter(n, buffer=True) for n in node.input[3:5])
        return lambda x: F.batch_norm(x, mean(), variance(), scale(), shift(), self.training, 0.01,
                                      a["epsilon"])

    # ---- pooling, resizing ----
    def make_maxpool(self, node, a):
        axes = len(a["strides"])
        before, after = a["pads"][:axes], a["pads"][axes:]
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
        window = dict(kernel_size=a["kernel_shape"], stride=a["strides"])
        if before == after:
            return lambda x: pool(x, padding=before, **window)
        cells = [n for pair in reversed(list(zip(before, after))) for n in pair]
        return lambda x: pool(F.pad(x, cells, value=-np.inf), **window)

    def make_globalaveragepool(self, node, a):
        return lambda x: x.mean(dim=list(range(2, x.dim())), keepdim=True)

    def make_resize(self, node, a):
        sizes = self.constants[node.input[2]][2:].tolist()
        mode = a["mode"].decode()
        if mode == "nearest":
            return lambda x: F.interpolate(x, scale_factor=sizes, mode="nearest")
        return lambda x: F.interpolate(x, scale_factor=sizes, mode="bilinear", align_corners=False)

    # ---- elementwise ----
    def two(self, node, f):
        a, b = (n if n not in self.constants else self.number(n) for n in node.input)
        if not isinstance(a, str):
            return lambda x: f(a, x)
        return (lambda x: f(x, b)) if not isinstance(b, str) else f

    def make_add(self, node, a):
        return self.two(node, lambda x, y: x + y)

    def make_mul(self, node, a):
        return self.two(node, lambda x, y: x * y)

    def make_sub(self, node, a):
        return self.two(node, lambda x, y: x - y)

    def make_clip(self, node, a):
        low, high = (self.number(n) for n in node.input[1:])
        return lambda x: F.hardtanh(x, low, high)

    def make_relu(self, node, a):
        return F.relu

    def make_leakyrelu(self, node, a):
        return lambda x: F.leaky_relu(x, a["alpha"])

    def make_sigmoid(self, node, a):
        return torch.sigmoid

    def make_tanh(self, node, a):
        return torch.tanh

    def make_softmax(self, node, a):
        return lambda x: F.softmax(x, dim=a["axis"])

    # ---- movement ----
    def make_pad(self, node, a):
        pads = self.constants[node.input[1]].tolist()
        half = len(pads) // 2
        cells = [n for i in reversed(range(half)) for n in (pads[i], pads[half + i])]
        return lambda x: F.pad(x, cells)

    def make_transpose(self, node, a):
        return lambda x: x.permute(a["perm"])

    def make_reshape(self, node, a):
        shape = self.constants[node.input[1]].tolist()
        return lambda x: x.reshape(shape)

    def make_concat(self, node, a):
        return lambda *x: torch.cat(x, dim=a["axis"])

    def make_identity(self, node, a):
        return lambda x: x

    def make_depthtospace(self, node, a):
        s = a["blocksize"]

        def run(x):
            n, c, h, w = x.shape
            x = x.reshape(n, s, s, c // (s * s), h, w).permute(0, 3, 4, 1, 5, 2)
            return x.reshape(n, c // (s * s), h * s, w * s)

        return run
