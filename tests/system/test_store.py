"""A store that cannot be used: a clear message, exit 4, and nothing lost afterwards."""
import json, os, subprocess, time, unittest

from lib import Case, PROGRAM, ROOT, CLEAN_ENV, is_root, line, not_reduced, summary
from made import *


def busy_rows(n=3000):
    return [testimony("t%d" % i, i % 700, "C%d" % (i % 97), "x-name:P%d" % (i % 50)) for i in range(n)]


class Store(Case):
    def setUp(self):
        super().setUp()
        self.store = self.path("store")
        self.file = self.events("e.ndjson", busy_rows())

    def whole(self):
        """What an undisturbed run ends with."""
        self.run_store(self.path("whole"), "--events", self.file)
        return self.standing(self.path("whole"))

    def hold(self, store):
        """A process that keeps a store open: it reads standard input, which we do not close yet."""
        p = subprocess.Popen([PROGRAM, "run", "--store", store, "--events", "-"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN_ENV)
        self.addCleanup(lambda: (p.poll() is None and p.kill(), p.stdin.close(), p.stdout.close(), p.stderr.close(), p.wait()))
        end = time.monotonic() + 30
        lock = os.path.join(store, "lock")
        while time.monotonic() < end and p.poll() is None:
            if os.path.exists(lock):
                with open(lock, encoding="ascii") as f:
                    if f.read().strip() == str(p.pid):
                        return p
            time.sleep(0.02)
        self.fail("it never held the store")

    def test_second_process(self):
        "a second process on one store is refused and told who holds it; looking at it is not"
        self.run_store(self.store, "--events", self.file)
        p = self.hold(self.store)
        for _ in range(200):
            done = self.dideban("run", "--store", self.store, "--events", self.file, status=None)
            if done.status == 4:
                break
            time.sleep(0.02)
        self.assertEqual(done.status, 4, done)
        self.assertIn(str(p.pid), done.err)
        self.assertEqual(self.standing(self.store), self.whole())
        p.communicate(b"")
        self.assertEqual(p.returncode, 0)
        self.run_store(self.store, "--events", self.file)

    def test_upgrade_says_the_format(self):
        "store upgrade and version name one format"
        self.run_store(self.store, "--events", self.file)
        version = self.dideban("version", "--json").rows[0]["store_format"]
        self.assertEqual(self.dideban("store", "upgrade", "--store", self.store, "--json").rows, [{"format": version, "upgraded": False}])

    def test_newer_format(self):
        "a store of a newer format is refused, untouched"
        self.run_store(self.store, "--events", self.file)
        path = os.path.join(self.store, "format")
        with open(path) as f:
            old = f.read()
        with open(path, "w") as f:
            f.write("dideban-store 99\n")
        for args in (("run", "--events", self.file), ("alerts",), ("store", "verify")):
            done = self.dideban(*args, "--store", self.store, status=4)
            self.assertIn("99", done.err)
            self.assertRegex(done.err, "newer")
        with open(path, "w") as f:
            f.write(old)
        self.assertEqual(self.standing(self.store), self.whole())

    def test_file_in_place_of_store(self):
        "a file where the store should be"
        self.write("store", "not a directory")
        done = self.dideban("run", "--store", self.store, "--events", self.file, status=4)
        self.assertIn(self.store, done.err)

    def test_not_a_store(self):
        "looking at a folder that holds no store"
        os.mkdir(self.path("empty"))
        done = self.dideban("alerts", "--store", self.path("empty"), status=None)
        self.assertIn(done.status, (2, 4))
        self.assertIn(self.path("empty"), done.err)
        self.assertEqual(os.listdir(self.path("empty")), [])

    @unittest.skipIf(is_root(), "root may write everywhere; test_read_only_mount does it for root")
    def test_no_permission(self):
        "a store that may not be written"
        self.run_store(self.store, "--events", self.file)
        for folder, _, _ in os.walk(self.store):
            os.chmod(folder, 0o555)
        try:
            done = self.dideban("run", "--store", self.store, "--events", self.events("more.ndjson", four_cases("m")), status=4)
        finally:
            for folder, _, _ in os.walk(self.store):
                os.chmod(folder, 0o755)
        self.assertIn(self.store, done.err)
        self.assertEqual(self.standing(self.store), self.whole())

    def test_unreadable(self):
        "looking at a store of another user asks for the right to read"
        self.run_store(self.store, "--events", self.file)
        os.chmod(self.dir, 0o755)
        os.chmod(self.store, 0)
        try:
            done = subprocess.run([PROGRAM, "alerts", "--store", self.store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                  env=CLEAN_ENV, **({"user": 65534} if is_root() else {}))
        except PermissionError:
            self.skipTest("another user may not run the program where it is")
        finally:
            os.chmod(self.store, 0o755)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"right to read", done.stderr)

    def mount(self, *args):
        if not is_root():
            self.skipTest("mounting needs root")
        if subprocess.run(["mount"] + list(args), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).returncode:
            self.skipTest("this machine does not let us mount")
        self.addCleanup(subprocess.run, ["umount", "-l", args[-1]], stderr=subprocess.DEVNULL)

    def test_read_only_mount(self):
        "a store on a read-only file system"
        self.run_store(self.store, "--events", self.file)
        self.mount("--bind", self.store, self.store)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.store], check=True)
        done = self.dideban("run", "--store", self.store, "--events", self.events("more.ndjson", four_cases("m")), status=4)
        self.assertIn(self.store, done.err)
        self.assertRegex(done.err, "(?i)read-only|written|write")
        subprocess.run(["umount", self.store], check=True)
        self.assertEqual(self.standing(self.store), self.whole())
        self.run_store(self.store, "--events", self.path("more.ndjson"))

    def test_disk_full(self):
        "a full disk: a clear message before anything breaks; with room again all goes on, nothing lost, nothing twice"
        os.mkdir(self.path("disk"))
        self.mount("-t", "tmpfs", "-o", "size=900m", "tmpfs", self.path("disk"))
        store, rows = self.path("disk", "store"), busy_rows()
        first = self.events("first.ndjson", rows[:1000])
        self.run_store(store, "--events", first)
        free = os.statvfs(self.path("disk"))
        with open(self.path("disk", "filler"), "wb") as f:
            os.posix_fallocate(f.fileno(), 0, free.f_bavail * free.f_frsize - 20 * 1024 * 1024)
        done = self.dideban("run", "--store", store, "--events", self.file, status=4)
        self.assertRegex(done.err, "(?i)full|free|space")
        self.assertIn(store, done.err)
        self.run_store(self.path("part"), "--events", first)
        self.assertEqual(self.standing(store), self.standing(self.path("part")))
        os.unlink(self.path("disk", "filler"))
        s = self.run_store(store, "--events", self.file)
        self.assertEqual((s["processed"], s["duplicates"]), (2000, 1000))
        self.assertEqual(self.standing(store), self.whole())

    @not_reduced
    def test_disk_fills_up(self):
        "a small disk that fills up under a run: exit 4 and why, refused the same way until there is room; then nothing is missing, nothing twice"
        os.mkdir(self.path("disk"))
        self.mount("-t", "tmpfs", "-o", "size=334m", "tmpfs", self.path("disk"))
        store, sink, events = self.path("disk", "store"), self.path("disk", "alerts"), self.events("many.ndjson", busy_rows(5000))
        args = ("--store", store, "--events", events, "--alerts", sink, "--batch-events", 100, "--checkpoint-events", 1000)
        for _ in range(2):
            done = self.dideban("run", *args, status=4)
            self.assertRegex(done.err, "(?i)full")
            self.assertIn(store, done.err)
            with open(sink, "rb") as f:
                rows = f.read()
            self.assertTrue(rows.endswith(b"\n"), "it filled up before anything was sent, or within a row")
        subprocess.run(["mount", "-o", "remount,size=900m", self.path("disk")], check=True)
        s = summary(self.dideban("run", "--json", *args))
        self.assertGreater(s["processed"], 0, "everything had fitted: the disk is too large for this test")
        self.assertGreater(s["duplicates"], 0)
        self.run_store(self.path("whole"), "--events", events)
        self.assertEqual(self.standing(store), self.standing(self.path("whole")))
        last = {}
        with open(sink, encoding="utf8") as f:
            for row in map(json.loads, f):
                self.assertGreater(row["data"]["seq"], last.get(row["data"]["alert_id"], 0))
                last[row["data"]["alert_id"]] = row["data"]["seq"]
        self.assertEqual({a["alert_id"]: a["seq"] for a in self.alerts(store)}, last)
        with open(sink, "rb") as f:
            self.assertTrue(f.read().startswith(rows), "what had been sent was taken back")

    def test_alerts_file_on_full_disk(self):
        "a full disk under the alerts file: exit 4, and the rows follow when there is room"
        os.mkdir(self.path("disk"))
        self.mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", self.path("disk"))
        sink = self.path("disk", "alerts")
        done = self.dideban("run", "--store", self.store, "--events", self.file, "--alerts", sink, status=4)
        self.assertIn(sink, done.err)
        subprocess.run(["mount", "-o", "remount,size=100m", self.path("disk")], check=True)
        self.run_store(self.store, "--events", self.file, "--alerts", sink)
        self.assertEqual(self.standing(self.store), self.whole())
        last = {}
        with open(sink, encoding="utf8") as f:
            for row in map(json.loads, f):
                self.assertGreater(row["data"]["seq"], last.get(row["data"]["alert_id"], 0))
                last[row["data"]["alert_id"]] = row["data"]["seq"]
        self.assertEqual({a["alert_id"]: a["seq"] for a in self.alerts(self.store)}, last)

    def test_flipped_bit(self):
        "one flipped bit in the journal is named and refused, not read over"
        self.run_store(self.store, "--events", self.file)
        folder = os.path.join(self.store, "journal")
        segment = sorted(x for x in os.listdir(folder) if x.endswith(".seg"))[0]
        with open(os.path.join(folder, segment), "r+b") as f:
            f.seek(20000)
            byte = f.read(1)
            f.seek(20000)
            f.write(bytes([byte[0] ^ 4]))
        done = self.dideban("store", "verify", "--store", self.store, status=4)
        self.assertIn(segment, done.err + done.out)


if __name__ == "__main__":
    unittest.main()
