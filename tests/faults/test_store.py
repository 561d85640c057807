"""The store dies, freezes, is full, cannot be written or is emptied: ads are served, events
acknowledged, and when it is back the report holds all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from tests.faults.bare import bare_server
from tests.faults.load import Load, answered_between, eventually, percentile
from tests.faults.nodes import (
    CONTROL_OUTAGE_SECONDS,
    CONTROL_PATIENCE_SECONDS,
    OUTAGE_SECONDS,
    balance,
    check_report,
    load_on,
    missing,
    node,
    workers_of,
)
from tests.faults.oracle import Told
from tests.faults.stores import Debian, InUse, debian
from tests.servers import Running

MAX_P99_SECONDS = 0.050
# On a busy machine: so many times what a server that does nothing takes in the same seconds. A
# slot that waited for the store would take more than half a second.
BUSY = 4
CONTROL_ROUNDS = 3
CALM_ANSWERS = 300
AFTER_ANSWERS = 200


class Fault(NamedTuple):
    """emptied: what was published is gone too, and has to be applied again."""

    begin: Callable[[Debian], Any]
    end: Callable[[Debian], Any]
    emptied: bool = False


def command(*parts: str) -> Callable[[Debian], Any]:
    def run(store: Debian) -> Any:
        with redis.Redis.from_url(store.url) as admin:
            return admin.execute_command(*parts)

    return run


def nothing(_: Debian) -> None: ...


FAULTS = {
    "frozen": Fault(lambda s: s.signal(signal.SIGSTOP), lambda s: s.signal(signal.SIGCONT)),
    "killed": Fault(Debian.kill, Debian.back),
    "full": Fault(
        command("CONFIG", "SET", "maxmemory", "1mb"), command("CONFIG", "SET", "maxmemory", "0")
    ),
    "a replica": Fault(command("REPLICAOF", "127.0.0.1", "1"), command("REPLICAOF", "NO", "ONE")),
    "without replicas": Fault(
        command("CONFIG", "SET", "min-replicas-to-write", "1"),
        command("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
    "without scripts": Fault(command("SCRIPT", "FLUSH"), nothing),
    "flushed": Fault(command("FLUSHALL"), nothing, emptied=True),
    "replaced by an empty one": Fault(Debian.kill, Debian.back_empty, emptied=True),
}
LOSING = ("killed", "full", "a replica", "without replicas")
EMPTYING = ("flushed", "replaced by an empty one")


class House(NamedTuple):
    """A node on a store of Debian's, and what it has told since it started."""

    ads: Running
    store: Debian
    told: Told


@contextmanager
def house(tmp: Path, *alterations: str) -> Iterator[House]:
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis"))
        ads = stack.enter_context(node(tmp, *alterations, env={"ADSERVER_REDIS": store.url}))
        yield House(ads, store, Told())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all faults: what one of them loses, the next ones find missing as well."""
    with house(tmp_path_factory.mktemp("ours")) as made:
        yield made


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    with bare_server() as address:
        yield address


async def suffer(
    home: House, fault: Fault, load: Load, seconds: float = CONTROL_OUTAGE_SECONDS
) -> tuple[float, float]:
    """The slots' p99 during the fault, and the limit that it has to keep."""
    async with load.running():
        await load.more(CALM_ANSWERS)
        hit = time.monotonic()
        await asyncio.to_thread(fault.begin, home.store)
        await asyncio.sleep(seconds)
        over = time.monotonic()
        await asyncio.to_thread(fault.end, home.store)
        if fault.emptied:
            applied = await asyncio.to_thread(home.ads.cli, "apply", "--yes")
            assert applied.returncode == 0, applied.stderr
        await load.more(AFTER_ANSWERS)
    slots, bare = (
        percentile(answered_between(asked, hit, over) or [0.0], 0.99)
        for asked in (load.slots, load.reference)
    )
    return slots, max(MAX_P99_SECONDS, BUSY * bare)


@pytest.mark.alone
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_store(
    ours: House, bare: str, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    load = load_on(ours.ads, told=ours.told, bare=bare)
    p99, limit = asyncio.run(suffer(ours, fault, load, OUTAGE_SECONDS))
    assert ours.told.refused == 0, "events are acknowledged whatever the store does"
    assert load.cut == 0
    assert balance(ours.ads, ours.told) == []
    check_report(ours.ads, ours.told)
    record_property("slots' p99, seconds", p99)
    record_property("its limit", limit)
    assert p99 <= limit


@pytest.mark.parametrize(
    ("alteration", "faults"),
    [("without_second_attempts", LOSING), ("without_resending", EMPTYING)],
)
def test_control_without(tmp_path: Path, alteration: str, faults: tuple[str, ...]) -> None:
    with house(tmp_path, alteration) as home:
        lost = 0
        for name in faults:
            before = lost
            for _ in range(CONTROL_ROUNDS):
                # Where nothing was on its way just then, a round shows nothing.
                asyncio.run(suffer(home, FAULTS[name], load_on(home.ads, told=home.told)))
                balance(home.ads, home.told, patience=CONTROL_PATIENCE_SECONDS)
                if (lost := missing(home.ads, home.told)) > before:
                    break
            assert lost > before, f"{name} has lost nothing"


def test_control_without_ledgers_a_frozen_store_counts_twice(tmp_path: Path) -> None:
    with house(tmp_path, "without_ledgers") as home:
        load = load_on(home.ads, told=home.told)
        wrong: list[str] = []
        for _ in range(CONTROL_ROUNDS):
            # As long as it takes to give up an attempt, which is applied all the same. Where both
            # workers had nothing to send just then, a round shows nothing.
            asyncio.run(suffer(home, FAULTS["frozen"], load, OUTAGE_SECONDS))
            wrong = balance(home.ads, home.told, patience=CONTROL_PATIENCE_SECONDS)
            if wrong:
                break
        assert any(one.startswith("gross of") for one in wrong), wrong


@pytest.mark.alone
def test_control_a_slot_that_asks_the_store_is_slow_when_it_is_frozen(
    tmp_path: Path, bare: str
) -> None:
    with house(tmp_path, "without_snapshot") as home:
        p99, limit = asyncio.run(suffer(home, FAULTS["frozen"], load_on(home.ads, bare=bare)))
        assert p99 > limit


Away = Debian | InUse


async def both_die(
    ads: Running, store: Away, load: Load, seconds: float = CONTROL_OUTAGE_SECONDS
) -> None:
    """The store, and while it is away each of the workers that has its events."""
    async with load.running():
        await load.more(CALM_ANSWERS)
        await asyncio.to_thread(store.kill)
        await load.more(CALM_ANSWERS)
        for pid in workers_of(ads):
            os.kill(pid, signal.SIGKILL)
            await load.more(50) if len(workers_of(ads)) > 1 else None
        await asyncio.sleep(seconds)
        await asyncio.to_thread(store.back)
        await eventually(lambda: len(workers_of(ads)) == 2)
        await load.more(AFTER_ANSWERS)


@contextmanager
def debian_house(tmp: Path, *alterations: str) -> Iterator[tuple[Running, Away]]:
    with house(tmp, *alterations) as home:
        yield home.ads, home.store


@contextmanager
def embedded_house(tmp: Path, *alterations: str) -> Iterator[tuple[Running, Away]]:
    with node(tmp, *alterations) as ads:
        yield ads, InUse(ads)


@pytest.mark.parametrize("made", [debian_house, embedded_house])
def test_store_and_workers_killed_together_lose_no_event(tmp_path: Path, made: Any) -> None:
    with made(tmp_path) as (ads, store):
        load = load_on(ads)
        asyncio.run(both_die(ads, store, load, OUTAGE_SECONDS))
        assert load.told.refused == 0
        assert balance(ads, load.told, killed=True) == []
        check_report(ads, load.told)


@pytest.mark.parametrize("made", [debian_house, embedded_house])
def test_control_without_adoption_the_dead_workers_events_stay_away(
    tmp_path: Path, made: Any
) -> None:
    with made(tmp_path, "without_adoption") as (ads, store):
        load = load_on(ads)
        asyncio.run(both_die(ads, store, load))
        assert balance(ads, load.told, killed=True, patience=CONTROL_PATIENCE_SECONDS) != []
