"""What documents say, run: shared by the tests of the documentation.

A line of a ```console block that begins with `$ ` is a command (with ` \\` at its end it goes on); it must end with status 0, or with N where it carries
`# exit N`. Lines below it must come in its output in that order; `...` in a line stands for anything, a line `...` for any lines. The blocks of one
file run one after the other in one scratch folder, in which rules/ and docs/ are copies of ours and build/dideban (found as dideban) is the program
under test. Blocks in another language (```sh, ```lua) are not run.
"""
import fnmatch, glob, os, re, shutil, subprocess

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


# These need a broker of their own: tests/kafka/test_docs.py.
WITH_KAFKA = [os.path.join(ROOT, "docs", "operate-kafka.md")]


class DocumentCase(Case):
    def run_document(self, document, change=lambda text: text):
        """Runs its commands; `change` makes the text that is run of the text that is there."""
        here = self.path("at-" + os.path.basename(document))
        os.makedirs(os.path.join(here, "build"))
        # A copy: what a command writes must not land in the source tree.
        for folder in ("rules", "docs"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(here, folder))
        os.symlink(PROGRAM, os.path.join(here, "build", "dideban"))
        with open(document, encoding="utf8") as f:
            text = change(f.read())
        # A command may read the document that it stands in.
        if os.path.dirname(document) == os.path.join(ROOT, "docs"):
            with open(os.path.join(here, "docs", os.path.basename(document)), "w", encoding="utf8") as f:
                f.write(text)
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
