#!/usr/bin/env python3
"""What the C sources say to people has its words in the console: each action of the audit log (web/src/i18n/{en,de}/actions.ts, and a row in
doc/audit.md), the meaning of each option of siegel.conf (web/src/i18n/german/options.ts), each key usage and purpose (web/src/screens/uses.ts). Says what is missing, of no use, or out of date."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import errors  # noqa: E402

TOP = errors.TOP
OPTIONS = TOP / "web/src/i18n/german/options.ts"
ACTION = re.compile(r'"([a-z][a-z_]+\.[a-z_]+)"')
# Of a literal of that form the last word says that something happened; operations ("ca.create") and columns are none.
HAPPENED = re.compile(r"\.(?:\w*ed|\w*_(?:set|shown|over)|made|held|ended|withdrawn|done|intent|asked|responsible|second_factor_reset)$")


def actions():
    """action → where it stands first"""
    found = {}
    for folder in ("api", "ca", "cli", "enroll", "lib", "sched"):
        for path in sorted((TOP / folder).rglob("*.c")):
            for action in ACTION.findall(path.read_text()):
                if HAPPENED.search(action):
                    found.setdefault(action, str(path.relative_to(TOP)))
    return found


def documented():
    return set(re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", (TOP / "doc/audit.md").read_text().split("## Actions")[1]))


def named(language):
    return set(re.findall(r'^  "([a-z_.]+)": "', (TOP / f"web/src/i18n/{language}/actions.ts").read_text(), re.M))


def options():
    """meaning → option"""
    text = re.sub(r'"\s*\n\s*"', "", (TOP / "lib/options.def").read_text())
    return {help.replace('\\"', '"'): f"{section}.{key}" for section, key, help in
            re.findall(r'^OPTION\((\w+),\s*(\w+),.*?"((?:[^"\\]|\\.)*)"\)$', text, re.M)}


def uses():
    names = re.findall(r'^    ROW\("(\w+)"', (TOP / "ca/purpose.c").read_text(), re.M)
    usages = re.search(r"key_usages\[USAGE_COUNT\] = \{(.*?)\}", (TOP / "ca/profile.c").read_text(), re.S).group(1)
    return set(names) | set(re.findall(r'"(\w+)"', usages))


def main():
    wrong = []
    said, rows = actions(), documented()
    for language in ("en", "de"):
        words = named(language)
        wrong += [f"web/src/i18n/{language}/actions.ts: no word for {a} ({said.get(a, 'doc/audit.md')})" for a in sorted((set(said) | rows) - words)]
        wrong += [f"web/src/i18n/{language}/actions.ts: nobody writes this any more: {a}" for a in sorted(words - rows)]
    wrong += [f"doc/audit.md: no row for {a} ({said[a]})" for a in sorted(set(said) - rows)]
    meanings, known = options(), errors.translated(OPTIONS)
    wrong += [f"{OPTIONS.relative_to(TOP)}: no German of {meanings[text]}: {text}" for text in sorted(set(meanings) - set(known))]
    wrong += [f"{OPTIONS.relative_to(TOP)}: no option means this any more: {text}" for text in sorted(set(known) - set(meanings))]
    spoken = set(re.findall(r"^  (\w+): \[", (TOP / "web/src/screens/uses.ts").read_text(), re.M))
    wrong += [f"web/src/screens/uses.ts: no words for {one}" for one in sorted(uses() - spoken)]
    wrong += [f"web/src/screens/uses.ts: there is no such use: {one}" for one in sorted(spoken - uses())]
    print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
