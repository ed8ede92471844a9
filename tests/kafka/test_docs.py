"""docs/operate-kafka.md is true: every command that it shows runs, against a broker that the document itself starts."""
import os, signal, socket, subprocess, unittest

from broker import *
from documents import DocumentCase, WITH_KAFKA



def free_ports():
    """The first of five ports in a row that nobody listens on."""
    for port in range(29000, 32000, 10):
        try:
            for p in range(port, port + 5):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue
    raise AssertionError("no five free ports in a row")


class KafkaDocuments(DocumentCase):
    minutes = 2

    def end_all(self, here):
        """What a document has started and, failing, not stopped."""
        for name in os.listdir(here) if os.path.isdir(here) else ():
            if name.endswith(".pid"):
                with open(os.path.join(here, name), encoding="ascii") as f:
                    pid = int(f.read() or 0)
                try:
                    if os.readlink("/proc/%d/cwd" % pid) == here:
                        os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        broker = os.path.join(here, "broker")
        if os.path.isdir(broker):
            subprocess.run([TOOL, "kill", broker], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_all(self):
        "every command shown in docs/operate-kafka.md runs and prints what is shown"
        port = str(free_ports())
        for document in WITH_KAFKA:
            here = self.path("at-" + os.path.basename(document))
            os.makedirs(os.path.join(here, "tools"))
            # The port of the text may be another's here.
            os.symlink(os.path.join(ROOT, "tools", "broker"), os.path.join(here, "tools", "broker"))
            for name in ("kafka", "setup"):
                os.symlink(os.path.join(ROOT, "tools", name), os.path.join(here, "tools", name))
            self.addCleanup(self.end_all, here)
            with self.subTest(document=os.path.relpath(document, ROOT)):
                self.assertGreater(self.run_document(document, lambda text: text.replace("9092", port).replace("9096", str(int(port) + 4))), 20)


if __name__ == "__main__":
    unittest.main()
