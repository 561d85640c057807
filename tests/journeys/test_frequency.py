"""Frequency caps in a real browser: it keeps the marks, and nobody else does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser

from adserver.core.catalog import Period
from adserver.serving.request import MAX_CAPPED
from tests import stand_in
from tests.journeys.small_blog import campaign, write_blog
from tests.servers import adserver_running
from tests.stand_in import TAG, Answer, Decision
from tests.visit import Visit, visiting

pytestmark = pytest.mark.usefixtures("unmeasured")

PARIS = "Europe/Paris"
TOP = '<div data-slot="top"></div>'
KEY = "adserver.marks"
SOURCE = TAG.read_text("utf-8")
LIMITS = {name: int(number) for name, number in re.findall(r"const (MAX_\w+) = (\d+);", SOURCE)}
MAX_MARKS, MAX_CHARACTERS = LIMITS["MAX_MARKS"], LIMITS["MAX_CAPPED"]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, timezone_id=PARIS) as visit:
        sells_coffee(visit)
        yield visit


def sells_coffee(
    visit: Visit,
    impressions: int = 3,
    per: str = "day",
    show: Callable[[str], Decision] = stand_in.text,
) -> None:
    """The server decides for coffee, which has a cap, unless the page says otherwise: then tea."""

    def decide(slot: str) -> Decision:
        call = visit.ads.called("/decisions")[-1]
        if "coffee" in call.listed("capped") + call.listed("exclude"):
            return stand_in.text(slot, "tea")
        cap = {"frequency": {"impressions": impressions, "per": per}}
        return show(slot) | cap

    visit.ads.decide = decide


def look(visit: Visit, slots: int = 1) -> list[str | None]:
    """One more view of the page; which campaigns it shows once it has counted them."""
    counted = len(visit.ads.beacons("i"))
    view(visit, slots)
    visit.until(lambda: len(visit.ads.beacons("i")) == counted + slots)
    return visit.campaigns()


def view(visit: Visit, slots: int = 1) -> None:
    if visit.page.url == "about:blank":
        visit.open(TOP * slots)
    else:
        visit.page.reload()
    visit.until_told(slots)


def at(visit: Visit, moment: datetime) -> None:
    visit.page.clock.set_fixed_time(moment)


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS))


def marks(visit: Visit) -> Any:
    kept = visit.page.evaluate("(key) => localStorage.getItem(key)", KEY)
    return kept and json.loads(kept)


def seed(visit: Visit, kept: object) -> None:
    """Leave something in the blog's storage, as if from an earlier visit."""
    text = kept if isinstance(kept, str) else json.dumps(kept)
    visit.blog.pages["/empty"] = Answer(b"<!doctype html>")
    visit.page.goto(f"{visit.blog.origin}/empty")
    visit.page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    visit.page.goto("about:blank")


def test_an_ad_is_shown_as_often_as_its_cap_says_and_then_no_more(visit: Visit) -> None:
    assert [look(visit) for _ in range(5)] == [["coffee"]] * 3 + [["tea"]] * 2
    capped = [call.listed("capped") for call in visit.ads.called("/decisions")]
    assert capped == [[], [], [], ["coffee"], ["coffee"]]


def test_an_ad_without_a_cap_is_shown_for_ever_and_nothing_is_kept(visit: Visit) -> None:
    visit.ads.decide = stand_in.text
    assert [look(visit) for _ in range(5)] == [["coffee"]] * 5
    assert visit.page.evaluate("localStorage.length") == 0


def test_what_is_kept_is_a_count_and_nothing_about_the_reader(visit: Visit) -> None:
    at(visit, paris("2026-11-02 10:00"))
    look(visit)
    look(visit)
    midnight = paris("2026-11-03 00:00").timestamp() * 1_000
    assert marks(visit) == [["coffee", "day", midnight, 2, 3]]
    assert visit.page.evaluate("[localStorage.length, document.cookie]") == [1, ""]
    assert visit.page.context.cookies() == []


PERIODS = [
    ("hour", "2026-11-02 10:30:10", "2026-11-02 11:30:09", "2026-11-02 11:30:10"),
    ("day", "2026-11-02 08:00:00", "2026-11-02 23:59:59", "2026-11-03 00:00:00"),
    ("day", "2026-10-25 00:30:00", "2026-10-25 23:59:59", "2026-10-26 00:00:00"),
    ("day", "2026-12-31 23:59:00", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
    ("week", "2026-11-02 00:00:00", "2026-11-08 23:59:59", "2026-11-09 00:00:00"),
    ("week", "2026-11-08 23:00:00", "2026-11-08 23:59:59", "2026-11-09 00:00:00"),
    ("month", "2027-01-31 12:00:00", "2027-01-31 23:59:59", "2027-02-01 00:00:00"),
    ("month", "2026-12-01 00:00:00", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
    ("flight", "2026-01-01 12:00:00", "2027-02-05 11:59:59", "2027-02-05 12:00:00"),
]


@pytest.mark.parametrize(("per", "seen", "last", "back"), PERIODS)
def test_an_ad_comes_back_when_its_period_is_over(
    visit: Visit, per: str, seen: str, last: str, back: str
) -> None:
    sells_coffee(visit, impressions=1, per=per)
    at(visit, paris(seen))
    assert look(visit) == ["coffee"]
    at(visit, paris(last))
    assert look(visit) == ["tea"]
    at(visit, paris(back))
    assert look(visit) == ["coffee"]


def test_every_period_is_tried() -> None:
    assert {per for per, *_ in PERIODS} == set(Period)


def test_what_is_over_is_forgotten_though_nothing_new_is_seen(visit: Visit) -> None:
    at(visit, paris("2026-11-02 10:00"))
    look(visit)
    assert marks(visit)
    visit.ads.decide = lambda slot: stand_in.text(slot, "tea")
    at(visit, paris("2026-11-03 10:00"))
    look(visit)
    assert visit.page.evaluate("localStorage.length") == 0


def test_a_day_is_the_readers_own(browser: Browser) -> None:
    with visiting(browser, timezone_id="America/Montreal") as visit:
        sells_coffee(visit, impressions=1)
        at(visit, paris("2026-11-02 23:00"))
        assert look(visit) == ["coffee"]
        at(visit, paris("2026-11-03 01:00"))
        assert look(visit) == ["tea"]
        at(visit, paris("2026-11-03 06:00"))
        assert look(visit) == ["coffee"]


def test_a_clock_that_is_put_right_again_does_not_cap_for_years(visit: Visit) -> None:
    sells_coffee(visit, impressions=1, per="month")
    at(visit, paris("2099-11-02 10:00"))
    assert look(visit) == ["coffee"]
    at(visit, paris("2026-11-02 10:00"))
    assert look(visit) == ["coffee"]


def test_a_cap_that_is_changed_holds_from_the_next_time_it_is_seen(visit: Visit) -> None:
    sells_coffee(visit, impressions=9)
    assert look(visit) + look(visit) == ["coffee"] * 2
    sells_coffee(visit, impressions=3)
    assert look(visit) + look(visit) == ["coffee", "tea"]


def test_a_period_that_is_changed_begins_to_count_anew(visit: Visit) -> None:
    assert look(visit) + look(visit) == ["coffee"] * 2
    sells_coffee(visit, impressions=2, per="week")
    assert look(visit) + look(visit) + look(visit) == ["coffee", "coffee", "tea"]


@contextmanager
def signalling(browser: Browser, signal: str) -> Iterator[Visit]:
    with visiting(browser, timezone_id=PARIS) as visit:
        if signal:
            visit.page.add_init_script(f"Object.defineProperty(navigator, {signal})")
        sells_coffee(visit)
        yield visit


GPC = "'globalPrivacyControl', {value: true}"
DNT = "'doNotTrack', {value: '1'}"


@pytest.mark.parametrize("signal", [GPC, DNT])
def test_under_a_privacy_signal_nothing_is_kept_or_told_and_old_marks_go(
    browser: Browser, signal: str
) -> None:
    with signalling(browser, signal) as visit:
        at(visit, paris("2026-11-02 10:00"))
        seed(visit, [["coffee", "flight", paris("2026-12-02 10:00").timestamp() * 1_000, 3, 3]])
        assert [look(visit) for _ in range(4)] == [["coffee"]] * 4
        assert visit.page.evaluate("localStorage.length") == 0
        assert not [call for call in visit.ads.called("/decisions") if "capped" in call.query]


@pytest.mark.parametrize("signal", ["", GPC.replace("true", "false"), DNT.replace("1", "0")])
def test_without_a_privacy_signal_marks_are_kept_and_told(browser: Browser, signal: str) -> None:
    """The control of the test above."""
    with signalling(browser, signal) as visit:
        at(visit, paris("2026-11-02 10:00"))
        seed(visit, [["coffee", "flight", paris("2026-12-02 10:00").timestamp() * 1_000, 3, 3]])
        assert look(visit) == ["tea"]
        assert [mark[0] for mark in marks(visit)] == ["coffee"]


BROKEN_STORAGE = {
    "switched off": "Object.defineProperty(window, 'localStorage', {get() { throw Error('no') }})",
    "gone": "Object.defineProperty(window, 'localStorage', {value: null})",
    "full": "Storage.prototype.setItem = () => { throw Error('no') }",
    "unreadable": "Storage.prototype.getItem = () => { throw Error('no') }",
    "frozen": "Storage.prototype.removeItem = () => { throw Error('no') }",
}


@pytest.mark.parametrize("how", BROKEN_STORAGE)
def test_storage_that_throws_changes_nothing(visit: Visit, how: str) -> None:
    visit.page.add_init_script(BROKEN_STORAGE[how])
    visit.ads.decide = lambda slot: (
        stand_in.text(slot) | {"frequency": {"impressions": 3, "per": "day"}}
    )
    visit.open(TOP + '<div data-slot="mid"></div>')
    told = visit.until_told(2)
    assert told == [("slot:filled", "mid"), ("slot:filled", "top")]
    visit.until(lambda: sorted(visit.ads.beacons("v")) == ["mid", "top"])
    assert sorted(visit.ads.beacons("i")) == ["mid", "top"]


@pytest.mark.parametrize("how", ["switched off", "gone", "unreadable", "frozen"])
def test_a_tag_that_did_not_expect_it_would_show_no_ad(visit: Visit, how: str) -> None:
    """The control of the test above: storage that throws is felt where nobody catches it."""
    careless = SOURCE.replace("catch (_) {} //", "finally {} //")
    assert careless.count("finally {} //") == 2
    visit.ads.pages["/tag.js"] = Answer(careless.encode(), "text/javascript; charset=utf-8")
    visit.page.add_init_script(BROKEN_STORAGE[how])
    visit.open(TOP)
    assert visit.until_told() == [("slot:error", "top")]


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "not JSON",
        "null",
        "7",
        '{"coffee": 3}',
        "[1, null]",
        "[[]]",
        [["coffee", "constructor", 9e12, 9, 1]],
        [["coffee", "day", None, 9, 1]],
        [["coffee", "day", 1, 9, 1]],
    ],
)
def test_what_is_not_ours_in_storage_is_written_over(visit: Visit, kept: object) -> None:
    seed(visit, kept)
    assert look(visit) == ["coffee"]
    assert [mark[0] for mark in marks(visit)] == ["coffee"]
    assert "capped" not in visit.ads.called("/decisions")[-1].query


def test_marks_are_bounded_and_the_one_seen_longest_ago_goes_first(visit: Visit) -> None:
    now = paris("2026-11-02 10:00")
    at(visit, now)
    end = (now + timedelta(days=99)).timestamp() * 1_000
    names = [f"c{number}" for number in range(MAX_MARKS)]
    seed(visit, [[name, "flight", end, 1, 1] for name in names])
    look(visit)
    assert visit.ads.called("/decisions")[-1].listed("capped") == names
    assert [mark[0] for mark in marks(visit)] == ["coffee", *names[:-1]]


def test_long_names_do_not_make_a_call_too_long(visit: Visit) -> None:
    now = paris("2026-11-02 10:00")
    at(visit, now)
    end = (now + timedelta(days=99)).timestamp() * 1_000
    names = [f"c{number:079}" for number in range(MAX_MARKS)]
    seed(visit, [[name, "flight", end, 1, 1] for name in names])
    look(visit)
    told = visit.ads.called("/decisions")[-1].listed("capped")
    assert told == names[: len(told)]
    assert MAX_CHARACTERS - 81 < len(",".join(told)) <= MAX_CHARACTERS


def test_the_server_reads_as_many_names_as_the_tag_keeps() -> None:
    assert MAX_MARKS == MAX_CAPPED


def test_several_places_of_one_page_do_not_go_beyond_the_cap(visit: Visit) -> None:
    assert look(visit, slots=2) == ["coffee", "coffee"]
    assert look(visit, slots=2) == ["coffee", "tea"]
    assert look(visit, slots=2) == ["tea", "tea"]
    slots = [len(call.listed("slots")) for call in visit.ads.called("/decisions")]
    assert slots == [2, 2, 1, 2]


def test_a_server_that_insists_is_asked_once_more_and_no_oftener(visit: Visit) -> None:
    visit.ads.decide = lambda slot: (
        stand_in.text(slot) | {"frequency": {"impressions": 1, "per": "day"}}
    )
    assert look(visit, slots=3) == ["coffee"] * 3
    assert [len(call.listed("slots")) for call in visit.ads.called("/decisions")] == [3, 2]


def test_an_ad_is_seen_when_it_has_come_and_not_before(visit: Visit) -> None:
    gate = threading.Event()
    visit.ads.pages["/assets/ad.png"] = Answer(stand_in.png(300, 250), "image/png", gate=gate)
    sells_coffee(visit, show=stand_in.image)
    visit.open(TOP)
    visit.until(lambda: bool(visit.ads.called("/assets/")))
    visit.settled()
    assert marks(visit) is None
    gate.set()
    visit.until_told()
    assert [mark[3] for mark in marks(visit)] == [1]


def test_an_ad_that_does_not_come_is_not_seen(visit: Visit) -> None:
    sells_coffee(visit, show=lambda slot: stand_in.image(slot, "/assets/gone.png"))
    visit.open(TOP)
    assert visit.until_told() == [("slot:error", "top")]
    assert marks(visit) is None


def test_a_refresh_is_another_time(visit: Visit) -> None:
    look(visit)
    for told in (2, 3, 4):
        visit.refresh()
        visit.until_told(told)
    assert visit.campaigns() == ["tea"]
    assert [mark[3] for mark in marks(visit)] == [3]


def test_the_whole_way_from_the_campaigns_file_to_the_reader(
    browser: Browser, tmp_path: Path
) -> None:
    """Our own server and its tag: a cap of two a day, on two days."""
    cap = {"frequency": {"impressions": 2, "per": "day"}}
    sold = {"coffee": campaign("top", tier="standard", **cap), "tea": campaign("top")}
    config = write_blog(tmp_path / "config", ["top"], sold)
    with (
        adserver_running(config, tmp_path) as server,
        visiting(browser, timezone_id=PARIS) as visit,
    ):
        visit.ads.base = visit.ads.origin = server.public
        shown = []
        for day in ("2026-11-02", "2026-11-03"):
            at(visit, paris(f"{day} 10:00"))
            for _ in range(4):
                view(visit)
                shown += visit.campaigns()
        assert shown == ["coffee", "coffee", "tea", "tea"] * 2
