"""Clients that wear a server out: with connections, heads, bodies and requests.

Each runs in a thread of its own, and tells after how many seconds its connections were closed.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DRIP_SECONDS = 0.5
POURED_AT_ONCE = 65_536
NEVER = math.inf
HEAD = b"GET /slots/top HTTP/1.1\r\nHost: ads.example\r\n"
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Attack:
    """deadline: seconds, within which its connections have to be closed. `run` is told how long
    to wait for that at most."""

    name: str
    deadline: float
    run: Callable[[Address, float], list[float]]


def hold_open(many: int, first: bytes, drip: bytes) -> Callable[[Address, float], list[float]]:
    """So many connections: each sends something, then a little now and then, and never ends."""

    def run(address: Address, patience: float) -> list[float]:
        with ExitStack() as stack, selectors.DefaultSelector() as selector:
            opened = [stack.enter_context(socket.create_connection(address)) for _ in range(many)]
            begun = time.monotonic()
            for one in opened:
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ)
                say(one, first)
            closed: list[float] = []
            dripped = begun
            while selector.get_map() and time.monotonic() < begun + patience:
                for key, _ in selector.select(DRIP_SECONDS):
                    assert isinstance(key.fileobj, socket.socket)
                    if is_closed(key.fileobj):
                        closed.append(time.monotonic() - begun)
                        selector.unregister(key.fileobj)
                if drip and time.monotonic() > dripped + DRIP_SECONDS:
                    dripped = time.monotonic()
                    for key in selector.get_map().values():
                        assert isinstance(key.fileobj, socket.socket)
                        say(key.fileobj, drip)
            return closed + [NEVER] * (many - len(closed))

    return run


def pour(first: bytes, more: bytes, most_bytes: int) -> Callable[[Address, float], list[float]]:
    """As much as the server takes, as fast as it takes it; what it answers is thrown away."""

    def run(address: Address, patience: float) -> list[float]:
        begun = time.monotonic()
        with socket.create_connection(address, timeout=patience) as one:
            rest = memoryview(first + more * (most_bytes // len(more)))
            one.setblocking(False)
            while time.monotonic() < begun + patience:
                if is_closed(one):
                    return [time.monotonic() - begun]
                try:
                    sent = one.send(rest[:POURED_AT_ONCE]) if rest else 0
                except BlockingIOError:
                    sent = 0
                except OSError:
                    return [time.monotonic() - begun]
                rest = rest[sent:]
                if not sent:
                    time.sleep(0.001)
        return [NEVER]

    return run


def say(one: socket.socket, something: bytes) -> None:
    with suppress(OSError):
        one.send(something)


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(POURED_AT_ONCE) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


POST = b"POST /decisions HTTP/1.1\r\nHost: ads.example\r\nContent-Length: 1000\r\n\r\n"
# The deadlines are the product's; what needs none is closed as soon as it has been read.
ATTACKS = (
    Attack("silent connections", 5.0, hold_open(500, b"", b"")),
    Attack("half-open connections", 5.0, hold_open(500, HEAD, b"x: y\r\n")),
    Attack("slow bodies", 10.0, hold_open(100, POST, b"{")),
    Attack("an endless header", 0.0, pour(HEAD + b"x: ", b"a" * 65_536, 48_000_000)),
    Attack("10,000 headers", 0.0, pour(HEAD + b"x: y\r\n" * 10_000, b"x: y\r\n", 0)),
    Attack("20,000 requests", 0.0, pour(b"", HEAD + b"\r\n", 20_000 * len(HEAD + b"\r\n"))),
)


async def besiege(public: str, attacks: Sequence[Attack], grace: float) -> dict[str, list[float]]:
    """All of them at once; for each that broke its deadline by more than `grace` seconds, when
    its connections were closed."""
    parts = urlsplit(public)
    address = (parts.hostname or "", parts.port or 0)
    done = await asyncio.gather(
        *(asyncio.to_thread(one.run, address, one.deadline + grace) for one in attacks)
    )
    return {
        one.name: closed
        for one, closed in zip(attacks, done, strict=True)
        if max(closed) > one.deadline + grace
    }


def resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * 4_096


async def highest_memory(pids: Sequence[int], until: asyncio.Event) -> int:
    """Bytes of all of them together."""
    highest = 0
    while not until.is_set():
        with suppress(OSError):
            highest = max(highest, sum(map(resident_bytes, pids)))
        await asyncio.sleep(0.05)
    return highest
