"""What the black-box tests share: the program, scratch folders, workloads and their truth, standing alerts by the book.

The program is build/dideban (DIDEBAN names another). Data and truth tools are in ../shared (DIDEBAN_SHARED names another folder); a test that
needs them skips where they are absent. With DIDEBAN_REDUCED workloads are smaller, so that a run under sanitizers ends soon.
"""
import collections, datetime, hashlib, json, os, random, re, resource, shutil, subprocess, sys, tempfile, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.path.join(ROOT, os.environ.get("DIDEBAN", "build/dideban")))
SHARED = os.path.abspath(os.path.join(ROOT, os.environ.get("DIDEBAN_SHARED", "../shared")))
SCRATCH = os.path.abspath(os.path.join(ROOT, os.environ.get("DIDEBAN_SCRATCH", "build/scratch")))
REDUCED = bool(os.environ.get("DIDEBAN_REDUCED"))
DEEP = bool(os.environ.get("DIDEBAN_DEEP"))
TIMEOUT = 600
CLEAN_ENV = {k: v for k, v in os.environ.items() if not k.startswith("DIDEBAN_")}


def needs_shared(part="tools"):
    return unittest.skipUnless(os.path.isdir(os.path.join(SHARED, part)), "no test data: %s is absent (DIDEBAN_SHARED names another folder)" % os.path.join(SHARED, part))


not_reduced = unittest.skipIf(REDUCED, "not in the reduced run under sanitizers")


class Done:
    """A finished run of the program."""

    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    @property
    def rows(self):
        return [json.loads(line) for line in self.out.split("\n") if line]      # splitlines() would cut at U+2028 inside a string

    def __str__(self):
        return "%s\nstatus %d\nstdout:\n%s\nstderr:\n%s" % (" ".join(self.command), self.status, self.out[-3000:], self.err[-3000:])


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dideban-test-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def events(self, name, events):
        return self.write(name, "".join(line(e) for e in events))

    def dideban(self, *args, status=0, stdin=None, env=None, cwd=ROOT, program=None):
        """Runs the program; fails the test if it ends with another exit status."""
        command = [program or PROGRAM] + [str(a) for a in args]
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(command, cwd=cwd, input=stdin if stdin is not None else b"", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**CLEAN_ENV, "NO_COLOR": "1", **(env or {})}, timeout=TIMEOUT)
        done = Done(command, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        if status is not None and done.status != status:
            self.fail("exit status %d, expected %d: %s" % (done.status, status, done))
        return done

    def run_store(self, store, *args, **options):
        """`dideban run` into a store; its summary as a dict."""
        done = self.dideban("run", "--store", store, "--json", *args, **options)
        return summary(done)

    def alerts(self, store, *args):
        return self.dideban("alerts", "--store", store, "--all", "--json", *args).rows

    def standing(self, store):
        return comparable(self.alerts(store))


def summary(done):
    """The last JSON object of `run --json` is its summary."""
    rows = [r for r in done.rows if "consumed" in r]
    assert rows, "no summary: %s" % done
    return rows[-1]


def line(event):
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"


# ---------------------------------------------------------------- comparing alerts

# 9-command-line: what two runs that must agree are not compared on.
PASSING = ("known_up_to", "seq", "held_back", "replaces", "replaced_by", "decided_at", "time")


def comparable(alerts):
    """Standing and ended alerts in a form that the law of order compares."""
    kept = []
    for a in alerts:
        if a["state"] not in ("standing", "ended"):
            continue
        a = {k: v for k, v in a.items() if k not in PASSING}
        a["evidence"] = [{k: v for k, v in e.items() if k != "position"} for e in a.get("evidence", [])]
        kept.append(json.dumps(a, sort_keys=True, ensure_ascii=False))
    return kept


# ---------------------------------------------------------------- workloads and truth

def cached(name, make):
    """A generated file, made once; several processes may ask at the same time."""
    os.makedirs(SCRATCH, exist_ok=True)
    path = os.path.join(SCRATCH, name)
    if not os.path.exists(path):
        fd, temporary = tempfile.mkstemp(dir=SCRATCH)
        with os.fdopen(fd, "wb") as f:
            make(f)
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    return path


def stamp_of(*paths):
    h = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            h.update(f.read())
    return h.hexdigest()[:12]


def shared(*parts):
    return os.path.join(SHARED, *parts)


def output_of(command, stdin_path=None):
    def make(f):
        with open(stdin_path or os.devnull, "rb") as source:
            subprocess.run(command, stdin=source, stdout=f, check=True)
    return make


def workload(kind, events, *args):
    tool = shared("bench", "workload.py")
    return cached("%s-%d%s-%s.ndjson" % (kind, events, "".join(str(a) for a in args), stamp_of(tool)),
                  output_of([sys.executable, tool, kind, "--events", str(events)] + [str(a) for a in args]))


def shuffled(path, seed=7):
    def make(f):
        with open(path, "rb") as source:
            lines = source.readlines()
        random.Random(seed).shuffle(lines)
        f.writelines(lines)
    return cached("shuffled-%d-%s" % (seed, os.path.basename(path)), make)


def truth(tool, path, *args):
    """Rows of a truth tool about a file of events."""
    tool = shared("tools", tool + ".py")
    name = "truth-%s-%s-%s" % (os.path.basename(path), stamp_of(tool), "_".join(a.strip("-") for a in args))
    with open(cached(name, output_of([sys.executable, tool] + list(args), path)), encoding="utf8") as f:
        return [row.rstrip("\n").split("\t") for row in f]


def old_bailey(*args):
    tool, data = shared("tools", "oldbailey_events.py"), shared("data", "old-bailey")
    return cached("old-bailey-%s%s.ndjson" % (stamp_of(tool), "".join(args)), output_of([sys.executable, tool] + list(args) + [data]))


def by_id(path, ids):
    """(source, id) is unique by id alone in the workloads: the events of a set of ids."""
    found, ids = {}, set(ids)
    with open(path, encoding="utf8") as f:
        for text in f:
            m = re.search(r'"id":"([^"]*)"', text)
            if m and m.group(1) in ids:
                e = json.loads(text)
                found[e["id"]] = e
    return found


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


Trigger = collections.namedtuple("Trigger", "time source id subject episode level")
LEVELS = ("info", "warning", "critical")


def episodes(triggers, quiet=None):
    """2-semantics 5, from its words alone: triggers with an alert outcome -> a set of (subject, opening's id, shown trigger's id, level).

    quiet in seconds; None: episode_once."""
    groups = collections.defaultdict(list)
    for t in triggers:
        groups[t.subject, t.episode].append(t)
    found = set()
    for (subject, _), group in groups.items():
        group.sort(key=lambda t: (t.time, t.source.encode(), t.id.encode()))
        start = 0
        for i in range(1, len(group) + 1):
            if i == len(group) or (quiet is not None and (group[i].time - group[i - 1].time).total_seconds() > quiet):
                episode = group[start:i]
                top = max(LEVELS.index(t.level) for t in episode)
                shown = [t for t in episode if LEVELS.index(t.level) == top][-1]
                found.add((subject, episode[0].id, shown.id, shown.level))
                start = i
    return found


def standing_rows(alerts, rule):
    """The same four things of the program's alerts."""
    return [(a["subject"], a["opening"]["id"], a["trigger"]["id"], a["level"]) for a in alerts if a["rule"] == rule and a["state"] == "standing"]


def cpu_seconds(usage):
    return usage.ru_utime + usage.ru_stime


def is_root():
    return os.geteuid() == 0
