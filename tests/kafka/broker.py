"""What the Kafka tests share: the real broker that tests/kafka/run started, kcat as the independent client, a proxy that cuts and delays, and
`dideban serve` as a process that can be killed and watched."""
import collections, json, os, select, signal, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

from lib import *

FOLDER = os.environ.get("DIDEBAN_KAFKA_FOLDER", "")
PORT = int(os.environ.get("DIDEBAN_KAFKA_PORT", "0"))
BROKER = "127.0.0.1:%d" % PORT
# The broker names this address to clients that come through it; it is served by a Proxy, which leads to the port before it.
PROXIED = "127.0.0.1:%d" % (PORT + 3)
SECURE = "127.0.0.1:%d" % (PORT + 4)      # SASL_SSL
TOOL = os.path.join(ROOT, "tools", "kafka")
ADMIN = os.path.join(os.path.dirname(PROGRAM), "tests", "kafka_admin")
AUDIENCES = ("judge", "police", "gate", "supervisor")      # of the shipped rules
LONG = 120          # seconds: a wait that lasts so long has failed


def tool(*args):
    done = subprocess.run([TOOL] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=LONG)
    assert done.returncode == 0, done.stdout.decode()


def admin(*args):
    done = subprocess.run([ADMIN, BROKER] + [str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONG)
    assert done.returncode == 0, done.stdout.decode()


def kcat(*args, stdin=b""):
    done = subprocess.run(["kcat", "-b", BROKER] + [str(a) for a in args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LONG)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def send(topic, events, *args, partition=-1):
    """Events as lines, in structured mode."""
    kcat("-P", "-t", topic, "-p", partition, "-l", "/dev/stdin", *args, stdin="".join(e if isinstance(e, str) else line(e) for e in events).encode())


def published(topic):
    """What a reader of committed messages sees: (key, event), in order."""
    out = kcat("-C", "-t", topic, "-X", "isolation.level=read_committed", "-o", "beginning", "-e", "-q", "-f", "%k\\t%h\\t%s\\n").decode()
    rows = [l.split("\t", 2) for l in out.splitlines()]
    for _, headers, _ in rows:
        assert headers == "content-type=application/cloudevents+json; charset=UTF-8", headers
    return [(k, json.loads(v)) for k, _, v in rows]


END_TXN = b"\0\x1a"     # behind the length of a request


class Proxy:
    """Between a client and the broker: passes bytes on, after a delay; cuts all connections; lets none through; holds answers back for so long after
    the end of a transaction was asked for."""

    def __init__(self, listen, to):
        self.to, self.delay, self.closed, self.pairs = to, 0.0, False, []
        self.end_delay, self.held_until, self.ends = 0.0, 0.0, 0
        self.server = socket.create_server(("127.0.0.1", listen), reuse_port=False)
        self.ended = False
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while not self.ended:
            try:
                here, _ = self.server.accept()
            except OSError:
                return
            if self.closed:
                here.close()
                continue
            try:
                there = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                here.close()
                continue
            self.pairs.append((here, there))
            for a, b, answers in ((here, there, False), (there, here, True)):
                threading.Thread(target=self.pump, args=(a, b, answers), daemon=True).start()

    def pump(self, a, b, answers):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                if self.delay:
                    time.sleep(self.delay)      # the delay is what is tested, nothing waits for it
                if answers:
                    time.sleep(max(0.0, self.held_until - time.monotonic()))    # as well
                elif self.end_delay and data[4:6] == END_TXN:
                    self.held_until = time.monotonic() + self.end_delay
                    self.ends += 1
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def end(self):
        self.ended = True
        try:
            self.server.shutdown(socket.SHUT_RDWR)      # wakes accept, which would hold the port
        except OSError:
            pass
        self.server.close()
        self.thread.join()
        self.cut()


CONFIG = """instance: %(name)s
store: %(store)s
tick: %(tick)s
checkpoint_events: %(checkpoint)d
batch_events: %(batch)d
kafka:
  brokers: %(broker)s
  refresh: 500ms
  marks: %(name)s.marks
  stop: %(stop)s
  alerts:
    judge: %(name)s.judge
    police: %(name)s.police
    gate: %(name)s.gate
    supervisor: %(name)s.supervisor
%(settings)s  topics:
%(topics)s"""
ALL = '    - {%s: "%s", sources: ["*"], types: ["*"], corrections: true}\n'


class Serve:
    """A `dideban serve`: started, watched, killed."""

    def __init__(self, case, config, env=None, args=()):
        self.err = open(case.path("serve%d.err" % len(os.listdir(case.dir))), "w+b")
        self.out = open(case.path("serve%d.out" % len(os.listdir(case.dir))), "w+b")
        self.process = subprocess.Popen([PROGRAM, "serve", "--config", config, "--json"] + list(args), stdout=self.out, stderr=self.err, stdin=subprocess.DEVNULL,
                                        env={**CLEAN_ENV, **(env or {})}, cwd=case.dir)
        case.addCleanup(self.kill)

    def said(self):
        self.err.flush()
        with open(self.err.name, encoding="utf8", errors="replace") as f:
            return f.read()

    def running(self):
        return self.process.poll() is None

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Told to stop, it ends by itself: (status, summary)."""
        self.process.terminate()
        return self.ended()

    def ended(self):
        status = self.process.wait(LONG)
        with open(self.out.name, encoding="utf8") as f:
            rows = [json.loads(l) for l in f if l.strip()]
        return status, rows[-1] if rows else None


class KafkaCase(Case):
    counter = 0

    def setUp(self):
        super().setUp()
        KafkaCase.counter += 1
        self.name = "t%d-%d-%d" % (os.getpid(), KafkaCase.counter, time.monotonic_ns() % 1000000)
        self.store = self.path("store")

    def topics(self, *names, partitions=3):
        for t in names:
            admin("create", self.topic(t), partitions)
        for t in AUDIENCES:
            admin("create", self.topic(t), 1)
        admin("create", self.name + ".marks", 1, "cleanup.policy=compact")

    def topic(self, name):
        return "%s.%s" % (self.name, name)

    def config(self, *topics, store=None, broker=BROKER, checkpoint=100000, batch=4096, tick="never", stop="20s", settings="", name="config.yaml", rest=""):
        """topics: names of ours, or whole entries."""
        entries = "".join(t if t.startswith("    - ") else ALL % ("topic", self.topic(t)) for t in topics)
        return self.write(name, CONFIG % {"name": self.name, "store": store or self.store, "broker": broker, "checkpoint": checkpoint, "batch": batch, "tick": tick,
                                          "stop": stop, "settings": settings, "topics": entries} + rest)

    def serve(self, config, **options):
        return Serve(self, config, **options)

    def wait(self, condition, what, serve=None):
        """Until the condition holds; an end that should come and does not is a failure."""
        end = time.monotonic() + LONG
        while not condition():
            if serve is not None and not serve.running():
                self.fail("%s: serve ended with %s:\n%s" % (what, serve.process.returncode, serve.said()))
            if time.monotonic() > end:
                self.fail("%s did not come to be\n%s\n%s" % (what, serve.said() if serve else "", self.metrics(serve) if serve else ""))
            select.select([], [], [], 0.05)

    def metrics(self, serve, store=None):
        """What this very process said of itself last."""
        try:
            with open(os.path.join(store or self.store, "status.json"), encoding="utf8") as f:
                said = json.load(f)
        except FileNotFoundError:
            return {}
        return said["metrics"] if said["process"] == serve.process.pid else {}

    def consumed(self, serve, n, what="the events"):
        """Waits until so many were consumed by this process."""
        self.wait(lambda: self.metrics(serve).get("dideban_events_consumed_total", 0) >= n, "%s are read (%d)" % (what, n), serve)

    def positions_reach(self, serve, n):
        """Waits until all was read, whatever was read by processes before: no lag is left, and the store holds so many distinct events."""
        def there():
            m = self.metrics(serve)
            return m.get("dideban_kafka_source_partitions", 0) >= n and m.get("dideban_kafka_source_connected") and m["dideban_kafka_source_unknown_partitions"] + m["dideban_kafka_source_lag_events"] == 0 \
                and m.get("dideban_kafka_sink_waiting_bytes", 1) == 0
        self.wait(there, "all is read", serve)

    def expected(self, events, *args):
        """Standing alerts of `dideban run` over the same events."""
        store = self.path("expected%d" % len(os.listdir(self.dir)))
        self.run_store(store, *args, "--events", events)
        return self.standing(store)

    def check_published(self, store=None):
        """Each (alert id, sequence) of the store stands once in the topics of its audiences, none is missing."""
        alerts = self.alerts(store or self.store)
        want = collections.Counter()
        for a in alerts:
            for audience in a["audience"]:
                for seq in range(1, a["seq"] + 1):
                    want[(self.topic(audience), a["alert_id"], seq)] = 1
        got = collections.Counter()
        last = {}
        for audience in AUDIENCES:
            for key, ev in published(self.topic(audience)):
                d = ev["data"]
                self.assertEqual((key, ev["id"]), (d["alert_id"], "%s/%d" % (d["alert_id"], d["seq"])))
                got[(self.topic(audience), key, d["seq"])] += 1
                last[key] = ev["type"]
        self.assertEqual({k: n for k, n in got.items() if n != 1}, {}, "published more than once")
        self.assertEqual(sorted(want - got)[:5], [], "not published")
        self.assertEqual(sorted(got - want)[:5], [], "published, but not known to the store")
        for a in alerts:
            if a["seq"] > 0 and last.get(a["alert_id"]) is not None:
                self.assertEqual(a["state"] == "withdrawn", last[a["alert_id"]] == "alert.withdrawn", a)
        return sum(got.values())
