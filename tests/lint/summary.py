"""Counts what ./check ran: summary.py RESULTS BUILD…

RESULTS holds the JUnit files of pytest, "lint" (lines PASS|FAIL NAME) and "parts" (lines FAIL NAME: a step that broke). Each BUILD
holds what automake's tests left: for a Check program its own count of cases, for any other test one result. A failure says where and why,
since these lines may be all that is left of a machine. Ends with the line "check: N passed, N failed, N skipped" and exit status 1 when
anything failed.
"""
import re
import sys
import xml.etree.ElementTree
from pathlib import Path

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
RESULT = re.compile(r"^:test-result: *(\w+)", re.M)
FAILED_CASE = re.compile(r"^\S+:[FE]:.*$", re.M)
WHY_OCTETS = 400


def why(case):
    """Of a test that failed or broke: the place in the test and the one that it called, and the first of what was said."""
    found = case.find("failure")
    found = case.find("error") if found is None else found
    place = re.findall(r"^(\S+\.py:\d+): ", found.text or "", re.M)
    said = " ".join((found.get("message") or "").split())
    return ": ".join([*dict.fromkeys(place[:1] + place[-1:]), said[:WHY_OCTETS]])


def skip_lines(skips):
    """A line for all tests of a file that were left out for the same reason."""
    groups = {}
    for name, reason in skips:
        groups.setdefault((name.rpartition("::")[0] or name, reason), []).append(name)
    for (file, reason), names in groups.items():
        yield f"skipped: {names[0]}: {reason}" if len(names) == 1 else f"skipped: {len(names)} of {file}: {reason}"


class Count:
    def __init__(self):
        self.passed, self.failures, self.skips, self.slow = 0, [], [], []
        self.explained = set()  # names of the parts of ./check whose failures are counted one by one

    def count(self, part, source, argument):
        before = len(self.failures)
        source(argument)
        if len(self.failures) > before:
            self.explained.add(part)

    def automake(self, build):
        for trs in sorted(build.rglob("*.trs")):
            name = f"{trs.relative_to(build).with_suffix('')} ({build.name})"
            result = RESULT.search(trs.read_text())
            result = result.group(1) if result else "ERROR"
            log = trs.with_suffix(".log")
            text = log.read_text(errors="replace") if log.exists() else ""
            cases = CHECK.findall(text)
            if result == "SKIP":
                lines = text.strip().splitlines() or ["no reason given"]
                self.skips.append((name, lines[-1] if not RESULT.match(lines[-1]) else lines[0]))
                continue
            bad = sum(int(f) + int(e) for _, f, e in cases)
            self.passed += sum(int(n) for n, _, _ in cases) - bad
            said = FAILED_CASE.findall(text)
            self.failures += [f"{name}: {said[n][:WHY_OCTETS]}" if n < len(said) else name for n in range(bad)]
            if result == "PASS" and not cases:
                self.passed += 1
            elif result != "PASS" and not bad:
                self.failures.append(name)

    def junit(self, file):
        try:
            root = xml.etree.ElementTree.parse(file).getroot()
        except (OSError, xml.etree.ElementTree.ParseError) as e:
            self.failures.append(f"{file.name}: {e}")
            return
        for case in root.iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            self.slow.append((float(case.get("time") or 0), name))
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failures.append(f"{name}: {why(case)}")
            elif skipped is not None:
                self.skips.append((name, skipped.get("message") or "no reason given"))
            else:
                self.passed += 1

    def lines(self, file):
        if not file.exists():
            return
        for line in file.read_text().splitlines():
            word, _, name = line.partition(" ")
            if word == "PASS":
                self.passed += 1
            else:
                self.failures.append(name)


def main(results, builds):
    count = Count()
    for build in builds:
        count.count("make check with sanitizers" if build.name == "asan" else "make check", count.automake, build)
    for file in sorted(results.glob("*.xml")):
        count.count(f"tests/{file.stem}", count.junit, file)
    count.count("lint", count.lines, results / "lint")
    parts = results / "parts"
    broken = [line.partition(" ")[2] for line in parts.read_text().splitlines()] if parts.exists() else []
    # A part whose single failures are known isn't counted once more; one that broke before it could count anything is.
    count.failures += [name for name in broken if name not in count.explained]
    slow = [entry for entry in sorted(count.slow, reverse=True)[:8] if entry[0] >= 2]
    if slow:
        print("slowest:")
        for seconds, name in slow:
            print(f"  {seconds:6.1f} s  {name}")
    for line in skip_lines(count.skips):
        print(line)
    for name in count.failures:
        print(f"failed: {name}")
    print(f"check: {count.passed} passed, {len(count.failures)} failed, {len(count.skips)} skipped")
    return 1 if count.failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(b) for b in sys.argv[2:]]))
