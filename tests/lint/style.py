#!/usr/bin/env python3
"""Our own source checker: what no compiler judges and CONTRIBUTING.md promises. style.py [TREE]; quiet when all is well.

Each rule is a function that takes a Tree and yields (file, line, what is wrong and what would be right). RULES lists them.
"""
import re
import subprocess
import sys
from pathlib import Path

MAX_FUNCTION_LINES = 100
MAX_FILE_LINES = 800
MAX_COLUMNS = 150
TAB = 8

BANNED = {
    "strcpy": "buf_* or snprintf", "strcat": "buf_* or snprintf", "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "fgets",
    "strtok": "strtok_r", "system": "posix_spawn", "popen": "posix_spawn", "alloca": "the arena", "atoi": "strtol with its end checked",
    "atol": "strtol with its end checked",
}
# Who alone may use a library: pattern of its calls or headers, folder, why.
OWNED = [
    (re.compile(r"\bPQ[a-z]\w+\s*\("), "lib/db", "libpq is for lib/db alone"),
    (re.compile(r'#include [<"]libpq'), "lib/db", "libpq is for lib/db alone"),
    (re.compile(r"\bPKCS11_\w+\s*\(|#include <(libp11|p11-kit/)"), "hsm", "PKCS#11 is for hsm/ alone"),
    (re.compile(r"\bMHD_\w+\s*\(|#include <microhttpd"), "lib/http", "libmicrohttpd is for lib/http alone"),
]
PKCS7 = re.compile(r"\bPKCS7_\w+\s*\(")
# Put together from parts, so that this file doesn't hold what it looks for.
MACHINE = re.compile("(?<![A-Za-z0-9_.$}{*])/(" + "|".join(["wor" + "k/", "hom" + "e/[a-z]", "roo" + "t/[a-z.]"]) + ")")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


class Tree:
    def __init__(self, top):
        self.top = Path(top)
        self.files = self._files()
        self._text = {}

    def _files(self):
        git = subprocess.run(["git", "-C", str(self.top), "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True)
        if (self.top / ".git").exists() and git.returncode == 0:
            names = [n for n in git.stdout.decode().split("\0") if n]
        else:
            names = [str(p.relative_to(self.top)) for p in self.top.rglob("*") if p.is_file()]
        generated = re.compile(r"\.pb-c\.[ch]$|^(build|autom4te)|(^|/)(\.git|__pycache__|\.deps)/|^(configure~?|aclocal\.m4|Makefile\.in|config\.h\.in~?)$")
        return sorted(n for n in names if not generated.search(n) and (self.top / n).is_file())

    def text(self, name):
        if name not in self._text:
            self._text[name] = (self.top / name).read_text(errors="replace")
        return self._text[name]

    def lines(self, name):
        return self.text(name).splitlines()

    def c(self, suffixes=(".c", ".h")):
        return [n for n in self.files if n.endswith(suffixes)]

    def scripts(self):
        """What the console is written in."""
        return self.c((".ts", ".tsx", ".mjs"))

    def product(self):
        return [n for n in self.c() if not n.startswith("tests/")]


def folder(name):
    return str(Path(name).parent)


def without_comments(text):
    """The text with comments and the insides of strings blanked, lines kept."""
    def blank(m):
        s = m.group(0)
        if s.startswith("/"):
            return re.sub(r"[^\n]", " ", s)
        return s[0] + " " * (len(s) - 2) + s[0]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def banned_functions(tree):
    call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for name in tree.product():
        for number, line in enumerate(without_comments(tree.text(name)).splitlines(), 1):
            for m in call.finditer(line):
                yield name, number, f"{m.group(1)}() isn't used here: use {BANNED[m.group(1)]}"
            if PKCS7.search(line) and name != "ca/import/pkcs12.c":  # PKCS#12 is made of it; in a process that is thrown away
                yield name, number, "PKCS7_* isn't used here: CMS_* is"


def owned_libraries(tree):
    for name in tree.product():
        bare = without_comments(tree.text(name)).splitlines()
        for number, line in enumerate(tree.lines(name), 1):
            code = line if line.startswith("#include") else bare[number - 1]
            for pattern, owner, why in OWNED:
                if pattern.search(code) and folder(name) != owner:
                    yield name, number, why


def layer_table(tree):
    """ARCHITECTURE.md's block ```layers: a folder, then the folders whose headers it may include besides its own."""
    text = tree.text("ARCHITECTURE.md") if "ARCHITECTURE.md" in tree.files else ""
    block = re.search(r"^```layers\n(.*?)^```", text, re.S | re.M)
    if not block:
        return None
    return {words[0]: set(words[1:]) for words in (line.split() for line in block.group(1).splitlines()) if words}


def layering(tree):
    table = layer_table(tree)
    if table is None:
        yield "ARCHITECTURE.md", 1, "there is no block ```layers that says who may include whom"
        return
    for name in tree.product():
        own = folder(name)
        if own not in table:
            yield name, 1, f"the folder {own} isn't in the layers of ARCHITECTURE.md"
            continue
        for number, line in enumerate(tree.lines(name), 1):
            m = re.match(r'#include "([^"]+)"', line)
            if not m or m.group(1) == "config.h":
                continue
            other = folder(m.group(1))
            if other == ".":
                yield name, number, f'{m.group(1)}: headers are included by their path from the top'
            elif other != own and other not in table[own]:
                yield name, number, f"{own} may not include from {other} (layers in ARCHITECTURE.md)"


def lengths(tree):
    start = re.compile(r"^[A-Za-z_(][\w() ]*\(")
    for name in tree.c():
        lines = tree.lines(name)
        if len(lines) > MAX_FILE_LINES:
            yield name, len(lines), f"{len(lines)} lines: at most {MAX_FILE_LINES}; split it by subject"
        function = opened = None
        for number, line in enumerate(lines, 1):
            if line == "{" and function:
                opened = number
            elif line.startswith("}") and opened:
                if number - opened - 1 > MAX_FUNCTION_LINES:
                    yield name, opened, f"{function} has {number - opened - 1} lines: at most {MAX_FUNCTION_LINES}"
                function = opened = None
            elif start.match(line) and not opened:
                function = re.split(r"[ (]", line)[0]


def script_lengths(tree):
    """TypeScript's functions stand at the margin, declared or as a constant, and end there; what is within them counts for them. Tables of
    words aren't functions, and are as long as what they say."""
    start = re.compile(r"^(?:export )?(?:default )?(?:async )?function\b\*? ?(\w*)|^(?:export )?const (\w+)\b.*=>\s*[({]?$")
    for name in tree.scripts():
        lines = tree.lines(name)
        if len(lines) > MAX_FILE_LINES and not name.startswith("web/src/i18n/"):
            yield name, len(lines), f"{len(lines)} lines: at most {MAX_FILE_LINES}; split it by subject"
        function = opened = None
        for number, line in enumerate(lines, 1):
            if opened and re.match(r"[})\]]", line):
                if not line.endswith(("{", "(")):  # else the end of what is passed in, or of its type
                    if number - opened - 1 > MAX_FUNCTION_LINES:
                        yield name, opened, f"{function} has {number - opened - 1} lines: at most {MAX_FUNCTION_LINES}; split it by what its parts are"
                    opened = None
            elif not opened and (m := start.match(line)) and not re.search(r"[;}]$", line):
                function, opened = m.group(1) or m.group(2) or "default", number


def whitespace(tree):
    for name in tree.c():
        text = tree.text(name)
        if not text.endswith("\n"):
            yield name, text.count("\n") + 1, "the file ends without a line feed"
        for number, line in enumerate(text.split("\n"), 1):
            if not name.startswith("tests/") and len(line.expandtabs(TAB)) > MAX_COLUMNS:
                yield name, number, f"{len(line.expandtabs(TAB))} columns: at most {MAX_COLUMNS}"
            if line != line.rstrip():
                yield name, number, "blanks at the end of the line"


def contracts(tree):
    """Each group of prototypes in a header stands below a comment, or each carries its own on its line."""
    prototype = re.compile(r"^(?!typedef\b|struct \w+ \{|enum\b|#|\}|DEFINE_|static_assert|_Static_assert)[A-Za-z_][\w \t*]*?\*?\(?\b\w+\)?\(")
    for name in tree.product():
        if not name.endswith(".h") or re.search(r"(_private|/private)\.h$", name):
            continue
        documented = False
        in_comment = False
        for number, line in enumerate(tree.lines(name), 1):
            stripped = line.strip()
            if in_comment or stripped.startswith("/*"):
                in_comment = "*/" not in stripped
                documented = not in_comment
                continue
            if not stripped:
                documented = False
            elif prototype.match(line) and not documented and "/*" not in line:
                yield name, number, "a prototype without a contract: say what it does, who owns the result, and what it gives on failure"
            elif re.match(r"^#endif|^#ifdef|^#else", line):
                continue


def readmes(tree):
    """Each folder with sources explains itself; tests/unit mirrors the tree and has one for all."""
    folders = {folder(n) for n in tree.files if n.endswith((".c", ".h", ".py", ".sh", ".in")) and "/" in n}
    for one in sorted(folders):
        if re.match(r"tests/(unit|data|fuzz|lint)/.+|m4$", one):
            continue
        if f"{one}/README.md" not in tree.files:
            yield f"{one}/README.md", 1, "is missing: purpose, files, flow, how to add one"


def texts(tree):
    for name in tree.files:
        if name.endswith((".der", ".bin", ".p12", ".gz", ".xz")) or re.match(r"tests/(data|fuzz/corpus)/", name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            if MACHINE.search(line):
                yield name, number, "an absolute path of one machine"
            if UNFINISHED.search(line):
                yield name, number, "unfinished: finish it or file an issue"


RULES = [banned_functions, owned_libraries, layering, lengths, script_lengths, whitespace, contracts, readmes, texts]


def main(top):
    tree = Tree(top)
    found = 0
    for rule in RULES:
        for name, number, what in rule(tree):
            print(f"{name}:{number}: {what}")
            found += 1
    if found:
        print(f"style: {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]))
