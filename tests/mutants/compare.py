#!/usr/bin/env python3
"""Reads mutants of HDF5 files with h5py, and compares with what our reader finds in them.

    compare.py PROGRAM SEED COUNT FOLDER FILE...

PROGRAM is hdf5_mutants. Goes on until both readers accepted COUNT mutants, in as many processes as there
are processors: libhdf5 may crash, or hang, which ends such a process and is counted. A mutant on which
they disagree is left in FOLDER as NUMBER.h5. The last line is a count; exits 1 for any disagreement.
"""
import json
import mmap
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "formats_check"))
import read_hdf5  # noqa: E402

BATCH = 1000
PATIENCE = 3  # seconds for one mutant
COUNTS = ["tried", "refused", "h5py refuses", "both", "tensors", "differ", "crashed", "hung"]


def opened(data):
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(data)
    return h5py.File(h5py.h5f.open(b"mutant", flags=h5py.h5f.ACC_RDONLY, fapl=access))


def disagreements(ours, theirs):
    """What both have read must be the same, and the same things must be there."""
    a = {path: (shape, crc) for path, shape, crc in ours}
    b = {path: (shape, crc) for path, shape, crc in theirs}
    refused = {path for path, (shape, _) in b.items() if shape == "refused"}

    def is_refused(path):
        """By h5py, or what it lies in."""
        object, attribute, _ = path.partition("@")
        # A mutant's names may have an @, too.
        above = {"/".join(parts[:i]) or "/" for parts in (object.split("/"), path.split("/"))
                 for i in range(1, len(parts) + 1)}
        return path in refused or not refused.isdisjoint(above) or attribute and "/" in refused

    def unread(path):  # by us
        return path in a and a[path][1] is None and (path not in b or b[path][1] is not None)

    return [(path, a.get(path, "nothing"), b.get(path, "nothing")) for path in sorted(a.keys() | b.keys())
            if a.get(path) != b.get(path) and not is_refused(path) and not unread(path)]


class Worker:
    """A process of its own that goes through batches number, number + step, ..."""

    def __init__(self, command, number, step, folder):
        self.command, self.step, self.folder = command, step, folder
        self.next = (number * BATCH, BATCH)
        self.shared = mmap.mmap(-1, 8 * (len(COUNTS) + 1))  # the mutant being read, then the counts
        self.pid, self.mutant, self.since = None, -1, 0

    def counts(self):
        return struct.unpack_from(f"<{len(COUNTS)}q", self.shared, 8)

    def add(self, name, more=1):
        at = 8 * (1 + COUNTS.index(name))
        struct.pack_into("<q", self.shared, at, struct.unpack_from("<q", self.shared, at)[0] + more)

    def current(self):
        return struct.unpack_from("<q", self.shared, 0)[0]

    def start(self):
        struct.pack_into("<q", self.shared, 0, -1)
        self.since = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.batch(*self.next)
                os._exit(0)
            except BaseException as e:  # ours to mend: not a crash of libhdf5
                print(f"compare.py: {type(e).__name__}: {e}", flush=True)
                os._exit(2)

    def batch(self, first, count):
        program, seed, *files = self.command
        made = subprocess.Popen([program, str(seed), str(first), str(count), *files], stdout=subprocess.PIPE)

        def text():
            return made.stdout.read(struct.unpack("<Q", made.stdout.read(8))[0])

        for k in range(first, first + count):
            mutant, listing = text(), text()
            struct.pack_into("<q", self.shared, 0, k)
            self.add("tried")
            if listing:
                self.compare(k, mutant, json.loads(listing))
            else:
                self.add("refused")
        if made.wait() != 0:
            raise RuntimeError("hdf5_mutants failed")

    def compare(self, k, mutant, ours):
        try:
            with opened(mutant) as h5:
                theirs = read_hdf5.listing_by_h5py(h5, patient=True)
        except Exception:  # whatever h5py finds wrong
            return self.add("h5py refuses")
        self.add("both")
        self.add("tensors", sum(1 for p, s, c in ours if s is not None and c is not None and "@" not in p))
        if wrong := disagreements(ours, theirs):
            self.add("differ")
            (self.folder / f"{k}.h5").write_bytes(mutant)
            print(f"mutant {k}: {wrong[:3]}", flush=True)

    def look(self):
        """False when something of ours went wrong."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            if self.current() != self.mutant:
                self.mutant, self.since = self.current(), time.monotonic()
            elif time.monotonic() - self.since > PATIENCE:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                self.after_end("hung")
            return True
        if os.WIFSIGNALED(status):
            self.after_end("crashed")
            return True
        first, count = self.next
        self.next = ((first + count - BATCH) + self.step * BATCH, BATCH)
        self.start()
        return os.WEXITSTATUS(status) == 0

    def after_end(self, how):
        self.add(how)
        first, count = self.next
        done = self.current() + 1 - first
        self.next = (first + done, count - done)
        self.start()

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def main():
    program, seed, count, folder, *files = sys.argv[1:]
    processes = os.cpu_count()
    workers = [Worker([program, seed, *files], i, processes, pathlib.Path(folder)) for i in range(processes)]
    for worker in workers:
        worker.start()

    def totals():
        return dict(zip(COUNTS, map(sum, zip(*(w.counts() for w in workers)))))

    good, told = True, 0
    while good and totals()["both"] < int(count):
        time.sleep(0.2)
        good = all([w.look() for w in workers])
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(totals(), flush=True)
    for worker in workers:
        worker.stop()
    t = totals()
    print(f"{t['tried']} mutants: both read {t['both']} ({t['tensors']} tensors), we alone {t['h5py refuses']}; "
          f"h5py crashed {t['crashed']} and hung {t['hung']} times; {t['differ']} differ")
    return 0 if good and t["differ"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
