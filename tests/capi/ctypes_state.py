"""Supplies bearers and keeps a client's state through the shared library, without a compiler.

usage: ctypes_state.py LIBRARY SERVER_URL TOKEN

A first client exchanges TOKEN, and keeps what it learns in a dictionary. A second one goes on from there. Its bearer is
what a third one gets from this script, until a change of the pool replaces the source by one that has none. Exits with
1 on any mismatch.
"""

import ctypes
import json
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

import ctypes_stream
from ctypes_stream import OK, PERSONAL, REFRESH_TOKEN, Failure, LogSink, PoolEventSink, check

UNAUTHORIZED = 20
RESTORED = 150
NO_EXPIRY = -1


class StateChange(ctypes.Structure):
    _fields_ = [
        ("key", c_char_p),
        ("value", POINTER(ctypes.c_uint8)),
        ("length", c_size_t),
        ("before", POINTER(ctypes.c_uint8)),
        ("before_length", c_size_t),
    ]


SupplyCallback = ctypes.CFUNCTYPE(c_int, c_char_p, c_void_p, c_void_p, c_void_p)
RefusedCallback = ctypes.CFUNCTYPE(None, c_char_p, c_char_p, c_int, c_void_p, c_void_p)
ReadCallback = ctypes.CFUNCTYPE(c_int, c_char_p, c_void_p, c_void_p, c_void_p)
WriteCallback = ctypes.CFUNCTYPE(c_int, POINTER(StateChange), c_size_t, c_int32, c_void_p, c_void_p)
CommitCallback = ctypes.CFUNCTYPE(
    c_int, POINTER(StateChange), c_size_t, c_int32, POINTER(c_int32), c_void_p, c_void_p
)
DestroyCallback = ctypes.CFUNCTYPE(None, c_void_p)


class BearerSource(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("supply", SupplyCallback),
        ("on_refused", RefusedCallback),
        ("user_data", c_void_p),
    ]


class StoreCallbacks(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("read", ReadCallback),
        ("write", WriteCallback),
        ("commit", CommitCallback),
        ("destroy", DestroyCallback),
        ("user_data", c_void_p),
    ]


class ClientOptions(ctypes.Structure):
    _fields_ = [*ctypes_stream.ClientOptions._fields_, ("store", c_void_p)]


ERROR = POINTER(c_void_p)


class Library(ctypes_stream.Library):
    SIGNATURES = {
        **ctypes_stream.Library.SIGNATURES,
        "config_add_bearer_source": (c_int, [c_void_p, c_int, c_char_p, POINTER(BearerSource), ERROR]),
        "supplied_bearer_set": (c_int, [c_void_p, c_char_p, c_int64, ERROR]),
        "failure_set_message": (c_int, [c_void_p, c_char_p, ERROR]),
        "state_store_create": (c_int, [POINTER(StoreCallbacks), POINTER(c_void_p), ERROR]),
        "state_store_destroy": (None, [POINTER(c_void_p)]),
        "state_value_set": (c_int, [c_void_p, c_char_p, c_size_t, ERROR]),
        "client_create": (c_int, [c_void_p, POINTER(ClientOptions), POINTER(c_void_p), ERROR]),
        "client_ask": (c_int, [c_void_p, c_void_p, POINTER(c_void_p), ERROR]),
        "client_access_token": (c_int, [c_void_p, c_int32, POINTER(c_void_p), ERROR]),
        "client_replace_bearer_source": (
            c_int,
            [c_void_p, c_char_p, POINTER(BearerSource), POINTER(c_void_p), ERROR],
        ),
        "client_statistics": (c_int, [c_void_p, POINTER(c_void_p), ERROR]),
        "answer_text": (c_char_p, [c_void_p, POINTER(c_size_t)]),
        "answer_destroy": (None, [POINTER(c_void_p)]),
        "access_token_value": (c_char_p, [c_void_p]),
        "access_token_destroy": (None, [POINTER(c_void_p)]),
        "pool_change_changed": (c_char_p, [c_void_p, c_size_t]),
        "pool_change_destroy": (None, [POINTER(c_void_p)]),
        "stats_json": (c_char_p, [c_void_p]),
        "stats_prometheus": (c_char_p, [c_void_p]),
        "stats_destroy": (None, [POINTER(c_void_p)]),
    }


class DictionaryStore:
    """Records in a dictionary. Keep it until the library has called `destroy`."""

    def __init__(self, library):
        self.library = library
        self.records = {}
        self.commits = 0
        self.destroyed = 0
        self.lock = threading.Lock()
        self.callbacks = StoreCallbacks(
            ctypes.sizeof(StoreCallbacks),
            ReadCallback(self.on_read),
            WriteCallback(self.on_write),
            CommitCallback(self.on_commit),
            DestroyCallback(self.on_destroy),
            None,
        )

    def on_read(self, key, value, _failure, _user_data):
        with self.lock:
            record = self.records.get(key)
        return OK if record is None else self.library.state_value_set(value, record, len(record), None)

    def make(self, changes):
        for change in changes:
            if change.value:
                self.records[change.key] = ctypes.string_at(change.value, change.length)
            else:
                self.records.pop(change.key, None)

    def is_as_before(self, change):
        before = ctypes.string_at(change.before, change.before_length) if change.before else None
        return self.records.get(change.key) == before

    def on_write(self, changes, count, _durability, _failure, _user_data):
        with self.lock:
            self.make(changes[:count])
        return OK

    def on_commit(self, changes, count, _durability, committed, _failure, _user_data):
        with self.lock:
            if all(self.is_as_before(change) for change in changes[:count]):
                self.make(changes[:count])
                self.commits += 1
                committed[0] = 1
        return OK

    def on_destroy(self, _user_data):
        self.destroyed += 1


class Client:
    """A client that is made from `fill`, and told what happens to its tokens."""

    def __init__(self, library, url, fill, store=None):
        self.library = library
        self.handle = c_void_p()
        self.told = []
        self.sink = PoolEventSink(self.on_pool_event)
        options = ClientOptions(ctypes.sizeof(ClientOptions), LogSink(), None, self.sink, None, store)
        config = c_void_p()
        try:
            library.must("config_create", byref(config))
            library.must("config_set_server_url", config, url.encode())
            fill(config)
            library.must("client_create", config, byref(options), byref(self.handle))
        finally:
            library.config_destroy(byref(config))

    def on_pool_event(self, event, _user_data):
        self.told.append(self.library.pool_event_get_kind(event))

    def ask(self, question):
        request, answer = c_void_p(), c_void_p()
        try:
            self.library.must("request_create", question.encode(), byref(request))
            self.library.must("client_ask", self.handle, request, byref(answer))
            return self.library.answer_text(answer, None).decode()
        finally:
            self.library.answer_destroy(byref(answer))
            self.library.request_destroy(byref(request))

    def bearer(self):
        token = c_void_p()
        self.library.must("client_access_token", self.handle, 30000, byref(token))
        try:
            return self.library.access_token_value(token)
        finally:
            self.library.access_token_destroy(byref(token))

    def statistics(self):
        stats = c_void_p()
        self.library.must("client_statistics", self.handle, byref(stats))
        try:
            check(b"warppool_requests_started_total" in self.library.stats_prometheus(stats), "no text for Prometheus")
            return json.loads(self.library.stats_json(stats))
        finally:
            self.library.stats_destroy(byref(stats))

    def destroy(self):
        check(self.library.client_destroy(byref(self.handle)) == OK, "the client could not be destroyed")


def keep_state(library, url, token):
    """Returns the bearer that the second client has from the store."""
    store = DictionaryStore(library)
    handle = c_void_p()
    library.must("state_store_create", byref(store.callbacks), byref(handle))

    def fill(config):
        library.must("config_add_token", config, PERSONAL, REFRESH_TOKEN, token.encode(), None)

    first = Client(library, url, fill, handle)
    check(first.ask("one") == "Echo: one", "the first client has no answer")
    before = first.bearer()
    first.destroy()
    check(store.records, "nothing was kept")
    check(not any(before in record for record in store.records.values()), "a record is not sealed")

    second = Client(library, url, fill, handle)
    library.state_store_destroy(byref(handle))
    check(RESTORED in second.told, f"the second client took nothing over: {second.told}")
    check(second.bearer() == before, "the second client has another bearer")
    check(second.ask("two") == "Echo: two", "the second client has no answer")
    statistics = second.statistics()
    counted = statistics["tokens"][0]["outcomes"]["success"]
    check(counted == 2, f"the counters do not go on: {counted}")
    check(statistics["requests"]["succeeded"] == 1, "the second client has one request")
    check(store.destroyed == 0, "the store was destroyed while a client used it")
    second.destroy()
    check(store.destroyed == 1, f"the store was destroyed {store.destroyed} times")
    check(store.commits > 0, "nothing was committed")
    print("kept:", len(store.records), "records")
    return before


def supply(library, url, bearer):
    asked, refused = [], []

    def on_supply(token, supplied, _failure, _user_data):
        asked.append(token)
        return library.supplied_bearer_set(supplied, bearer, NO_EXPIRY, None)

    def on_supply_nothing(_token, _supplied, failure, _user_data):
        library.failure_set_message(failure, b"nobody is logged in", None)
        return UNAUTHORIZED

    def on_refused(token, value, code, _error, _user_data):
        refused.append((token, value, code))

    size = ctypes.sizeof(BearerSource)
    source = BearerSource(size, SupplyCallback(on_supply), RefusedCallback(on_refused), None)
    empty = BearerSource(size, SupplyCallback(on_supply_nothing), RefusedCallback(), None)

    def fill(config):
        library.must("config_add_bearer_source", config, PERSONAL, b"mine", byref(source))

    client = Client(library, url, fill)
    try:
        check(client.ask("three") == "Echo: three", "there is no answer with a bearer of this script's")
        check(asked == [b"mine"], f"bearers were asked for: {asked}")
        check(not refused, f"bearers were refused: {refused}")
        change = c_void_p()
        library.must("client_replace_bearer_source", client.handle, b"mine", byref(empty), byref(change))
        check(library.pool_change_changed(change, 0) == b"mine", "the change names another token")
        library.pool_change_destroy(byref(change))
        try:
            client.ask("four")
        except Failure as failure:
            check("nobody is logged in" in str(failure), f"the failure does not say why: {failure}")
        else:
            raise Failure("there is an answer without a bearer")
    finally:
        client.destroy()
    print("supplied:", len(asked), "bearer")


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    library = Library(sys.argv[1])
    try:
        bearer = keep_state(library, sys.argv[2], sys.argv[3])
        supply(library, sys.argv[2], bearer)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
