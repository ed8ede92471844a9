"""Backup, restore and verify, while the store is in use."""
import json, os, subprocess, threading, unittest

from lib import Case, PROGRAM, ROOT, CLEAN_ENV, line
from test_same import busy


class Copy(Case):
    def setUp(self):
        super().setUp()
        self.rows = busy(11, 60, 4000)
        self.lines = [line(e).encode() for e in self.rows]
        self.store = self.path("store")
        self.file = self.write("e.ndjson", b"".join(self.lines))
        self.run_store(self.path("whole"), "--events", self.file)
        self.whole = self.standing(self.path("whole"))

    def test_within_its_store(self):
        "a backup within its own store is refused: it would be lost with it"
        self.run_store(self.store, "--events", self.file)
        for place in ("store/backup", "store"):
            done = self.dideban("backup", self.path(place), "--store", self.store, status=2)
            self.assertIn("lost with it", done.err)
        self.assertFalse(os.path.exists(self.path("store/backup")))

    def test_while_running(self):
        "a copy made of a running store is whole: restored, verified, fed the rest, it ends like an undisturbed run"
        p = subprocess.Popen([PROGRAM, "run", "--store", self.store, "--events", "-"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=CLEAN_ENV)
        stop = threading.Event()

        def feed():
            for i in range(0, len(self.lines), 40):
                p.stdin.write(b"".join(self.lines[i:i + 40]))
                p.stdin.flush()
                stop.wait(0.01)
            p.stdin.close()
        feeder = threading.Thread(target=feed)
        feeder.start()
        made = []
        try:
            for n in range(4):
                stop.wait(0.25)
                done = self.dideban("backup", self.path("backup"), "--store", self.store, "--json", status=None)
                if done.status == 0:
                    made.append(done.rows[-1])
        finally:
            feeder.join()
            p.wait()
            p.stderr.close()
        self.assertEqual(p.returncode, 0)
        self.assertTrue(made)
        self.dideban("restore", self.path("backup"), "--store", self.path("back"))
        self.dideban("store", "verify", "--store", self.path("back"))
        s = self.run_store(self.path("back"), "--events", self.file)
        self.assertGreater(s["duplicates"], 0)
        self.assertEqual(self.standing(self.path("back")), self.whole)
        self.assertEqual(self.standing(self.store), self.whole)

    def test_incremental(self):
        "a second backup copies what is new"
        half = self.write("half.ndjson", b"".join(self.lines[:2000]))
        self.run_store(self.store, "--events", half)
        self.dideban("backup", self.path("backup"), "--store", self.store)
        self.run_store(self.store, "--events", self.file)
        row = self.dideban("backup", self.path("backup"), "--store", self.store, "--json").rows[-1]
        self.assertLess(row["copied_files"], row["files"])
        self.dideban("restore", self.path("backup"), "--store", self.path("back"))
        self.assertEqual(self.standing(self.path("back")), self.whole)
        self.assertEqual(self.alerts(self.path("back")), self.alerts(self.store))

    def test_restore_refuses_to_overwrite(self):
        "restore does not write over a store"
        self.run_store(self.store, "--events", self.file)
        self.dideban("backup", self.path("backup"), "--store", self.store)
        done = self.dideban("restore", self.path("backup"), "--store", self.store, status=None)
        self.assertIn(done.status, (2, 4))
        self.assertEqual(self.standing(self.store), self.whole)

    def test_damaged_backup(self):
        "a damaged backup is refused, with the file's name"
        self.run_store(self.store, "--events", self.file)
        self.dideban("backup", self.path("backup"), "--store", self.store)
        victims = [os.path.join(d, f) for d, _, names in os.walk(self.path("backup")) for f in names if f.endswith((".sst", ".seg"))]
        self.assertTrue(victims)
        for victim in victims[:3]:
            with open(victim, "r+b") as f:
                f.seek(100)
                byte = f.read(1)
                f.seek(100)
                f.write(bytes([byte[0] ^ 1]))
            done = self.dideban("restore", self.path("backup"), "--store", self.path("back"), status=4)
            self.assertIn(os.path.basename(victim), done.err)
            self.assertFalse(os.path.isdir(self.path("back")) and os.listdir(self.path("back")))
            with open(victim, "r+b") as f:
                f.seek(100)
                f.write(byte)

    def test_verify(self):
        "verify of a good store says what it read"
        self.run_store(self.store, "--events", self.file)
        row = self.dideban("store", "verify", "--store", self.store, "--json").rows[-1]
        self.assertGreater(row["keys"], 1000)
        self.assertGreater(row["journal_records"], 0)


if __name__ == "__main__":
    unittest.main()
