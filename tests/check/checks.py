"""Static checks of the tree. Each is a function check(tree) -> list of Finding; a tree maps a path, relative to the root, to its text.

A file passes if no check has an error to say about it; warnings are printed and do not fail. run() in `run` proves each check
against a planted offence (selftest.py) before it trusts it.
"""
import ast, collections, json, os, re

Finding = collections.namedtuple("Finding", "path line text warning", defaults=(False,))

# ---------------------------------------------------------------- C text

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])*')
      | (?P<word>[A-Za-z_]\w*)
      | (?P<other>.)""", re.S | re.X)


def tokens(text):
    """(kind, text, line) of each comment, string, char and word."""
    line = 1
    for m in TOKEN.finditer(text):
        kind, value = m.lastgroup, m.group()
        if kind != "other":
            yield kind, value, line
        line += value.count("\n")


def is_c(path):
    return path.endswith((".c", ".h", ".cc"))


def room(path):
    return path.split("/", 1)[0]


PRODUCT = ("state", "engine", "connectors", "tools")


def product_c(tree):
    return sorted(p for p in tree if is_c(p) and room(p) in PRODUCT)


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def includes(text):
    for m in INCLUDE.finditer(text):
        yield m.group(1), m.group(2), text.count("\n", 0, m.start()) + 1


# ---------------------------------------------------------------- include direction

RANK = {"state": 0, "engine": 1, "connectors": 2, "tools": 3}


def closure(tree, start):
    """The headers that a header brings with it, itself included."""
    seen, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path not in seen and path in tree:
            seen.add(path)
            todo += [name for mark, name, _ in includes(tree[path]) if mark == '"']
    return seen


def check_direction(tree):
    """Dependencies point one way, tools -> connectors -> engine -> state; connectors see the engine through its public header."""
    found = []
    public = closure(tree, "engine/engine.h")
    for path in product_c(tree):
        for mark, name, line in includes(tree[path]):
            if mark != '"':
                continue
            target = room(name)
            if target not in RANK:
                found.append(Finding(path, line, '"%s" is not named from the root by one of the rooms %s' % (name, ", ".join(RANK))))
            elif name not in tree:
                found.append(Finding(path, line, '"%s" does not exist' % name))
            elif RANK[target] > RANK[room(path)]:
                found.append(Finding(path, line, "%s must not know %s: dependencies point tools -> connectors -> engine -> state" % (room(path), name)))
            elif room(path) == "connectors" and target == "engine" and name not in public:
                found.append(Finding(path, line, "connectors know the engine through engine/engine.h; %s is not part of it" % name))
            elif path.startswith("state/base/") and not name.startswith("state/base/"):
                found.append(Finding(path, line, "state/base/ lies below everything: it must not know %s" % name))
    return found


# ---------------------------------------------------------------- third-party headers in their rooms

ROOMS = [
    (r"rocksdb/.*", r"state/store/.*"),
    (r"(lua|lauxlib|lualib|luaconf)\.h", r"engine/rule/.*|tests/check/tidy\.h"),
    (r"simdjson\.h", r"engine/event/[^/]*\.cc"),
    (r"jansson\.h", r"engine/event/contract[^/]*\.[ch]|state/copy/[^/]*\.c|connectors/kafka/.*|tools/.*|tests/.*"),
    (r"archive(_entry)?\.h", r"connectors/file/.*"),
    (r"libfyaml\.h", r"tools/(cli/)?config[^/]*\.[ch]"),
    (r"xxhash\.h", r"(state|engine|tests)/.*"),
    (r"openssl/.*", r"(state|engine|tools|tests)/.*"),
    (r"librdkafka/.*", r"connectors/kafka/.*|tests/(kafka|unit)/.*"),
    (r"microhttpd\.h|gnutls/.*", r"connectors/http/.*"),
    (r"curl/.*", r"connectors/webhook/.*"),
    (r"cmocka\.h", r"tests/.*"),
    (r"dlfcn\.h", r"tests/crash/interposer\.c"),
    (r"jemalloc/.*", r"tools/allocator\.c|tests/unit/test_allocator\.c"),
]
# The C library and the kernel: everybody's.
SYSTEM = re.compile(r"(arpa/inet|assert|ctype|dirent|errno|execinfo|fcntl|fenv|float|fnmatch|ftw|getopt|glob|inttypes|libgen|limits|linux/\w+|locale|malloc|math|poll|pthread|pwd|regex|sched"
                    r"|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdio_ext|stdlib|stdnoreturn|string|strings"
                    r"|sys/(auxv|eventfd|file|inotify|ioctl|mman|mount|param|prctl|random|resource|select|signalfd|socket|stat|statfs|statvfs|syscall|time|timerfd|types|uio|un|utsname|vfs|wait)"
                    r"|threads|time|unistd|wchar|endian|byteswap|termios)\.h")
CXX = re.compile(r"(algorithm|array|cstdarg|cstddef|cstdint|cstdio|cstdlib|cstring|memory|new|string|string_view|utility|vector|exception)")


def check_rooms(tree):
    """Third-party headers stay in their rooms (8-style, rule 8); a library nobody decided on is named."""
    found = []
    for path in sorted(p for p in tree if is_c(p)):
        for mark, name, line in includes(tree[path]):
            if mark != "<" or SYSTEM.fullmatch(name) or (path.endswith(".cc") and CXX.fullmatch(name)):
                continue
            for pattern, where in ROOMS:
                if re.fullmatch(pattern, name):
                    if not re.fullmatch(where, path):
                        found.append(Finding(path, line, "<%s> belongs to %s" % (name, where)))
                    break
            else:
                found.append(Finding(path, line, "<%s>: no room is named for this header (tests/check/checks.py, ROOMS)" % name))
    return found


# ---------------------------------------------------------------- banned functions

UNBOUNDED = "writes without knowing the size of the target: use snprintf, memcpy with a checked length, or struct buf"
NO_ERROR = "cannot tell 0 from an error and overflows silently: use strtol with its checks, or the parsers of the tree"
STATIC = "keeps its state in a static buffer"
CALENDAR = "depends on time zone, locale or a static buffer: use engine/calendar"
SHELL = "runs a shell"
SCAN = "overflow of a number is undefined: use strtol with its checks"
RANDOM = "results must be reproducible: use a seeded generator of your own"
BANNED = {
    "strcpy": UNBOUNDED, "strcat": UNBOUNDED, "stpcpy": UNBOUNDED, "sprintf": UNBOUNDED, "vsprintf": UNBOUNDED, "gets": UNBOUNDED,
    "strncpy": "leaves no zero behind a long text and pads a short one: use memcpy with a checked length", "strncat": UNBOUNDED,
    "atoi": NO_ERROR, "atol": NO_ERROR, "atoll": NO_ERROR, "atof": NO_ERROR,
    "strtok": STATIC, "ctime": CALENDAR, "ctime_r": CALENDAR, "asctime": CALENDAR, "asctime_r": CALENDAR, "gmtime": CALENDAR, "localtime": CALENDAR,
    "localtime_r": CALENDAR, "mktime": CALENDAR, "timegm": CALENDAR, "strptime": CALENDAR,
    "rand": RANDOM, "srand": RANDOM, "random": RANDOM, "srandom": RANDOM, "rand_r": RANDOM, "drand48": RANDOM,
    "system": SHELL, "popen": SHELL, "wordexp": SHELL,
    "scanf": SCAN, "sscanf": SCAN, "fscanf": SCAN, "vsscanf": SCAN,
    "alloca": "the stack has no maximum that we could name: use the arena",
    "tmpnam": "somebody else can take the name first: use mkstemp or mkdtemp", "tempnam": "somebody else can take the name first: use mkstemp or mkdtemp",
    "mktemp": "somebody else can take the name first: use mkstemp or mkdtemp",
    "signal": "differs between systems: use sigaction", "usleep": "obsolete: use nanosleep or poll", "bcopy": "obsolete: use memmove", "bzero": "obsolete: use memset",
    "setlocale": "the program runs in the C locale: nothing may depend on another",
}
# Beside those, in a library: it never logs and never ends the process (8-style).
LIBRARY = {name: "a library never logs: give the text to the caller in struct err" for name in ("printf", "fprintf", "vfprintf", "puts", "putchar", "perror", "syslog")}
LIBRARY.update({name: "a library never ends the process: return an error" for name in ("exit", "abort", "quick_exit")})
# And in the engine, which is a fold without threads, clock or I/O of its own: the node alone may ask the clock for its caller.
FOLD = {name: "the engine has no clock: instants come from events and ticks" for name in ("time", "clock_gettime", "gettimeofday", "clock")}
FOLD.update({name: CALENDAR for name in ("gmtime_r", "strftime")})
FOLD.update({name: "the engine does no I/O of its own: state/ and connectors/ do" for name in ("open", "fopen", "read", "write", "fread", "fwrite", "unlink", "rename", "opendir")})
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def code_only(text):
    """The text with comments, strings and chars blanked, line by line as it was."""
    def blank(m):
        return m.group() if m.lastgroup in ("word", "other") else re.sub(r"[^\n]", " ", m.group())
    return TOKEN.sub(blank, text)


def check_banned(tree):
    """No function that overflows, hides errors or depends on the machine; a library that neither logs nor exits; a fold without clock and I/O."""
    found = []
    for path in sorted(p for p in tree if is_c(p)):
        code = code_only(tree[path])
        for m in CALL.finditer(code):
            name, before = m.group(1), code[:m.start()].rstrip()
            if before.endswith((".", "->")):
                continue                                     # a member of that name
            why = BANNED.get(name)
            if not why and room(path) in ("state", "engine", "connectors"):
                why = LIBRARY.get(name)
            if not why and path.startswith("engine/") and not path.startswith("engine/flow/node"):
                why = FOLD.get(name)
            if why:
                found.append(Finding(path, code.count("\n", 0, m.start()) + 1, "%s: %s" % (name, why)))
    return found


# ---------------------------------------------------------------- no business words in C

# Names that contracts use and that are also the engine's own words: the envelope of an event, the shapes of 9-command-line, configuration,
# and what the schema language itself says. A new contract field that a C file already uses for something else is added here with its reason.
OWN_WORDS = {
    "id", "source", "type", "time", "data", "subject", "specversion",      # CloudEvents
    "rule", "trigger", "episode", "values", "outcome", "level", "params", "legal_basis",  # alerts, eval, rule files
    "role", "field", "kind", "reason", "mode", "from", "to", "by", "method", "answer", "subjects", "status",
}
EXEMPT = re.compile(r"engine/identity/|tools/world/|tests/")


def business_words(tree):
    types, fields, rules = set(), set(), set()

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                fields.update(node["properties"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    for path, text in tree.items():
        if re.fullmatch(r"rules/events/[^/]+\.json", path):
            try:
                contract = json.loads(text)
            except ValueError:
                continue                                     # `dideban check` says what is wrong with it
            types.add(os.path.basename(path)[:-len(".json")])
            types.add(contract.get("$id", ""))
            walk(contract)
        elif re.fullmatch(r"rules/[^/]+\.lua", path):
            rules.add(os.path.basename(path)[:-len(".lua")])
            rules.update(re.findall(r"""\bid\s*=\s*["']([\w.-]+)["']""", text)[:1])   # of the rule, not of the events in its tests
    types.discard("")
    return types, fields - OWN_WORDS, rules


def unquote(literal):
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def check_business(tree):
    """No special case in C: event types, data fields and rule ids of the shipped pack stand in contracts and rule files alone."""
    types, fields, rules = business_words(tree)
    if not types or not rules:
        return [Finding("rules", 0, "no contract in rules/events/ or no rule in rules/: nothing to compare with")]
    whole = re.compile(r"(?<![\w.-])(%s)(?![\w-])" % "|".join(re.escape(w) for w in sorted(types | rules, key=len, reverse=True)))
    found = []
    for path in product_c(tree):
        if EXEMPT.match(path):
            continue
        for kind, value, line in tokens(tree[path]):
            if kind != "string":
                continue
            text = unquote(value)
            if text in fields:
                found.append(Finding(path, line, '"%s" is a field of an event contract' % text))
            else:
                for word in sorted(set(whole.findall(text))):
                    found.append(Finding(path, line, '"%s" is %s of the shipped pack' % (word, "an event type" if word in types else "a rule")))
    return found


# ---------------------------------------------------------------- no connector's words below it

CONNECTOR = re.compile(r"kafka", re.I)


def check_connector_words(tree):
    """The engine and the state know no connector: not a word of Kafka stands there, in comments neither."""
    found = []
    for path in product_c(tree):
        if room(path) in ("engine", "state"):
            for m in CONNECTOR.finditer(tree[path]):
                found.append(Finding(path, tree[path].count("\n", 0, m.start()) + 1, "%s is a connector's word: %s must not know it" % (m.group(), room(path))))
    return found


# ---------------------------------------------------------------- files that texts name

NAMED = re.compile(r"(?<![\w/.-])(?:tools|tests|engine|state|connectors|docs)/[\w/.-]*\w\.(?:cc|c|h|md|py)\b")


def check_named_files(tree):
    """Documents and comments lead to files that are there."""
    found = []
    for path in sorted(p for p in tree if is_c(p) or p.endswith(".md")):
        if is_c(path):
            texts = [(value, line) for kind, value, line in tokens(tree[path]) if kind == "comment"]
        else:
            texts = [(tree[path], 1)]
        for text, line in texts:
            for m in NAMED.finditer(text):
                if m.group() not in tree and not re.search("[A-Z]{3}", m.group()):    # fuzz_TARGET.c stands for any
                    found.append(Finding(path, line + text.count("\n", 0, m.start()), "there is no %s" % m.group()))
    return found


# ---------------------------------------------------------------- length, paths

LONG, TOO_LONG = 600, 900


def check_length(tree):
    """A file is a room with one subject: past about 600 lines it is two."""
    found = []
    for path in sorted(tree):
        if is_c(path) or path.endswith((".py", ".lua")) or "/" not in path:
            n = tree[path].count("\n")
            if n > LONG:
                found.append(Finding(path, n, "%d lines; past %d a file is two" % (n, LONG), n <= TOO_LONG))
    return found


HOMES = "root work farm home tmp".split()
PATHS = re.compile(r"(?<![\w.$})~-])/(?:%s)/[\w.]" % "|".join(HOMES))
HOSTS = re.compile(r"\b(?:%s)\b" % "|".join(re.escape(h) for h in (
    "deb.debian" + ".org", "archive.ubuntu" + ".com", "registry.npmjs" + ".org", "pypi" + ".org", "repo1.maven" + ".org", "proxy.golang" + ".org", "crates" + ".io")))


def check_paths(tree):
    """Nothing committed names a path of one machine or the host of a package registry."""
    found = []
    for path in sorted(tree):
        for number, line in enumerate(tree[path].split("\n"), 1):
            for m in list(PATHS.finditer(line)) + list(HOSTS.finditer(line)):
                found.append(Finding(path, number, "%s: a path or host of one machine" % m.group()))
    return found


# ---------------------------------------------------------------- planted bugs

PLANTS = "tests/property/plants.py"


def check_plants(tree):
    """The text that a planted bug replaces stands once in its file; else the bug is no longer looked for."""
    found = []
    listed = [node.value for node in ast.parse(tree.get(PLANTS, "")).body if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)]
    for item in listed[0].elts if listed else []:
        what, path, text, _ = ast.literal_eval(item)
        n = tree.get(path, "").count(text)
        if n != 1:
            found.append(Finding(PLANTS, item.lineno, "'%s': its text stands %d times in %s" % (what, n, path)))
    return found


CHECKS = collections.OrderedDict((
    ("include direction", check_direction),
    ("headers in their rooms", check_rooms),
    ("banned functions", check_banned),
    ("no business words in C", check_business),
    ("no connector's words below it", check_connector_words),
    ("files that texts name", check_named_files),
    ("length of files", check_length),
    ("no machine paths", check_paths),
    ("planted bugs", check_plants),
))
