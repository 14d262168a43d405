#!/usr/bin/env python3
"""Every text with which REST says an error has its German in the console.

The console finds a German text by the English one without its values, which are {1}, {2}, … (meta.text of an error). This collects them from the calls
of fail() and fail_at() in the sources, and the texts that are put into them. `errors.py` says what is missing or of no use in
web/src/i18n/de/errors.ts; `errors.py --list` shows all."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("api", "ca", "hsm", "lib")
# What runs apart from REST: at the start of processes, in other programs.
ELSEWHERE = {"lib/config.c", "lib/daemon.c", "lib/sock.c", "lib/seal.c", "lib/https_url.c", "ca/bootstrap.c", "ca/main.c", "ca/import/split.c", "api/main.c"}
# Of these the client is told nothing (for_client() in api/router.c).
HIDDEN = {"E_INTERNAL", "E_STORE", "E_KEY_STORE"}
CATALOGUE = TOP / "web/src/i18n/de/errors.ts"
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(/\*.*?\*/|//[^\n]*)|([A-Za-z_]\w*)|(\'(?:[^\'\\]|\\.)\')|(\s+)|(.)', re.S)
CONVERSION = re.compile(r"%(?:(%)|[#0\- +.*\d]*[hlLjzt]*([A-Za-z]))")
DEFINE = re.compile(r'^#define (\w+)[ \t]+((?:"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[ \t])+?)[ \t]*(?:/\*.*)?$', re.M)


def unescape(text):
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def tokens(text):
    """(kind, text): s a string, w a word, p anything else; without comments and blanks."""
    found = []
    for m in TOKEN.finditer(text):
        string, comment, word, char, blank, other = m.groups()
        if string is not None:
            found.append(("s", unescape(string)))
        elif word:
            found.append(("w", word))
        elif char or other:
            found.append(("p", char or other))
    return found


def literals(macros, part):
    """The strings that an expression is one of: pieces beside each other are one, a word is what it is defined as."""
    result, current = [], None
    for kind, text in part:
        if kind == "w" and re.fullmatch(r"PRI[diux]\d*", text):
            kind, text = "s", "d"
        elif kind == "w" and text in macros:
            inner = literals(macros, tokens(macros[text])) if macros[text] != text else []
            if inner:
                kind, text = "s", inner[0]
        if kind == "s":
            current = (current or "") + text
        elif current is not None:
            result.append(current)
            current = None
    return result + ([current] if current is not None else [])


def arguments(list_of_tokens, at):
    """The arguments of a call whose parenthesis opens at that place."""
    depth, parts, part = 0, [], []
    for kind, text in list_of_tokens[at:]:
        if kind == "p" and text in "([{":
            depth += 1
            if depth == 1:
                continue
        if kind == "p" and text in ")]}":
            depth -= 1
            if depth == 0:
                return parts + [part]
        if kind == "p" and text == "," and depth == 1:
            parts.append(part)
            part = []
        else:
            part.append((kind, text))
    return []


def without_values(text):
    n = 0

    def one(m):
        nonlocal n
        if m.group(1):
            return "%"
        n += 1
        return "{%d}" % n

    return CONVERSION.sub(one, text)


def says_something(text):
    return re.search(r"[A-Za-z]{2}", re.sub(r"\{\d\}", "", text)) is not None


def collect():
    """text → where it stands first"""
    found, common = {}, {}
    files = sorted(p for folder in FOLDERS for p in (TOP / folder).rglob("*.[ch]"))
    for path in files:
        if path.suffix == ".h":
            common.update(DEFINE.findall(path.read_text()))
    for path in files:
        name = str(path.relative_to(TOP))
        if path.suffix != ".c" or name in ELSEWHERE:
            continue
        source = path.read_text()
        macros = {**common, **dict(DEFINE.findall(source))}
        all_tokens = tokens(source)
        for i, (kind, word) in enumerate(all_tokens):
            if kind != "w" or word not in ("fail", "fail_at") or i + 1 >= len(all_tokens) or all_tokens[i + 1] != ("p", "("):
                continue
            args = arguments(all_tokens, i + 1)
            first = 2 if word == "fail" else 3
            if len(args) <= first or (args[1] and args[1][0][1] in HIDDEN and len(args[1]) == 1):
                continue
            for text in literals(macros, args[first]):
                found.setdefault(without_values(text), name)
            for arg in args[first + 1:]:
                for text in literals(macros, arg):
                    if " " in text.strip() and "%" not in text:
                        found.setdefault(text, name)
    return {text: name for text, name in found.items() if says_something(text)}


def translated():
    """The keys of the catalogue: an object of texts, one a line."""
    keys = re.findall(r'^  ("(?:[^"\\]|\\.)*"):\s', CATALOGUE.read_text(), re.M)
    return {unescape(key[1:-1]) for key in keys}


def main():
    found = collect()
    if sys.argv[1:] == ["--list"]:
        for text, name in found.items():
            print(f"{name}\t{text}")
        return 0
    known = translated()
    for text in sorted(set(found) - known):
        print(f"{found[text]}: no German in {CATALOGUE.relative_to(TOP)}: {text}")
    for text in sorted(known - set(found)):
        print(f"{CATALOGUE.relative_to(TOP)}: nobody says this any more: {text}")
    return 1 if set(found) ^ known else 0


if __name__ == "__main__":
    sys.exit(main())
