#!/usr/bin/env python3
"""One short answer after the other on a warm connection: what each costs, beside libcurl in a thread of its own.

    tests/bench/short_requests.py [build directory [requests]]      default: build/release, 900

nghttpx ends a connection after some 1,000 requests, and to make another one is not what is measured here.

The thread that asks waits for each answer, which has three events. What counts is the CPU time of the whole program, its
I/O thread included; the time that an answer takes is told beside it.
"""

import service

EVENTS = 3
ROUNDS = 7


def show(build, requests=900):
    print(f"{requests} short requests, one after the other; client / libcurl in a thread of its own")
    for protocol in service.PROTOCOLS:
        samples = service.compare(build, "requests", protocol, requests, EVENTS, 0, 8, ROUNDS)
        service.show_ratio(f"{protocol}: CPU", samples, "cpu_seconds", "at most 1.5")
        client, bare = (service.middle(samples[name]) for name in ("client", "bare"))
        for name, middle in (("client", client), ("bare", bare)):
            print(f"    {name:<6} {middle['cpu_seconds'] / requests * 1e6:4.0f} us of CPU, "
                  f"answered after {middle['seconds'] / requests * 1e6:4.0f} us")
        print(f"    added latency: {(client['seconds'] - bare['seconds']) / requests * 1e6:.0f} us")


if __name__ == "__main__":
    build_directory, numbers = service.arguments()
    show(build_directory, *numbers)
