"""The checks that are programs of their own: clang-format, cppcheck, clang-tidy; and reading the tree."""
import concurrent.futures, os, re, shutil, subprocess, tempfile

import checks

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JOBS = os.cpu_count() or 1


def read_tree():
    """path -> text of everything that is, or would be, committed."""
    listing = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             stdout=subprocess.PIPE, check=True).stdout
    tree = {}
    for path in sorted(set(listing.decode().split("\0")) - {""}):
        full = os.path.join(ROOT, path)
        if os.path.isfile(full) and not os.path.islink(full):
            with open(full, "rb") as f:
                raw = f.read()
            if b"\0" not in raw[:4096]:
                tree[path] = raw.decode("utf-8", "replace")
    return tree


def files(tree, rooms, endings):
    return [p for p in sorted(tree) if checks.room(p) in rooms and p.endswith(endings)]


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def run_format(tree, tally):
    program = shutil.which("clang-format-14") or "clang-format"
    planted = run([program, "--dry-run", "-Werror", "--assume-filename=engine/planted.c"], input=b"int  f( void ){return 1;}\n")
    tally("self-test: clang-format", planted.returncode != 0)
    listed = files(tree, checks.PRODUCT + ("tests",), (".c", ".h", ".cc"))
    done = run([program, "--dry-run", "-Werror"] + listed) if listed else None
    if done and done.returncode:
        wrong = sorted({line.split(":")[0] for line in done.stdout.decode().split("\n") if "error:" in line})
        print("not formatted; to format: %s -i %s" % (program, " ".join(wrong)))
    tally("clang-format (%d files)" % len(listed), done is None or done.returncode == 0)


# Each suppression stands with its reason in that file.
CPPCHECK = ["cppcheck", "--quiet", "--std=c11", "--language=c", "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1", "-D_GNU_SOURCE",
            '-DDIDEBAN_VERSION="0"', "-I", ".",
            "--include=tests/check/cppcheck.h", "--suppressions-list=tests/check/cppcheck.txt", "--template={file}:{line}: {severity}: {message} [{id}]"]


def run_cppcheck(tally):
    with tempfile.TemporaryDirectory() as scratch:
        planted = os.path.join(scratch, "planted.c")
        with open(planted, "w") as f:
            f.write("#include <stdlib.h>\nint f(void);\nint f(void) { char *p = malloc(4); if (!p) return 1; p[9] = 0; return 0; }\n")
        tally("self-test: cppcheck", run(CPPCHECK + [planted]).returncode == 1)
        listed = files(read_tree(), checks.PRODUCT, (".c",))
        done = run(CPPCHECK + ["-j", str(JOBS)] + listed)
        if done.stdout:
            print(done.stdout.decode().rstrip())
        tally("cppcheck (%d files)" % len(listed), done.returncode == 0)


def run_tidy(tally):
    with tempfile.TemporaryDirectory() as scratch:
        planted = os.path.join(scratch, "planted.c")
        with open(planted, "w") as f:
            f.write("#include <string.h>\nint f(const char *a);\nint f(const char *a) { char *p = 0; if (strlen(a) == 3) return *p; return sizeof(a) / sizeof(a); }\n")
        done = run(["clang-tidy", "--quiet", "--config-file=.clang-tidy", planted, "--", "-std=c11"])
        tally("self-test: clang-tidy", done.returncode != 0 and b"warnings-as-errors" in done.stdout)
    tree = read_tree()
    listed = files(tree, checks.PRODUCT, (".c",))
    bad = 0

    def one(path):
        # Not where those functions are defined: their names would be macros there.
        hints = [] if re.search(r"^(err_set|file_err|parser_fail)\(", tree[path], re.M) else ["--extra-arg-before=-include" + os.path.join(ROOT, "tests/check/tidy.h")]
        return path, run(["clang-tidy", "--quiet", "-p", os.environ.get("DIDEBAN_BUILD", "build"), "--extra-arg=-Wno-ignored-optimization-argument"] + hints + [path])
    # The longest first, so that the last processor is not alone with a big one at the end.
    listed.sort(key=lambda p: -os.path.getsize(os.path.join(ROOT, p)))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, done in pool.map(one, listed):
            if done.returncode:
                bad += 1
                # The finding and the line it is about; the analyzer's way there is long: run clang-tidy on that one file to read it.
                rows = done.stdout.decode().split("\n")
                print("\n".join(os.path.relpath(row, ROOT) if os.path.isabs(row) else row for i, row in enumerate(rows) if any("error: " in r for r in rows[max(0, i - 2):i + 1])))
    tally("clang-tidy (%d files)" % len(listed), bad == 0)
