"""The documentation is true: every command that it shows in a ```console block runs, and prints the lines shown under it.

A line that begins with `$ ` is a command (with ` \\` at its end it goes on); it must end with status 0, or with N where it carries `# exit N`. Lines
below it must come in its output in that order; `...` in a line stands for anything, a line `...` for any lines. The blocks of one file run one after
the other in one scratch folder, in which rules/ and docs/ are copies of ours and build/dideban (found as dideban) is the program under test.
Blocks in another language (```sh, ```lua) are not run.
"""
import fnmatch, glob, os, re, shutil, subprocess, unittest

from lib import Case, PROGRAM, ROOT, CLEAN_ENV

BLOCK = re.compile(r"^```console\n(.*?)^```", re.S | re.M)


def documents():
    return [os.path.join(ROOT, "README.md")] + sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True))


def commands(text):
    """(command, exit status, shown lines, line number) of each console block."""
    for block in BLOCK.finditer(text):
        number = text.count("\n", 0, block.start()) + 2
        command, status, shown, begin = None, 0, [], number
        for row in block.group(1).split("\n")[:-1]:
            if command is not None and command.endswith("\\"):
                command = command[:-1] + row
            elif row.startswith("$ "):
                if command is not None:
                    yield command, status, shown, begin
                command, status, shown, begin = row[2:], 0, [], number
            else:
                shown.append(row)
            m = re.search(r"\s+# exit (\d)$", command or "")
            if m:
                command, status = command[:m.start()], int(m.group(1))
            number += 1
        if command is not None:
            yield command, status, shown, begin


class Documents(Case):
    def run_document(self, document):
        here = self.path("at-" + os.path.basename(document))
        os.makedirs(os.path.join(here, "build"))
        # A copy: what a command writes must not land in the source tree.
        for folder in ("rules", "docs"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(here, folder))
        os.symlink(PROGRAM, os.path.join(here, "build", "dideban"))
        with open(document, encoding="utf8") as f:
            text = f.read()
        n = 0
        for command, status, shown, number in commands(text):
            n += 1
            done = subprocess.run(["bash", "-c", command], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                                  env=dict(CLEAN_ENV, NO_COLOR="1", PATH=os.path.join(here, "build") + ":" + os.environ["PATH"]))
            out = done.stdout.decode("utf-8", "replace")
            where = "%s:%d: $ %s\n%s" % (os.path.relpath(document, ROOT), number, command, out[-3000:])
            self.assertEqual(done.returncode, status, where)
            rows, i = out.split("\n"), 0
            for want in shown:
                if want.strip() in ("", "..."):
                    continue
                pattern = re.sub(r"([\[*?])", r"[\1]", want.rstrip()).replace("...", "*")
                while i < len(rows) and not fnmatch.fnmatchcase(rows[i].rstrip(), pattern):
                    i += 1
                self.assertLess(i, len(rows), "not printed (in this order): %r\n%s" % (want, where))
                i += 1
        return n

    def test_all(self):
        "every command shown in README.md and docs/ runs and prints what is shown"
        n = 0
        for document in documents():
            with self.subTest(document=os.path.relpath(document, ROOT)):
                n += self.run_document(document)
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
