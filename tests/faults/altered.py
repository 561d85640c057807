"""`adserver` with something altered, for the controls: python altered.py NAME[=VALUE],… serve …

The product has no switch for any of this: here one of its functions is replaced before it runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]  # our neighbours are no modules of the product's

ALTERATIONS: dict[str, Callable[..., None]] = {}


def alteration(make: Callable[..., None]) -> Callable[..., None]:
    ALTERATIONS[make.__name__] = make
    return make


@alteration
def without_journal() -> None:
    """Events are counted in memory, acknowledged, and written once a second."""
    from adserver.core.events import Outcome
    from adserver.serving.counting import Counting

    join, flush = Counting.join, Counting.flush
    waiting: list[Any] = []

    def join_in_memory(self: Counting, event: Any, **_: Any) -> Any:
        if self._seen.has(event.bit):
            return Outcome.DUPLICATE
        self._seen.add(event.bit)
        waiting.append(event)
        return Outcome.ACCEPTED

    async def flush_memory(self: Counting) -> None:
        own, self._seen = self._seen, Blind()
        try:
            joined = [join(self, event) for event in waiting]
        finally:
            self._seen = own
        waiting.clear()
        await asyncio.gather(*[one for one in joined if not isinstance(one, Outcome)])
        await flush(self)

    Counting.join, Counting.flush = join_in_memory, flush_memory  # type: ignore[method-assign]


class Blind:
    """In place of `SharedSeen`: remembers nothing."""

    def has(self, _: object) -> bool:
        return False

    def add(self, _: object) -> None: ...

    def add_all(self, bits: Sequence[int]) -> list[bool]:
        return [True] * len(bits)

    def share(self) -> None: ...

    def close(self) -> None: ...


def edit_script(line: str, instead: str, name: str = "count") -> None:
    from adserver.store import script as module

    script = module.script
    assert line in script(name)
    module.script = lambda asked: script(asked).replace(line, instead)


@alteration
def without_ledger_compare() -> None:
    """What failed is sent again at once, and applied as often as it is sent."""
    from adserver.core.batch import Stream

    edit_script("if sub(said, 1, #ARGV[1]) ~= ARGV[1] then return said end", "")

    def failed(self: Stream) -> None:
        self._in_flight = None

    Stream.failed = failed  # type: ignore[method-assign]


@alteration
def without_ledgers() -> None:
    """Nor does anybody ask how much of a journal has been applied."""
    from adserver.core.batch import Stream
    from adserver.serving.shipping import Shipping

    without_ledger_compare()
    Stream.doubt = lambda self: None  # type: ignore[method-assign]
    hold = Shipping._hold
    Shipping._hold = (  # type: ignore[method-assign]
        lambda self, journal, *, new=False: hold(self, journal, new=True)
    )


@alteration
def few_files() -> None:
    """As under `ulimit -n 64`."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@alteration
def without_eviction() -> None:
    """Connections are taken as long as there are files for them."""
    from adserver.serving.edge import Edge

    def opened(self: Edge, connection: Any) -> None:
        self.connections[connection] = self.fresh[connection] = None

    Edge.opened = opened  # type: ignore[method-assign]


@alteration
def stock_http() -> None:
    """uvicorn's own protocol, which has no limits."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from adserver.serving import listening

    def protocol(*arguments: Any, edge: Any, **more: Any) -> HttpToolsProtocol:
        return HttpToolsProtocol(*arguments, **more)

    listening.AdProtocol = protocol  # type: ignore[misc, assignment]


@alteration
def without_adoption() -> None:
    """What a dead worker's journal holds stays there."""
    from adserver.serving.journals import Journals

    Journals.adopt = (  # type: ignore[method-assign]
        lambda self, now, *, shipped_too=True: None
    )


@alteration
def without_second_attempts() -> None:
    """A shipment that failed is not sent again."""
    from adserver.core.batch import Stream

    failed = Stream.failed

    def failed_for_good(self: Stream) -> None:
        shipment = self._in_flight
        failed(self)
        if shipment is not None:
            self.give_up(shipment)

    Stream.failed = failed_for_good  # type: ignore[method-assign]


@alteration
def without_resending() -> None:
    """A store that has rolled back is not sent what it has lost."""
    from adserver.core.batch import Stream

    def resume(self: Stream, mark: Any) -> None:
        self._ledger, self.position, self._whole = mark, self.end, True

    Stream._resume = resume  # type: ignore[method-assign]


@alteration
def without_bits() -> None:
    """Nobody remembers which events have been counted."""
    from adserver.wiring import processes

    edit_script("'OVERFLOW', 'FAIL'", "'OVERFLOW', 'WRAP'")
    edit_script("if was[e - 1] == 1 then", "if false then")
    processes.SharedSeen = lambda *_: Blind()  # type: ignore[misc, assignment]


@alteration
def bits_of_an_hour() -> None:
    """Events are remembered by the hour in which they arrive."""
    from adserver.store.keys import Keys
    from adserver.wiring import processes

    seen = Keys.seen
    processes.SharedSeen = lambda *_: Blind()  # type: ignore[misc, assignment]
    Keys.seen = lambda self, *place: (  # type: ignore[method-assign]
        f"{seen(self, *place)}:{time.time() // 3_600:.0f}"
    )


@alteration
def without_repeating() -> None:
    """A change of which the answer is lost is taken for one that was not made."""
    from adserver.store import repeating

    def give_up(_: Any, error: Exception, *__: str) -> None:
        raise error

    repeating.insisted = give_up  # type: ignore[assignment]


@alteration
def without_drain() -> None:
    """SIGTERM ends a worker at once."""
    from adserver.serving import listening

    ready = listening.Server.startup

    async def startup(self: Any, sockets: Any = None) -> None:
        await ready(self, sockets)
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    listening.Server.startup = startup  # type: ignore[method-assign]


@alteration
def hanging() -> None:
    """A process that is sent SIGUSR1 stands still from then on, its event loop with it."""
    from adserver.serving import children

    leave_with = children.leave_with

    def prepared(parent: int) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: time.sleep(3_600))
        leave_with(parent)

    children.leave_with = prepared


@alteration
def without_rounds() -> None:
    """A new key signs at once, also where other workers do not know it yet."""
    from adserver.wiring.reloading import Signing

    def take(self: Signing, keys: list[bytes]) -> bool:
        self.keys = keys
        return True

    Signing.take = take  # type: ignore[method-assign]


@alteration
def without_refusals() -> None:
    """An event that the journal does not take is acknowledged all the same."""
    from adserver.core.errors import JournalError
    from adserver.core.events import Outcome
    from adserver.serving.patience import Told, Waiter

    settle = Waiter.settle

    def accept(self: Waiter, told: Told) -> None:
        settle(self, Outcome.ACCEPTED if isinstance(told, JournalError) else told)

    Waiter.settle = accept  # type: ignore[method-assign]


@alteration
def without_creatives() -> None:
    """What is not live is not known."""
    from adserver.store.catalogs import StoredLiveCatalog

    async def nothing(self: Any, number: int) -> None:
        return None

    StoredLiveCatalog.known_creative = nothing  # type: ignore[method-assign]


@alteration
def without_snapshot() -> None:
    """Each slot asks the store what is live."""
    from contextlib import suppress

    from adserver.core.errors import StoreUnavailable
    from adserver.serving import app, at_once

    slot = app.ROUTES["slots"].handler

    async def ask_first(state: Any, *arguments: Any) -> Any:
        with suppress(StoreUnavailable):
            await state.live.refresh(state.clock())
        return await slot(state, *arguments)

    # What has to be waited for takes a task.
    app.ROUTES["slots"] = app.ROUTES["slots"]._replace(handler=ask_first)
    del at_once.ROUTES[b"slots"]


@alteration
def without_leases() -> None:
    """Whatever is to be served finds room."""
    from adserver.core.leases import Room

    Room.take = lambda self, now: round(now) + 600  # type: ignore[method-assign]
    Room.refuses = lambda self, times: None  # type: ignore[method-assign]


@alteration
def without_looking() -> None:
    """What is shipped is counted, whatever the limits of its campaign."""
    edit_script("local lease = till > 0 and leases[campaign] or nil", "local lease = nil")


@alteration
def hasty(silent: str) -> None:
    """Room lapses in seconds; a journal that nobody speaks for holds it back for so many."""
    from adserver.serving import beacons

    for line, instead in (
        ("FAR, NEAR = 600, 45", "FAR, NEAR = 3, 1"),
        ("WIDE, NARROW = 60, 10", "WIDE, NARROW = 1, 1"),
        ("ROUND, ROUND_NEAR = 30, 5", "ROUND, ROUND_NEAR = 2, 2"),
        ("MARGIN = 2", "MARGIN = 1"),
        ("MOST_SILENT = 300", f"MOST_SILENT = {silent}"),
        ("number(rate), number(patience))", "number(rate), 0)"),
    ):
        edit_script(line, instead, "lease")
    # Never at an instant at which leased room lapses.
    beacons.in_doubt = lambda now: int(now) | 1


@alteration
def small_journals(kibibytes: str) -> None:
    """ADSERVER_JOURNAL_MEBIBYTES are so many KiB each: filled in seconds."""
    from adserver.wiring import processes

    processes.MEBIBYTE = int(kibibytes) * 1_024


@alteration
def without_pauses() -> None:
    """Nobody looks for what is paused."""
    from adserver.serving.pausing import Pausing

    async def look(self: Pausing) -> None:
        self._pauses = ()

    Pausing.look = look  # type: ignore[method-assign]


@alteration
def clock(path: str) -> None:
    """Every look at the clock adds what stands in that file: seconds, a double."""
    from mmap import ACCESS_READ, mmap
    from struct import Struct

    with open(path, "rb") as file:
        offset = mmap(file.fileno(), 0, access=ACCESS_READ)
    number, real = Struct("d"), time.time
    time.time = lambda: real() + number.unpack_from(offset)[0]


def main() -> None:
    for one in sys.argv.pop(1).split(","):
        name, _, value = one.partition("=")
        ALTERATIONS[name](*[value] if value else [])
    from adserver.cli import main as adserver

    adserver()


if __name__ == "__main__":
    main()
