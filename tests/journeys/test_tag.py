"""The browser tag in a real browser, under a strict CSP, against servers that a test controls."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Browser

from tests import stand_in
from tests.stand_in import TAG, Answer
from tests.visit import PAGE, TOP, Visit, visiting

pytestmark = pytest.mark.usefixtures("unmeasured")

MAX_GZIP_BYTES = 4_096


def test_all_slots_are_filled_in_one_call_with_the_page_and_its_context(visit: Visit) -> None:
    visit.ads.decide = lambda slot: {"top": stand_in.image, "mid": stand_in.text}.get(
        slot, stand_in.html
    )(slot)
    body = TOP + '<div data-slot="mid"></div><div data-slot="end"></div>'
    visit.open(body, 'data-section="tech" data-tags="a,b" data-lang="fr" data-consent="1"')
    told = visit.until_told(3)
    assert told == [("slot:filled", "end"), ("slot:filled", "mid"), ("slot:filled", "top")]
    (call,) = visit.ads.called("/decisions")
    assert call.method == "GET"
    assert call.listed("slots") == ["top", "mid", "end"]
    assert call.query["url"] == [visit.blog.origin + PAGE]
    assert call.query["section"] == ["tech"]
    assert call.listed("tags") == ["a", "b"]
    assert call.query["lang"] == ["fr"]
    assert call.query["consent"] == ["1"]
    assert "exclude" not in call.query


def test_the_server_is_told_no_more_than_it_needs(visit: Visit) -> None:
    visit.page.context.add_cookies([{"name": "id", "value": "1", "url": visit.ads.origin}])
    visit.open(TOP, 'data-lang=""')
    visit.until_told()
    visit.until(lambda: len(visit.ads.beacons("i")) == 1)
    calls = visit.ads.called("/decisions") + visit.ads.called("/i/")
    assert [call.headers.get("referer") for call in calls] == [visit.blog.origin + "/"] * 2
    assert not [call for call in calls if "cookie" in call.headers]
    assert "lang" not in calls[0].query


def test_the_placeholder_stays_and_takes_what_the_wrapper_has(visit: Visit) -> None:
    visit.open(TOP)
    visit.page.evaluate("window.mine = document.querySelector('[data-slot]')")
    visit.until_told()
    assert visit.page.evaluate("mine.isConnected && mine.localName") == "div"
    attributes = visit.page.evaluate(
        "Object.fromEntries([...mine.attributes].map(({name, value}) => [name, value]))"
    )
    assert attributes == {
        "data-slot": "top",
        "data-campaign": "coffee",
        "data-creative": "c1",
        "class": "mine adserver",
        "role": "complementary",
        "aria-label": "Advertisement: top",
    }
    assert visit.page.evaluate("[...mine.children].map(({localName}) => localName)") == [
        "details",
        "a",
    ]


@pytest.mark.parametrize("prefix", ["", "/house/ads"])
def test_addresses_resolve_against_the_tag_not_the_page(browser: Browser, prefix: str) -> None:
    with visiting(browser, prefix) as visit:
        visit.open(TOP)
        visit.until(lambda: visit.ads.beacons("i") == ["top"])
        addresses = visit.page.eval_on_selector_all(
            "a, source, img",
            "(nodes) => nodes.flatMap(({href, src, srcset}) => [href, src, srcset])",
        )
    picture = f"{visit.ads.base}/assets/ad.png"
    assert [*filter(None, addresses)] == [
        f"{visit.ads.base}/c/top",
        f"{picture}, {picture} 2x",
        picture,
    ]
    assert {call.path for call in visit.blog.calls} <= {PAGE, "/slots.css", "/favicon.ico"}


def test_an_address_with_the_servers_own_prefix_is_not_prefixed_twice(visit: Visit) -> None:
    visit.ads.prefix = "/ads"
    visit.ads.base = visit.ads.origin + "/ads"
    for path in ("/tag.js", "/decisions"):
        visit.ads.pages["/ads" + path] = visit.ads.pages[path]
    visit.ads.decide = lambda slot: stand_in.text(slot) | {"impression_url": "/ads/i/whole"}
    visit.open(TOP)
    visit.until(lambda: visit.ads.beacons("i") == ["whole"])


def test_impression_and_viewable_are_sent_once_each(visit: Visit) -> None:
    visit.open(TOP)
    visit.until(lambda: visit.ads.beacons("v") == ["top"])
    for _ in range(2):  # out of view and back
        visit.page.evaluate("document.body.style.paddingTop = '3000px'")
        visit.page.evaluate("document.body.style.paddingTop = ''")
        visit.settled()
    assert visit.ads.beacons("i") == visit.ads.beacons("v") == ["top"]
    assert {call.method for call in visit.ads.called("/i/") + visit.ads.called("/v/")} == {"POST"}


def test_no_impression_before_the_image_has_come(visit: Visit) -> None:
    gate = threading.Event()
    picture = Answer(stand_in.png(300, 250), "image/png", gate=gate)
    visit.ads.pages["/assets/ad.png"] = picture
    visit.open(TOP)
    visit.until(lambda: visit.campaigns() == ["coffee"])
    visit.until(lambda: bool(visit.ads.called("/assets/")))
    visit.settled()
    assert visit.ads.beacons("i") == []
    assert visit.events() == []
    gate.set()
    visit.until(lambda: visit.ads.beacons("i") == ["top"])


def test_no_impression_before_the_iframe_has_come(visit: Visit) -> None:
    gate = threading.Event()
    visit.ads.pages["/h/rich"] = Answer(b"<!doctype html><p>Rich", gate=gate)
    visit.ads.decide = stand_in.html
    visit.open(TOP)
    visit.until(lambda: bool(visit.ads.called("/h/")))
    visit.settled()
    assert visit.ads.beacons("i") == []
    gate.set()
    visit.until(lambda: visit.ads.beacons("i") == ["top"])


def test_a_broken_image_is_an_error_and_no_impression(visit: Visit) -> None:
    visit.ads.decide = partial(stand_in.image, address="/assets/gone.png")
    visit.open('<div data-slot="top"><p>Ours</p></div>')
    assert visit.until_told() == [("slot:error", "top")]
    assert visit.events()[0][2]["campaign"] == "coffee"
    visit.settled()
    assert visit.ads.beacons("i") == []
    assert visit.page.inner_html("[data-slot]") == "<p>Ours</p>"
    assert visit.campaigns() == [None]
    assert visit.heights() == [250]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"", status=500),
        Answer(b'{"error": "too many", "hint": "32"}', "application/json", 400),
        Answer(b"<html>", "application/json"),
        Answer(b"{}", "application/json"),
        Answer(b'{"decisions": []}', "application/json"),
        Answer(b'{"decisions": [{"slot": "top", "filled": true}]}', "application/json"),
    ],
)
def test_a_failure_leaves_the_reserved_space_alone(visit: Visit, answer: Answer) -> None:
    visit.ads.pages["/decisions"] = answer
    visit.open(TOP)
    assert visit.until_told() == [("slot:error", "top")]
    assert visit.page.evaluate("document.querySelector('[data-slot]').outerHTML") == TOP
    assert visit.heights() == [250]
    assert visit.page.evaluate("shift") == 0


def test_a_server_that_is_away_leaves_the_reserved_space_alone(visit: Visit) -> None:
    visit.page.route("**/decisions*", lambda route: route.abort())
    visit.open(TOP)
    assert visit.until_told() == [("slot:error", "top")]
    assert visit.heights() == [250]


def test_a_server_that_does_not_answer_in_five_seconds_is_given_up(visit: Visit) -> None:
    visit.ads.gate = threading.Event()
    visit.page.clock.install()
    visit.open(TOP)
    visit.until(lambda: bool(visit.ads.called("/decisions")))
    visit.page.clock.run_for(4_000)
    assert visit.events() == []
    visit.page.clock.run_for(1_500)
    assert visit.until_told() == [("slot:error", "top")]
    visit.ads.gate.set()
    visit.settled()
    assert visit.campaigns() == [None]


@pytest.mark.parametrize("decide", [stand_in.image, stand_in.html, stand_in.empty])
def test_a_late_answer_moves_nothing(
    visit: Visit, decide: Callable[[str], stand_in.Decision]
) -> None:
    visit.ads.gate = threading.Event()
    visit.ads.decide = decide
    visit.open(TOP)
    visit.until(lambda: bool(visit.ads.called("/decisions")))
    visit.settled()
    visit.ads.gate.set()
    visit.until_told()
    visit.settled()
    assert visit.page.evaluate("shift") == 0


def test_without_reserved_space_the_page_would_move(visit: Visit) -> None:
    """The control of the test above: the measurement can fail."""
    visit.ads.gate = threading.Event()
    visit.open(TOP, css="")
    visit.until(lambda: bool(visit.ads.called("/decisions")))
    visit.settled()
    visit.ads.gate.set()
    visit.until_told()
    visit.until(lambda: visit.page.evaluate("shift") > 0)


def test_an_empty_slot_is_told_and_keeps_its_space(visit: Visit) -> None:
    visit.ads.decide = stand_in.empty
    visit.open(TOP)
    assert visit.until_told() == [("slot:empty", "top")]
    assert visit.events()[0][2]["reason"] == "no_campaign"
    assert visit.page.evaluate("document.querySelector('[data-slot]').outerHTML") == TOP


def test_an_empty_slot_collapses_only_below_the_viewport(visit: Visit) -> None:
    visit.ads.decide = partial(stand_in.empty, on_empty="collapse")
    tall = "".join("<p>Text</p>" for _ in range(40))
    visit.open(f'{TOP}{tall}<div data-slot="end"></div>')
    visit.until_told(2)
    assert visit.heights() == [250, 0]
    assert visit.page.evaluate("shift") == 0


def test_forty_slots_take_two_calls_and_the_second_knows_the_first(visit: Visit) -> None:
    visit.ads.decide = lambda slot: stand_in.text(slot, campaign=f"of-{slot}")
    visit.open("".join(f'<div data-slot="s{number}"></div>' for number in range(40)))
    visit.until_told(40)
    first, second = visit.ads.called("/decisions")
    assert first.listed("slots") == [f"s{number}" for number in range(32)]
    assert second.listed("slots") == [f"s{number}" for number in range(32, 40)]
    assert second.listed("exclude") == [f"of-s{number}" for number in range(32)]


def test_an_empty_wrapper_of_the_server_is_filled_and_no_longer_hidden(visit: Visit) -> None:
    visit.ads.decide = stand_in.text
    empty = '<aside class="adserver" data-slot="top" aria-hidden="true"></aside>'
    visit.open(empty)
    visit.until_told()
    slot = visit.page.locator("[data-slot]")
    assert (slot.get_attribute("aria-hidden"), slot.get_attribute("class")) == (None, "adserver")
    visit.ads.decide = stand_in.empty
    visit.refresh()
    visit.until_told(2)
    assert visit.page.evaluate("document.querySelector('[data-slot]').outerHTML") == empty


def test_pixels_of_third_parties_load_with_the_impression_and_tell_nothing(visit: Visit) -> None:
    pixel = f"{visit.ads.origin}/pixel"
    visit.ads.decide = lambda slot: stand_in.text(slot) | {"pixels": [pixel]}
    visit.open(TOP)
    visit.until(lambda: len(visit.ads.called("/pixel")) == 1)
    assert "referer" not in visit.ads.called("/pixel")[0].headers


def test_ads_that_are_in_the_page_already_stay_and_are_excluded(visit: Visit) -> None:
    served = '<aside data-slot="top" data-campaign="tea" data-creative="t">Tea</aside>'
    visit.open(served + '<div data-slot="mid"></div>')
    visit.until_told()
    (call,) = visit.ads.called("/decisions")
    assert call.listed("slots") == ["mid"]
    assert call.listed("exclude") == ["tea"]
    assert visit.page.inner_text("[data-slot=top]") == "Tea"


def test_a_page_without_an_unfilled_slot_makes_no_call(visit: Visit) -> None:
    visit.open('<aside data-slot="top" data-campaign="tea">Tea</aside>')
    visit.until(lambda: bool(visit.page.evaluate("'adserver' in window")))
    visit.settled()
    assert visit.ads.called("/decisions") == []


def test_the_same_slot_twice_is_filled_twice(visit: Visit) -> None:
    visit.ads.decide = stand_in.text
    visit.open(TOP + TOP)
    assert visit.until_told(2) == [("slot:filled", "top")] * 2
    assert visit.campaigns() == ["coffee", "coffee"]


def test_a_second_tag_does_not_fill_twice(visit: Visit) -> None:
    tag = f'<script src="{visit.ads.base}/tag.js"></script>'
    visit.open(TOP + tag + tag)
    visit.until_told()
    visit.until(lambda: visit.ads.beacons("i"))
    visit.settled()
    assert len(visit.ads.called("/decisions")) == 1
    assert visit.ads.beacons("i") == ["top"]


def test_the_tag_works_at_the_end_of_the_page(visit: Visit) -> None:
    visit.serve(f'</head><body>{TOP}<script src="{visit.ads.base}/tag.js"></script>')
    visit.page.goto(visit.blog.origin + PAGE)
    assert visit.until_told() == [("slot:filled", "top")]


def test_a_page_that_is_prerendered_decides_when_it_is_shown(visit: Visit) -> None:
    visit.page.add_init_script(
        "Object.defineProperty(document, 'prerendering', {value: true, configurable: true})"
    )
    visit.open(TOP)
    visit.until(lambda: bool(visit.page.evaluate("'adserver' in window")))
    visit.settled()
    assert visit.ads.called("/decisions") == []
    visit.page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    assert visit.until_told() == [("slot:filled", "top")]


def test_the_tag_is_small() -> None:
    assert len(gzip.compress(TAG.read_bytes(), 6)) < MAX_GZIP_BYTES


def test_the_tag_evaluates_and_writes_nothing_and_keeps_only_marks() -> None:
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", TAG.read_text("utf-8"), flags=re.DOTALL)
    forbidden = r"\beval\b|Function\(|document\.write|cookie|\bsession|\.style\b|insertAdjacentHTML"
    assert re.findall(forbidden, source) == []
    assert set(re.findall(r"localStorage\.?\w*\(?\w*", source)) == {
        f"localStorage.{verb}Item(MARKS" for verb in ("get", "set", "remove")
    }
    assert re.findall(r"(\S+)\.(?:inner|outer)HTML = (\S+);", source) == [("template", "html")]
