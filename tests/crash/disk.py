"""What a disk may hold after the power went: rebuilt from the log that tests/crash/interposer.c writes of a run.

A Disk follows a folder: what is durable, and what is pending. The model, meant to be no kinder than a file system may be:
  - A file's bytes, cuts and reservations are pending until fsync or fdatasync of that file; sync_file_range means nothing.
  - A name (created, renamed, linked, removed, a new folder) is pending until fsync of the folder that it is in. Syncing the file
    does not make its name durable, syncing a folder does not make its own name durable. Order between folders: none.
  - Within one folder names become durable in any order, but a rename is there whole or not at all. In RocksDB's folder they
    become durable in order: it makes a manifest, points CURRENT at it, and syncs the folder once, behind both; every
    file system with a journal keeps that order.
  - Writes become durable in any order, by sectors of 512 bytes or pages of 4096; the size by itself; what was lost within the
    size reads as zeros. The last write may be torn at any byte.
A read of it, an Image, is one way how it can have gone: WAYS.
"""
import os, re, struct

ROW = struct.Struct("<8siIqQIIQ")       # interposer.c: struct row
PAGE, SECTOR = 4096, 512
ZEROS = bytes(PAGE)
WAYS = ("lost", "kept", "torn", "sectors", "pages", "names")


def read_log(path, folder):
    """The rows of a log: (call, fd, flags, offset, size, name, other name, data); names are relative to the folder."""
    def relative(name):
        return os.path.relpath(name.decode(), folder) if name else ""
    rows = []
    with open(path, "rb") as f:
        text = f.read()
    at = 0
    while at < len(text):
        call, fd, flags, offset, size, name_n, to_n, data_n = ROW.unpack_from(text, at)
        at += ROW.size
        name, to, data = text[at:at + name_n], text[at + name_n:at + name_n + to_n], text[at + name_n + to_n:at + name_n + to_n + data_n]
        at += name_n + to_n + data_n
        rows.append((call.rstrip(b"\0").decode(), fd, flags, offset, size, relative(name), relative(to), data))
    return rows


class Content:
    """Bytes of a file, by pages: a journal segment reserves 64 MiB and uses little."""

    def __init__(self, pages=None, size=0):
        self.pages, self.size = pages if pages is not None else {}, size

    def copy(self):
        return Content(dict(self.pages), self.size)

    def put(self, offset, data):
        """Writes without a say in the size."""
        at = 0
        while at < len(data):
            page, begin = divmod(offset + at, PAGE)
            n = min(PAGE - begin, len(data) - at)
            old = self.pages.get(page, ZEROS)
            self.pages[page] = old[:begin] + data[at:at + n] + old[begin + n:]
            at += n

    def cut(self, size):
        last, begin = divmod(size, PAGE)
        for page in [p for p in self.pages if p > last or (p == last and begin == 0)]:
            del self.pages[page]
        if last in self.pages:
            self.pages[last] = self.pages[last][:begin] + ZEROS[begin:]
        self.size = size

    def save(self, path):
        with open(path, "wb", buffering=0) as f:
            pages = sorted(p for p in self.pages if p * PAGE < self.size)
            i = 0
            while i < len(pages):
                j = i + 1
                while j < len(pages) and pages[j] == pages[j - 1] + 1:
                    j += 1
                f.seek(pages[i] * PAGE)
                f.write(b"".join(self.pages[p] for p in pages[i:j]))
                i = j
            f.truncate(self.size)

    @staticmethod
    def load(path):
        c = Content()
        with open(path, "rb", buffering=0) as f:
            c.size = os.fstat(f.fileno()).st_size
            at = 0
            while at < c.size:
                try:
                    at = os.lseek(f.fileno(), at, os.SEEK_DATA)
                except OSError:     # nothing but a hole is left
                    break
                end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
                c.put(at, os.pread(f.fileno(), end - at, at))
                at = end
        return c

    def __eq__(self, other):
        pages = ({p: d for p, d in c.pages.items() if d != ZEROS and p * PAGE < c.size} for c in (self, other))
        return self.size == other.size and next(pages) == next(pages)

    def lines(self):
        """The whole lines of a text file."""
        whole = b"".join(self.pages.get(p, ZEROS) for p in range((self.size + PAGE - 1) // PAGE))[:self.size]
        return whole[:whole.rfind(b"\n") + 1].splitlines()


class File:
    def __init__(self, durable=None):
        self.durable, self.pending = durable or Content(), []       # pending: ("write", offset, data), ("cut", size), ("grow", size)

    def content(self, way="kept", rnd=None):
        """What it may hold: with all that is pending, with nothing, or with some of it."""
        if way == "lost" or not self.pending:
            return self.durable
        c, n = self.durable.copy(), len(self.pending)
        size = c.size
        sized = n if way in ("kept", "torn", "names") else rnd.randrange(n + 1)      # so many changes of the size are durable
        unit, share = PAGE if way == "pages" else SECTOR, rnd.choice((0.1, 0.5, 0.9)) if rnd else 1
        for i, (what, *how) in enumerate(self.pending):
            if what == "write":
                offset, data = how
                if i < sized:
                    size = max(size, offset + len(data))
                if way in ("kept", "torn", "names"):
                    c.put(offset, data)
                    continue
                at = 0
                while at < len(data):
                    step = min(unit - (offset + at) % unit, len(data) - at)
                    if rnd.random() < share:
                        c.put(offset + at, data[at:at + step])
                    at += step
            elif i < sized:
                size = how[0] if what == "cut" else max(size, how[0])
                if what == "cut":
                    c.cut(size)
        c.cut(size)
        return c

    def sync(self):
        self.durable, self.pending = self.content(), []


class Folder:
    def __init__(self, ordered):
        self.durable, self.pending = {}, []         # pending: lists of (name, File, Folder or None), each list whole or not at all
        self.ordered = ordered

    def names(self, way="kept", rnd=None):
        if way == "lost":
            return self.durable
        changes = self.pending
        if way in ("names", "sectors", "pages"):
            if self.ordered:
                changes = changes[:rnd.randrange(len(changes) + 1)]
            else:
                share = rnd.choice((0.1, 0.5, 0.9))
                changes = [c for c in changes if rnd.random() < share]
        names = dict(self.durable)
        for change in changes:
            for name, what in change:
                if what is None:
                    names.pop(name, None)
                else:
                    names[name] = what
        return names

    def sync(self):
        self.durable, self.pending = self.names(), []


class Disk:
    """deaf: a pattern of names whose syncs are passed over, as if the program had forgotten them."""

    def __init__(self, folder, deaf=None):
        self.files, self.torn, self.deaf = {}, None, re.compile(deaf) if deaf else None
        self.root = self.load(folder)

    def load(self, path):
        folder = Folder(os.path.basename(path) == "db")
        for entry in os.scandir(path):
            folder.durable[entry.name] = self.load(entry.path) if entry.is_dir() else File(Content.load(entry.path))
        return folder

    def at(self, path):
        """The file or folder of a name as a process sees it; None: none."""
        where = self.root
        for part in path.split("/"):
            if part in ("", "."):
                continue
            where = where.names().get(part) if isinstance(where, Folder) else None
        return where

    def change(self, *names):
        """One change of names that is durable whole or not at all; in one folder."""
        folder = self.at(os.path.dirname(names[0][0]))
        folder.pending.append([(os.path.basename(path), what) for path, what in names])

    def apply(self, row):
        call, fd, flags, offset, size, name, to, data = row
        self.torn = None
        if call == "open":
            f = self.at(name)
            if f is None:
                f = File()
                self.change((name, f))
            elif flags & os.O_TRUNC:
                f.pending.append(("cut", 0))
            self.files[fd] = (f, name)
        elif call == "close":
            self.files.pop(fd, None)
        elif call == "write":
            self.torn = self.files[fd][0]
            self.torn.pending.append(("write", offset, data))
        elif call == "sync":
            f, opened_as = self.files[fd]
            if self.deaf is None or not self.deaf.search(opened_as):
                f.sync()
        elif call == "cut":
            (self.files[fd][0] if fd >= 0 else self.at(name)).pending.append(("cut", size))
        elif call == "reserve":
            if not flags:       # FALLOC_FL_KEEP_SIZE changes nothing that can be read
                self.files[fd][0].pending.append(("grow", offset + size))
        elif call == "rename":
            if os.path.dirname(name) == os.path.dirname(to):
                self.change((to, self.at(name)), (name, None))
            else:
                f = self.at(name)
                self.change((to, f))
                self.change((name, None))
        elif call == "link":
            self.change((to, self.at(name)))
        elif call in ("unlink", "rmdir"):
            self.change((name, None))
        elif call == "mkdir":
            self.change((name, Folder(os.path.basename(name) == "db")))
        else:
            raise ValueError("a call of no known kind: " + call)

    def save(self, target, way, rnd=None):
        """Writes one way in which the power may have gone into the empty folder `target`."""
        torn = None
        if way == "torn" and self.torn is not None:
            torn = self.torn
            what, offset, data = torn.pending[-1]
            torn.pending[-1] = ("write", offset, data[:rnd.randrange(len(data))])
        saved = {}
        self.save_folder(self.root, target, way, rnd, saved)
        if torn is not None:
            torn.pending[-1] = (what, offset, data)

    def save_folder(self, folder, target, way, rnd, saved):
        for name, what in sorted(folder.names(way, rnd).items()):
            path = os.path.join(target, name)
            if isinstance(what, Folder):
                os.mkdir(path)
                self.save_folder(what, path, way, rnd, saved)
            elif what in saved:
                os.link(saved[what], path)
            else:
                what.content(way, rnd).save(path)
                saved[what] = path

    def differs(self, folder):
        """Where a folder is not as the log says, or None: else the log missed something."""
        return self.compare(self.root, folder)

    def compare(self, folder, path):
        names = folder.names()
        if sorted(names) != sorted(os.listdir(path)):
            return "%s holds %s, by the log %s" % (path, sorted(os.listdir(path)), sorted(names))
        for name, what in names.items():
            below = os.path.join(path, name)
            if isinstance(what, Folder):
                wrong = self.compare(what, below)
                if wrong:
                    return wrong
            elif what.content() != Content.load(below):
                return "%s does not hold what the log says" % below
        return None


def changes(row):
    """Whether a call leaves the disk, or what is pending, otherwise than it was."""
    call, flags = row[0], row[2]
    return call != "close" and (call != "open" or bool(flags & (os.O_CREAT | os.O_TRUNC)))
