"""Every row of the catalogue has a test, or a reason."""

import re
from pathlib import Path

import rows

HERE = Path(__file__).resolve().parent


def marked():
    """Rows named by the tests of this folder."""
    found = set()
    for path in HERE.glob("test_*.py"):
        text = path.read_text()
        for arguments in re.findall(r"mark\.rows\(([^)]*)\)", text):
            found |= set(re.findall(r'"([A-Z]\d\d)"', arguments))
        listed = re.search(r"^ROWS = \[(.*?)\]", text, re.M | re.S)
        if listed and "mark.rows(*ROWS)" in text:
            found |= set(re.findall(r'"([A-Z]\d\d)"', listed.group(1)))
    return found


def test_every_row_is_tested_or_has_a_reason():
    known = marked() | set(rows.ELSEWHERE) | set(rows.LATER)
    assert not set(rows.ALL) - known


def test_no_reason_outlives_its_cause():
    """A row that waits for something has no test: when it gets one, its reason goes."""
    assert not marked() & set(rows.LATER)


def test_files_named_elsewhere_are_there():
    for where in rows.ELSEWHERE.values():
        path = re.match(r"[\w/.-]+", where).group(0).rstrip(":.")
        assert (HERE.parent.parent / path).exists(), path
