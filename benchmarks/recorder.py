"""A way to a store that writes down what goes there: who asked what, and when."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 18
LOOK_SECONDS = 0.1


@dataclass
class Recorder:
    """said: by connection, what was sent over it and when (monotonic seconds)."""

    port: int
    said: list[list[tuple[float, bytes]]] = field(default_factory=list)

    def commands(self) -> Iterator[list[tuple[float, list[bytes]]]]:
        """By connection, its commands in order, each with when its last bytes came."""
        for chunks in self.said:
            yield list(parsed(chunks))


@contextlib.contextmanager
def recording(target: str) -> Iterator[Recorder]:
    """target: the store's address, `redis://HOST:PORT`."""
    place = urlsplit(target)
    listener = socket.create_server(("127.0.0.1", 0))
    recorder = Recorder(listener.getsockname()[1])
    ended = threading.Event()
    address = (place.hostname or "127.0.0.1", place.port or 6379)
    thread = threading.Thread(target=pass_on, args=(listener, address, recorder, ended))
    thread.start()
    try:
        yield recorder
    finally:
        ended.set()
        thread.join()
        listener.close()


def pass_on(
    listener: socket.socket, address: tuple[str, int], recorder: Recorder, ended: threading.Event
) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        while not ended.is_set():
            for key, _ in ready.select(LOOK_SECONDS):
                if key.data is None:
                    join(ready, listener, address, recorder)
                else:
                    carry(ready, key)
        for key in list(ready.get_map().values()):
            if key.data is not None:
                key.fileobj.close()  # type: ignore[union-attr]


def join(
    ready: selectors.BaseSelector,
    listener: socket.socket,
    address: tuple[str, int],
    recorder: Recorder,
) -> None:
    near, _ = listener.accept()
    far = socket.create_connection(address)
    for one in (near, far):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    said: list[tuple[float, bytes]] = []
    recorder.said.append(said)
    ready.register(near, selectors.EVENT_READ, (far, said))
    ready.register(far, selectors.EVENT_READ, (near, None))


def carry(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    source: socket.socket = key.fileobj  # type: ignore[assignment]
    other, said = key.data
    try:
        data = source.recv(CHUNK_BYTES)
        if data:
            other.sendall(data)
            if said is not None:
                said.append((time.monotonic(), data))
            return
    except OSError:
        pass
    for one in (source, other):
        with contextlib.suppress(KeyError, ValueError):
            ready.unregister(one)
        one.close()


def parsed(chunks: list[tuple[float, bytes]]) -> Iterator[tuple[float, list[bytes]]]:
    """Commands are arrays of strings, each with its length before it."""
    data = b"".join(chunk for _, chunk in chunks)
    at, chunk, begins = 0, 0, 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        parts, many = [], int(data[at + 1 : end])
        at = end + 2
        for _ in range(many):
            end = data.index(b"\r\n", at)
            length = int(data[at + 1 : end])
            parts.append(data[end + 2 : end + 2 + length])
            at = end + 2 + length + 2
        while begins + len(chunks[chunk][1]) < at:
            begins += len(chunks[chunk][1])
            chunk += 1
        yield chunks[chunk][0], parts


def packed(parts: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts)
