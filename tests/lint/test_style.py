#!/usr/bin/env python3
"""Each rule of style.py and format.py is seen to fail on what it forbids, and to be quiet on what is right."""
import tempfile
import unittest
from pathlib import Path

import style
import summary

LAYERS = "```layers\nlib\nva lib\nhsm lib\nlib/db lib\n```\n"


def found(rule, **files):
    with tempfile.TemporaryDirectory() as top:
        for name, text in {"ARCHITECTURE.md": LAYERS, **files}.items():
            path = Path(top) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [what for _, _, what in rule(style.Tree(top))]


class Rules(unittest.TestCase):
    def bad(self, rule, name, text, words):
        what = found(rule, **{name: text})
        self.assertTrue(what and words in what[0], what)

    def good(self, rule, name, text):
        self.assertEqual(found(rule, **{name: text}), [])

    def test_banned_functions(self):
        for call in ("strcpy(a, b)", "sprintf(a, b)", "system(a)", "PKCS7_verify(a)"):
            self.bad(style.banned_functions, "va/a.c", f"\t{call};\n", "isn't used")
        self.good(style.banned_functions, "va/a.c", '\tsnprintf(a, "strcpy(");\n\t/* strcpy() */\n\tx_system(a);\n\to->system(a);\n')

    def test_owned_libraries(self):
        self.bad(style.owned_libraries, "va/a.c", "\tPQexec(c, s);\n", "lib/db alone")
        self.bad(style.owned_libraries, "va/a.c", "#include <libpq-fe.h>\n", "lib/db alone")
        self.bad(style.owned_libraries, "va/a.c", "#include <libp11.h>\n", "hsm/ alone")
        self.good(style.owned_libraries, "lib/db/a.c", "#include <libpq-fe.h>\n\tPQexec(c, s);\n")

    def test_layering(self):
        self.bad(style.layering, "va/a.c", '#include "hsm/hsm.h"\n', "may not include from hsm")
        self.bad(style.layering, "ca/a.c", '#include "lib/x.h"\n', "isn't in the layers")
        self.good(style.layering, "va/a.c", '#include "lib/x.h"\n#include "va/a.h"\n')
        self.bad(style.layering, "ARCHITECTURE.md", "nothing\n", "no block")

    def test_lengths(self):
        long = "int\nf(void)\n{\n" + "\tx();\n" * 101 + "}\n"
        self.bad(style.lengths, "va/a.c", long, "f has 101 lines")
        self.good(style.lengths, "va/a.c", "int\nf(void)\n{\n" + "\tx();\n" * 100 + "}\n")
        self.bad(style.lengths, "va/a.c", "/* x */\n" * 801, "801 lines")

    def test_script_lengths(self):
        for head in ("export default function F() {", "function F({ a }: {\n  a: string;\n}) {", "export const F = (a: string) => {", "async function F() {"):
            body = "\n" + "  x();\n" * (101 - head.count("\n")) + "}\n"
            self.bad(style.script_lengths, "web/a.tsx", head + body, "F has 101 lines")
            self.good(style.script_lengths, "web/a.tsx", (head + body).replace("  x();\n", "", 1))
        self.good(style.script_lengths, "web/a.ts", "function f() {\n  x();\n}\n" * 60)
        self.good(style.script_lengths, "web/a.ts", "export const words = {\n" + "  a: 1,\n" * 200 + "};\n")
        self.bad(style.script_lengths, "web/a.ts", "// x\n" * 801, "801 lines")
        self.good(style.script_lengths, "web/src/i18n/de/a.ts", "// x\n" * 801)

    def test_whitespace(self):
        self.bad(style.whitespace, "va/a.c", "int x; \n", "blanks at the end")
        self.bad(style.whitespace, "va/a.c", "int x;", "without a line feed")
        self.bad(style.whitespace, "va/a.c", "\t" * 18 + "123456;\n", "151 columns")

    def test_contracts(self):
        self.bad(style.contracts, "va/a.h", "struct a;\n\nstruct a *a_new(void);\n", "without a contract")
        self.bad(style.contracts, "va/a.h", "/* About the file. */\n\nint f(void);\n", "without a contract")
        self.good(style.contracts, "va/a.h", "/* Makes one. */\nstruct a *a_new(void);\nvoid a_free(struct a *a);\n\nint f(void); /* 0 */\n")

    def test_readmes(self):
        self.bad(style.readmes, "va/a.c", "", "is missing")
        self.assertEqual(found(style.readmes, **{"va/a.c": "", "va/README.md": ""}), [])

    def test_texts(self):
        self.bad(style.texts, "va/a.sh", "cd /ho" + "me/alice/x\n", "absolute path")
        self.bad(style.texts, "va/a.sh", "# TO" + "DO: more\n", "unfinished")
        self.good(style.texts, "va/a.sh", "cd $top/wor" + "k/x\n")


class Summary(unittest.TestCase):
    def test_counts(self):
        with tempfile.TemporaryDirectory() as top:
            build = Path(top)
            (build / "a.trs").write_text(":test-result: PASS\n")
            (build / "a.log").write_text("100%: Checks: 7, Failures: 0, Errors: 0\n")
            (build / "b.trs").write_text(":test-result: FAIL\n")
            (build / "b.log").write_text("50%: Checks: 4, Failures: 1, Errors: 1\n")
            (build / "c.trs").write_text(":test-result: SKIP\n")
            (build / "c.log").write_text("no server\n")
            (build / "d.trs").write_text(":test-result: FAIL\n")
            (build / "d.log").write_text("crashed before it counted\n")
            (build / "e.trs").write_text(":test-result: PASS\n")
            count = summary.Count()
            count.automake(build)
            self.assertEqual((count.passed, len(count.failures), len(count.skips)), (7 + 2 + 1, 2 + 1, 1))
            self.assertEqual(count.skips[0][1], "no server")

    def test_failures_say_where_and_why(self):
        with tempfile.TemporaryDirectory() as top:
            file = Path(top) / "integration.xml"
            file.write_text('<testsuites><testsuite><testcase classname="t" name="a"><failure message="no&#10;group">test_t.py:3: \n\nhelp.py:7: E</failure></testcase>'
                            '<testcase classname="t" name="b"><skipped message="no x"/></testcase><testcase classname="t" name="c"><skipped message="no x"/>'
                            '</testcase></testsuite></testsuites>')
            count = summary.Count()
            count.junit(file)
            self.assertEqual(count.failures, ["t::a: test_t.py:3: help.py:7: no group"])
            self.assertEqual(list(summary.skip_lines(count.skips)), ["skipped: 2 of t: no x"])

    def test_broken_part_fails(self):
        with tempfile.TemporaryDirectory() as top:
            (Path(top) / "parts").write_text("FAIL private instance\n")
            self.assertEqual(summary.main(Path(top), []), 1)


if __name__ == "__main__":
    unittest.main()
