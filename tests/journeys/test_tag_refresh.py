"""What `refresh` of the browser tag decides again, and what it leaves, in a real browser."""

from __future__ import annotations

import threading

from tests import stand_in
from tests.stand_in import Answer
from tests.visit import TOP, Visit


def test_refresh_decides_the_named_slots_again(visit: Visit) -> None:
    visit.ads.decide = lambda slot: stand_in.text(slot, campaign=f"{slot}-1")
    visit.open(TOP + '<div data-slot="end"></div>')
    visit.until_told(2)
    visit.ads.decide = lambda slot: stand_in.text(slot, campaign=f"{slot}-2")
    visit.refresh("['end']")
    visit.until_told(3)
    assert visit.campaigns() == ["top-1", "end-2"]
    call = visit.ads.called("/decisions")[-1]
    assert call.listed("slots") == ["end"]
    assert call.listed("exclude") == ["top-1"]
    visit.until(lambda: sorted(visit.ads.beacons("i")) == ["end", "end", "top"])


def test_refresh_of_all_finds_slots_that_came_later(visit: Visit) -> None:
    visit.ads.decide = stand_in.text
    visit.open(TOP)
    visit.until_told()
    visit.page.evaluate(
        "document.body.append(Object.assign(document.createElement('div'), {id: 'late'}));"
        "late.dataset.slot = 'late'"
    )
    visit.refresh()
    visit.until_told(3)
    assert visit.ads.called("/decisions")[-1].listed("slots") == ["top", "late"]
    assert visit.campaigns() == ["coffee", "coffee"]


def test_refresh_keeps_the_old_ad_until_the_new_decision_is_there(visit: Visit) -> None:
    visit.ads.decide = stand_in.text
    visit.open(TOP)
    visit.until_told()
    visit.ads.gate = threading.Event()
    visit.page.evaluate("void adserver.refresh()")
    visit.until(lambda: len(visit.ads.called("/decisions")) == 2)
    assert visit.campaigns() == ["coffee"]
    visit.ads.decide = stand_in.empty
    visit.ads.gate.set()
    visit.until_told(2)


def test_refresh_to_an_empty_slot_restores_the_placeholder(visit: Visit) -> None:
    visit.open('<div data-slot="top" class="mine"><p>Ours</p></div>')
    before = '<div data-slot="top" class="mine"><p>Ours</p></div>'
    visit.until_told()
    visit.ads.decide = stand_in.empty
    visit.refresh()
    assert visit.until_told(2) == [("slot:empty", "top"), ("slot:filled", "top")]
    assert visit.page.evaluate("document.querySelector('[data-slot]').outerHTML") == before


def test_refresh_that_fails_keeps_the_ad(visit: Visit) -> None:
    visit.open(TOP)
    visit.until_told()
    visit.ads.pages["/decisions"] = Answer(b"", status=500)
    visit.refresh("'top'")
    visit.until_told(2)
    assert visit.campaigns() == ["coffee"]


def test_an_image_that_comes_after_a_refresh_counts_nothing(visit: Visit) -> None:
    gate = threading.Event()
    slow = Answer(stand_in.png(300, 250), "image/png", gate=gate)
    visit.ads.pages["/assets/ad.png"] = slow
    visit.open(TOP)
    visit.until(lambda: visit.campaigns() == ["coffee"])
    visit.ads.decide = lambda slot: stand_in.text(slot, "tea") | {"impression_url": "/i/tea"}
    visit.refresh()
    visit.until(lambda: visit.ads.beacons("i") == ["tea"])
    gate.set()
    visit.settled()
    assert visit.ads.beacons("i") == ["tea"]
    assert visit.until_told() == [("slot:filled", "top")]


def test_data_changed_before_a_refresh_is_sent(visit: Visit) -> None:
    visit.open(TOP, 'id="tag" data-consent=""')
    visit.until_told()
    visit.page.evaluate("document.getElementById('tag').dataset.consent = '1'")
    visit.refresh()
    visit.until_told(2)
    first, second = visit.ads.called("/decisions")
    assert ("consent" in first.query, second.query["consent"]) == (False, ["1"])
