"""What the benches share: small measures, `muted`, which is witness with the rule changed to be muted by witness, as the peers' is, in place of one alert a case, and what must
stand after each workload."""
import json, multiprocessing, os, re, shutil, subprocess, sys

import lib, test_truth

MIB = 1 << 20
FIXED_MIB = 256         # what does not depend on the history: the block cache, what a checkpoint gathers and sorts, RocksDB's own, the batch under way
OVER = 1.15             # how much of its budget a run may be resident with
QUIET = 30 * 86400
MUTED = ('episode = { "subject", "case_id" }, episode_once = true,', 'episode = { "subject" },')


def apart(f, *args):
    """In a process of its own: a child's peak memory begins with its parent's, so this one must stay small."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(f, args)


def budget_mib(cache):
    """What a run with such a cache may be resident with, but for OVER."""
    m = re.fullmatch(r"(\d+)(KiB|MiB|GiB)", cache)
    if not m:
        sys.exit("--cache: a number and KiB, MiB or GiB")
    return (int(m.group(1)) << {"KiB": 10, "MiB": 20, "GiB": 30}[m.group(2)]) // MIB + FIXED_MIB


def instructions(command, out):
    """(instructions, what it printed) of a run under callgrind, which writes its file to `out`."""
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed (apt-get install valgrind)")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out] + command, cwd=lib.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=lib.CLEAN_ENV)
    said = done.stderr.decode(errors="replace")
    m = re.search(r"Collected : (\d+)", said)
    if done.returncode or m is None:
        sys.exit("callgrind ended with %d:\n%s" % (done.returncode, said[-2000:]))
    return int(m.group(1)), done.stdout.decode()


def size_of(folder):
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)


def lines(path):
    with open(path, "rb") as f:
        return sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))


def source_of(workload):
    return "witness" if workload == "muted" else workload


def rules_of(workload, folder):
    """None: the shipped ones. Else a folder with the changed rule."""
    if workload != "muted":
        return None
    rules = os.path.join(folder, "rules")
    if not os.path.isdir(rules):
        shutil.copytree(os.path.join(lib.ROOT, "rules"), rules)
        path = os.path.join(rules, "witness-repeat.lua")
        with open(path, encoding="utf8") as f:
            text = f.read()
        if text.count(MUTED[0]) != 1:
            sys.exit("witness-repeat.lua has changed: how is it muted?")
        with open(path, "w", encoding="utf8") as f:
            f.write(text.replace(*MUTED))
    return rules


def standing(program, workload, path, store):
    """(good, alerts): the alerts of a store, and whether those of the workload's rule are what follows from the truth tool."""
    rule = test_truth.RULE[source_of(workload)]
    done = subprocess.run([program, "alerts", "--store", store, "--rule", rule, "--json"], cwd=lib.ROOT, stdout=subprocess.PIPE, check=True, env=lib.CLEAN_ENV)
    alerts = [json.loads(x) for x in done.stdout.decode().splitlines()]
    level = {a["trigger"]["id"]: a["level"] for a in alerts}
    wanted = [t if t.level or workload == "muted" else t._replace(level=level.get(t.id) or alerts[0]["level"])
              for t, _ in test_truth.triggers_of(source_of(workload), path).values()]
    if workload == "muted":
        want = lib.episodes([t._replace(episode="") for t in wanted], QUIET)
    else:
        want = lib.episodes(wanted, test_truth.quiet_of(rule))
    found = lib.standing_rows(alerts, rule)
    return len(found) == len(set(found)) and set(found) == want, alerts
