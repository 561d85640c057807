"""Readers who come when they come, whatever the server does: an open loop, in one process.

Requests are due at constant intervals, and each one's time runs from when it was due, not from when
it could be sent: a server that makes the next reader wait is charged with that wait (what Gil Tene
calls coordinated omission, "How NOT to Measure Latency", 2015, is to leave it out). A request that
is due takes a free connection, or waits for one. `behind` is how late requests were sent that found
a free one: as this is the client's own doing, it says whether the client was the bottleneck.

    python -m benchmarks.arrivals PORT RATE SECONDS CONNECTIONS < PATHS    (RATE 0: as fast as
    answers come, on all connections)

Paths, one a line, are asked for in turn. It prints one line of JSON.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

GIVE_UP_SECONDS = 30.0
CHUNK = 1 << 14
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: ads.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; "
    "rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: */*\r\nAccept-Language: fr,en;q=0.5\r\n"
    "Referer: https://bench.example/\r\n\r\n"
)


@dataclass(slots=True)
class Asker:
    """One connection: what it waits for, since when, and what has come of it."""

    sock: socket.socket
    due: float = 0.0
    got: bytes = b""
    free: bool = True


@dataclass(slots=True)
class Outcome:
    """Seconds since requests were due; statuses; how many answers said that they were shed."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    behind: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[str] = field(default_factory=Counter)
    shed: int = 0
    unanswered: int = 0


class Arrivals:
    """rate: requests a second; 0 for one after the other on each connection."""

    def __init__(self, port: int, paths: Sequence[str], connections: int) -> None:
        self._requests = [REQUEST.format(path=path).encode() for path in paths]
        self._asked = 0
        self._epoll = select.epoll()
        self._askers: dict[int, Asker] = {}
        self._free: deque[Asker] = deque()
        self._waiting = 0
        self._outcome = Outcome()
        for _ in range(connections):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            asker = Asker(sock)
            self._epoll.register(sock, select.EPOLLIN)
            self._askers[sock.fileno()] = asker
            self._free.append(asker)

    def greet(self) -> None:
        """Each connection has been answered once, as a proxy's have: what it takes to let a
        thousand of them in at one instant is another question than what is asked here."""
        for _ in range(len(self._free)):
            asker = self._free[0]
            self._ask(time.perf_counter())
            while not asker.free:
                self._hear(GIVE_UP_SECONDS)
        self._outcome = Outcome()

    def run(self, rate: float, seconds: float) -> Outcome:
        interval = 1 / rate if rate else 0.0
        begun = time.perf_counter()
        end, due = begun + seconds, begun
        none_free = begun
        while due < end and (now := time.perf_counter()) < end + GIVE_UP_SECONDS:
            if not rate:
                due = now
            while self._free and due <= now:
                # What was due while no connection was free is late by the server's doing.
                if due >= none_free:
                    self._outcome.behind.append(now - due)
                self._ask(due)
                due += interval
            if not self._free:
                none_free = now
            # Rounded up to a millisecond, so that readers leave the processor to the server.
            self._hear(max(0.0, due - now) if self._free else end + GIVE_UP_SECONDS - now)
        # Due within the time, and never sent.
        self._outcome.unanswered = int((end - due) * rate) if due < end else 0
        give_up = time.perf_counter() + GIVE_UP_SECONDS
        while self._waiting and (now := time.perf_counter()) < give_up:
            self._hear(give_up - now)
        self._outcome.unanswered += self._waiting
        return self._outcome

    def _ask(self, due: float) -> None:
        asker = self._free.popleft()
        asker.due, asker.got, asker.free = due, b"", False
        self._waiting += 1
        asker.sock.send(self._requests[self._asked % len(self._requests)])
        self._asked += 1

    def _hear(self, timeout: float) -> None:
        for number, _ in self._epoll.poll(timeout):
            asker = self._askers[number]
            data = asker.sock.recv(CHUNK)
            if not data:
                raise ConnectionError("the server has closed a connection")
            asker.got = asker.got + data if asker.got else data
            if is_whole(asker.got):
                self._note(asker)

    def _note(self, asker: Asker) -> None:
        outcome = self._outcome
        outcome.latencies.append(time.perf_counter() - asker.due)
        outcome.statuses[asker.got[9:12].decode()] += 1
        outcome.shed += b"reason=shed" in asker.got or b'"reason":"shed"' in asker.got
        asker.free = True
        self._waiting -= 1
        self._free.append(asker)


def is_whole(answer: bytes) -> bool:
    end = answer.find(HEAD_END)
    if end < 0:
        return False
    at = answer.find(LENGTH, 0, end + 2) + len(LENGTH)
    return len(answer) >= end + len(HEAD_END) + int(answer[at : answer.index(b"\r", at)])


@dataclass(frozen=True, slots=True)
class Came:
    """What a process of arrivals says. Latencies and `behind` are seconds; cpu is its own share
    of a processor."""

    asked: int
    per_second: float
    p50: float
    p99: float
    longest: float
    behind_p99: float
    statuses: dict[str, int]
    shed: int
    unanswered: int
    cpu: float


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> None:
    port, rate, seconds, connections = (float(text) for text in sys.argv[1:])
    arrivals = Arrivals(int(port), sys.stdin.read().split(), int(connections))
    arrivals.greet()
    begun, cpu = time.perf_counter(), time.process_time()
    outcome = arrivals.run(rate, seconds)
    took = time.perf_counter() - begun
    answered = len(outcome.latencies)
    said = Came(
        asked=answered + outcome.unanswered,
        per_second=answered / took,
        p50=percentile(outcome.latencies, 0.50),
        p99=percentile(outcome.latencies, 0.99),
        longest=max(outcome.latencies, default=0.0),
        behind_p99=percentile(outcome.behind, 0.99),
        statuses=dict(outcome.statuses),
        shed=outcome.shed,
        unanswered=outcome.unanswered,
        cpu=(time.process_time() - cpu) / took,
    )
    sys.stdout.write(json.dumps({name: getattr(said, name) for name in Came.__slots__}) + "\n")


def come(port: int, paths: Sequence[str], rate: float, seconds: float, connections: int) -> Came:
    """In a process of its own."""
    line = [sys.executable, "-m", "benchmarks.arrivals", str(port), str(rate), str(seconds)]
    done = subprocess.run(
        [*line, str(connections)],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    return Came(**json.loads(done.stdout))


if __name__ == "__main__":
    main()
