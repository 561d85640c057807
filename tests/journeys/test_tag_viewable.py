"""When the browser tag takes an ad for viewable, in a real browser."""

from __future__ import annotations

import pytest

from tests import stand_in
from tests.visit import TOP, Visit


@pytest.mark.parametrize(
    ("size", "hidden_share", "counts"),
    [
        ("300px", 0.45, True),
        ("300px", 0.60, False),
        ("900px", 0.60, True),  # 270,000 px²: 30 % is enough
        ("900px", 0.75, False),
    ],
)
def test_viewable_is_half_of_an_ad_or_a_third_of_a_large_one_for_a_second(
    visit: Visit, size: str, hidden_share: float, counts: bool
) -> None:
    visit.ads.decide = stand_in.text
    visit.page.clock.install()
    css = (
        f"body {{ margin: 0 }} [data-slot] {{ width: {size}; height: 300px; overflow: hidden;"
        f" margin-top: {-300 * hidden_share}px }}"
    )
    visit.open(TOP, css=css)
    visit.until(lambda: visit.ads.beacons("i") == ["top"])
    visit.settled()
    visit.page.clock.run_for(1_500)
    visit.settled()
    if counts:
        visit.until(lambda: bool(visit.ads.beacons("v")))
    assert visit.ads.beacons("v") == (["top"] if counts else [])


@pytest.fixture
def far(visit: Visit) -> Visit:
    """A filled slot that is out of view until the page is `near`, and a clock that stands."""
    visit.ads.decide = stand_in.text
    visit.page.clock.install()
    visit.open(TOP, css=".near [data-slot] { margin-top: 0 } [data-slot] { margin-top: 3000px }")
    visit.until(lambda: visit.ads.beacons("i") == ["top"])
    visit.page.clock.pause_at(visit.page.evaluate("Date.now()") / 1000 + 1)
    return visit


def bring(visit: Visit, near: bool) -> None:
    visit.page.evaluate(
        "(near) => frame(document.documentElement.classList.toggle('near', near))", near
    )


def hide(visit: Visit, hidden: bool) -> None:
    visit.page.evaluate(
        "(value) => { Object.defineProperty(document, 'hidden', {value, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        hidden,
    )


def test_the_second_in_view_is_one_second_without_a_break(far: Visit) -> None:
    bring(far, near=True)
    far.page.clock.run_for(900)
    bring(far, near=False)
    far.page.clock.run_for(500)
    bring(far, near=True)
    far.page.clock.run_for(999)
    far.settled()
    assert far.ads.beacons("v") == []
    far.page.clock.run_for(1)
    far.until(lambda: far.ads.beacons("v") == ["top"])


def test_a_page_that_is_not_looked_at_is_not_viewable(far: Visit) -> None:
    bring(far, near=True)
    far.page.clock.run_for(900)
    hide(far, hidden=True)
    far.page.clock.run_for(5_000)
    hide(far, hidden=False)
    far.page.clock.run_for(999)
    far.settled()
    assert far.ads.beacons("v") == []
    far.page.clock.run_for(1)
    far.until(lambda: far.ads.beacons("v") == ["top"])
