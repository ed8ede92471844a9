"""What each check of checks.py must find, and what it must leave alone: small trees with and without an offence."""

CONTRACT = '{"$id": "testimony.given", "type": "object", "properties": {"case_id": {"type": "string"}, "source": {"type": "string"}, "witness": {"type": "object"}}}'
RULE = 'return { api = 1, id = "witness-repeat" }'
PACK = {"rules/events/testimony.given.json": CONTRACT, "rules/witness-repeat.lua": RULE}
HEADERS = {"state/base/err.h": "", "state/store/store.h": "", "engine/engine.h": '#include "engine/event/event.h"\n', "engine/event/event.h": "", "engine/flow/fold.h": "",
           "connectors/file/source.h": "", "tools/cli.h": ""}


def tree(path, text, base=None):
    return dict(base or {}, **{path: text})


# name of the check -> list of (a tree that must be found, the line) and list of trees that must pass
CASES = {
    "include direction": (
        [(tree("state/store/store.c", '\n#include "engine/engine.h"\n', HEADERS), 2),
         (tree("engine/flow/fold.c", '#include "connectors/file/source.h"\n', HEADERS), 1),
         (tree("engine/flow/fold.c", '#include "tools/cli.h"\n', HEADERS), 1),
         (tree("connectors/file/read.c", '#include "tools/cli.h"\n', HEADERS), 1),
         (tree("connectors/file/read.c", '#include "engine/flow/fold.h"\n', HEADERS), 1),
         (tree("engine/flow/fold.c", '#include "fold.h"\n', HEADERS), 1),
         (tree("engine/flow/fold.c", '#include "engine/flow/gone.h"\n', HEADERS), 1),
         (tree("state/base/buf.c", '#include "state/store/store.h"\n', HEADERS), 1)],
        [tree("tools/main.c", '#include "tools/cli.h"\n#include "connectors/file/source.h"\n#include "engine/flow/fold.h"\n#include "state/store/store.h"\n', HEADERS),
         tree("connectors/file/read.c", '#include "engine/event/event.h"\n#include "state/base/err.h"\n', HEADERS)]),
    "headers in their rooms": (
        [(tree("engine/flow/fold.c", "#include <rocksdb/c.h>\n"), 1),
         (tree("engine/flow/fold.c", "#include <lua.h>\n"), 1),
         (tree("state/store/store.c", "#include <jansson.h>\n"), 1),
         (tree("engine/event/parse.c", "#include <simdjson.h>\n"), 1),
         (tree("tools/run.c", "#include <archive.h>\n"), 1),
         (tree("tools/run.c", "#include <libfyaml.h>\n"), 1),
         (tree("tools/run.c", "\n#include <glib/whatever.h>\n"), 2)],
        [tree("state/store/store.c", "#include <rocksdb/c.h>\n#include <stdio.h>\n#include <sys/statvfs.h>\n"),
         tree("engine/event/parse.cc", "#include <simdjson.h>\n#include <cstring>\n"),
         tree("tests/unit/test_store.c", "#include <cmocka.h>\n#include <jansson.h>\n")]),
    "banned functions": (
        [(tree("tools/run.c", "void\nf(char *s)\n{\n\tstrcpy(s, \"x\");\n}\n"), 4),
         (tree("tools/run.c", "int n = atoi (text);\n"), 1),
         (tree("tests/unit/test_run.c", "x = rand();\n"), 1),
         (tree("tools/run.c", "struct tm *t = gmtime(&now);\n"), 1),
         (tree("connectors/file/read.c", "fprintf(stderr, \"no\");\n"), 1),
         (tree("state/store/store.c", "exit(4);\n"), 1),
         (tree("engine/feature/window.c", "now = time(NULL);\n"), 1),
         (tree("engine/rule/load.c", "f = fopen(name, \"r\");\n"), 1)],
        [tree("tools/run.c", "/* strcpy(a, b) */ puts(\"atoi(x)\"); my_strcpy(a); x->system(1); int system_load(int); printf(\"%d\", 1);\n"),
         tree("engine/flow/node.c", "clock_gettime(CLOCK_REALTIME, &ts);\n")]),
    "no business words in C": (
        [(tree("engine/flow/fold.c", 'if (slice_eq_str(type, "testimony.given"))\n', PACK), 1),
         (tree("engine/flow/fold.c", '\nfield(ev, "case_id");\n', PACK), 2),
         (tree("tools/cli/run.c", 'puts("rules/witness-repeat.lua");\n', PACK), 1),
         (tree("connectors/file/read.c", 'x = "witness";\n', PACK), 1),
         ({"engine/flow/fold.c": ""}, 0)],
        [tree("engine/flow/fold.c", '/* "testimony.given" */ x = "source"; y = "a witness said"; z = case_id; w = "my-testimony.given";\n', PACK),
         tree("engine/identity/person.c", 'x = "witness";\n', PACK),
         tree("tools/world/court.c", 'x = "testimony.given";\n', PACK)]),
    "no connector's words below it": (
        [(tree("state/base/limits.h", "\n#define LIMIT_KAFKA_TOPICS 2\n"), 2),
         (tree("engine/flow/fold.c", "/* as Kafka does */\n"), 1)],
        [tree("connectors/kafka/limits.h", "#define LIMIT_KAFKA_TOPICS 2\n"), tree("state/base/limits.h", "#define LIMIT_TOPICS 2\n")]),
    "files that texts name": (
        [(tree("docs/extending.md", "a\nsee `tests/unit/test_gone.c`\n"), 2),
         (tree("engine/flow/fold.c", "\n/* (docs/gone.md) */\n"), 2)],
        [tree("docs/extending.md", "`engine/engine.h`, `tests/`, `build/tests/test_gone.c`, `tests/fuzz/fuzz_TARGET.c`\n", HEADERS),
         tree("tools/run.c", 'x = "docs/gone.md"; /* engine/engine.h */\n', HEADERS)]),
    "length of files": (
        [(tree("engine/flow/fold.c", "x\n" * 901), 901)],
        [tree("engine/flow/fold.c", "x\n" * 599)]),
    "no machine paths": (
        [(tree("README.md", "a\nsee /" + "root/x\n"), 2),
         (tree("docs/a.md", "cd /" + "home/somebody\n"), 1),
         (tree("tools/setup", "deb http://deb.debian" + ".org/debian\n"), 1)],
        [tree("README.md", "/usr/bin/env, ../shared, $HOME/work/x, build/tmp/y, rules/work/x\n")]),
    "planted bugs": (
        [({"tests/property/plants.py": 'PLANTS = [\n("w", "engine/a.c", "x < y", "x <= y")]\n', "engine/a.c": text}, 2) for text in ("", "x > y;", "x < y; x < y;")],
        [{"tests/property/plants.py": 'PLANTS = [("w", "engine/a.c", "x < y", "x <= y")]\n', "engine/a.c": "x < y;"}]),
}


def prove(name, check):
    """Texts of what is wrong with the check itself; empty if it finds what it must and nothing else."""
    wrong = []
    guilty, innocent = CASES[name]
    for planted, line in guilty:
        found = [f for f in check(planted) if not f.warning]
        if not any(f.line == line for f in found):
            wrong.append("a planted offence was not found: %r" % list(planted.values())[-1][:80])
    for planted in innocent:
        for f in check(planted):
            wrong.append("found where nothing is wrong: %s:%d: %s" % (f.path, f.line, f.text))
    return wrong
