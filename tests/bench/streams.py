#!/usr/bin/env python3
"""Many slow streams on one client: what they cost it, beside a bare libcurl that throws away the same bytes.

    tests/bench/streams.py [build directory [streams [events]]]      default: build/release, 1000, 200

The service stands apart (loopback, and for HTTP/2 nghttpx in front of it), and sends every event of every stream in a
write of its own, one per 10 ms. Where the machine cannot keep that pace the streams take longer, and more than one
event waits to be read, which makes each cheaper: the pace that was reached is told, and how often a program had nothing
to do. On a busy machine the ratios differ much from round to round: their median counts, and their range is told.

All streams must complete, or this fails; no number fails it.
"""
import contextlib
import json
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import report

HERE = pathlib.Path(__file__).resolve().parent
API_KEY = "wk-fake-bench-key"
GAP_MS = 10
EVENT_BYTES = 20  # of text, about a word or two
ROUNDS = 5
PATIENCE = 300  # seconds for one program; a guard against hanging


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def loopback(build, streams, events):
    """The service; yields its port."""
    command = [build / "examples/loopback/loopback", "--accept", API_KEY, "--chunks", str(events), "--gap", str(GAP_MS),
               "--threads", str(streams + 100)]
    with running(command, stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline().rsplit(":", 1)[1])


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def http2(port, folder):
    """nghttpx in front of `port`; yields its own port."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            front = probe.getsockname()[1]
        command = ["nghttpx", "--conf=/dev/null", "--no-ocsp", "--workers=1", f"-f127.0.0.1,{front}",
                   f"-b127.0.0.1,{port}", folder / "key.pem", folder / "cert.pem"]
        with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            # The port may be somebody else's by now; then it ends, and gets another one.
            while process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", front)):
                    yield front
                    return
                time.sleep(0.01)


def run(program, url, streams, events, ca_file=None):
    query_bytes = EVENT_BYTES * events
    command = [program, url, API_KEY, str(streams), str(query_bytes)] + ([ca_file] if ca_file else [])
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=PATIENCE).stdout
    return json.loads(output)


def measure(build, protocol, streams, events, folder):
    """Runs the two programs in turn. For each, the results of all rounds."""
    samples = {"client": [], "bare": []}
    for _ in range(ROUNDS):
        for name, results in samples.items():
            with loopback(build, streams, events) as port:
                program = build / "tests/bench" / f"{name}_streams"
                if protocol == "HTTP/1.1":
                    results.append(run(program, f"http://127.0.0.1:{port}", streams, events))
                else:
                    with http2(port, folder) as front:
                        results.append(run(program, f"https://localhost:{front}", streams, events, folder / "cert.pem"))
    return samples


def show_ratio(what, samples, key, goal):
    ratios = [client[key] / bare[key] for client, bare in zip(samples["client"], samples["bare"])]
    print(report.line(what, statistics.median(ratios), goal) + f"   (rounds: {min(ratios):.2f} to {max(ratios):.2f})")


def show(build, streams=1000, events=200):
    # loopback, nghttpx and the programs inherit it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{streams} streams of {events} events, one per {GAP_MS} ms; client / bare libcurl")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_certificate(folder)
        for protocol in ("HTTP/1.1", "HTTP/2"):
            samples = measure(build, protocol, streams, events, folder)
            show_ratio(f"{protocol}: CPU", samples, "cpu_seconds", "at most 1.3")
            show_ratio(f"{protocol}: memory of a stream", samples, "kib_per_stream", "reported")
            for name, results in samples.items():
                middle = {key: statistics.median(result[key] for result in results) for key in results[0]}
                print(f"    {name:<6} {middle['cpu_seconds']:6.2f} s of CPU, slept {middle['sleeps']:6.0f} times, "
                      f"{middle['kib_per_stream']:6.1f} KiB a stream, "
                      f"an event per {middle['seconds'] * 1000 / events:.1f} ms and stream")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "build/release")
    show(build, *(int(number) for number in sys.argv[2:4]))


if __name__ == "__main__":
    main()
