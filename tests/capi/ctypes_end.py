"""Python programs that end while the shared library streams to them: each exits with code 0, soon, and says nothing.

usage: ctypes_end.py LIBRARY LOOPBACK          runs all ways to end, several times
       ctypes_end.py LIBRARY SERVER_URL WAY    ends in this way
"""

import ctypes
import os
import subprocess
import sys
import threading
import time
from ctypes import byref, c_void_p

from ctypes_stream import CONTINUE, OK, PERSONAL, REFRESH_TOKEN, DoneCallback, EventCallback, Library, StreamCallbacks

TOKEN = b"end-token"
TIMES = int(os.environ.get("WARPPOOL_PYTHON_ENDINGS", "4"))
# A guard against hanging: the library waits for a second at most.
PATIENCE = 30


def end(path, url, way):
    library = Library(path)
    config, client, request, stream, error = c_void_p(), c_void_p(), c_void_p(), c_void_p(), c_void_p()
    assert library.config_create(byref(config), byref(error)) == OK
    assert library.config_set_server_url(config, url.encode(), byref(error)) == OK
    assert library.config_add_token(config, PERSONAL, REFRESH_TOKEN, TOKEN, None, byref(error)) == OK
    assert library.client_create(config, None, byref(client), byref(error)) == OK
    assert library.request_create(b"x" * 3000, byref(request), byref(error)) == OK
    began = threading.Event()

    @EventCallback
    def on_event(event, user_data):
        began.set()
        return CONTINUE

    @DoneCallback
    def on_done(code, error, user_data):
        pass

    callbacks = StreamCallbacks(ctypes.sizeof(StreamCallbacks), on_event, on_done, None)
    # They are called until the process is gone.
    globals().update(kept=(library, callbacks, on_event, on_done))
    if way == "pulled":

        def pull():
            event = c_void_p()
            while library.stream_next(stream, -1, byref(event), byref(error)) == OK:
                began.set()

        assert library.client_start_pull(client, request, byref(stream), byref(error)) == OK
        threading.Thread(target=pull, daemon=True).start()
    else:
        assert library.client_start(client, request, byref(callbacks), byref(stream), byref(error)) == OK
    began.wait()
    if way == "locked":
        # The I/O thread asks for the interpreter's lock, and does not get it before the interpreter ends.
        sys.setswitchinterval(100)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            pass
    elif way == "exit":
        sys.exit(0)
    elif way == "os-exit":
        os._exit(0)
    # "return", "pulled": the program is over.


def run_all(path, loopback):
    failed = 0
    command = [loopback, "--accept", TOKEN.decode(), "--chunks", "3000", "--gap", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            url = service.stdout.readline().strip()
            ways = ["return", "exit", "locked", "pulled", "os-exit"] * TIMES
            running = []
            while ways or running:
                while ways and len(running) < 4:
                    way = ways.pop()
                    arguments = [sys.executable, "-B", __file__, path, url, way]
                    running.append(
                        (way, subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
                    )
                way, child = running.pop(0)
                try:
                    output, _ = child.communicate(timeout=PATIENCE)
                except subprocess.TimeoutExpired:
                    child.kill()
                    output = "it hangs"
                if child.returncode != 0 or output:
                    failed += 1
                    print(f"{way}: exit code {child.returncode}: {output}")
        finally:
            service.terminate()
    print(f"endings: {5 * TIMES}, failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 4:
        end(*sys.argv[1:])
    else:
        sys.exit(run_all(*sys.argv[1:]))
