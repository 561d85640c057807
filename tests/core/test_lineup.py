"""Shelves of campaigns with goals are numbers, and are what placements would make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core import lineup
from adserver.core.catalog import Device, Goal
from adserver.core.context import Context
from adserver.core.decision import decide, position_of
from adserver.core.pauses import Stopped
from adserver.core.rates import Rates
from adserver.core.shelf import NUMBERS_A_PLACEMENT, paced_shelf
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from adserver.core.stretches import Stretches
from tests.factories import NOW, campaign, catalog, generation, text_creative

Sold = list[tuple[float, list[float]]]
sold = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([0.0, 0.25, 1.0]), st.floats(0.0, 1.0)),
        st.lists(st.floats(0.01, 9.0), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=8,
)


def compiled(some: Sold) -> Snapshot:
    """Of each campaign the weights of its creatives; its rate is not told yet."""
    booked = [
        campaign(
            f"c{n}",
            goal=Goal(impressions=100),
            creatives=tuple(text_creative(f"t{i}", weight=one) for i, one in enumerate(weights)),
        )
        for n, (_, weights) in enumerate(some)
    ]
    return compile_snapshot(generation(catalog(*booked)))


def paced(snapshot: Snapshot, rates: list[float], order: list[int]) -> None:
    ranks = {f"c{n}": rank for rank, n in enumerate(order)}
    finish(snapshot.pacing(Rates({f"c{n}": rate for n, rate in enumerate(rates)}, ranks)))


@given(sold, st.sampled_from([0, lineup.MADE_AT_ONCE]), st.data())
def test_a_shelf_is_what_placements_make_of_it(some: Sold, few: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lineup, "MADE_AT_ONCE", few)
        compare(some, data)


def compare(some: Sold, data: st.DataObject) -> None:
    snapshot = compiled(some)
    order = data.draw(st.permutations(range(len(some))))
    paced(snapshot, [rate for rate, _ in some], order)
    crowd = snapshot.places["post-top"].table(Context(), NOW).best
    assert crowd is not None
    made = crowd.first
    (group,) = snapshot.places["post-top"]._groups
    plainly = paced_shelf((some[n][0], group.placed(Device.DESKTOP, n)) for n in order)
    assert made.paced
    assert list(made.cumulated) == list(plainly.cumulated)
    assert list(made.rates) == list(plainly.rates)
    assert made.placements == plainly.placements
    positions = {f"c{n}": n for n in range(len(some))}
    lazily, all_made = Stretches(made, positions), Stretches(plainly, positions)
    left = data.draw(st.integers(1, 2 ** len(some) - 1))
    draw = data.draw(st.floats(0.0, 1.0, exclude_max=True))
    assert lazily.again(left, draw, ()) == all_made.again(left, draw, ())


def test_a_placement_is_made_when_it_wins_and_is_the_same_ever_after() -> None:
    rate = 1 / 400
    snapshot = compiled([(rate, [1.0, 2.0])] * 400)
    paced(snapshot, [rate] * 400, list(range(400)))
    table = snapshot.places["post-top"].table(Context(), NOW)
    assert table.first is not None
    assert not table.first.placed
    light = table.size
    won = decide(snapshot, "post-top", Context(), NOW, 0.5).placement
    assert won is not None
    assert list(table.first.placed.items()) == [(position_of(table.first, 0.5), won)]
    assert table.size == light + 1 == 2 + 800 // NUMBERS_A_PLACEMENT + 1
    paced(snapshot, [rate] * 400, list(range(400)))
    assert decide(snapshot, "post-top", Context(), NOW, 0.5).placement is won
    assert table.first is not None
    assert table.first.placed == {position_of(table.first, 0.5): won}


def test_rates_move_the_stretches_and_another_plan_the_order() -> None:
    snapshot = compiled([(0.0, [1.0])] * 2)
    table = snapshot.places["post-top"].table(Context(), NOW)

    def names() -> list[str]:
        assert table.holds(NOW)
        assert table.first is not None
        return [one.campaign.name for one in table.first.placements]

    ranks = {"c0": 0, "c1": 1}
    finish(snapshot.pacing(Rates({"c0": 0.5, "c1": 0.25}, ranks)))
    assert names() == ["c0", "c1"]
    assert table.first is not None
    assert list(table.first.cumulated) == [0.5, 0.75]
    finish(snapshot.pacing(Rates({"c0": 0.25, "c1": 0.25}, ranks)))
    assert names() == ["c0", "c1"]
    assert list(table.first.cumulated) == [0.25, 0.5]
    finish(snapshot.pacing(Rates({"c0": 0.25, "c1": 0.25}, {"c0": 1, "c1": 0})))
    assert names() == ["c1", "c0"]


def test_a_creative_that_is_paused_leaves_its_campaigns_rate_to_the_others() -> None:
    snapshot = compiled([(0.5, [1.0, 3.0]), (0.25, [1.0])])
    places = snapshot.places["post-top"]

    def weights() -> list[tuple[str, float]]:
        first = places.table(Context(), NOW).first
        assert first is not None
        return [(p.creative.id, w) for p, w in zip(first.placements, first.weights, strict=True)]

    paced(snapshot, [0.5, 0.25], [0, 1])
    every = [("t0", 0.125), ("t1", 0.375), ("t0", 0.25)]
    assert weights() == every
    finish(snapshot.stopping(Stopped(creatives={"c0": frozenset({"t1"})})))
    assert weights() == [("t0", 0.5), ("t0", 0.25)]
    finish(snapshot.stopping(Stopped()))
    assert weights() == every
