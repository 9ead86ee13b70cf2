"""The part of docs/performance.md about single operations, of what bench_peers wrote. Every verdict
comes from the numbers."""

import math
import statistics

FLOOR = 0.95  # no row may be slower than that, against the best setting of the best peer

# What a row is to reach against the best peer in its default settings, by the workload's goal, and
# against a peer that was asked for Winograd.
GOALS = {
    "any": (FLOOR, FLOOR),
    "3x3": (2.0, 1.2),
    "upsampled": (2.5, 1.2),
    "transposed k4": (1.3, FLOOR),
    "transposed k2": (1.1, FLOOR),
    "transposed 3-D": (1.3, FLOOR),
    "depthwise": (1.2, FLOOR),
    "depthwise grad": (1.5, FLOOR),
    "few": (4.0, FLOOR),
}
MEAN_GOAL = 1.8

# Peers that are not here: the best share of the FMA peak that oneDNN 3.14, ONNX Runtime 1.30 or
# XNNPACK reached in an earlier measurement (one core, Zen 4, where the peak is half as many
# multiplications per cycle: a processor whose peak is higher reaches less of it where memory or
# instructions are the limit).
ELSEWHERE = {
    "3x3 512>512 @7": 0.95, "1x1 64>256 @56": 0.95, "1x1 256>64 @56": 0.95,
    "1x1 1024>256 @14": 0.98, "3x3 48>3 @256": 0.17, "depthwise 3x3 144 @56": 0.52,
    "depthwise 3x3 576 @14": 0.48, "depthwise 7x7 96 @56": 0.58,
    "depth multiplier 2 3x3 32>64 @56": 0.08, "grouped 32 x 4 3x3 @56": 0.37,
    "1-D causal k2 d1 256>256 x16000": 0.89, "1-D causal k2 d512 256>256 x16000": 0.86,
    "3-D 32>64 @32": 0.99, "transposed k2 s2 256>128 @32": 0.83,
    "transposed k3 s2 256>128 @32": 0.82, "transposed k4 s2 256>128 @32": 0.86,
    "transposed k5 s2 128>1 @14 b32": 0.44, "transposed 3-D k2 s2 128>64 @16": 0.66,
    "transposed 3-D k3 s2 64>32 @16": 0.71, "dilated 2 3x3 256>256 @33": 0.99,
    "1-D depthwise k31 256 x4000": 0.12, "input gradient of 3x3 64>64 @56 b8": 0.95,
    "input gradient of depthwise 3x3 144 @56 b8": 0.19,
    "kernel gradient of depthwise 3x3 144 @56 b8": 0.15,
    "kernel gradient of 1x1 64>256 @56 b8": 0.66, "input gradient of 1-D k9 64>64 x16000": 0.92,
    "kernel gradient of 1-D k9 64>64 x16000": 0.82, "kernel gradient of 3-D 32>64 @32": 0.79,
    "kernel gradient of 3x3 16>16 @32 b32": 0.92,
    "input gradient of grouped 32 x 4 3x3 @28 b8": 0.46,
    "kernel gradient of depthwise 7x7 96 @56 b4": 0.04,
}
# The same of ncnn's Winograd.
WINOGRAD_ELSEWHERE = {
    "3x3 64>64 @56": 1.90, "3x3 128>128 @28": 2.33, "3x3 256>256 @14": 1.38,
    "3x3 64>64 @224": 0.93,
}

# Why rows fall short, by what their names contain: what the numbers cannot say. The first counts.
SHORT_SUMS = "sums this short leave the inner kernel little beside loading its pointers and storing"
REASONS = {
    "kernel gradient of 3x3 1>32": "rows of one channel are gathered first, at the cost of copying",
    "kernel gradient of 7x7": "rows of three channels are gathered first, at the cost of copying",
    "kernel gradient of depthwise": "bound by memory: reading both operands alone takes most of the "
                                    "time",
    "kernel gradient": "plain sums, or four-point Winograd (2.25 times fewer products) where oneDNN "
                       "takes six points",
    "input gradient of 3x3": "",
    "depthwise 3x3": "bound by memory: copying as many bytes takes most of the time",
    "depthwise 7x7": "49 multiplications per result: at the peak 2.4 times the peer's speed",
    "1-D depthwise k7": "bound by memory: copying as many bytes takes most of the time",
    "3>32": SHORT_SUMS,
    "3>64": SHORT_SUMS,
    "1>32": SHORT_SUMS,
    "1x1 64>1 ": SHORT_SUMS,
    "24>144": SHORT_SUMS,
    "64>256": SHORT_SUMS,
    "3x3 64>3 ": "the matrix products take two thirds of the time, 27 of 32 columns being used",
    "3x3 64>1 ": "nine of sixteen columns of the matrix products are used",
    "48>3": "27 of 32 columns of the matrix products are used, and their rows leave the first-level "
            "cache",
    "512>512 @7": "four to sixteen tiles do not repay reading transformed weights",
    "256>256 @14": "sixteen tiles: the transformed weights are read from the third-level cache",
    "dilated 12": "tiles of 33 / 12 positions are mostly border, which oneDNN leaves out",
}


def is_winograd(contestant):
    return "winograd" in contestant["name"]


class Row:
    def __init__(self, line):
        self.name, self.goal, self.threads = line["name"], line["goal"], line["threads"]
        self.flops, self.peak = line["flops"], line["peak"]
        self.cornu, *peers = line["contestants"]
        fastest = lambda some: min(some, key=lambda c: c["ms"], default=None)
        self.default = fastest([c for c in peers if not is_winograd(c)])
        self.winograd = fastest([c for c in peers if is_winograd(c)])
        self.best = fastest(peers)
        self.share = self.rate() / self.peak

    def rate(self):
        return self.flops / (1e-3 * self.cornu["ms"])

    def ratio(self, peer):
        return peer["ms"] / self.cornu["ms"] if peer else None

    def shortfalls(self):
        """What it misses, each as text."""
        default, winograd = GOALS[self.goal]
        missed = []
        for goal, peer in ((default, self.default), (winograd, self.winograd)):
            if peer and not self.ratio(peer) >= goal:
                missed.append(f"{self.ratio(peer):.2f} of {goal} against {peer['name']}")
        return missed

    def shortfalls_elsewhere(self):
        missed = []
        marks = [("the best peer", FLOOR * ELSEWHERE.get(self.name, 0))]
        marks.append(("ncnn's Winograd", 1.2 * WINOGRAD_ELSEWHERE.get(self.name, 0)))
        for who, share in marks:
            if not self.share >= share:
                missed.append(f"{percent(self.share)} of the peak; {percent(share)} are asked for "
                              f"by what {who} reached")
        return missed


def percent(share):
    return f"{100 * share:.0f} %"


def milliseconds(contestant):
    return f"{contestant['ms']:.3g}" if contestant["ms"] < 100 else f"{contestant['ms']:.0f}"


def mean(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios)))


def by_threads(lines):
    """(head, rows) for every number of threads."""
    parts = []
    for line in lines:
        if "versions" in line:
            parts.append((line, []))
        else:
            parts[-1][1].append(Row(line))
    return [part for part in parts if part[1]]


def table(rows):
    text = ["| workload | Cornu ms | GFLOP/s | of the peak | best peer | ms | ratio | Winograd ms "
            "| ratio | to reach |", "|---|--:|--:|--:|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        goal, winograd_goal = GOALS[row.goal]
        marks = f"{goal}" + (f", {winograd_goal}" if row.winograd and row.goal != "any" else "")
        cells = [row.name, milliseconds(row.cornu), f"{1e-9 * row.rate():.0f}", percent(row.share)]
        cells += ([row.default["name"], milliseconds(row.default),
                   f"{row.ratio(row.default):.2f}"] if row.default else ["–"] * 3)
        cells += ([milliseconds(row.winograd),
                   f"{row.ratio(row.winograd):.2f}"] if row.winograd else ["–"] * 2)
        missed = " ✗" if row.shortfalls() else ""
        text.append("| " + " | ".join([*cells, marks + missed]) + " |")
    return "\n".join(text)


def summary(rows):
    default = [row.ratio(row.default) for row in rows if row.default]
    best = [row.ratio(row.best) for row in rows if row.best]
    missed = sum(1 for row in rows if row.shortfalls())
    return (f"Geometric mean of {len(best)} rows: **{mean(default):.2f}** against the best peer in\n"
            f"its default settings, **{mean(best):.2f}** against the best of all settings, Winograd\n"
            f"included (to reach: {MEAN_GOAL}). {len(rows) - missed} rows reach their mark, "
            f"{missed} fall short.")


def tables(lines):
    text = []
    for head, rows in by_threads(lines):
        text += [f"### {threads_text(head)}", ""]
        text += [f"The machine was {busy(head)}.", ""] if busy(head) else []
        text += [summary(rows), "", table(rows), ""]
    return "\n".join(text)


def threads_text(head):
    return "1 thread" if head["threads"] == 1 else f"{head['threads']} threads"


def falls_short(lines):
    text = []
    for head, rows in by_threads(lines):
        text += [f"#### {threads_text(head)}", ""]
        short = [row for row in rows if row.shortfalls()]
        for row in short:
            reason = next((why for part, why in REASONS.items() if part in row.name + " "), None)
            text.append(f"- {row.name}: {'; '.join(row.shortfalls())} "
                        f"({row.cornu['detail']})" + (f". {reason}" if reason else ""))
        if not short:
            text.append("Nothing.")
        text.append("")
    return "\n".join(text)


def falls_short_elsewhere(lines):
    text = []
    for head, rows in by_threads(lines):
        if head["threads"] != 1:
            continue
        for row in rows:
            text += [f"- {row.name}: {missed}" for missed in row.shortfalls_elsewhere()]
    return "\n".join(text or ["Nothing."])


def busy(head):
    """What other work on the machine makes of the numbers. The run before leaves a load of 1."""
    if head["load"] < 2:
        return ""
    return ("busy with other work: provisional" if head["threads"] == 1 else
            "busy with other work: times on the wall mean nothing")


def machine_text(lines):
    text = []
    head = next(line for line in lines if "versions" in line)
    m = head["machine"]
    text.append(f"- {m['processor']}, {m['cores']} cores, {', '.join(m['caches'])}")
    text.append(f"- Cornu's kernels for {head['target']}, commit {head['commit']}, {head['date']}")
    text.append(f"- Beside it: {', '.join(dict.fromkeys(head['versions']))}")
    for head, rows in by_threads(lines):
        peaks = [1e-9 * row.peak for row in rows]
        text.append(f"- {threads_text(head)}: FMA peak {statistics.median(peaks):.0f} GFLOP/s (median "
                    f"of the rows, {min(peaks):.0f} to {max(peaks):.0f});\n"
                    f"  load of the machine before: {head['load']:.1f}" +
                    (f" ({busy(head)})" if busy(head) else ""))
    return "\n".join(text)


TITLE = """# Cornu beside its peers

Written by `bench/run.py`; do not edit.

"""


def section(lines):
    rounds = next(line for line in lines if "versions" in line)["rounds"]
    return f"""## Single operations

As networks have them, float32.

{machine_text(lines)}

How it is measured: everyone is made ready and checked to compute the same numbers; then there are
{rounds} rounds in which each has its turn (30 ms, at least one run; one more before that does not
count), in an order that changes from round to round, and the peak of fused multiply-adds is
measured in every round too. The number is the median of the rounds. One thread is timed by the
processor time of its process, several by the clock on the wall. GFLOP/s are those of the plain
algorithm, so whoever needs fewer passes 100 %. Forward convolutions end with bias and relu,
transposed ones do not.

oneDNN runs with plain channels-last tensors (nhwc) and with its own layouts (any), kernels
reordered beforehand, tensors handed over in its layout without any conversion; the better one
counts. Winograd is a column of its own: it has to be asked for. PyTorch runs in its default layout
and in channels_last.

A ratio above 1 means that Cornu is faster. "To reach" is the mark against the best peer and, after
the comma, against Winograd; ✗: missed. Nothing may be below {FLOOR}.

{tables(lines)}
### Operations that fall short

{falls_short(lines)}
#### Against peers measured elsewhere

What oneDNN 3.14, ONNX Runtime 1.30, XNNPACK and ncnn reached on one core of another processor (Zen
4), as a share of its FMA peak. That core multiplies half as much per cycle, so a share says little
where memory or instructions are the limit.

{falls_short_elsewhere(lines)}
"""
