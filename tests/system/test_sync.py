"""The order of system calls: a message leaves only after the batch that caused it is durable."""
import os, re, shutil, subprocess, unittest

from lib import Case, PROGRAM, REDUCED, ROOT, CLEAN_ENV
from made import *


@unittest.skipIf(REDUCED, "strace and the leak check do not go together")
class Sync(Case):
    def test_journal_before_alert(self):
        "strace: the journal's fdatasync returns before an alert's byte leaves"
        if not shutil.which("strace"):
            self.skipTest("no strace")
        rows = []
        for i in range(30):
            rows += four_cases("t%d-" % i, "x-name:P%d" % i, first=i)
        f, sink, trace = self.events("e.ndjson", rows), self.path("alerts"), self.path("trace")
        command = ["strace", "-f", "-y", "-s", "0", "-o", trace, "-e", "trace=write,pwrite64,pwritev,writev,fdatasync,fsync,msync,sync_file_range,openat",
                   PROGRAM, "run", "--store", self.path("store"), "--events", f, "--alerts", sink, "--batch-events", "8"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN_ENV)
        if done.returncode and b"ptrace" in done.stderr:
            self.skipTest("this machine does not let us trace")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        unsynced, alert_writes, journal_syncs, journal_writes = set(), 0, 0, 0
        with open(trace, encoding="utf8", errors="replace") as text:
            for row in text:
                m = re.match(r"\d+\s+(\w+)\((?:\d+)<([^>]*)>.*=\s*(-?\d+)", row)
                if not m:
                    self.assertNotIn("unfinished", row if sink in row else "")
                    continue
                call, path, result = m.group(1), m.group(2), int(m.group(3))
                if path.endswith(".seg"):
                    if call in ("fdatasync", "fsync") and result == 0:
                        unsynced.discard(path)
                        journal_syncs += 1
                    elif "write" in call:
                        unsynced.add(path)
                        journal_writes += 1
                elif path == sink and "write" in call:
                    alert_writes += 1
                    self.assertEqual(unsynced, set(), "an alert left before the journal was synced: " + row)
        self.assertGreater(journal_writes, 0)
        self.assertGreater(journal_syncs, 0)
        self.assertGreater(alert_writes, 0)
        # A new segment and a new head are durable names too.
        with open(trace, encoding="utf8", errors="replace") as text:
            self.assertRegex(text.read(), r"fsync\(\d+<[^>]*/journal>")


if __name__ == "__main__":
    unittest.main()
