#!/usr/bin/env python3
"""Plants the bugs of plants.py in a copy of the engine, one at a time, and checks that test_order finds each (targets, C1).

usage: plant.py [--sets N] [--only TEXT] [--jobs N] [--work DIR]
Prints a table. Exit 1 if a bug is not found within N sets (500), or if a planted text is no longer in its file: then the plant
must follow the code. Not part of CI: it links the engine once for each bug. About 8 minutes on two cores; a bug that is not
found takes a minute more. --only: bugs with TEXT in their name or file. --work: use and keep this folder, so that a second call
builds only what changed."""
import argparse, pathlib, shutil, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from plants import PLANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("CMakeLists.txt", "CMakePresets.json", "state", "engine", "connectors", "tools", "tests", "rules", "cmake")


def run(cmd, seconds=None):
    try:
        return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(cmd, 1, f"hangs: stopped after {seconds} s\n")


def copy(work):
    """The sources, by content: what is the same keeps its time and is not built again."""
    for part in PARTS:
        for path in [ROOT / part] if (ROOT / part).is_file() else sorted((ROOT / part).rglob("*")):
            to = work / path.relative_to(ROOT)
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            if not to.exists() or to.read_bytes() != path.read_bytes():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)


def build(work, jobs):
    return run(["ninja", "-C", str(work / "build"), f"-j{jobs}", "test_order"])


def prepare(work, jobs):
    copy(work)
    cmd = ["cmake", "-S", str(work), "-B", str(work / "build"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_C_FLAGS=-w"]
    if shutil.which("ccache"):
        cmd += ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    r = run(cmd)
    if r.returncode == 0:
        r = build(work, jobs)
    if r.returncode != 0:
        print(r.stdout)
        sys.exit("the engine as it is does not build")
    r = run([str(work / "build/tests/test_order"), "--sets", "50", "--shares", "no"])
    if r.returncode != 0:
        print(r.stdout[-4000:])
        sys.exit("the engine as it is already fails")


def failure(r):
    """Where and how the test failed, in one line: `seed 7, variant 3: alerts differ from the model`."""
    for line in r.stdout.splitlines():
        if line.startswith("seed "):
            return line[:110]
    if r.returncode < 0:
        return f"killed by signal {-r.returncode}"
    return (r.stdout.strip().splitlines() or ["?"])[-1][:110]


def try_plant(work, plant, a):
    """(found, not found, gone or broken; where)"""
    name, file, old, new = plant
    path = work / file
    text = path.read_text() if path.is_file() else ""
    if text.count(old) != 1:
        return "GONE", f"{file} holds the text {text.count(old)} times"
    path.write_text(text.replace(old, new))
    try:
        r = build(work, a.jobs)
        if r.returncode != 0:
            return "BROKEN", "does not build: " + next((x for x in r.stdout.splitlines() if "error" in x), "?")
        r = run([str(work / "build/tests/test_order"), "--sets", str(a.sets), "--shares", "no", "--shrink", "no"], 20 + a.sets)
        return ("found", failure(r)) if r.returncode != 0 else ("MISSED", f"{a.sets} sets")
    finally:
        path.write_text(text)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--sets", type=int, default=500)
    p.add_argument("--only", default="")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--work", default="")
    a = p.parse_args()
    work = pathlib.Path(a.work or tempfile.mkdtemp(prefix="dideban-plant-"))
    plants = [x for x in PLANTS if a.only in x[0] or a.only in x[1]]
    missed = 0
    try:
        prepare(work, a.jobs)
        for plant in plants:
            began = time.monotonic()
            what, where = try_plant(work, plant, a)
            missed += what != "found"
            print(f"{what:7} {plant[0]:80} {pathlib.Path(plant[1]).name:18} {time.monotonic() - began:4.0f} s  {where}", flush=True)
    finally:
        if not a.work:
            shutil.rmtree(work, ignore_errors=True)
    print(f"{len(plants) - missed} of {len(plants)} planted bugs found")
    sys.exit(1 if missed or not plants else 0)


if __name__ == "__main__":
    main()
