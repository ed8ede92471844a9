"""What the crash tests share: a workload, what an undisturbed run of it ends with, and what must hold after any crash."""
import json, os, random, shutil, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

import lib
from made import *

TIMEOUT = 120       # seconds; a run takes less than one


class Wrong(Exception):
    pass


def workload(rnd, events):
    """Testimonies, warrants and passages with late, retracted, repeated and conflicting ones."""
    rows = []
    for i in range(events):
        u = rnd.random()
        if u < 0.6:
            rows.append((i, testimony("t%d" % i, i // 4 - (rnd.randrange(200) if rnd.random() < 0.2 else 0), "C%d" % rnd.randrange(60), "x-name:P%d" % rnd.randrange(25))))
        elif u < 0.75:
            who = rnd.randrange(8)
            rows.append((i, passed("g%d" % i, i // 40, "x-name:F%d" % who, site="s%d" % rnd.randrange(3), seconds=60 * rnd.randrange(40))))
        elif u < 0.80:
            who = rnd.randrange(8)
            rows.append((i, issued("i%d" % i, "W%d" % i, i // 40, "x-name:F%d" % who, end=i // 40 + 5)))
            if rnd.random() < 0.7:
                rows.append((i + rnd.randrange(200), changed("e%d" % i, "W%d" % i, i // 40 + 1, "ended", "x-name:F%d" % who)))
        elif u < 0.9 and rows:
            old = rnd.choice(rows)[1]
            rows.append((i, retraction("r%d" % i, old["id"], 500, target_source=old["source"])))
        elif rows:
            rows.append((i, rnd.choice(rows)[1]))
        else:
            rows.append((i, testimony("t%d" % i, 1, "C-first", "x-name:P1")))
        if rnd.random() < 0.02:
            rows.append((i, testimony("t%d" % rnd.randrange(i + 1), 3, "C-other", "x-name:P%d" % rnd.randrange(25))))
    rows.sort(key=lambda r: r[0])
    return [e for _, e in rows]


class World:
    """One workload below `folder`, run once undisturbed. A place is a name: the store lies there, its alerts file beside it."""

    def __init__(self, folder, seed, events, batch, checkpoint):
        self.folder, self.batch, self.checkpoint = folder, batch, checkpoint
        self.events = os.path.join(folder, "events.ndjson")
        with open(self.events, "w", encoding="utf8") as f:
            f.writelines(lib.line(e) for e in workload(random.Random(seed), events))
        begin = time.monotonic()
        whole = self.place("whole")
        done = self.run(whole)
        self.seconds = time.monotonic() - begin
        if done.returncode:
            raise Wrong("the undisturbed run ended with %d: %s" % (done.returncode, done.stderr.decode()))
        self.reference = self.standing(whole)
        self.check_sink(whole)
        with open(whole + ".alerts", "rb") as f:
            if len(self.reference) < 40 or f.read().count(b"withdrawn") < 10:
                raise Wrong("the workload is too tame: %d standing alerts\n%s" % (len(self.reference), done.stderr.decode()))

    def place(self, name):
        return os.path.join(self.folder, name)

    def command(self, store, events=None):
        return [lib.PROGRAM, "run", "--store", store, "--events", events or self.events, "--alerts", store + ".alerts", "--batch-events", str(self.batch),
                "--checkpoint-events", str(self.checkpoint), "--json"]

    def start(self, store, env, events=None):
        return subprocess.Popen(self.command(store, events), cwd=lib.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=dict(lib.CLEAN_ENV, **env))

    def run(self, store, env=None, events=None):
        return run(self.command(store, events), env)

    def remove(self, store):
        shutil.rmtree(store, ignore_errors=True)
        if os.path.exists(store + ".alerts"):
            os.unlink(store + ".alerts")

    def alerts(self, store):
        done = run([lib.PROGRAM, "alerts", "--store", store, "--all", "--json"])
        if done.returncode:
            raise Wrong("alerts ended with %d: %s" % (done.returncode, done.stderr.decode()))
        return [json.loads(x) for x in done.stdout.decode().splitlines()]

    def standing(self, store):
        return lib.comparable(self.alerts(store))

    def check_end(self, store, partial=False):
        """All the events are in: everything must be as if nothing had happened. partial: the alerts file is younger than the store."""
        alerts = self.alerts(store)
        found = lib.comparable(alerts)
        if found != self.reference:
            missing = [x for x in self.reference if x not in found]
            extra = [x for x in found if x not in self.reference]
            raise Wrong("%d standing alerts are missing, %d are too many; the first:\n%s" % (len(missing), len(extra), (missing + extra or ["(another order)"])[0]))
        self.check_sink(store, alerts, partial)

    def check_again(self, store):
        before = read(store + ".alerts")
        done = self.run(store)
        if done.returncode:
            raise Wrong("the same events again ended with %d: %s" % (done.returncode, done.stderr.decode()))
        if read(store + ".alerts") != before:
            raise Wrong("the same events again sent something")

    def check_sink(self, store, alerts=None, partial=False):
        """Whole rows, for each alert rising sequence numbers, each once, the last agreeing with the alert's state."""
        text = read(store + ".alerts")
        if text and not text.endswith(b"\n"):
            raise Wrong("the alerts file ends in half a row")
        last = {}
        for line in text.splitlines():
            try:
                row = json.loads(line.decode())
            except ValueError as e:
                raise Wrong("a row that is none (%s): %s" % (e, line[:200])) from None
            data = row["data"]
            if row["id"] != "%s/%d" % (data["alert_id"], data["seq"]):
                raise Wrong("id and sequence differ: " + row["id"])
            if data["alert_id"] in last and data["seq"] <= last[data["alert_id"]]["data"]["seq"]:
                raise Wrong("sequence %d after %d of alert %s" % (data["seq"], last[data["alert_id"]]["data"]["seq"], data["alert_id"]))
            last[data["alert_id"]] = row
        states = {a["alert_id"]: a for a in (self.alerts(store) if alerts is None else alerts)}
        for alert_id, row in last.items():
            a = states.get(alert_id)
            if (a is None or a["state"] == "withdrawn") != (row["type"] == "alert.withdrawn"):
                raise Wrong("the last message of %s is %s, its state %s" % (alert_id, row["type"], a and a["state"]))
            if a and a["state"] != "withdrawn" and [a[k] for k in ("seq", "level", "outcome", "subject", "opened_at")] != [row["data"][k] for k in ("seq", "level", "outcome", "subject", "opened_at")]:
                raise Wrong("the last message of %s does not agree with its state:\n%s\n%s" % (alert_id, row, a))
        for alert_id, a in states.items():
            if a["state"] != "withdrawn" and alert_id not in last and not partial:
                raise Wrong("nothing was ever sent of the standing alert " + alert_id)


def run(command, env=None):
    try:
        return subprocess.run(command, cwd=lib.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(lib.CLEAN_ENV, **(env or {})), timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Wrong("%s did not end within %d s" % (" ".join(command[1:3]), TIMEOUT)) from None


def read(path):
    with open(path, "rb") as f:
        return f.read()


def tally(passed, failed, skipped=0):
    if os.environ.get("DIDEBAN_TALLY"):
        with open(os.environ["DIDEBAN_TALLY"], "a") as f:
            f.write("%d %d %d\n" % (passed, failed, skipped))
