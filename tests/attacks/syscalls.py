#!/usr/bin/env python3
"""What the program asks of the system when it is given hostile files and sound ones.

  syscalls.py PROGRAM ATTACKS MODELS [--every N]

ATTACKS holds the hostile files that test_attacks writes (see scripts/syscalls.sh), MODELS sound ones.
Each is given to cornu's summary, doctor, predict and convert under strace. No process may be started,
no connection made, and no file opened but those that were given, those beside a model.json or in an
unpacked folder, what is written, and those of the system in OWN and LIBRARIES. Sound models may take as
much memory as their files and some more. --every takes every Nth hostile file. Exit 77: no strace.
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Files of the system and of the user that the program or the C library may read.
OWN = re.compile(
    r"/proc/self/(cgroup|maps)|/proc/(cpuinfo|meminfo)|/sys/fs/cgroup/.*|/sys/devices/system/cpu/.*|"
    r"/etc/ld\.so\.(cache|preload)|/home/nobody/\.keras/keras\.json|/dev/tty")
LIBRARIES = re.compile(r"(/usr)?/lib(32|64)?(/.*)?|/usr/local/lib(/.*)?|.*\.so(\.[0-9]+)*")
# What a thread, and nothing else, is started with.
THREAD = "CLONE_THREAD"
LOOKS = {"stat", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2",
         "readlink", "readlinkat", "getcwd", "statfs", "fstatfs", "chdir", "fstat"}
OPENS = {"open", "openat", "openat2"}
SAVES = {"unlink", "unlinkat", "rename", "renameat", "renameat2"}
ENDS = {"exit_group", "exit", "wait4", "arch_prctl"}


def resolve(path, folder):
    return os.path.normpath(os.path.join(folder, path))


class Rules:
    """What one run may touch: `given` files or folders, and what begins like one of `written`."""

    def __init__(self, given, written, folder):
        self.given, self.written, self.folder = given, written, folder

    def may_read(self, path):
        inside = any(path == g or (os.path.isdir(g) and os.path.dirname(path) == g) for g in self.given)
        return inside or self.may_write(path) or bool(OWN.fullmatch(path) or LIBRARIES.fullmatch(path))

    def may_write(self, path):
        return any(path == w or path.startswith(w + ".") or path == os.path.dirname(w) for w in self.written)

    def violation(self, call, arguments):
        """Why a system call may not be; nothing where it may."""
        if call in ENDS:
            return None
        if call in ("clone", "clone3"):
            return None if THREAD in arguments else "starts a process"
        found = re.search(r'"((?:[^"\\]|\\.)*)"', arguments)
        if not found:
            return None if call in LOOKS else "is not allowed"
        base = re.match(r"(?:AT_FDCWD|[0-9]+)<([^>]*)>", arguments)
        path = resolve(found[1], base[1] if base else self.folder)
        if call in LOOKS:
            return None
        if call in OPENS:
            if re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", arguments):
                return None if self.may_write(path) else f"opens {path} to write"
            return None if self.may_read(path) else f"opens {path}"
        if call in SAVES:
            return None if self.may_write(path) else f"changes {path}"
        return "is not allowed"


def violations(command, rules, log):
    """Runs a command under strace; what it did that it may not. Says how it ended, too."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/home/nobody", "CORNU_THREADS": "2"}
    ended = subprocess.run(["strace", "-f", "-y", "-s", "9999", "-o", log, "-e",
                            "trace=%file,%process,%network", *command], cwd=rules.folder, env=environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, check=False)
    wrong, first = [], True
    for line in pathlib.Path(log).read_text(errors="replace").split("\n"):
        call = re.match(r"(?:\d+ +)?(\w+)\((.*)", line)
        if not call:
            continue  # signals, ends, the second half of an interrupted line
        if call[1] == "execve" and first:
            first = False
            continue
        why = rules.violation(call[1], call[2])
        if why:
            wrong.append(f"{' '.join(map(str, command))}: {call[1]} {why}: {line[:300]}")
    if first:
        wrong.append(f"{command[0]}: strace saw nothing: {ended.stderr[:300]}")
    return wrong, ended.returncode


def check_checker(folder, log):
    """What the rules forbid, done by other programs, must be seen."""
    rules = Rules([str(folder)], [], str(folder))
    (folder / "victim").touch()
    bad = [["cat", "/etc/hostname"], ["sh", "-c", "/bin/true; /bin/true"], ["touch", "new"], ["rm", "victim"],
           ["mkdir", "made"], ["ln", "-s", "x", "link"],
           [sys.executable, "-c", "import socket; socket.socket()"]]
    for command in bad:
        if not violations(command, rules, log)[0]:
            sys.exit(f"syscalls.py: it does not see what {command} does")


def memory_of(command, folder):
    """The most memory a command has, in bytes, and what it printed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write_end, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.chdir(folder)
        os.execv(command[0], command)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as output:
        text = output.read()
    _, status, usage = os.wait4(child, 0)
    return usage.ru_maxrss * 1024, text if status == 0 else None


def size_of(path):
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            return sum(info.file_size for info in z.infolist())
    if path.is_dir() or path.name == "model.json":
        folder = path if path.is_dir() else path.parent
        return sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
    return path.stat().st_size


def write_zeros(path, shape):
    """An .npy array for a model's input, of sizes of its own where the model has none."""
    dims = tuple(1 if i == 0 else d or 16 for i, d in enumerate(shape))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {dims}, }}\n".encode()
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header +
                     bytes(4 * math.prod(dims)))


def memory_complaint(program, model, least):
    rss, text = memory_of([program, "summary", "--json", str(model)], "/")
    if text is None:
        return f"{model}: summary --json fails"
    layers = len(json.loads(text)["layers"])
    most = 1.1 * size_of(model) + (16 << 20) + 8192 * layers
    if rss - least > most:
        return f"{model}: takes {rss - least} bytes of memory, may take {most}"
    return None


def runs(program, path, work):
    """The commands for a file, and what each may write."""
    given = str(path)
    for verb in ("summary", "doctor"):
        yield [program, verb, given], []
    yield [program, "predict", given, "--input", str(work / "x.npy"), "--output", str(work / "p.npy")], [
        str(work / "p.npy")]
    for name in ("c.h5", "c.keras"):
        yield [program, "convert", given, str(work / name)], [str(work / name)]


def main():
    if not shutil.which("strace"):
        print("strace is not installed")
        return 77
    arguments = sys.argv[1:]
    every = 1
    if len(arguments) == 5 and arguments[3] == "--every":
        every = int(arguments[4])
    elif len(arguments) != 3:
        sys.exit(__doc__)
    program, attacks, models = os.path.abspath(arguments[0]), *map(pathlib.Path, arguments[1:3])
    hostile = [p for p in sorted(attacks.iterdir())]
    hostile = [p / "model.json" if (p / "model.json").exists() else p for p in hostile][::every]
    sound = sorted(p / "model.json" if (p / "model.json").exists() else p for p in models.iterdir())
    wrong, count, accepted = [], 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        log = str(work / "log")
        (work / "checker").mkdir()
        check_checker(work / "checker", log)
        for path in hostile + sound:
            write_zeros(work / "x.npy", [1, 4])
            if path in sound:
                write_zeros(work / "x.npy", json.loads(memory_of(
                    [program, "summary", "--json", str(path)], "/")[1])["inputs"][0])
            folder = str(path.parent if path.name == "model.json" else path)
            for command, written in runs(program, path, work):
                given = [str(path), folder, str(work / "x.npy")]
                bad, status = violations(command, Rules(given, written, str(work)), log)
                wrong += bad
                count += 1
                accepted += status == 0
                if status < 0:
                    wrong.append(f"{command}: ended by signal {-status}")
        least, _ = memory_of([program, "--version"], "/")
        wrong += [c for c in (memory_complaint(program, m, least) for m in sound) if c]
    if accepted < 5 * len(sound):
        wrong.append(f"only {accepted} runs ended well: the sound models do not open")
    for line in wrong[:40]:
        print(line)
    print(f"{count} runs on {len(hostile)} hostile and {len(sound)} sound files, {len(wrong)} violations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
