#!/usr/bin/env python3
"""make format-check: what clang-format says about blanks between words. Where a line breaks and what is aligned is the author's
choice, so both texts are compared with every run of blanks taken as one. format.py [TREE]"""
import difflib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import style


def words(text):
    text = re.sub(r"\\\n", "\n", text)
    # clang-format wants to be right about these and isn't: braces of compound literals, casts, literals side by side, a parenthesised
    # function's name, a member called delete.
    text = re.sub(r"\s*([{}])\s*", r" \1 ", text)
    text = re.sub(r'\)\s*(["(*-])\s*', r") \1 ", text)
    text = re.sub(r'"\s*"', '" "', text)
    text = re.sub(r"\b(delete|int)\s+\(", r"\1(", text)
    return text.split()


def judge(path):
    wanted = subprocess.run(["clang-format", "--style=file", str(path)], capture_output=True, text=True, check=True).stdout
    mine, theirs = words(path.read_text()), words(wanted)
    if mine == theirs:
        return []
    blocks = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes()
    return [(" ".join(mine[a:b]), " ".join(theirs[c:d])) for tag, a, b, c, d in blocks if tag != "equal"]


def main(top):
    tree = style.Tree(top)
    found = 0
    with ThreadPoolExecutor() as pool:
        for name, changes in zip(tree.c(), pool.map(judge, [tree.top / n for n in tree.c()])):
            for mine, wanted in changes:
                print(f"{name}: {mine!r} should be {wanted!r}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]))
