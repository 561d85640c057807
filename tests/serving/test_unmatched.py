"""Clicks and viewables without an impression so far: what a worker says of them, and passes on."""

from __future__ import annotations

import pytest

from adserver.core.events import Kind
from adserver.core.invalid import Mode, Rule
from adserver.core.reasons import Discard
from adserver.core.record import read_events
from adserver.serving.invalid import Invalid
from tests.serving.test_app import Worker, worker
from tests.serving.test_rates import Node

__all__ = ["worker"]
LABEL = ("click", "post-top", "unmatched")
# A disk that takes longer than a click is held makes it `pending`.
COUNTS = {(302, "accepted"), (302, "pending")}


def set_to(worker: Worker, mode: Mode) -> None:
    worker.state.invalid = Invalid({Rule.UNMATCHED: mode})
    worker.memory.counts.unmatched = mode


async def test_of_a_click_that_the_store_may_discard_nothing_is_promised(worker: Worker) -> None:
    set_to(worker, Mode.DISCARD)
    path = f"/c/{worker.ticket()}"
    assert await worker.event(path) == (302, "pending")
    await worker.memory.finish()
    assert worker.count("events_discarded_total") == {LABEL: 1}
    assert worker.count("clicks_total") == {}


async def test_a_click_whose_impression_the_node_knows_counts_whatever_reaches_the_store_first(
    worker: Worker,
) -> None:
    set_to(worker, Mode.DISCARD)
    assert await worker.event(f"/i/{worker.ticket()}") == (200, "accepted")
    assert await worker.event(f"/c/{worker.ticket()}") in COUNTS
    await worker.memory.finish()
    shipped = [event for one in worker.memory.counts.shipments for event in read_events(one.events)]
    assert [(event.kind, event.matched) for event in shipped] == [
        (Kind.IMPRESSION, False),
        (Kind.CLICK, True),
    ]
    assert worker.count("clicks_total") == {("post-top", "brulerie"): 1}


async def test_a_dry_run_counts_it_and_says_so(worker: Worker) -> None:
    set_to(worker, Mode.DRY_RUN)
    assert await worker.event(f"/c/{worker.ticket()}") in COUNTS
    await worker.memory.finish()
    assert worker.count("clicks_total") == {("post-top", "brulerie"): 1}
    assert worker.count("events_would_discard_total") == {LABEL: 1}


async def test_by_default_it_counts_and_is_shown_apart(worker: Worker) -> None:
    assert await worker.event(f"/c/{worker.ticket()}") in COUNTS
    await worker.memory.finish()
    assert [row[0] for _, row in worker.memory.counts.rows] == ["c", "u"]


async def test_a_viewable_is_accepted_and_counts_when_its_impression_does(worker: Worker) -> None:
    assert await worker.event(f"/v/{worker.ticket()}") == (200, "accepted")
    assert await worker.event(f"/i/{worker.ticket()}") == (200, "accepted")
    await worker.memory.finish()
    assert worker.count("viewable_impressions_total") == {("post-top", "brulerie"): 1}
    assert [row[0] for _, row in worker.memory.counts.rows] == ["w", "i", "v"]


async def test_of_an_address_whose_impressions_are_cut_no_viewable_counts(worker: Worker) -> None:
    """Each kind of event has a limit of its own, and viewables are far from theirs."""
    rates = Node(worker.memory.folder, limits={"impression.address.minute": 3}).workers[0]
    rules = {Rule.RATE_LIMITED: Mode.DISCARD}
    worker.state.invalid = Invalid(rules, {Rule.RATE_LIMITED: rates.too_many_events})
    for serial in range(10):
        cut = "accepted" if serial < 3 else f"discarded; reason={Discard.RATE_LIMITED}"
        assert await worker.event(f"/i/{worker.ticket(serial)}") == (200, cut)
        assert await worker.event(f"/v/{worker.ticket(serial)}") == (200, "accepted")
    await worker.memory.finish()
    counted = {row[0]: many for (_, row), many in worker.memory.counts.rows.items()}
    assert counted == {"i": 3, "v": 3, "w": 7, "i.rate_limited": 7}
    assert worker.count("events_would_discard_total") == {}


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.DISCARD])
def test_its_reason_is_among_those_of_its_mode(mode: Mode) -> None:
    assert Discard.UNMATCHED in Invalid({Rule.UNMATCHED: mode}).reasons(mode)
    assert Discard.UNMATCHED not in Invalid().reasons(mode)
