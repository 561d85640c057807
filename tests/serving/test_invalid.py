"""Rules against invalid traffic, asked about the events of a worker."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from adserver.core.invalid import Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.ticket import FLAG_CONSENT
from adserver.serving.app import PublicApp
from adserver.serving.invalid import Invalid
from adserver.serving.robots import Robots
from tests.factories import NOW, catalog, generation
from tests.serving.memory import MemoryWorker
from tests.serving.test_app import Worker, blog, worker
from tests.serving.test_beacons import SOLD

__all__ = ["worker"]

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SCRIPT = "python-requests/2.32.3"
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def robots() -> Robots:
    return Robots()


async def test_a_dry_run_counts_apart_and_changes_nothing_else(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.PREFETCH: Mode.DRY_RUN})
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"sec-purpose": "prefetch"}) == (200, "accepted")
    label = ("impression", "post-top", "prefetch")
    assert worker.count("events_would_discard_total") == {label: 1}
    await worker.memory.finish()
    assert {row: n for (_, row), n in worker.memory.counts.rows.items()} == {
        ("I.prefetch", 1, 1, 1): 1,
        ("i", 1, 1, 1): 1,
    }
    assert worker.count("events_discarded_total") == {}


async def test_a_rule_that_is_off_is_neither_counted_nor_tried(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.PREFETCH: Mode.OFF})
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"sec-purpose": "prefetch"}) == (200, "accepted")
    assert worker.count("events_would_discard_total") == {}


def test_the_reasons_of_each_mode_are_known() -> None:
    modes = {Rule.CONSENT: Mode.DRY_RUN, Rule.UNMATCHED: Mode.DRY_RUN}
    more = dict.fromkeys(modes, lambda _: False)
    invalid = Invalid(modes, more)
    assert invalid.reasons(Mode.DISCARD) == (Discard.PREFETCH,)
    assert invalid.reasons(Mode.DRY_RUN) == (Discard.CONSENT, Discard.UNMATCHED)


async def test_by_choice_only_ads_of_readers_who_agreed_count(worker: Worker) -> None:
    worker.state.invalid = Invalid({Rule.CONSENT: Mode.DISCARD})
    assert await worker.event(f"/i/{worker.ticket(1, flags=FLAG_CONSENT)}") == (200, "accepted")
    refused = (200, "discarded; reason=consent")
    assert await worker.event(f"/i/{worker.ticket(2)}") == refused
    worker.state.invalid = Invalid()
    assert await worker.event(f"/i/{worker.ticket(2)}") == (200, "accepted")


@pytest.mark.parametrize(("kind", "status"), [("i", 200), ("v", 200), ("c", 302)])
async def test_what_a_known_robot_sends_is_answered_and_does_not_count(
    worker: Worker, robots: Robots, kind: str, status: int
) -> None:
    worker.state.invalid = Invalid(robots=robots)
    path = f"/{kind}/{worker.ticket()}"
    said = await worker.event(path, headers={"user-agent": GOOGLE})
    assert said == (status, "discarded; reason=bot")
    assert await worker.event(path, headers={"user-agent": READER}) == (status, "accepted")


async def test_where_the_rule_is_off_robots_count(worker: Worker, robots: Robots) -> None:
    """The control."""
    worker.state.invalid = Invalid({Rule.ROBOTS: Mode.OFF}, robots=robots)
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"user-agent": GOOGLE}) == (200, "accepted")


async def test_what_robots_would_lose_is_counted_in_a_dry_run(
    worker: Worker, robots: Robots
) -> None:
    worker.state.invalid = Invalid({Rule.ROBOTS: Mode.DRY_RUN}, robots=robots)
    for serial, agent in enumerate((GOOGLE, SCRIPT, READER)):
        path = f"/i/{worker.ticket(serial)}"
        assert await worker.event(path, headers={"user-agent": agent}) == (200, "accepted")
    counted = worker.count("events_would_discard_total")
    assert counted == {("impression", "post-top", "bot"): 2}


@pytest.mark.parametrize(
    ("agent", "mode", "reserved"),
    [
        (READER, Mode.DISCARD, True),
        (GOOGLE, Mode.DISCARD, False),
        # They may ask on behalf of a reader, whose browser will say so.
        (SCRIPT, Mode.DISCARD, True),
        # What a robot sends counts here.
        (GOOGLE, Mode.DRY_RUN, True),
        (GOOGLE, Mode.OFF, True),
    ],
)
async def test_a_crawlers_ad_takes_no_room_of_a_goal_unless_it_counts(
    tmp_path: Path, robots: Robots, agent: str, mode: Mode, reserved: bool
) -> None:
    memory = MemoryWorker(tmp_path, invalid=Invalid({Rule.ROBOTS: mode}, robots=robots))
    memory.store.publish(generation(catalog(SOLD)))
    await memory.state.live.refresh(NOW)
    transport = httpx.ASGITransport(PublicApp(memory.state, "", blog))
    before = memory.leasing.rooms["sold"].left
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        answer = await client.get("/slots/post-top", headers={"user-agent": agent})
        posted = await client.post(
            "/decisions", json={"slots": ["post-top"]}, headers={"user-agent": agent}
        )
    assert answer.headers["x-ad-decision"].startswith("fill; campaign=sold")
    assert posted.json()["decisions"][0]["filled"]
    assert before - memory.leasing.rooms["sold"].left == 2 * reserved


async def test_series_of_rules_are_there_from_the_start(tmp_path: Path, robots: Robots) -> None:
    modes = {Rule.CONSENT: Mode.DISCARD, Rule.ROBOTS: Mode.DRY_RUN}
    memory = MemoryWorker(tmp_path, invalid=Invalid(modes, robots=robots))
    memory.store.publish(generation(catalog(SOLD)))
    await memory.state.live.refresh(NOW)
    counts = memory.state.meter.counts
    assert ("click", "post-top", "consent") in counts["events_discarded_total"]
    assert ("click", "post-top", "rate_limited") not in counts["events_discarded_total"]
    assert {labels[2] for labels in counts["events_would_discard_total"]} == {"bot"}
