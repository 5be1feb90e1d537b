"""The service of the benchmarks that use the network, and the two programs that they compare there."""
import contextlib
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import report

API_KEY = "wk-fake-bench-key"
EVENT_BYTES = 20  # of text, about a word or two
PROTOCOLS = ("HTTP/1.1", "HTTP/2")
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
def loopback(build, threads, events, gap):
    """The service, whose answers have so many events, one per `gap` ms; yields its port."""
    command = [build / "examples/loopback/loopback", "--accept", API_KEY, "--chunks", str(events), "--gap", str(gap),
               "--threads", str(threads)]
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


def run(program, url, count, events, ca_file=None):
    """What the program has measured of itself."""
    command = [program, url, API_KEY, str(count), str(EVENT_BYTES * events)] + ([ca_file] if ca_file else [])
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=PATIENCE).stdout
    return json.loads(output)


def compare(build, what, protocol, count, events, gap, threads, rounds):
    """Runs client_`what` and bare_`what` in turn, `rounds` times. For each, the results of all rounds."""
    samples = {"client": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_certificate(folder)
        for _ in range(rounds):
            for name, results in samples.items():
                with loopback(build, threads, events, gap) as port:
                    program = build / "tests/bench" / f"{name}_{what}"
                    if protocol == "HTTP/1.1":
                        results.append(run(program, f"http://127.0.0.1:{port}", count, events))
                    else:
                        with http2(port, folder) as front:
                            results.append(run(program, f"https://localhost:{front}", count, events,
                                               folder / "cert.pem"))
    return samples


def show_ratio(what, samples, key, goal):
    ratios = [client[key] / bare[key] for client, bare in zip(samples["client"], samples["bare"])]
    print(report.line(what, statistics.median(ratios), goal) + f"   (rounds: {min(ratios):.2f} to {max(ratios):.2f})")


def arguments():
    """The program's: the build directory, and numbers."""
    default = pathlib.Path(__file__).resolve().parents[2] / "build/release"
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    return build, [int(number) for number in sys.argv[2:]]


def middle(results):
    """Of each number that was measured, the median."""
    return {key: statistics.median(result[key] for result in results) for key in results[0]}
