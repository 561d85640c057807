"""Counting under load: every beacon counts once, wherever and however often it arrives."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from tests.journeys.figures import report, total
from tests.journeys.hammer import Answer, Connection, reach_workers
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, until

pytestmark = pytest.mark.usefixtures("unmeasured")

WORKERS = 4
CONNECTIONS = 32
EACH = CONNECTIONS // WORKERS  # of the connections, to each worker
SLOTS = [f"place-{number}" for number in range(25)]
PATH = f"/slots/{SLOTS[0]}"
CALLS = 400
IMPRESSIONS = len(SLOTS) * CALLS
TIMES = 3
REPLAYS = 1_000
ACCEPTED = (200, "accepted")
DUPLICATE = (200, "discarded; reason=duplicate")


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Twenty-five slots, each with a campaign of its own; four workers."""
    tmp = tmp_path_factory.mktemp("counting")
    config = write_blog(tmp / "config", SLOTS, {f"for-{slot}": campaign(slot) for slot in SLOTS})
    with adserver_running(config, tmp, "--workers", str(WORKERS)) as ads:
        yield ads


async def ask_over(connections: Sequence[Connection], paths: Sequence[str]) -> list[Answer]:
    """The paths dealt out over the connections, all of which ask at the same time."""
    parts = [paths[start :: len(connections)] for start in range(len(connections))]
    asked = (one.ask_all(part) for one, part in zip(connections, parts, strict=True))
    return [answer for answers in await asyncio.gather(*asked) for answer in answers]


async def beacons_of(connections: Sequence[Connection], calls: int) -> list[str]:
    """The impression beacons of so many calls for all slots."""
    answers = await ask_over(connections, [f"/decisions?slots={','.join(SLOTS)}"] * calls)
    return [one["impression_url"] for answer in answers for one in answer.json()["decisions"]]


def told(answers: Iterable[Answer]) -> Counter[tuple[int, str]]:
    return Counter((answer.status, answer.event) for answer in answers)


async def send_each_three_times(ads: Running) -> Counter[tuple[int, str]]:
    async with AsyncExitStack() as stack:
        connections = await reach_workers(stack, ads.public, PATH, WORKERS, EACH)
        beacons = await beacons_of(connections, CALLS)
        assert len(set(beacons)) == IMPRESSIONS
        sent = beacons * TIMES
        random.Random(1).shuffle(sent)
        return told(await ask_over(connections, sent))


async def replay(ads: Running) -> Counter[tuple[int, str]]:
    async with AsyncExitStack() as stack:
        connections = await reach_workers(stack, ads.public, PATH, WORKERS, 1)
        beacon = (await beacons_of(connections[:1], 1))[0]
        return told(await ask_over(connections, [beacon] * REPLAYS))


def test_ten_thousand_impressions_sent_three_times_each_are_ten_thousand(ads: Running) -> None:
    before, counted = report(ads)["total"], total(ads, "impressions_total")
    duplicates = total(ads, "events_discarded_total")
    answered = asyncio.run(send_each_three_times(ads))
    # Another worker may be told of an event that one has counted already: the report knows.
    assert answered.keys() == {ACCEPTED, DUPLICATE}
    assert answered.total() == IMPRESSIONS * TIMES
    assert answered[ACCEPTED] >= IMPRESSIONS
    until(lambda: report(ads)["total"]["gross"] - before["gross"] == IMPRESSIONS * TIMES)
    after = report(ads)
    assert after["total"]["impressions"] - before["impressions"] == IMPRESSIONS
    assert after["discarded"]["impression"].keys() == {"duplicate"}
    until(lambda: total(ads, "impressions_total") - counted == IMPRESSIONS)
    until(lambda: total(ads, "events_discarded_total") - duplicates == IMPRESSIONS * (TIMES - 1))
    for slot in SLOTS[1:]:  # the first is the one that is replayed
        label = f"for-{slot}"
        assert total(ads, "impressions_total", slot=slot, campaign=label) == CALLS


def test_a_beacon_replayed_a_thousand_times_over_all_workers_counts_once(ads: Running) -> None:
    before = report(ads)
    answered = asyncio.run(replay(ads))
    assert answered.keys() == {ACCEPTED, DUPLICATE}
    assert answered.total() == REPLAYS
    assert 1 <= answered[ACCEPTED] <= WORKERS, "each worker knows what it was told itself"
    until(lambda: report(ads)["total"]["gross"] - before["total"]["gross"] == REPLAYS)
    after = report(ads)
    assert after["total"]["impressions"] - before["total"]["impressions"] == 1
    duplicates = [one["discarded"]["impression"].get("duplicate", 0) for one in (before, after)]
    assert duplicates[1] - duplicates[0] == REPLAYS - 1
