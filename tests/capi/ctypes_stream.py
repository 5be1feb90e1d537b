"""Streams an answer through the shared library, without a compiler: pushed, then pulled with select(). Listens to the
pool meanwhile, and checks its health at the end.

usage: ctypes_stream.py LIBRARY SERVER_URL TOKEN [QUESTION]

The service must answer "Echo: " and the question, as the loopback service does. Exits with 1 on any mismatch.
"""

import ctypes
import select
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

OK, TIMEOUT, END, INVALID_ARGUMENT = 0, 1, 2, 10
PERSONAL, REFRESH_TOKEN = 1, 1
CONTINUE = 0
STREAM_STARTED, TEXT_DELTA, FINISHED = 10, 20, 50
LOADED, CHOSEN, REFRESHED = 10, 20, 80

EventCallback = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
DoneCallback = ctypes.CFUNCTYPE(None, c_int, c_void_p, c_void_p)
LogSink = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_int64, c_void_p)
PoolEventSink = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)


class ClientOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("log", LogSink),
        ("log_user_data", c_void_p),
        ("pool_event", PoolEventSink),
        ("pool_event_user_data", c_void_p),
    ]


class HealthCheckOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("active", c_int32),
        ("concurrency", c_int32),
        ("timeout_ms", c_int32),
        ("reserved", c_int32),
    ]


class StreamCallbacks(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("on_event", EventCallback),
        ("on_done", DoneCallback),
        ("user_data", c_void_p),
    ]


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Library:
    """The functions that this script needs, with their types."""

    SIGNATURES = {
        "version": (c_char_p, []),
        "code_name": (c_char_p, [c_int]),
        "error_to_string": (c_char_p, [c_void_p]),
        "error_destroy": (None, [POINTER(c_void_p)]),
        "config_create": (c_int, [POINTER(c_void_p), POINTER(c_void_p)]),
        "config_add_token": (c_int, [c_void_p, c_int, c_int, c_char_p, c_char_p, POINTER(c_void_p)]),
        "config_set_server_url": (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
        "config_destroy": (None, [POINTER(c_void_p)]),
        "request_create": (c_int, [c_char_p, POINTER(c_void_p), POINTER(c_void_p)]),
        "request_destroy": (None, [POINTER(c_void_p)]),
        "pool_event_get_kind": (c_int, [c_void_p]),
        "pool_event_token": (c_char_p, [c_void_p]),
        "client_create": (c_int, [c_void_p, POINTER(ClientOptions), POINTER(c_void_p), POINTER(c_void_p)]),
        "client_check_health": (
            c_int,
            [c_void_p, POINTER(HealthCheckOptions), POINTER(c_void_p), POINTER(c_void_p)],
        ),
        "client_start": (c_int, [c_void_p, c_void_p, POINTER(StreamCallbacks), POINTER(c_void_p), POINTER(c_void_p)]),
        "client_start_pull": (c_int, [c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
        "client_destroy": (c_int, [POINTER(c_void_p)]),
        "stream_next": (c_int, [c_void_p, c_int32, POINTER(c_void_p), POINTER(c_void_p)]),
        "stream_descriptor": (c_int, [c_void_p, POINTER(c_int), POINTER(c_void_p)]),
        "stream_destroy": (None, [POINTER(c_void_p)]),
        "health_report_healthy_count": (c_size_t, [c_void_p]),
        "health_report_to_string": (c_char_p, [c_void_p]),
        "health_report_destroy": (None, [POINTER(c_void_p)]),
        "event_get_type": (c_int, [c_void_p]),
        "event_text": (c_char_p, [c_void_p, POINTER(c_size_t)]),
        "event_token": (c_char_p, [c_void_p]),
    }

    def __init__(self, path):
        library = ctypes.CDLL(path)
        for name, (result, arguments) in self.SIGNATURES.items():
            function = getattr(library, "warppool_" + name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def must(self, name, *arguments):
        """Calls a function that takes `error` last, and turns a failure into an exception."""
        error = c_void_p()
        code = getattr(self, name)(*arguments, byref(error))
        if code == OK:
            return
        details = self.error_to_string(error).decode()
        self.error_destroy(byref(error))
        raise Failure(f"{name}: {self.code_name(code).decode()}: {details}")


class Answer:
    """What one stream delivered."""

    def __init__(self, library):
        self.library = library
        self.types = []
        self.text = ""

    def take(self, event):
        kind = self.library.event_get_type(event)
        self.types.append(kind)
        if kind == TEXT_DELTA:
            self.text += self.library.event_text(event, None).decode()
        if kind == STREAM_STARTED:
            check(self.library.event_token(event), "the start names no token")

    def check(self, how, expected):
        print(f"{how}: {self.text}")
        check(self.text == expected, f"{how}: expected {expected!r}, got {self.text!r}")
        check(self.types[0] == STREAM_STARTED, f"{how}: starts with event {self.types[0]}")
        check(self.types[-1] == FINISHED, f"{how}: ends with event {self.types[-1]}")


def push(library, client, request, expected):
    answer = Answer(library)
    done = threading.Event()
    ends = []

    def on_event(event, _user_data):
        answer.take(event)
        return CONTINUE

    def on_done(code, error, _user_data):
        ends.append((code, library.error_to_string(error).decode()))
        done.set()

    callbacks = StreamCallbacks(ctypes.sizeof(StreamCallbacks), EventCallback(on_event), DoneCallback(on_done), None)
    stream = c_void_p()
    library.must("client_start", client, request, byref(callbacks), byref(stream))
    try:
        check(done.wait(30), "pushed: no end within 30 seconds")
    finally:
        library.stream_destroy(byref(stream))
    check(ends == [(OK, "")], f"pushed: ended with {ends}")
    answer.check("pushed", expected)


def pull(library, client, request, expected):
    answer = Answer(library)
    stream = c_void_p()
    library.must("client_start_pull", client, request, byref(stream))
    try:
        descriptor = c_int()
        library.must("stream_descriptor", stream, byref(descriptor))
        code = OK
        while code != END:
            readable, _, _ = select.select([descriptor.value], [], [], 30)
            check(readable, "pulled: nothing within 30 seconds")
            event = c_void_p()
            error = c_void_p()
            code = library.stream_next(stream, 0, byref(event), byref(error))
            if code == OK:
                answer.take(event)
            elif code != END:
                details = library.error_to_string(error).decode()
                library.error_destroy(byref(error))
                raise Failure(f"pulled: {library.code_name(code).decode()}: {details}")
    finally:
        library.stream_destroy(byref(stream))
    check(stream.value is None, "pulled: the handle was not cleared")
    answer.check("pulled", expected)


def check_health(library, client):
    report = c_void_p()
    options = HealthCheckOptions(ctypes.sizeof(HealthCheckOptions), 1, 4, 30000, 0)
    library.must("client_check_health", client, byref(options), byref(report))
    try:
        text = library.health_report_to_string(report).decode()
        print(text, end="")
        check(library.health_report_healthy_count(report) == 1, "the token is not healthy")
        check("Healthy tokens: 1/1" in text, "the report does not say that the token is healthy")
    finally:
        library.health_report_destroy(byref(report))


def run(path, url, token, question):
    library = Library(path)
    print("warppool", library.version().decode())
    error = c_void_p()
    check(library.config_create(None, byref(error)) == INVALID_ARGUMENT, "NULL was not refused")
    check(b"config" in library.error_to_string(error), "the refusal does not name the parameter")
    library.error_destroy(byref(error))

    told = []

    def on_pool_event(event, _user_data):
        told.append((library.pool_event_get_kind(event), library.pool_event_token(event).decode()))

    config, client, request = c_void_p(), c_void_p(), c_void_p()
    try:
        library.must("config_create", byref(config))
        library.must("config_set_server_url", config, url.encode())
        library.must("config_add_token", config, PERSONAL, REFRESH_TOKEN, token.encode(), None)
        # An object of its own, which lives as long as the client.
        options = ClientOptions(ctypes.sizeof(ClientOptions), LogSink(), None, PoolEventSink(on_pool_event), None)
        library.must("client_create", config, byref(options), byref(client))
        library.must("request_create", question.encode(), byref(request))
        expected = "Echo: " + question
        push(library, client, request, expected)
        pull(library, client, request, expected)
        check_health(library, client)
    finally:
        library.request_destroy(byref(request))
        library.config_destroy(byref(config))
        check(library.client_destroy(byref(client)) == OK, "the client could not be destroyed")
    kinds = [kind for kind, _ in told]
    check(kinds[0] == LOADED, f"the pool's first event is {kinds[0]}")
    check(CHOSEN in kinds and REFRESHED in kinds, f"the pool told {kinds}")
    check(len({name for _, name in told}) == 1 and told[0][1], f"the pool told of {told}")


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) == 5 else "Why is the sky blue? 蓝天")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
