"""The demonstration in a real browser: what readers see, what it costs them, what is counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Frame, Locator, Page, Route, expect

from tests.journeys.axe import complaints
from tests.journeys.demo_page import BOOKED, DEVICES, FRAGMENT, HOME, TAG, Ad, DemoPage, reading
from tests.journeys.figures import report, total
from tests.servers import Running, adserver_running, until

CONFIG = Path(__file__).parents[2] / "config"
ON_DEVICES = pytest.mark.parametrize("device", list(DEVICES))
LABEL_PIXELS = 24
EMPTY_HEIGHT = {"desktop": 90 + LABEL_PIXELS, "mobile": 100 + LABEL_PIXELS}
DELAY_MILLISECONDS = 3_000
# An HTML ad comes up in a quarter of the visits; in 60 of them all but for 1 in 10⁷.
VISITS = 60
LANDING = re.compile(r"https://[^/]+\.example/")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with adserver_running(CONFIG, tmp_path_factory.mktemp("demo"), command="demo") as ads:
        yield ads


@dataclass(frozen=True)
class Visited:
    """What one visit has shown, and what the node has counted of it. barriers: axe's."""

    ads: list[Ad]
    policy: str
    shifts: list[float]
    refused: list[str]
    complaints: list[str]
    barriers: list[str]
    beacons: list[str]
    counted: int


VISITED = [(path, device) for path in BOOKED for device in DEVICES]


@pytest.fixture(scope="module", params=VISITED, ids=lambda where: f"{where[0]}-{where[1]}")
def visited(browser: Browser, demo: Running, axe: str, request: pytest.FixtureRequest) -> Visited:
    """Each page on each device, read once, to its end."""
    path, device = request.param
    before = total(demo, "impressions_total")
    with reading(browser, demo, device, axe) as reader:
        with reader.page.expect_response(demo.public + path) as answer:
            ads = reader.open(path)
        for ad in ads:
            if ad.kind == "html":
                expect(frame_of(reader.page, ad).get_by_role("link")).to_be_visible()
        reader.read_to_the_end()
        until(lambda: total(demo, "impressions_total") >= before + len(ads))
        return Visited(
            ads=ads,
            policy=answer.value.headers["content-security-policy"],
            shifts=reader.shifts(),
            refused=reader.refused(),
            complaints=list(reader.complaints),
            barriers=complaints(reader.page),
            beacons=reader.beacons,
            counted=total(demo, "impressions_total") - before,
        )


def test_every_booked_slot_shows_an_ad_that_can_be_seen(visited: Visited) -> None:
    for ad in visited.ads:
        assert ad.visible, ad
        assert ad.width > 100, ad
        assert ad.height > 20, ad
        assert ad.kind != "image" or ad.pixels >= ad.width, ad
        assert ad.kind != "text" or ad.words, ad
        assert ad.creative in [one["id"] for one in booking(ad)["creatives"]]


def test_nothing_moves_while_a_page_comes_and_is_read_to_its_end(visited: Visited) -> None:
    assert visited.shifts == []


def test_each_ad_that_is_shown_is_counted_once(visited: Visited) -> None:
    assert visited.counted == len(visited.ads)
    assert len(visited.beacons) == len(set(visited.beacons)) == len(visited.ads)


def test_the_strictest_policy_has_nothing_to_refuse_and_the_console_nothing_to_say(
    visited: Visited,
) -> None:
    assert visited.policy == "default-src 'self'"
    assert visited.refused == []
    assert visited.complaints == []


def test_nobody_is_kept_out(visited: Visited) -> None:
    assert visited.barriers == []


def test_the_slots_of_a_page_have_names_that_tell_them_apart(visited: Visited) -> None:
    names = [ad.name for ad in visited.ads]
    assert all(names)
    assert len(names) == len(set(names))


def booking(ad: Ad) -> dict[str, Any]:
    """The campaign file of what is shown."""
    campaign: dict[str, Any] = yaml.safe_load(
        (CONFIG / "campaigns" / f"{ad.campaign}.yaml").read_text("utf-8")
    )
    return campaign


def frame_of(page: Page, ad: Ad) -> Frame:
    handle = page.locator(f"[data-slot={ad.slot}] iframe").element_handle()
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame


@ON_DEVICES
def test_nothing_moves_when_the_decisions_come_three_seconds_late(
    browser: Browser, demo: Running, device: str
) -> None:
    with reading(browser, demo, device) as reader:
        open_with_late_decisions(reader, DELAY_MILLISECONDS)
        reader.read_to_the_end()
        assert reader.shifts() == []


def test_without_the_reserved_space_the_same_page_moves(browser: Browser, demo: Running) -> None:
    """The control of the tests of what moves: they do see a page that does."""
    with reading(browser, demo) as reader:
        reader.page.route("**/slots.css", lambda route: route.fulfill(content_type="text/css"))
        open_with_late_decisions(reader, 500)
        until(reader.shifts)


def open_with_late_decisions(reader: DemoPage, milliseconds: int) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    reader.page.route("**/decisions?*", hold)
    with reader.page.expect_request("**/decisions?*"):
        reader.page.goto(reader.ads.public + TAG)
    reader.page.wait_for_function(f"() => performance.now() > {milliseconds}")
    assert reader.page.locator("[data-campaign]").count() == 0
    (route,) = held
    route.continue_()
    assert len(reader.see(TAG)) == len(BOOKED[TAG])


@ON_DEVICES
def test_a_place_that_nobody_has_booked_keeps_its_room_and_says_nothing(
    browser: Browser, demo: Running, device: str
) -> None:
    with reading(browser, demo, device) as reader:
        reader.open(HOME)
        place = reader.page.locator("[data-slot=home-bottom]")
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box is not None
        assert box["height"] == EMPTY_HEIGHT[device]
        assert place.evaluate("(place) => place.childNodes.length") == 0
        assert place.get_attribute("aria-hidden") == "true"
        assert place.get_attribute("data-campaign") is None


def test_the_report_says_what_the_metrics_say(browser: Browser, demo: Running) -> None:
    with reading(browser, demo) as reader:
        shown = len(reader.open(FRAGMENT))
        until(lambda: len(reader.beacons) == shown)
    served = total(demo, "decisions_total") - total(demo, "decisions_total", outcome="empty")
    until(lambda: report(demo)["total"]["served"] == served)
    made = report(demo)
    assert made["total"]["impressions"] == total(demo, "impressions_total") >= shown
    assert made["total"]["gross"] == made["total"]["impressions"]
    assert made["discarded"] == {"impression": {}, "click": {}}
    assert total(demo, "events_discarded_total") == 0


@pytest.mark.parametrize("path", [HOME, FRAGMENT])
def test_without_javascript_the_ads_are_there_and_count(
    browser: Browser, demo: Running, path: str
) -> None:
    before = total(demo, "impressions_total")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(demo.public + path)
        for name in BOOKED[path]:
            ad = page.locator(f"[data-slot={name}][data-campaign] .adserver-ad")
            ad.scroll_into_view_if_needed()
            expect(ad).to_be_in_viewport()
        until(lambda: total(demo, "impressions_total") == before + len(BOOKED[path]))
    assert total(demo, "impressions_total") == before + len(BOOKED[path])


@pytest.mark.parametrize(("path", "slot"), [(HOME, "home-top"), (TAG, "post-top")])
def test_a_click_lands_on_the_campaigns_link_and_is_counted_once(
    browser: Browser, demo: Running, path: str, slot: str
) -> None:
    with reading(browser, demo) as reader:
        ad = next(ad for ad in reader.open(path) if ad.slot == slot)
        check_click(reader, ad)


def check_click(reader: DemoPage, ad: Ad) -> None:
    def clicks() -> int:
        return total(reader.ads, "clicks_total", slot=ad.slot, campaign=ad.campaign)

    before, landed = clicks(), landings(reader)
    place = reader.page.locator(f"[data-slot={ad.slot}]")
    inside = frame_of(reader.page, ad) if ad.kind == "html" else place
    link = inside.get_by_role("link")
    point_at(link)
    with reader.page.expect_popup() as popup:
        link.click()
    popup.value.wait_for_url(LANDING)
    assert landed == [popup.value.url]
    assert popup.value.evaluate("opener") is None
    check_link(ad, popup.value.url)
    assert clicks() == before + 1


def point_at(link: Locator) -> None:
    """Until the browser agrees: for a moment after scrolling, it still hands what the mouse does
    to the HTML ad that was at that point before, as its frame is another process."""

    def pointed() -> bool:
        link.hover()
        return bool(link.evaluate("(link) => link.matches(':hover')"))

    until(pointed)


def landings(reader: DemoPage) -> list[str]:
    """The advertisers' addresses that the reader is sent to; nothing leaves the machine."""
    landed: list[str] = []

    def land(route: Route) -> None:
        landed.append(route.request.url)
        route.fulfill(body="<!doctype html><title>Shop</title>", content_type="text/html")

    reader.page.context.route(LANDING, land)
    return landed


def check_link(ad: Ad, url: str) -> None:
    campaign = booking(ad)
    creative = next(one for one in campaign["creatives"] if one["id"] == ad.creative)
    link = creative.get("link", campaign["link"])
    if campaign.get("utm"):
        assert url.startswith(f"{link}?"), url
        assert f"utm_campaign={ad.campaign}" in url
        assert f"utm_content={ad.creative}" in url
    else:
        assert url == link


@dataclass(frozen=True)
class Closed:
    """A page that shows an HTML ad, the frame in which the ad runs, and where readers are sent."""

    reader: DemoPage
    ad: Ad
    frame: Frame
    landed: list[str]


@pytest.fixture(scope="module")
def closed(browser: Browser, demo: Running) -> Iterator[Closed]:
    with reading(browser, demo) as reader:
        for _ in range(VISITS):
            (ad,) = reader.open(HOME)
            if ad.kind == "html":
                yield Closed(reader, ad, frame_of(reader.page, ad), landings(reader))
                return
    pytest.fail(f"no HTML ad in {VISITS} visits")


@pytest.mark.parametrize(
    "reach",
    [
        "document.cookie",
        "document.cookie = 'id=1'",
        "localStorage",
        "sessionStorage",
        "indexedDB.open('ids')",
        "frameElement.remove()",
        "parent.document",
        "parent.location.href",
        "top.location = 'https://elsewhere.example/'",
        "top.location.replace('https://elsewhere.example/')",
    ],
)
def test_an_html_ad_cannot_reach_out_of_its_frame(closed: Closed, reach: str) -> None:
    assert closed.frame.evaluate("self.origin") == "null"
    assert closed.frame.evaluate("document.body.childElementCount") > 0
    address = closed.reader.page.url
    tried = f"() => {{ try {{ {reach}; return 'reached' }} catch ({{name}}) {{ return name }} }}"
    assert closed.frame.evaluate(tried) in {"SecurityError", "TypeError"}
    closed.reader.page.evaluate("fetch(location)")  # what a navigation would have overtaken
    assert closed.reader.page.url == address
    assert closed.landed == []
    assert closed.reader.see(HOME) == [closed.ad]


def test_an_html_ad_is_clicked_out_of_its_frame(browser: Browser, demo: Running) -> None:
    with reading(browser, demo) as reader:
        for _ in range(VISITS):
            (ad,) = reader.open(HOME)
            if ad.kind == "html":
                check_click(reader, ad)
                return
    pytest.fail(f"no HTML ad in {VISITS} visits")
