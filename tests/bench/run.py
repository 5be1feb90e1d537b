#!/usr/bin/env python3
"""Runs the benchmarks and prints what they say as ratios within one run, each beside its goal.

    tests/bench/run.py [build directory]        default: build/release of this repository

A number says little on a machine that is busy: nothing fails here because of one.
"""
import json
import pathlib
import subprocess
import sys

import report
import short_requests
import size
import streams

HERE = pathlib.Path(__file__).resolve().parent

# What is compared with what, and the goal. "at least" ratios are throughputs.
POOL = [
    ("acquire + report, 10 tokens / floor", "AcquireAndReport/10", "Floor", "at most 1.8"),
    ("10,000 tokens / 10", "AcquireAndReport/10000", "AcquireAndReport/10", "at most 1.5"),
    ("10,000 tokens, 90 % of them out / 10", "AcquireAndReportNinetyPercentOut/10000", "AcquireAndReport/10",
     "at most 1.5"),
    ("100,000 tokens / 10", "AcquireAndReport/100000", "AcquireAndReport/10", "reported"),
    ("100,000 tokens, 90 % of them out / 10", "AcquireAndReportNinetyPercentOut/100000", "AcquireAndReport/10",
     "reported"),
    ("least in flight, 10 tokens / floor", "AcquireAndReportLeastInFlight/10", "Floor", "reported"),
    ("least in flight, 10,000 tokens / 10", "AcquireAndReportLeastInFlight/10000", "AcquireAndReportLeastInFlight/10",
     "reported"),
    ("least in flight, 10,000 in flight / 10", "AcquireAndReportManyInFlight/10000", "AcquireAndReportManyInFlight/10",
     "at most 1.5"),
    ("freed token, 10,000 waiting / 10", "FreedToken/10000", "FreedToken/10", "at most 1.5"),
    ("cancelled, 10,000 waiting / 10", "CancelWaiting/10000", "CancelWaiting/10", "at most 1.5"),
    ("two threads with work / one: throughput", "WithWork/real_time/threads:1", "WithWork/real_time/threads:2",
     "at least 1.7"),
]

# By how many nanoseconds one may cost more than the other.
MORE = [
    ("10,000 tokens, more than 10", "AcquireAndReport/10000", "AcquireAndReport/10", 100),
    ("10,000 tokens, 90 % of them out, more than 10", "AcquireAndReportNinetyPercentOut/10000", "AcquireAndReport/10",
     100),
    ("least in flight, 10,000 tokens, more than 10", "AcquireAndReportLeastInFlight/10000",
     "AcquireAndReportLeastInFlight/10", 100),
]

ANSWER = [
    ("answer, from bytes to callback / protobuf", "ReadAnswer/16384", "ParseOnArena", "at most 1.4"),
    ("the same in chunks of 100 bytes / 16,384", "ReadAnswer/100", "ReadAnswer/16384", "at most 1.3"),
    ("request with 1,000 messages / protobuf", "BuildRequest", "SerializeReadyMessage", "at most 1.3"),
]


def run(program):
    """The median real time of each benchmark, in nanoseconds."""
    output = subprocess.run(
        [program, "--benchmark_format=json", "--benchmark_repetitions=5", "--benchmark_min_time=0.2",
         "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true"],
        check=True, stdout=subprocess.PIPE).stdout
    return {b["run_name"]: b["real_time"] for b in json.loads(output)["benchmarks"]
            if b.get("aggregate_name") == "median"}


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "build/release")
    times = run(build / "tests/bench/pool_bench")
    print(f"floor: {times['Floor']:.0f} ns")
    for what, above, below, goal in POOL:
        print(report.line(what, times[above] / times[below], goal))
    for what, above, below, goal in MORE:
        print(report.more(what, times[above] - times[below], goal))
    times = run(build / "tests/bench/answer_bench")
    for what, above, below, goal in ANSWER:
        print(report.line(what, times[above] / times[below], goal))
    short_requests.show(build)
    streams.show(build)
    size.show(build)


if __name__ == "__main__":
    main()
