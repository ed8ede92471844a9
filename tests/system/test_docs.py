"""The documentation is true: every command that it shows in a ```console block runs, and prints the lines shown under it (documents.py says how)."""
import os, re, subprocess, unittest

from documents import DocumentCase, WITH_KAFKA, documents
from lib import ROOT


class Documents(DocumentCase):
    def check_ignored(self, here):
        """What the commands left is ignored in a clone: the checks look at everything that would be committed."""
        left = sorted(set(os.listdir(here)) - {"build", "docs", "rules"})
        self.assertIn("events.ndjson", left)
        # A folder is ignored by what stands in it.
        named = [n + "/x" if os.path.isdir(os.path.join(here, n)) else n for n in left]
        ignored = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "check-ignore", "--no-index", *named], stdout=subprocess.PIPE, check=False).stdout
        self.assertEqual(sorted(ignored.decode().split()), sorted(named))

    def test_all(self):
        "every command shown in README.md and docs/ runs and prints what is shown; what README.md leaves behind is ignored in a clone"
        n = 0
        for document in documents():
            if document in WITH_KAFKA:
                continue
            with self.subTest(document=os.path.relpath(document, ROOT)):
                n += self.run_document(document)
                if os.path.basename(document) == "README.md" and os.path.exists(os.path.join(ROOT, ".git")):
                    self.check_ignored(self.path("at-README.md"))
        self.assertGreater(n, 10)

    def test_finds_untruth(self):
        "self-test: a command that fails, or prints something else, is found"
        for i, (body, good) in enumerate((("$ true\n", True), ("$ false\n", False), ("$ false  # exit 1\n", True), ("$ echo a b; echo c\na ...\nc\n", True), ("$ echo a\nb\n", False))):
            path = self.write("doc%d.md" % i, "text\n```console\n%s```\n```sh\nfalse\n```\n" % body)
            if good:
                self.assertEqual(self.run_document(path), 1)
            else:
                with self.assertRaises(AssertionError):
                    self.run_document(path)

    def test_links(self):
        "every relative link in the documentation leads somewhere"
        for document in documents():
            with open(document, encoding="utf8") as f:
                text = re.sub(r"```.*?```", "", f.read(), flags=re.S)
            for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
                self.assertTrue(os.path.exists(os.path.join(os.path.dirname(document), target)), "%s: %s" % (document, target))


if __name__ == "__main__":
    unittest.main()
