#!/usr/bin/env python3
"""Plants bugs in a copy of the engine, one at a time, and checks that test_order finds each (targets, C1).

usage: plant.py [--sets N] [--only NAME] [--jobs N]
A deep command, not for every change: it builds the engine once for each bug. Exit 1 if a bug is not found, or if a planted
text is no longer in its file (then the plant must follow the code)."""
import argparse, os, pathlib, shutil, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name, file, text, what it becomes. The text must stand exactly once in the file.
PLANTS = [
    ("an entry exactly as old as the window does not count", "engine/flow/judge.c",
     "return timeline_find_time(tl, instant_plus(t, -spec->window_seconds));",
     "{ struct instant from = instant_plus(t, -spec->window_seconds); if (++from.nsec == 1000000000) { from.sec++; from.nsec = 0; } return timeline_find_time(tl, from); }"),
    ("episodes end at exactly quiet", "engine/alert/cut.c",
     "instant_cmp(b->time, instant_plus(a->time, ru->quiet)) <= 0;",
     "instant_cmp(b->time, instant_plus(a->time, ru->quiet)) < 0;"),
    ("quiet is compared in whole seconds", "engine/alert/cut.c",
     "instant_cmp(b->time, instant_plus(a->time, ru->quiet)) <= 0;",
     "b->time.sec - a->time.sec <= ru->quiet;"),
    ("a late event changes no later trigger", "engine/flow/sweep.c",
     "sw->reached = true;", "sw->reached = false;"),
    ("the reach of a late event ends a second early", "engine/flow/sweep.c",
     "return instant_plus(t, spec->window_seconds);", "return instant_plus(t, spec->window_seconds - 1);"),
    ("a late life-cycle event changes no later trigger", "engine/flow/sweep.c",
     "sw->n_dirty += ba->items[number].count == 0;", "sw->n_dirty += 0;"),
    ("a late opening is forgotten at the next reopening", "engine/flow/sweep.c",
     "if (mark(sw, f, kept_bytes(de->kept, (unsigned)fb->key), fb->life & LIFE_OPENS ? 2 : 1, false) == UINT32_MAX)",
     "if (mark(sw, f, kept_bytes(de->kept, (unsigned)fb->key), 1, false) == UINT32_MAX)"),
    ("the first trigger of the highest level is shown", "engine/alert/cut.c",
     "if (gr->hits[i]->level >= gr->hits[ep.shown]->level)", "if (gr->hits[i]->level > gr->hits[ep.shown]->level)"),
    ("the last trigger is shown whatever its level", "engine/alert/cut.c",
     "if (gr->hits[i]->level >= gr->hits[ep.shown]->level)", "if (gr->hits[i]->level >= 0)"),
    ("a reopening does not open again", "engine/feature/active.c",
     "life & (LIFE_OPENS | LIFE_REOPENS)) == 0)", "life & LIFE_OPENS) == 0)"),
    ("what closes and never opened is on once it reopens", "engine/feature/active.c",
     "if (fb->life & LIFE_OPENS)", "if (fb->life & (LIFE_OPENS | LIFE_REOPENS))"),
    ("the end of validity still counts", "engine/feature/active.c",
     "|| instant_cmp(t, edge) < 0;", "|| instant_cmp(t, edge) <= 0;"),
    ("attributes are those of the first opening", "engine/feature/active.c",
     "ac->lives[key].opening = index;", "ac->lives[key].opening = ac->lives[key].opening == NO_ENTRY ? index : ac->lives[key].opening;"),
    ("an alert ends a moment after its expiry", "engine/alert/cut.c",
     "instant_plus(al->last, cu->ru->expires)) >= 0;", "instant_plus(al->last, cu->ru->expires)) > 0;"),
    ("a tick ends an alert a moment late", "engine/alert/standing.c",
     "instant_cmp(tick, instant_plus(al->last, ru->expires)) >= 0)", "instant_cmp(tick, instant_plus(al->last, ru->expires)) > 0)"),
    ("equal times are in the order in which their sources were first seen", "engine/flow/names.h",
     "return a == b ? 0 : slice_cmp(names_text(na, a), names_text(na, b));", "(void)na; return (a > b) - (a < b);"),
    ("a missing episode value and an empty one are two", "engine/flow/judge.c",
     "buf_add_blob(ret, bytes.n == 1 && bytes.p[0] == VALUE_STRING ? slice_of(\"\", 0) : bytes);", "buf_add_blob(ret, bytes);"),
    ("an event's other roles hide a late change from its own trigger", "engine/flow/sweep.c",
     "if (i + 1 == tl->n || !timeline_same_event(tl, i, i + 1))\n\t\t\tpass_event", "if (!changed)\n\t\t\tpass_event"),
    ("an opening keeps the time that a conflict took away", "engine/alert/cut.c",
     "if (instant_cmp(al->opening->time, gr->hits[ep->first]->time) != 0 &&", "if (false &&"),
    ("the episode before the change is not cut again", "engine/alert/cut.c",
     "if (gr->alerts[mid]->last_hit + 1 < gr->dirty_from)", "if (gr->alerts[mid]->last_hit < gr->dirty_from)"),
    ("nobody is told that evidence became contested", "engine/flow/judge.c",
     "h = hash64_seeded(slice_str(judge_contested(ju, ev) ? \"contested\" : \"\"),", "h = hash64_seeded(slice_str(\"\"),"),
    ("a window keeps what was there before a late entry", "engine/feature/window.c",
     "if (wi->hi <= first)\n\t\treturn 0;", "if (wi->hi <= first + 1)\n\t\treturn 0;"),
    ("the lowest value stays when it has left the window", "engine/feature/window.c",
     "while (ta->heap.n > 0 && ta->heap.v[0] < wi->lo)", "while (ta->heap.n > 1 && ta->heap.v[0] < wi->lo)"),
    ("a distinct value of two groups counts once", "engine/feature/window.c",
     "memcpy(key, &number, sizeof number);", "memset(key, 0, sizeof number);"),
    ("evidence of distinct repeats values", "engine/flow/judge.c",
     "if (spec->op == OP_DISTINCT && picked_value(", "if (spec->op == OP_ACTIVE && picked_value("),
    ("evidence of groups is everybody's", "engine/flow/judge.c",
     "if (spec->by != NULL && (mine.n == 0 ||", "if (spec->by != NULL && mine.n == 0 && (mine.n == 0 ||"),
]


def run(cmd, **kw):
    return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)


def build(work, jobs):
    return run(["ninja", "-C", str(work / "build"), f"-j{jobs}", "test_order"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sets", type=int, default=500)
    p.add_argument("--only", default="")
    p.add_argument("--jobs", type=int, default=2)
    a = p.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="dideban-plant-"))
    missed = []
    try:
        for part in ("CMakeLists.txt", "CMakePresets.json"):
            shutil.copy2(ROOT / part, work / part)
        for part in ("state", "engine", "connectors", "tools", "tests", "rules", "cmake"):
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, work / part)
        r = run(["cmake", "-S", str(work), "-B", str(work / "build"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"])
        if r.returncode == 0:
            r = build(work, a.jobs)
        if r.returncode != 0:
            print(r.stdout)
            sys.exit("the engine as it is does not build")
        r = run([str(work / "build/tests/test_order"), "--sets", "50", "--shares", "no"])
        if r.returncode != 0:
            print(r.stdout[-4000:])
            sys.exit("the engine as it is already fails")
        for name, file, old, new in PLANTS:
            if a.only not in name:
                continue
            path, began = work / file, time.monotonic()
            text = path.read_text()
            if text.count(old) != 1:
                print(f"GONE    {name}: {file} holds the text {text.count(old)} times", flush=True)
                missed.append(name)
                continue
            path.write_text(text.replace(old, new))
            r = build(work, a.jobs)
            if r.returncode != 0:
                print(f"BROKEN  {name}: does not build\n{r.stdout[-2000:]}", flush=True)
                missed.append(name)
            else:
                r = run([str(work / "build/tests/test_order"), "--sets", str(a.sets), "--shares", "no", "--shrink", "no"])
                seed = next((x.split()[1].rstrip(",:") for x in r.stdout.splitlines() if x.startswith("seed ")), "?")
                print(f"{'found  ' if r.returncode else 'MISSED '} {name} ({'seed ' + seed if r.returncode else str(a.sets) + ' sets'}, {time.monotonic() - began:.0f} s)", flush=True)
                if r.returncode == 0:
                    missed.append(name)
            path.write_text(text)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(missed)} of {len(PLANTS)} planted bugs not found" if missed else "every planted bug is found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
