"""Nodes and stores that end without a word, and the beacons that are sent to them meanwhile.

Beacons are of tickets that the test seals itself, so that there are as many as it likes; each is
known by its serial, in an answer, on a disk and in the store.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import redis

from adserver.core.events import Event, Kind, Metric
from adserver.core.record import (
    HEAD_BYTES,
    Content,
    Found,
    Head,
    read_events,
    read_head,
    read_record,
)
from adserver.core.ticket import Ticket
from adserver.serving.journal_files import QUARANTINE
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.totals import StoredTotals
from tests.journeys.hammer import SEALER, TICKET, Connection, connected
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import (
    ADMIN,
    PATIENCE_SECONDS,
    PUBLIC,
    Running,
    own_environment,
    run_command,
    until,
)

REPOSITORY = Path(__file__).parents[2]
SLOT = "post-top"
# Of the tickets that tests seal: no worker draws it, or the store would refuse the claim.
WRITER = 0xFFFF_FFFE
CONNECTIONS = 16
FOREVER = 1e12  # UTC seconds
CUT = (OSError, EOFError)


@dataclass(slots=True)
class Store:
    """program: a Redis or Valkey. data: the folder of its append-only file."""

    program: str
    socket: Path
    data: Path
    appendfsync: str = "everysec"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self.data),
            "save": "",
            "appendonly": "yes",
            "appendfsync": self.appendfsync,
        }
        command = [self.program]
        for name, value in settings.items():
            command += [f"--{name}", value]
        with self.socket.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self.answers)

    def answers(self) -> bool:
        with redis.Redis.from_url(self.url) as probe:
            try:
                return bool(probe.ping())
            except redis.RedisError:
                return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def sync_from_now_on(self, appendfsync: str) -> None:
        """All that it holds is on its disk; how what comes is synced."""
        with redis.Redis.from_url(self.url) as admin:
            admin.config_set("appendfsync", "always")
            admin.set("written", "so that it syncs")
            admin.config_set("appendfsync", appendfsync)
        self.appendfsync = appendfsync

    def impressions(self) -> int:
        with client(self.url) as reader:
            rows = StoredTotals(reader, Keys("adserver")).rows(0, FOREVER)
        return sum(row.count for row in rows if row.metric is Metric.IMPRESSION and not row.reason)


@contextmanager
def blog_store(program: str, folder: Path, data: Path) -> Iterator[Store]:
    """Started, with a blog's campaign applied. folder: of its socket and its log."""
    one = Store(program, folder / "store.sock", data)
    try:
        one.start()
        config = write_blog(folder / "config", [SLOT], {"coffee": campaign(SLOT)})
        env = own_environment(config, folder, {"ADSERVER_REDIS": one.url})
        applied = run_command(folder, env, "apply", "--yes")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        yield one
    finally:
        one.kill()


@contextmanager
def node(
    store: Store, state: Path, *, broken: str = "", env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A server whose journals are in `state`. broken: one of `tests.faults.broken`."""
    folder = store.socket.parent
    chosen = {"ADSERVER_REDIS": store.url, "ADSERVER_STATE": str(state), **(env or {})}
    environment = own_environment(folder / "config", folder, chosen)
    environment |= {"PYTHONPATH": str(REPOSITORY)}
    module = ["tests.faults.broken", broken] if broken else ["adserver"]
    said, log = folder / "serve.out", folder / "serve.err"
    with said.open("wb") as output, log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, "serve"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    try:
        until(lambda: ADMIN.search(said.read_text("utf-8")) or process.poll() is not None)
        public, admin = (one.search(said.read_text("utf-8")) for one in (PUBLIC, ADMIN))
        assert public, f"it did not start: {log.read_text('utf-8', 'replace')}"
        assert admin
        ads = Running(public[1], admin[1], process, store.url, folder, environment)
        with ads.client:
            yield ads
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The node, all of its processes at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stop(ads: Running) -> None:
    """It ships what it has, and leaves in good order."""
    ads.process.send_signal(signal.SIGTERM)
    assert ads.process.wait(PATIENCE_SECONDS) == 0, ads.log


@dataclass(slots=True)
class Beacons:
    """Paths of impressions, each of a ticket of its own, by serial."""

    like: Ticket
    serials: Iterator[int] = field(default_factory=count)

    @classmethod
    def of(cls, ads: Running) -> Beacons:
        """Of tickets such as the node gives out."""
        found = until(lambda: TICKET.search(ads.get(f"/slots/{SLOT}").content))
        return cls(SEALER.unseal(found[1].decode()))

    def path(self, serial: int, kind: str = "i") -> str:
        ticket = self.like._replace(writer=WRITER, serial=serial)
        return f"/{kind}/{SEALER.seal(ticket).decode()}"


@dataclass(slots=True)
class Load:
    """Serials of what was sent, of what is known to be accepted, and of what was refused."""

    address: str
    beacons: Beacons
    sent: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    _stopping: bool = False
    _paused: bool = False

    @contextmanager
    def running(self) -> Iterator[Load]:
        """From many connections at once, beside the test; each finishes what it has sent."""
        self._stopping = False
        thread = threading.Thread(target=lambda: asyncio.run(self._send()))
        thread.start()
        try:
            yield self
        finally:
            self._stopping = True
            thread.join()

    async def _send(self) -> None:
        await asyncio.gather(*(self._send_over_one() for _ in range(CONNECTIONS)))

    async def _send_over_one(self) -> None:
        with suppress(*CUT):
            async with connected(self.address) as connection:
                while not self._stopping:
                    if self._paused:
                        await asyncio.sleep(0.001)
                    else:
                        await self._send_one(connection)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Everything that was sent has been answered, and nothing is sent meanwhile."""
        self._paused = True
        try:
            until(lambda: len(self.sent) == len(self.accepted) + len(self.refused))
            yield
        finally:
            self._paused = False

    async def _send_one(self, connection: Connection) -> None:
        serial = next(self.beacons.serials)
        self.sent.append(serial)
        answer = await connection.ask(self.beacons.path(serial))
        if answer.status == 503:
            assert answer.headers["retry-after"]
            self.refused.append(serial)
            return
        assert (answer.status, answer.event) == (200, "accepted"), answer
        self.accepted.append(serial)

    def more(self, events: int) -> None:
        """Until so many further events have been accepted."""
        goal = len(self.accepted) + events
        until(lambda: len(self.accepted) >= goal)


def serials_on(state: Path) -> set[int]:
    """The serials of impressions in the journals of a node's folder, as far as they count."""
    return {
        event.serial
        for folder in journals_in(state)
        for event in events_in(folder)
        if event.writer == WRITER and event.kind is Kind.IMPRESSION
    }


def journals_in(state: Path) -> list[Path]:
    logs = (state / "journal").rglob("*.log")
    return sorted({path.parent for path in logs if QUARANTINE not in path.parts})


def events_in(folder: Path) -> Iterator[Event]:
    """Of a journal; what is in a file behind the record with which the next begins counts not."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.log"))]
    heads = [read_head(data) for data in files]
    for number, (data, head) in enumerate(zip(files, heads, strict=True)):
        if not isinstance(head, Head):
            continue
        following = [later.sequence for later in heads[number + 1 :] if isinstance(later, Head)]
        many = following[0] - head.sequence if following else None
        for found in records_of(data)[:many]:
            if found.content is Content.EVENTS:
                yield from read_events(found.payload)


def records_of(data: bytes) -> list[Found]:
    head = read_head(data)
    records: list[Found] = []
    if isinstance(head, Head):
        at, chain = HEAD_BYTES, head.chain
        while isinstance(found := read_record(data, at, chain), Found):
            records.append(found)
            at, chain = found.end, found.chain
    return records
