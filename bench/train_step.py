#!/usr/bin/env python3
"""Training steps of one small network here and in PyTorch, in turns.

  train_step.py BENCH_TRAIN_STEP [--flatten] [--threads N] [--rounds N] [--cpu]

Needs torch (Debian: python3-torch). PyTorch runs in its default layout and in channels_last; the
better one counts. Prints medians in milliseconds and their ratio.
"""

import argparse
import os
import statistics
import subprocess
import time

STEPS = 5  # in a row, before it is the other's turn


class Torch:
    def __init__(self, flatten, layout, clock):
        import torch
        from torch import nn

        head = ([nn.Flatten(), nn.Linear(64 * 7 * 7, 10)] if flatten else
                [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)])
        layers = []
        for channels, filters, pool in ((1, 32, True), (32, 64, True), (64, 64, False)):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters),
                       nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if pool else []
        self.model = nn.Sequential(*layers, *head).to(memory_format=layout)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.x = torch.rand(128, 1, 28, 28).to(memory_format=layout)
        self.y = torch.randint(0, 10, (128,))
        self.loss = nn.functional.cross_entropy
        self.clock = clock

    def step(self):
        start = self.clock()
        self.optimizer.zero_grad()
        self.loss(self.model(self.x), self.y).backward()
        self.optimizer.step()
        return 1e3 * (self.clock() - start)

    def steps(self, count):
        return [self.step() for _ in range(count)]


class Cornu:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def steps(self, count):
        print(count, file=self.process.stdin, flush=True)
        return [float(word) for word in self.process.stdout.readline().split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--flatten", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="processor time, not the wall's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    os.environ["CORNU_THREADS"] = str(options.threads)
    import torch
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu else time.perf_counter
    words = ["flatten"] * options.flatten + ["cpu"] * options.cpu
    runners = {"cornu": Cornu([options.program, *words])}
    for layout in (torch.contiguous_format, torch.channels_last):
        name = str(layout).replace("torch.", "torch ")
        runners[name] = Torch(options.flatten, layout, clock)
    times = {name: [] for name in runners}
    for runner in runners.values():
        runner.steps(3)  # warm
    for _ in range(options.rounds):
        for name, runner in runners.items():
            times[name] += runner.steps(STEPS)
    medians = {name: statistics.median(t) for name, t in times.items()}
    for name, t in times.items():
        print(f"{name:24} median {medians[name]:8.2f} ms   best {min(t):8.2f} ms")
    best = min(m for name, m in medians.items() if name != "cornu")
    print(f"cornu / torch: {medians['cornu'] / best:.2f}")


if __name__ == "__main__":
    main()
