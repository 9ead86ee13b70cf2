#!/usr/bin/env python3
"""Measures Cornu beside its peers, with 1 and with 2 threads, and writes docs/performance.md.

  bench/run.py [PART_OF_A_NAME...] [--only operations|networks] [--rounds N] [--threads 1 2]
               [--program build/release/bench/bench_peers] [--no-torch] [--results FOLDER]
               [--report FILE]
  bench/run.py --again           only writes the report again

oneDNN is in the program and does single operations; PyTorch takes part where python3 has it, ONNX
Runtime and TensorFlow.js where scripts/fetch-node-packages.sh brought them. With parts of names, only those are measured
and the tables are printed instead. What was measured is kept in the results' folder, a file for each
part of the report, a line of JSON each; a part that was not measured stays as it is. Several threads
are timed by the clock on the wall: leave the machine alone meanwhile. scripts/install-deps.sh --bench
and scripts/fetch-models.sh build/models bring what is needed.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

import chart
import network_report
import report

SOURCE = pathlib.Path(__file__).resolve().parent.parent
MODULES = os.environ.get("CORNU_NODE_MODULES", SOURCE / "build/npm/node_modules")
# Libraries of Node.js: what bench/node_peer.mjs calls them, and their package.
NODE_PEERS = {"ONNX Runtime": ("onnxruntime", "onnxruntime-node"),
              "TensorFlow.js": ("tfjs", "@tensorflow/tfjs-backend-wasm")}
# Parts of the report, and what bench_peers calls them.
PARTS = {"networks": ["models", "steps"], "operations": ["operations"]}


def python_with_torch():
    """Debian's packages are not seen by a Python from elsewhere."""
    return next((p for p in (sys.executable, "/usr/bin/python3") if subprocess.run(
        [p, "-c", "import torch, numpy, onnx"], capture_output=True).returncode == 0), None)


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=SOURCE)
    return done.stdout.strip() if done.returncode == 0 else ""


def machine():
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].replace("\t", "")
    cpu = dict(line.split(":", 1) for line in first.splitlines())
    caches = []
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / f).read_text().strip() for f in ("level", "type", "size"))
        if kind != "Instruction":
            kib = int(size.removesuffix("K"))
            caches.append(f"L{level} {kib} KiB" if kib < 1024 else f"L{level} {kib // 1024} MiB")
    return {"processor": cpu["model name"].strip(), "cores": len(os.sched_getaffinity(0)),
            "caches": caches}


def measure(options, part, threads, results):
    """Adds a line about the run and one per subject to `results` as they come."""
    command = [options.program, "--threads", str(threads), "--rounds", str(options.rounds),
               "--tables", *PARTS[part], "--", *options.names]
    peers = []
    python = None if options.no_torch else python_with_torch()
    if python:
        for layout in ("nchw", "channels_last"):
            peer = SOURCE / "bench" / "torch_peer.py"
            peers += ["--with", f"PyTorch {layout}={python} '{peer}' {layout} {threads}"]
    for name, (library, package) in NODE_PEERS.items() if part == "networks" else ():
        if (pathlib.Path(MODULES) / package).is_dir():
            peer = SOURCE / "bench" / "node_peer.mjs"
            peers += ["--with", f"{name}=node '{peer}' {library} '{MODULES}' {threads}"]
    command[1:1] = peers
    head = {"threads": threads, "rounds": options.rounds, "load": os.getloadavg()[0],
            "machine": machine(), "date": datetime.date.today().isoformat(),
            "commit": output_of("git", "rev-parse", "--short", "HEAD") +
            (" and changes" if output_of("git", "status", "--porcelain", "-uno") else "")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            line = json.loads(line)
            results.write(json.dumps({**line, **head} if "versions" in line else line) + "\n")
            results.flush()
    if process.returncode != 0:
        sys.exit(f"run.py: {options.program} ended with {process.returncode}")


def lines_of(path):
    return [json.loads(line) for line in path.open()]


def replaced(text, part, section):
    """The report with another text for one part, between marks of its own."""
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    return before + start + section + end + after if found else text + start + section + end


def write_report(options, part, lines):
    text = options.report.read_text() if options.report.exists() else report.TITLE
    if part == "networks":
        picture = options.report.parent / "networks.svg"
        picture.write_text(chart.chart(network_report.groups(lines)))
        section = network_report.section(lines, picture.name)
    else:
        section = report.section(lines)
    options.report.write_text(replaced(text, part, section))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--program", default=SOURCE / "build/release/bench/bench_peers")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--results", default=SOURCE / "build", type=pathlib.Path)
    parser.add_argument("--report", default=SOURCE / "docs/performance.md", type=pathlib.Path)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    for part in [options.only] if options.only else PARTS:
        path = options.results / f"peers-{part}.jsonl"
        if not options.again:
            with path.open("w") as results:
                for threads in options.threads:
                    measure(options, part, threads, results)
        elif not path.exists():
            continue
        lines = lines_of(path)
        if options.names:
            print((network_report if part == "networks" else report).tables(lines))
        else:
            write_report(options, part, lines)


if __name__ == "__main__":
    main()
