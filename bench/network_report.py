"""The part of docs/performance.md about whole networks and training, of what bench_peers wrote."""

import report
from report import FLOOR, mean, milliseconds, percent, threads_text

# What a row is to reach against the best peer, by its goal.
GOALS = {
    "any": FLOOR,
    "bytes": 0.9,
    "esrgan": 2.0,
    "esrgan x4": 3.0,
    "resnet": 1.25,
    "mobilenet": 1.3,
    "unet": 1.8,
    "3-D": 1.4,
    "wavenet": 2.0,
    "toy": 3.0,
    "train 1.5": 1.5,
    "train 1.3": 1.3,
}

# Why rows fall short, by their names: what the numbers cannot say.
ONE_BY_ONE = "1x1 convolutions take most of the time, and the peer's are closer to the peak"
DENSE = ("the 1x1 convolutions of concatenated feature maps, a fifth of the time, reach half of the peak; "
         "sums and moving concatenated maps take an eighth")
REASONS = {
    "ESRGAN-slim x2 @128": DENSE,
    "ESRGAN-slim x4 @128": DENSE,
    "ESRGAN-medium x2 @128": DENSE,
    "MobileNetV1": ONE_BY_ONE,
    "MobileNetV2": ONE_BY_ONE + "; the depthwise ones take a sixth",
    "ResNet-50": ONE_BY_ONE,
    "Xception": ONE_BY_ONE,
    "U-Net @256": "on the maps of 16x16 and 32x32 Winograd waits for its 256 to 512 channels' weights; "
                  "transposed convolutions and concatenations take a seventh",
    "DCGAN generator": "75 MB of weights are read for one small picture",
    "WaveNet x16000": "two taps a stride apart leave Winograd little to save; gates and sums are "
                      "passes of their own",
    "MNIST CNN @28 b128": "normalization, pooling, relu and their gradients take two fifths of the "
                          "step, bound by memory",
    "ResNet-20 @32 b32": "weight gradients take a third of the step",
}


PEERS = ("oneDNN", "PyTorch", "ONNX Runtime", "TensorFlow.js")
# Tables: title, what bench_peers calls the rows, what a row is, and who has a column.
TABLES = (("Whole models", "models", "model", PEERS[1:]),
          ("Training steps", "steps", "model", ("PyTorch",)),
          ("Upsampling alone", "bytes", "layer", PEERS))


def peer_of(name):
    """A contestant's library: its setting stands behind."""
    return next(p for p in PEERS if name.startswith(p))


class Row:
    def __init__(self, line):
        self.name, self.threads, self.peak = line["name"], line["threads"], line["peak"]
        self.goal, self.kind = GOALS[line["goal"]], line["table"]
        self.flops, self.bytes = line["flops"], line.get("bytes", 0)
        self.only_bytes = line["goal"] == "bytes"
        self.cornu, *peers = line["contestants"]
        self.peers = {}  # the better one of each name's settings
        for peer in sorted(peers, key=lambda p: -p["ms"]):
            self.peers[peer_of(peer["name"])] = peer
        self.absent = {peer_of(a["name"]): a["why"] for a in line.get("absent", [])}
        self.best = min(self.peers.values(), key=lambda p: p["ms"], default=None)
        self.ratio = self.best["ms"] / self.cornu["ms"] if self.best else None
        self.share = self.flops / (1e-3 * self.cornu["ms"]) / self.peak
        self.short = self.best is not None and not self.ratio >= self.goal

    def rate(self):
        return 1e-6 * (self.bytes if self.only_bytes else self.flops) / self.cornu["ms"]


def parts(lines, wanted):
    """(head, rows of these kinds) for every number of threads."""
    found = []
    for line in lines:
        if "versions" in line:
            found.append((line, []))
        else:
            row = Row(line)
            kind = "bytes" if row.only_bytes else row.kind
            if kind == wanted:
                found[-1][1].append(row)
    return [part for part in found if part[1]]


def peer_cells(row, name):
    peer = row.peers.get(name)
    if not peer:
        return ["–", "–"]
    return [milliseconds(peer), f"{peer['ms'] / row.cornu['ms']:.2f}"]


def table(rows, what, peers):
    unit = "GB/s" if rows[0].only_bytes else "GFLOP/s"
    share = [] if rows[0].only_bytes else ["of the peak"]
    heads = [what, "Cornu ms", unit, *share]
    for peer in peers:
        heads += [f"{peer} ms", "ratio"]
    text = ["| " + " | ".join([*heads, "to reach"]) + " |",
            "|---|" + "--:|" * len(heads)]
    for row in rows:
        cells = [row.name, milliseconds(row.cornu), f"{row.rate():.0f}"]
        cells += [percent(row.share)] if share else []
        for peer in peers:
            cells += peer_cells(row, peer)
        text.append("| " + " | ".join([*cells, f"{row.goal}" + (" ✗" if row.short else "")]) + " |")
    return "\n".join(text)


def tables(lines):
    text = []
    for title, wanted, what, peers in TABLES:
        for head, rows in parts(lines, wanted):
            text += [f"### {title}, {threads_text(head)}", ""]
            ratios = [row.ratio for row in rows if row.best]
            if ratios:
                missed = sum(row.short for row in rows)
                text += [f"Geometric mean of the ratios to the best peer: **{mean(ratios):.2f}**. "
                         f"{len(rows) - missed} of {len(rows)} reach\ntheir mark.", ""]
            text += [table(rows, what, peers), ""]
    return "\n".join(text)


def groups(lines):
    """What bench/chart.py draws."""
    bars = {}
    for wanted in ("models", "steps"):
        for head, rows in parts(lines, wanted):
            for row in rows:
                name = f"training {row.name}" if wanted == "steps" else row.name
                bars.setdefault(name, (row.goal, {}))[1][head["threads"]] = row.ratio
    return [(name, goal, ratios) for name, (goal, ratios) in bars.items()]


def falls_short(lines):
    text = []
    for _, wanted, _, _ in TABLES:
        for head, rows in parts(lines, wanted):
            for row in rows:
                if row.short:
                    reason = REASONS.get(row.name)
                    text.append(f"- {row.name}, {threads_text(head)}: {row.ratio:.2f} of {row.goal} "
                                f"against {row.best['name']}" +
                                (f" ({row.best['detail']})" if row.best["detail"] else "") +
                                (f". {reason}" if reason else ""))
    return "\n".join(text or ["Nothing."])


def empty_cells(lines):
    reasons = {}  # of whoever has a column, but no number for a row
    for _, wanted, _, peers in TABLES:
        for _, rows in parts(lines, wanted):
            for row in rows:
                for peer in set(row.absent) & set(peers) - set(row.peers):
                    reasons.setdefault((peer, row.name), row.absent[peer])
    return "\n".join(f"- {name}, {peer}: {why}" for (peer, name), why in reasons.items()) or "None."


def section(lines, chart):
    rounds = next(line for line in lines if "versions" in line)["rounds"]
    return f"""## Whole networks

{report.machine_text(lines)}

![How many times as fast as the best peer Cornu is, per network]({chart})

Networks as their papers or Keras's applications have them (`bench/models.cc`), batch 1 where the name
says no other, ESRGAN with its trained weights, the others with weights of one seed. The peers run
what `export_onnx` makes of them: ONNX Runtime through its Node.js package with all its
optimizations; PyTorch as eager modules, traced and frozen, or optimized for inference, in its default
layout and in channels_last, whichever is fastest. TensorFlow.js runs what `export_tfjs` makes of them,
by its WebAssembly with SIMD in Node.js, where it takes one thread whatever it is given. Before
anything is timed all must compute the same numbers; training steps must show the same loss on the
first two. Each runs in its turn, {rounds} rounds, medians. One thread is timed by processor time,
several by the clock on the wall. A training step is forward, backward and optimizer
(`train_on_batch`); its work is counted as three times the forward pass.

{tables(lines)}
### Networks that fall short

{falls_short(lines)}

### Empty cells

{empty_cells(lines)}
"""
