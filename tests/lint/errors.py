#!/usr/bin/env python3
"""Every text with which REST says an error has its German in the console, and so have the titles of what the product brings along.

So has what jobs keep of each thing (job_item() and those around it).

The console finds a German text by the English one without its values, which are {1}, {2}, … (meta.text of an error). This collects them from the calls
of fail() and fail_at() in the sources, and the texts that are put into them. `errors.py` says what is missing or of no use in
web/src/i18n/german/errors.ts; `errors.py --list` shows all."""

import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("api", "ca", "hsm", "lib")
# What nobody who works in the console meets: it is said at the start of processes, to other programs, or to clients of enrolment alone.
ELSEWHERE = {
    "lib/config.c", "lib/daemon.c", "lib/sock.c", "lib/seal.c", "lib/secret.c", "lib/https_url.c", "lib/http/guard.c", "lib/http/http.c", "lib/ipc/frame.c",
    "lib/ipc/frame_io.c", "lib/x509/crmf.c", "lib/x509/jose.c", "lib/db/audit.c", "lib/buf.c", "hsm/master.c", "hsm/source.c", "hsm/module.c",
    "hsm/filestore.c", "hsm/provider.c", "hsm/token.c", "ca/bootstrap.c", "ca/main.c", "ca/blocklist.c", "ca/ra_key.c", "ca/ra_desk.c", "ca/ra.c", "ca/acme_mac.c",
    "ca/acme_revocation.c", "ca/identity.c", "ca/import/split.c", "ca/clerk.c", "ca/crl.c", "ca/audit_seal.c", "ca/request.c", "ca/signer.c",
    "api/main.c", "api/resources/mscep_admin.c",
}
# Of these the client is told nothing (for_client() in api/router.c).
HIDDEN = {"E_INTERNAL", "E_STORE", "E_KEY_STORE"}
CATALOGUE = TOP / "web/src/i18n/german/errors.ts"
BUILTIN = TOP / "web/src/i18n/german/builtin.ts"
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(/\*.*?\*/|//[^\n]*)|([A-Za-z_]\w*)|(\'(?:[^\'\\]|\\.)\')|(\s+)|(.)', re.S)
CONVERSION = re.compile(r"%(?:(%)|[#0\- +.*\d]*[hlLjzt]*([A-Za-z]))")
# Calls whose texts people read, and the argument with which these begin; of those that keep a text, only what has several words is one.
CALLS = {"fail": 2, "fail_at": 3, "job_item": 3, "report": 3, "problem": 3, "say": 4}
# Texts that are put together elsewhere: as they are found, and as they stand in the source.
PARTS = {"file {1}, item {2}": ("ca/jobs/import.c", '"file %s, item %zu"'), "others have to approve it: {1}": ("ca/jobs/many.c", '"others have to approve it: "'),
         "CRL of ca/{1}: {2} certificates revoked, {3} numbers without a certificate": ("ca/import/crl.c", '"CRL of ca/%d: %lld certificates revoked, %lld numbers without a certificate"')}
PARTS.update({text: ("ca/manage/batch.c", f'"{text}"') for text in (
    "has no name", "has a name of more than 64 characters", "has a name with characters that can't be printed, or blanks around it",
    "isn't a request for a certificate (PKCS#10 as PEM)", "has to be a name, or an object with name, csr, replaces and same_key",
    "has a name that was there before", "renews a certificate that isn't there")})
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
            if kind == "w" and word in ("fault", "ret") and all_tokens[i + 1] == ("p", "=") and name.startswith("ca/import/"):
                end = all_tokens.index(("p", ";"), i)
                found.update({without_values(text): name for text in literals(macros, all_tokens[i + 2:end]) if " " in text})
            if kind != "w" or word not in CALLS or i + 1 >= len(all_tokens) or all_tokens[i + 1] != ("p", "("):
                continue
            args = arguments(all_tokens, i + 1)
            first = CALLS[word]
            if not word.startswith("fail"):
                for text in (text for arg in args[first:] for text in literals(macros, arg)):
                    if " " in text.strip() and name not in ELSEWHERE:
                        found.setdefault(without_values(text + ("%s" if text.endswith(", ") else "")), name)
                continue
            if len(args) <= first or (args[1] and args[1][0][1] in HIDDEN and len(args[1]) == 1):
                continue
            for text in literals(macros, args[first]):
                found.setdefault(without_values(text), name)
            for arg in args[first + 1:]:
                for text in literals(macros, arg):
                    if " " in text.strip() and "%" not in text:
                        found.setdefault(text, name)
    found.update({text: name for text, (name, source) in PARTS.items() if source in (TOP / name).read_text()})
    return {text: name for text, name in found.items() if says_something(text)}


def brought_along():
    """text → its German, or None where nobody else says it"""
    found = {}
    for path in sorted([*(TOP / "ca/profiles").glob("*.json"), *(TOP / "ca/policies").glob("*.json")]):
        template = json.loads(path.read_text())
        found.update({template[name]: template[name + "_de"] for name in ("title", "description") if name in template})
    found.update(dict.fromkeys(re.findall(r'^RIGHT\(\w+,\s+"[^"]+",\s+\w+,\s+"([^"]+)"\)', (TOP / "lib/rights.def").read_text(), re.M)))
    for file in sorted((TOP / "migrations").glob("*.sql")):
        for roles in re.findall(r"INSERT INTO role \(name, title, rights[^)]*\) VALUES(.*?);", file.read_text(), re.S):
            for name, title in re.findall(r"\('(\w+)', '([^']+)'", roles):
                found.update({name: None, title: None})
    return found


def translated(path):
    """The catalogue: an object of texts, one a line."""
    lines = re.findall(r'^  ("(?:[^"\\]|\\.)*"): ("(?:[^"\\]|\\.)*"),$', path.read_text(), re.M)
    return {json.loads(english): json.loads(german) for english, german in lines}


def values(text):
    return sorted(re.findall(r"\{\d\}", text))


def main():
    found = collect()
    if sys.argv[1:] == ["--list"]:
        for text, name in found.items():
            print(f"{name}\t{text}")
        return 0
    wrong = []
    for path, wanted in ((CATALOGUE, dict.fromkeys(found)), (BUILTIN, brought_along())):
        name, known = path.relative_to(TOP), translated(path)
        wrong += [f"{name}: no German of: {text} ({found.get(text, 'built in')})" for text in sorted(set(wanted) - set(known))]
        wrong += [f"{name}: nobody says this any more: {text}" for text in sorted(set(known) - set(wanted))]
        wrong += [f"{name}: has other values than the English: {text}" for text in sorted(known) if values(text) != values(known[text])]
        wrong += [f"{name}: the template says \"{wanted[text]}\": {text}" for text in sorted(known) if wanted.get(text) not in (None, known[text])]
    print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
