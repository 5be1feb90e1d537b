#!/usr/bin/env python3
"""Many slow streams on one client: what they cost it, beside a bare libcurl that throws away the same bytes.

    tests/bench/streams.py [build directory [streams [events]]]      default: build/release, 1000, 200

The service stands apart (loopback, and for HTTP/2 nghttpx in front of it), and sends every event of every stream in a
write of its own, one per 10 ms. Where the machine cannot keep that pace the streams take longer, and more than one
event waits to be read, which makes each cheaper: the pace that was reached is told, and how often a program had nothing
to do. On a busy machine the ratios differ much from round to round: their median counts, and their range is told.

All streams must complete, or this fails; no number fails it.
"""
import resource

import service

GAP_MS = 10
ROUNDS = 5


def show(build, streams=1000, events=200):
    # loopback, nghttpx and the programs inherit it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{streams} streams of {events} events, one per {GAP_MS} ms; client / bare libcurl")
    for protocol in service.PROTOCOLS:
        samples = service.compare(build, "streams", protocol, streams, events, GAP_MS, streams + 100, ROUNDS)
        service.show_ratio(f"{protocol}: CPU", samples, "cpu_seconds", "at most 1.1")
        service.show_ratio(f"{protocol}: memory of a stream", samples, "kib_each", "at most 1.3")
        for name, results in samples.items():
            middle = service.middle(results)
            print(f"    {name:<6} {middle['cpu_seconds']:6.2f} s of CPU, slept {middle['sleeps']:6.0f} times, "
                  f"{middle['kib_each']:6.1f} KiB a stream, "
                  f"an event per {middle['seconds'] * 1000 / events:.1f} ms and stream")


if __name__ == "__main__":
    build_directory, numbers = service.arguments()
    show(build_directory, *numbers)
