"""The source-level operators of tests/mutate/run: small wrong changes to C text, each of which a test ought to notice.

comparison  < and <=, > and >=, == and != are exchanged
off-by-one  + 1 and - 1 go, + and - are exchanged (also ++ and --, += and -=), a literal 0 becomes 1, a literal 1 becomes 2
condition   an operand of && or || goes, a whole if or ?: condition becomes true or false (where that is not the same), a ! goes

Nothing is changed outside of functions, in comments, strings and directives, and in calls that only measure time.
"""
import collections, re

# [begin, end) of the text becomes `new`.
Mutant = collections.namedtuple("Mutant", "file begin end new kind line before after nth")

MASK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n[^\n]*)*', re.S | re.M)
RELATION = re.compile(r"(?<![-<>=!])(<=|>=|==|!=|<|>)(?![<>=])")
SWAPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
SUM = re.compile(r"(?<=[\w)\]]) ([+-]) (?=[\w(*&])")
ONE = re.compile(r" [+-] 1(?![\w.])")
STEP = re.compile(r"\+\+|--|\+=|-=")
STEPPED = {"++": "--", "--": "++", "+=": "-=", "-=": "+="}
LITERAL = re.compile(r"(?<![\w.\-])(?<![+] )(?<!- )([01])(?![\w.])")
NOT = re.compile(r"!(?!=)")
LOGIC = re.compile(r"&&|\|\|")
TERNARY = re.compile(r"\?")
IF = re.compile(r"\bif (?=\()")
PASSED_OVER = re.compile(r"\b(stage_enter|stage_leave|__builtin_prefetch|err_set|snprintf)\b")


def masked(text):
    """The text with all that is not code blanked: places stay the same."""
    return MASK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def closing(code, at):
    """The place of the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth == 0:
            return i
    raise ValueError("no closing bracket")


def operand(code, at, step, stops):
    """The far end of the operand beside the operator at `at`: up to an operator of `stops` or an enclosing bracket."""
    depth, i = 0, at
    opens, closes = ("([{", ")]}") if step > 0 else (")]}", "([{")
    while 0 <= i < len(code):
        c = code[i]
        if c in closes and depth == 0 or (depth == 0 and c in ";{}"):
            return i
        depth += (c in opens) - (c in closes)
        if depth == 0:
            two = code[i:i + 2] if step > 0 else code[i - 1:i + 1]
            if two in stops or c in stops or (c == "=" and step < 0 and code[i - 1] not in "<>=!" and code[i + 1] != "="):
                return i
            if step < 0 and re.match(r"\breturn\b", code[i - 5:i + 1]):
                return i
        i += step
    raise ValueError("no end of the operand")


def trim(code, begin, end):
    while begin < end and code[begin].isspace():
        begin += 1
    while end > begin and code[end - 1].isspace():
        end -= 1
    return begin, end


def left_of(code, at, stops):
    end = operand(code, at - 1, -1, stops)
    return trim(code, end + 1, at)


def right_of(code, at, stops):
    return trim(code, at, operand(code, at, 1, stops))


def bodies(code):
    """The places that lie in functions: what is between a brace in the first column and the one that closes it."""
    for m in re.finditer(r"^\{", code, re.M):
        yield m.start() + 1, closing(code, m.start())


def changes(code):
    """(begin, end, new, kind)"""
    conditions = [(m.end() + 1, closing(code, m.end())) for m in IF.finditer(code)]
    for m in RELATION.finditer(code):
        # A condition that is this equality alone becomes true and false below, and the one or the other is the harder to notice.
        whole = any(lo <= m.start() < hi and not LOGIC.search(code[lo:hi]) for lo, hi in conditions)
        if not whole or m.group() not in ("==", "!="):
            yield m.start(), m.end(), SWAPPED[m.group()], "comparison"
    for m in ONE.finditer(code):
        yield m.start(), m.end(), "", "off-by-one"
    for m in SUM.finditer(code):
        yield m.start(1), m.end(1), "-" if m.group(1) == "+" else "+", "off-by-one"
    for m in STEP.finditer(code):
        yield m.start(), m.end(), STEPPED[m.group()], "off-by-one"
    for m in LITERAL.finditer(code):
        yield m.start(1), m.end(1), str(int(m.group(1)) + 1), "off-by-one"
    for m in NOT.finditer(code):
        yield m.start(), m.end(), "", "condition"
    for m in LOGIC.finditer(code):
        neutral = "true" if m.group() == "&&" else "false"
        stops = ("&&", "||", "?", ":", ",")
        for begin, end in (left_of(code, m.start(), stops), right_of(code, m.end(), stops)):
            yield begin, end, neutral, "condition"
    for m in TERNARY.finditer(code):
        begin, end = left_of(code, m.start(), ("?", ":", ","))
        for new in ("true", "false"):
            yield begin, end, new, "condition"
    for begin, end in conditions:
        if "&&" not in code[begin:end]:
            yield begin, end, "true", "condition"
        if "||" not in code[begin:end]:
            yield begin, end, "false", "condition"


def squeezed(text):
    return " ".join(text.split())


def mutants(file, text):
    code, seen = masked(text), collections.Counter()
    inside = list(bodies(code))
    for begin, end, new, kind in sorted(set(changes(code)), key=lambda c: (c[0], c[1], c[2])):
        first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
        if not any(lo <= begin < hi for lo, hi in inside) or PASSED_OVER.search(code[first:last]) or code[begin:end].strip() == new:
            continue
        before = squeezed(text[first:last])
        after = squeezed(text[first:begin] + new + text[end:last])
        # The same change to the same words elsewhere in the file is another mutant.
        seen[before, after] += 1
        yield Mutant(file, begin, end, new, kind, text.count("\n", 0, begin) + 1, before, after, seen[before, after])
