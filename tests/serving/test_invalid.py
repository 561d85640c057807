"""Rules against invalid traffic, asked about the events of a worker."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random

import httpx
import pytest

from adserver.core.invalid import Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.ticket import FLAG_CONSENT, FLAG_PREFETCH
from adserver.serving.app import PublicApp
from adserver.serving.internal import internal
from adserver.serving.invalid import Facts, Invalid
from adserver.serving.robots import Robots
from adserver.serving.unknown_agents import names_no_browser, unknown_agent
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
    answered, said_to_people = await worker.event(path, headers={"user-agent": READER})
    # A click does not wait for a slow disk.
    assert (answered, said_to_people in {"accepted", "pending"}) == (status, True)


async def test_where_the_rule_is_off_robots_count(worker: Worker, robots: Robots) -> None:
    """The control."""
    worker.state.invalid = Invalid({Rule.ROBOTS: Mode.OFF}, robots=robots)
    path = f"/i/{worker.ticket()}"
    assert await worker.event(path, headers={"user-agent": GOOGLE}) == (200, "accepted")


CHROME = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36",
    "sec-ch-ua": "x",
}
FIREFOX = {"user-agent": READER}
SAFARI = {
    "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
}
GESTURE = {"sec-fetch-user": "?1"}


@pytest.mark.parametrize(
    ("browser", "more", "counts"),
    [
        (CHROME, {"sec-fetch-dest": "iframe"}, False),
        (CHROME, {"sec-fetch-dest": "frame"}, False),
        (CHROME, {"sec-fetch-dest": "embed"}, False),
        (CHROME, {"sec-fetch-dest": "object"}, False),
        (CHROME, {"sec-fetch-dest": "iframe", "sec-fetch-user": "?0"}, False),
        (FIREFOX, {"sec-fetch-dest": "iframe"}, False),
        (CHROME, {"sec-fetch-dest": "iframe"} | GESTURE, True),
        (FIREFOX, {"sec-fetch-dest": "iframe"} | GESTURE, True),
        # A window of its own: browsers open none without a gesture.
        (CHROME, {"sec-fetch-dest": "document"}, True),
        # It never says whose gesture it was.
        (SAFARI, {"sec-fetch-dest": "iframe"}, True),
        (CHROME, {}, True),
        (FIREFOX, {}, True),
    ],
)
async def test_a_click_in_a_frame_without_a_gesture_is_a_programs(
    worker: Worker, robots: Robots, browser: dict[str, str], more: dict[str, str], counts: bool
) -> None:
    worker.state.invalid = Invalid(robots=robots)
    status, said = await worker.event(f"/c/{worker.ticket()}", headers=browser | more)
    assert status == 302, "it lands"
    assert (said == "discarded; reason=bot") is not counts
    # Beacons of a frame are nobody's gesture.
    for kind in "iv":
        said_of_beacon = await worker.event(f"/{kind}/{worker.ticket()}", headers=browser | more)
        assert said_of_beacon == (200, "accepted")
    worker.state.invalid = Invalid({Rule.ROBOTS: Mode.OFF}, robots=robots)
    _, said = await worker.event(f"/c/{worker.ticket(2)}", headers=browser | more)
    assert said in {"accepted", "pending"}, "control"


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


NETWORKS = [ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/48")]


def from_(agent: str) -> Facts:
    """Facts of an event whose address is told by the test."""
    return Facts({"headers": [(b"user-agent", agent.encode("latin-1"))]}, None, None)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("2001:db8:1:2::3", True),
        ("2001:db8:2::3", False),
        # The same bytes as 192.0.2.7 has, and no address of version 4.
        ("c000:207::", False),
    ],
)
def test_own_networks_are_those_that_are_named(address: str, inside: bool) -> None:
    holds = internal(NETWORKS, [], lambda _: ip_address(address).packed)
    assert holds(from_(READER)) is inside


def test_where_the_reader_is_not_known_no_network_is_theirs() -> None:
    assert not internal(NETWORKS, [], lambda _: None)(from_(READER))


@pytest.mark.parametrize(
    ("agent", "ours"),
    [
        ("LeComptoirMonitor/2.1", True),
        ("Mozilla/5.0 (X11; Linux x86_64) lecomptoirmonitor", True),
        ("Kiosk 7 in the Lobby (2)", True),
        ("Kiosk Lobby 2", False),
        ("Le.ComptoirMonitor", False),
        (READER, False),
        ("", False),
    ],
)
def test_own_agents_are_those_that_are_named(agent: str, ours: bool) -> None:
    holds = internal([], ["LeComptoirMonitor", "Kiosk*Lobby (2)"], lambda _: None)
    assert holds(from_(agent)) is ours


async def test_ones_own_monitor_is_internal_before_it_is_a_robot(
    worker: Worker, robots: Robots
) -> None:
    more = {Rule.INTERNAL: internal([], ["LeComptoirMonitor"], lambda _: None)}
    worker.state.invalid = Invalid(None, more, robots)
    said = await worker.event(f"/i/{worker.ticket()}", headers={"user-agent": "LeComptoirMonitor"})
    assert said == (200, "discarded; reason=internal")
    worker.state.invalid = Invalid({Rule.INTERNAL: Mode.OFF}, more, robots)
    said = await worker.event(f"/i/{worker.ticket()}", headers={"user-agent": "LeComptoirMonitor"})
    assert said == (200, "discarded; reason=bot")


@pytest.mark.parametrize(
    ("agent", "unknown"),
    [
        ("", True),
        ("LeComptoir", True),
        ("LeComptoir/4.2", True),
        ("LeComptoir/4.2 (Android 15)", False),
        ("LeComptoir/4.2 CFNetwork/1568.300.101 Darwin/24.2.0", False),
        ("Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8 Pro Build/AP3A.241005.015)", False),
        ("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18", False),
        ("Lynx/2.9.0 libwww-FM/2.14", False),
        ("Nokia6230i/2.0 (03.88) Profile/MIDP-2.0 Configuration/CLDC-1.1", False),
        (READER, False),
    ],
)
def test_unknown_agents_are_no_browsers_and_no_known_apps(agent: str, unknown: bool) -> None:
    assert names_no_browser(agent.encode()) is unknown


@pytest.mark.parametrize("seed", range(4))
async def test_no_event_is_lost_between_what_counts_and_what_is_discarded(
    worker: Worker, robots: Robots, seed: int
) -> None:
    """Events at random, under rules at random: each is in one row, and a dry run in no other."""
    draw = Random(seed)
    modes = {rule: draw.choice(list(Mode)) for rule in (Rule.PREFETCH, Rule.ROBOTS, Rule.CONSENT)}
    modes[Rule.UNKNOWN_AGENTS] = draw.choice(list(Mode))
    more = {Rule.UNKNOWN_AGENTS: unknown_agent}
    worker.state.invalid = Invalid(modes, more, robots)
    sent = Counter[str]()
    for _ in range(120):
        kind = draw.choice("ivc")
        flags = draw.choice([0, FLAG_CONSENT, FLAG_PREFETCH])
        path = f"/{kind}/{worker.ticket(draw.randrange(20), flags=flags)}"
        agent = draw.choice([GOOGLE, SCRIPT, READER, ""])
        assert (await worker.event(path, headers={"user-agent": agent}))[1]
        sent[kind] += 1
    await worker.memory.finish()
    rows, discarded = Counter[str](), 0
    for (_, (metric, *_)), many in worker.memory.counts.rows.items():
        letter, _, reason = metric.partition(".")
        rows[letter] += many
        discarded += many if letter in sent and reason else 0
    assert (rows["i"], rows["c"]) == (sent["i"], sent["c"]), "gross is net and what was discarded"
    # Those that came before their impression are in `w`, and in `v` once it has come.
    assert rows["v"] <= sent["v"] <= rows["v"] + rows["w"]
    assert sum(worker.count("events_discarded_total").values()) == discarded
    would = sum(rows[letter] for letter in "IVC")
    assert sum(worker.count("events_would_discard_total").values()) == would
    assert (would > 0) is (Mode.DRY_RUN in modes.values())


async def test_unknown_agents_are_discarded_where_the_operator_says_so(worker: Worker) -> None:
    more = {Rule.UNKNOWN_AGENTS: unknown_agent}
    path = f"/i/{worker.ticket()}"
    worker.state.invalid = Invalid({Rule.UNKNOWN_AGENTS: Mode.DISCARD}, more)
    silent = {"user-agent": ""}
    assert await worker.event(path, headers=silent) == (200, "discarded; reason=bot")
    worker.state.invalid = Invalid(None, more)
    assert await worker.event(path, headers=silent) == (200, "accepted")
