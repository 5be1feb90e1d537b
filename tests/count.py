#!/usr/bin/env python3
"""Prints how many test cases passed and how many failed, as "P F", from what ctest writes with --output-junit. A test of
ctest's may be a program of Catch2's, which tells how many cases it had; any other is one."""

import re
import sys
import xml.etree.ElementTree

# "All tests passed (928 assertions in 91 test cases)", "test cases: 5 | 3 passed | 2 failed"
ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)$", re.MULTILINE)
SOME_FAILED = re.compile(r"^test cases: .*$", re.MULTILINE)


def count(test):
    output = test.findtext("system-out") or ""
    all_passed = ALL_PASSED.search(output)
    if test.get("status") == "run":
        return (int(all_passed[1]) if all_passed else 1), 0
    summary = SOME_FAILED.search(output)
    numbers = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed)", summary[0] if summary else "")}
    # It may have crashed before it could count.
    return numbers.get("passed", 0), max(1, numbers.get("failed", 0))


def main():
    tests = xml.etree.ElementTree.parse(sys.argv[1]).findall("testcase")
    counts = [count(test) for test in tests]
    if not counts:
        sys.exit(1)
    print(sum(passed for passed, _ in counts), sum(failed for _, failed in counts))


main()
