#!/usr/bin/env python3
"""Measures Cornu beside its peers, with 1 and with 2 threads, and writes docs/performance.md.

  bench/run.py [PART_OF_A_NAME...] [--program build/release/bench/bench_peers] [--rounds N]
               [--no-torch] [--threads 1 2] [--results FILE] [--report FILE]
  bench/run.py --from FILE       only writes the report again

oneDNN is in the program; PyTorch takes part where python3 has it. With parts of names, only those
workloads are measured and the tables are printed instead. What was measured is kept in the results
file, a line of JSON each. Several threads are timed by the clock on the wall: leave the machine
alone meanwhile. scripts/install-deps.sh --bench brings what is needed.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

import report

SOURCE = pathlib.Path(__file__).resolve().parent.parent
# Debian's packages are not seen by a Python from elsewhere.
PYTHON = next((p for p in (sys.executable, "/usr/bin/python3") if subprocess.run(
    [p, "-c", "import torch, numpy"], capture_output=True).returncode == 0), None)


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


def measure(options, threads, results):
    """Adds a line about the run and one per workload to `results` as they come."""
    command = [options.program, "--threads", str(threads), "--rounds", str(options.rounds),
               *options.names]
    if PYTHON and not options.no_torch:
        for layout in ("nchw", "channels_last"):
            peer = SOURCE / "bench" / "torch_peer.py"
            command += ["--with", f"PyTorch {layout}={PYTHON} '{peer}' {layout} {threads}"]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--program", default=SOURCE / "build/release/bench/bench_peers")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--results", default=SOURCE / "build/peers.jsonl", type=pathlib.Path)
    parser.add_argument("--report", default=SOURCE / "docs/performance.md", type=pathlib.Path)
    parser.add_argument("--from", dest="source", type=pathlib.Path)
    options = parser.parse_args()
    if not options.source:
        with options.results.open("w") as results:
            for threads in options.threads:
                measure(options, threads, results)
    lines = [json.loads(line) for line in (options.source or options.results).open()]
    if options.names:
        print(report.tables(lines))
    else:
        options.report.write_text(report.document(lines))


if __name__ == "__main__":
    main()
