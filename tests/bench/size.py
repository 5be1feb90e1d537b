#!/usr/bin/env python3
"""How large the library makes a program: stripped files, in megabytes, each beside its goal.

    tests/bench/size.py [build directory]       default: build/release of this repository; an optimised, static build

The program is the packaging tests' C consumer with our two archives inside it; what the system has is linked dynamically.
"""
import pathlib
import subprocess
import sys
import tempfile

import report

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
SYSTEM = ["-lprotobuf", "-lcurl", "-lcrypto", "-lfmt", "-lstdc++", "-lm", "-pthread"]
GOAL = "at most 2.2"


def stripped(file, scratch):
    copy = scratch / "stripped"
    subprocess.run(["strip", "-o", copy, file], check=True)
    return copy.stat().st_size / 1e6


def program(build, scratch, *flags):
    output = scratch / "program"
    subprocess.run(
        ["cc", "-o", output, SOURCE / "tests/packaging/consumer/main.c", f"-I{SOURCE / 'capi/include'}",
         build / "capi/libwarppool_c.a", build / "src/libwarppool.a", *SYSTEM, *flags], check=True)
    return stripped(output, scratch)


def show(build):
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        print(report.line("size of the shared C library, MB", stripped(build / "capi/libwarppool_c.so", scratch), GOAL))
        print(report.line("size of a static C program, MB", program(build, scratch), GOAL))
        print(report.line("the same, with --gc-sections", program(build, scratch, "-Wl,--gc-sections"), "reported"))


if __name__ == "__main__":
    show(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else SOURCE / "build/release"))
