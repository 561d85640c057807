"""Fill a store's core: prepared commands over several connections, one in flight on each."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis

ANSWER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Filled:
    """seconds: by the clock. store_seconds: of its processor, all threads and children."""

    events: int
    calls: int
    seconds: float
    store_seconds: float

    @property
    def microseconds(self) -> float:
        return self.store_seconds / self.events * 1e6

    @property
    def per_core(self) -> float:
        """Events in a second of one core."""
        return self.events / self.store_seconds

    @property
    def full(self) -> float:
        """How much of a core the store had."""
        return self.store_seconds / self.seconds


def processor_seconds(url: str) -> float:
    with redis.Redis.from_url(url) as store:
        said: Any = store.info("cpu")
    names = ("used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children")
    return sum(float(said[name]) for name in names)


def fill(url: str, queues: Sequence[Sequence[tuple[int, bytes]]]) -> Filled:
    """queues: of each connection its commands, with how many events they are."""
    with selectors.DefaultSelector() as ready:
        lanes = [Lane(connected(url), iter(queue)) for queue in queues]
        before, began = processor_seconds(url), time.monotonic()
        for lane in lanes:
            ready.register(lane.sock, selectors.EVENT_READ, lane)
            lane.send()
        left = len(lanes)
        while left:
            for key, _ in ready.select():
                if not key.data.answered():
                    ready.unregister(key.data.sock)
                    key.data.sock.close()
                    left -= 1
        seconds, used = time.monotonic() - began, processor_seconds(url) - before
    events = sum(size for queue in queues for size, _ in queue)
    return Filled(events, sum(map(len, queues)), seconds, used)


def connected(url: str) -> socket.socket:
    place = urlsplit(url)
    if place.scheme == "unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(place.path)
        return sock
    sock = socket.create_connection((place.hostname or "127.0.0.1", place.port or 6379))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@dataclass(slots=True)
class Lane:
    sock: socket.socket
    queue: Iterator[tuple[int, bytes]]
    answer: bytes = b""

    def send(self) -> bool:
        """Whether there was another one."""
        for _, command in self.queue:
            self.sock.sendall(command)
            return True
        return False

    def answered(self) -> bool:
        """Whether another one is on its way, or this one's answer still is."""
        self.answer += self.sock.recv(ANSWER_BYTES)
        if self.answer[:1] != b"$":
            raise SystemExit(f"the store refused: {self.answer[:300]!r}")
        head, _, body = self.answer.partition(b"\r\n")
        if len(body) < int(head[1:]) + 2:
            return True
        self.answer = b""
        return self.send()
