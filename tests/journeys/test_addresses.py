"""A node with rules by address: one address hammers, and five hundred readers lose nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.figures import report, total
from tests.journeys.hammer import SEALER, Connection, reach_workers
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, until
from tests.serving.tickets import ticket

pytestmark = pytest.mark.usefixtures("unmeasured")
WORKERS = 2
SLOTS = ["top", "bottom"]
HAMMERED, READERS, LIMIT = 10_000, 500, 100
HAMMER = "198.51.100.7"
PROXY = ("--workers", str(WORKERS), "--trusted-peers", "127.0.0.0/8")
# By the hour alone, as a test may see a minute end.
LIMITS = f"impression.address.minute=0,impression.address.hour={LIMIT}"
ACCEPTED, CUT = "accepted", "discarded; reason=rate_limited"


@contextmanager
def serving(tmp: Path, *arguments: str, **env: str) -> Iterator[Running]:
    config = write_blog(tmp / "config", SLOTS, {f"for-{slot}": campaign(slot) for slot in SLOTS})
    with adserver_running(config, tmp, *arguments, env=env) as ads:
        yield ads


def beacons(ads: Running, slot: str, many: int) -> list[str]:
    """Impressions of so many ads of a slot, as if they had been served by a worker of their own."""
    one = SEALER.unseal(ticket(ads, slot))
    writer = secrets.randbits(32)
    return [
        f"/i/{SEALER.seal(one._replace(writer=writer, serial=serial)).decode()}"
        for serial in range(many)
    ]


@dataclass
class Said:
    """What was answered to the one who hammers, by slot, and to the others."""

    hammer: dict[str, Counter[str]]
    readers: Counter[str]


async def visit(ads: Running, hammered: int, readers: int) -> Said:
    said = Said({slot: Counter() for slot in SLOTS}, Counter())
    async with AsyncExitStack() as stack:
        reached = await reach_workers(stack, ads.public, f"/slots/{SLOTS[0]}", WORKERS, 3)
        # Of each worker's three: two for the one who hammers, one for the others.
        hammering, reading = [*reached[0::3], *reached[1::3]], reached[2::3]
        tasks = []
        for number, slot in enumerate(SLOTS):
            paths = beacons(ads, slot, hammered // len(SLOTS))
            two = hammering[number * 2 : number * 2 + 2]
            tasks += [
                hammer(one, paths[half::2], said.hammer[slot]) for half, one in enumerate(two)
            ]
        each = [beacons(ads, slot, readers) for slot in SLOTS]
        shares = [list(enumerate(zip(*each, strict=True)))[half::2] for half in range(2)]
        tasks += [
            read(one, share, said.readers) for one, share in zip(reading, shares, strict=True)
        ]
        await asyncio.gather(*tasks)
    return said


async def hammer(connection: Connection, paths: Sequence[str], said: Counter[str]) -> None:
    connection.reader = HAMMER
    said.update(answer.event for answer in await connection.ask_all(paths))


async def read(
    connection: Connection, share: Sequence[tuple[int, Sequence[str]]], said: Counter[str]
) -> None:
    """Each reader from an address of their own, some of them the hammer's neighbours."""
    for number, paths in share:
        connection.reader = f"198.51.{100 + number // 250}.{number % 250 + 2}"
        if connection.reader == HAMMER:
            connection.reader = "198.51.100.253"
        said.update([(await connection.ask(path)).event for path in paths])


def test_a_hammering_address_is_cut_and_nobody_else_is(tmp_path: Path) -> None:
    rules = {"ADSERVER_RULES": "rate_limited=discard", "ADSERVER_RATE_LIMITS": LIMITS}
    with serving(tmp_path, *PROXY, **rules) as ads:
        said = asyncio.run(visit(ads, HAMMERED, READERS))
        gross = HAMMERED + READERS * len(SLOTS)
        until(lambda: report(ads)["total"]["gross"] == gross)
        told, by_slot = report(ads), report(ads, "--by", "slot")

        assert said.readers == {ACCEPTED: READERS * len(SLOTS)}
        passed = sum(one[ACCEPTED] for one in said.hammer.values())
        # Two workers may lose a few of what both count in the same instant; an hour may end.
        assert LIMIT <= passed <= 3 * LIMIT
        assert set().union(*said.hammer.values()) == {ACCEPTED, CUT}
        assert told["total"]["impressions"] == READERS * len(SLOTS) + passed
        assert told["discarded"]["impression"] == {"rate_limited": HAMMERED - passed}
        lines = {line["slot"]: line for line in by_slot["rows"]}
        for slot in SLOTS:
            assert lines[slot]["impressions"] == READERS + said.hammer[slot][ACCEPTED]
            cut = said.hammer[slot][CUT]
            assert lines[slot]["gross"] == lines[slot]["impressions"] + cut
            labels = {"event": "impression", "slot": slot, "reason": "rate_limited"}
            assert total(ads, "events_discarded_total", **labels) == cut
        assert total(ads, "address_rules_suspended") == 0
        assert HAMMER not in ads.log


def test_control_without_rules_everything_counts(tmp_path: Path) -> None:
    with serving(tmp_path, *PROXY) as ads:
        said = asyncio.run(visit(ads, 4 * LIMIT, 10))
        assert sum(one[ACCEPTED] for one in said.hammer.values()) == 4 * LIMIT
        until(lambda: report(ads)["total"]["impressions"] == 4 * LIMIT + 10 * len(SLOTS))
        assert report(ads)["discarded"]["impression"] == {}


def test_behind_a_proxy_that_nobody_trusts_readers_keep_their_events_and_it_is_said(
    tmp_path: Path,
) -> None:
    rules = {"ADSERVER_RULES": "rate_limited=discard", "ADSERVER_RATE_LIMITS": LIMITS}
    with serving(tmp_path, "--workers", str(WORKERS), **rules) as ads:
        said = asyncio.run(visit(ads, 0, 200))
        assert said.readers == {ACCEPTED: 200 * len(SLOTS)}
        until(lambda: total(ads, "address_rules_suspended") == 1)
        assert "address_rules_suspended" in (ads.folder / "serve.out").read_text() + ads.log
