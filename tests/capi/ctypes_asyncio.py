"""Two conversations at once in one event loop, through the shared library and without a thread: asyncio waits for the
streams' descriptors, as a program would for sockets.

usage: ctypes_asyncio.py LIBRARY SERVER_URL TOKEN

The service must answer "Echo: " and the question, as the loopback service does. Exits with 1 on any mismatch.
"""

import asyncio
import ctypes
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_size_t, c_uint8, c_void_p

import ctypes_stream
from ctypes_stream import END, OK, PERSONAL, REFRESH_TOKEN, TIMEOUT, Answer, Failure, check

TURNS = 3

ctypes_stream.Library.SIGNATURES.update(
    {
        "conversation_create": (c_int, [POINTER(c_void_p), POINTER(c_void_p)]),
        "conversation_save": (c_int, [c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
        "conversation_restore": (c_int, [c_char_p, c_size_t, POINTER(c_void_p), POINTER(c_void_p)]),
        "conversation_busy": (c_int32, [c_void_p]),
        "conversation_messages": (c_int, [c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p)]),
        "conversation_destroy": (None, [POINTER(c_void_p)]),
        "message_list_count": (c_size_t, [c_void_p]),
        "message_list_destroy": (None, [POINTER(c_void_p)]),
        "bytes_data": (POINTER(c_uint8), [c_void_p, POINTER(c_size_t)]),
        "bytes_destroy": (None, [POINTER(c_void_p)]),
        "client_start_turn_pull": (c_int, [c_void_p, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    }
)


class Readable:
    """Whether a descriptor is readable, as something to await."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.event = asyncio.Event()

    def __enter__(self):
        asyncio.get_running_loop().add_reader(self.descriptor, self.event.set)
        return self

    def __exit__(self, *_):
        asyncio.get_running_loop().remove_reader(self.descriptor)

    async def wait(self):
        self.event.clear()
        await asyncio.wait_for(self.event.wait(), 30)


async def events(library, stream):
    """The stream's events, each valid until the next one is asked for."""
    descriptor = c_int()
    library.must("stream_descriptor", stream, byref(descriptor))
    with Readable(descriptor.value) as readable:
        while True:
            event, error = c_void_p(), c_void_p()
            code = library.stream_next(stream, 0, byref(event), byref(error))
            if code == OK:
                yield event
            elif code == TIMEOUT:
                library.error_destroy(byref(error))
                await readable.wait()
            elif code == END:
                library.error_destroy(byref(error))
                return
            else:
                details = library.error_to_string(error).decode()
                library.error_destroy(byref(error))
                raise Failure(f"{library.code_name(code).decode()}: {details}")


async def turn(library, client, conversation, question):
    request, stream = c_void_p(), c_void_p()
    answer = Answer(library)
    try:
        library.must("request_create", question.encode(), byref(request))
        library.must("client_start_turn_pull", client, conversation, request, byref(stream))
        async for event in events(library, stream):
            answer.take(event)
    finally:
        library.stream_destroy(byref(stream))
        library.request_destroy(byref(request))
    answer.check("pulled", "Echo: " + question)


def count_messages(library, conversation):
    messages = c_void_p()
    library.must("conversation_messages", conversation, None, byref(messages))
    count = library.message_list_count(messages)
    library.message_list_destroy(byref(messages))
    return count


def save(library, conversation):
    saved, length = c_void_p(), c_size_t()
    library.must("conversation_save", conversation, byref(saved))
    data = library.bytes_data(saved, byref(length))
    copy = ctypes.string_at(data, length.value)
    library.bytes_destroy(byref(saved))
    return copy


async def converse(library, client, name, meeting):
    """Some turns, with a copy of the conversation in between; the other one runs meanwhile."""
    conversation = c_void_p()
    library.must("conversation_create", byref(conversation))
    try:
        for number in range(TURNS):
            await meeting()
            await turn(library, client, conversation, f"{name} {number} 蓝天")
            check(library.conversation_busy(conversation) == 0, "busy after its end")
            check(count_messages(library, conversation) == 2 * number + 2, f"{name}: messages are missing")
            data = save(library, conversation)
            library.conversation_destroy(byref(conversation))
            library.must("conversation_restore", data, len(data), byref(conversation))
    finally:
        library.conversation_destroy(byref(conversation))
    return TURNS


class Meeting:
    """Both arrive before either goes on: so their turns run at the same time."""

    def __init__(self, parties):
        self.parties = parties
        self.arrived = 0
        self.changed = asyncio.Condition()

    async def __call__(self):
        async with self.changed:
            self.arrived += 1
            last = -(-self.arrived // self.parties) * self.parties
            self.changed.notify_all()
            await asyncio.wait_for(self.changed.wait_for(lambda: self.arrived >= last), 30)


async def run(path, url, token):
    library = ctypes_stream.Library(path)
    config, client = c_void_p(), c_void_p()
    try:
        library.must("config_create", byref(config))
        library.must("config_set_server_url", config, url.encode())
        library.must("config_add_token", config, PERSONAL, REFRESH_TOKEN, token.encode(), None)
        library.must("client_create", config, None, byref(client))
        meeting = Meeting(2)
        turns = await asyncio.gather(*(converse(library, client, name, meeting) for name in ("one", "other")))
        check(threading.active_count() == 1, "Python has more than one thread")
        print(f"turns: {sum(turns)}")
    finally:
        library.config_destroy(byref(config))
        check(library.client_destroy(byref(client)) == OK, "the client could not be destroyed")


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        asyncio.run(run(*sys.argv[1:]))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
