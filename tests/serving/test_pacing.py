"""Rates follow beside requests: traffic as it is learnt, delivery as it is heard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from adserver.core.catalog import Campaign, Clause, Flight, Goal
from adserver.core.context import Context
from adserver.core.decision import explain
from adserver.core.errors import StoreUnavailable
from adserver.core.goals import limits_of
from adserver.core.leases import Grant, Room
from adserver.core.pacing import AHEAD
from adserver.core.rates import slots_with_goals
from adserver.core.samples import Sample
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from adserver.core.traffic import Scope, Traffic
from adserver.serving import pacing as module
from adserver.serving.pacing import PLAN_SECONDS, Pacing
from tests.core.test_outlook import BEGIN, DAY, FLIGHT, KNOWN, learnt
from tests.factories import campaign, catalog, generation, site, slot

# Of a slot: a hundred requests an hour from noon to midnight.
A_DAY = 1_200
STEADY = AHEAD * 6_000 / (10 * A_DAY)


@dataclass
class Known:
    """`core.ports.serving.LiveTraffic` and `LiveSamples`."""

    known: Traffic = KNOWN
    seen: list[Sample] = field(default_factory=list)
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def traffic(self, scope: Scope, now: float) -> Traffic:
        self.asked.append("traffic")
        if self.away:
            raise StoreUnavailable("away")
        return self.known

    async def samples(self, slot: int, now: float) -> list[Sample]:
        self.asked.append(f"samples {slot}")
        return self.seen


@dataclass
class Worker:
    store: Known = field(default_factory=Known)
    now: float = BEGIN
    workers: int = 1
    rooms: dict[str, Room] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pacing = Pacing(
            self.store, self.store, lambda: self.rooms, lambda: self.workers, lambda: self.now
        )

    async def serve(self, *booked: Campaign) -> Snapshot:
        slots = (slot(), slot("post-bottom"))
        live = generation(catalog(*booked, site=site(timezone="UTC"), slots=slots))
        self.snapshot = compile_snapshot(live)
        for one in booked:
            limits = limits_of(one)
            if limits is not None:
                self.rooms[one.name] = Room(live.numbers[f"campaign/{one.name}"], limits)
                self.hear(one.name)
        await self.pacing.follow(live, self.snapshot)
        return self.snapshot

    def hear(self, name: str, left: int = 1, **told: Any) -> None:
        """What the store says of a campaign; `left` of its room is in this worker's hand."""
        room = self.rooms[name]
        room.leave()
        grant = Grant(left, int(BEGIN + 99 * DAY), int(BEGIN + 99 * DAY), 999, None, 0, left)
        room.granted(grant._replace(**told))

    async def rate(self, name: str = "sold", *, refresh: bool = True) -> float:
        if refresh:
            await self.pacing.refresh()
        found = explain(self.snapshot, "post-top", Context(), self.now, 0.0, self.rooms)
        return next(c.probability for c in found if c.campaign == name)


def sold(**changes: Any) -> Campaign:
    """Half of one slot's traffic for ten days."""
    plain = {"goal": Goal(impressions=6_000), "flight": FLIGHT, "slots": ("post-top",)}
    return campaign("sold", **{**plain, **changes})


def asked_for(worker: Worker, what: str) -> int:
    return sum(one.startswith(what) for one in worker.store.asked)


async def test_a_generation_is_served_at_its_rates() -> None:
    worker = Worker()
    await worker.serve(sold())
    assert await worker.rate(refresh=False) == pytest.approx(STEADY, rel=0.01)


async def test_where_nobody_has_a_goal_nobody_asks() -> None:
    worker = Worker()
    await worker.pacing.refresh()  # nothing is served yet
    await worker.serve(campaign("weight"), campaign("total", max_total=5))
    await worker.pacing.refresh()
    assert worker.store.asked == []


async def test_only_slots_with_goals_are_asked_for_samples() -> None:
    worker = Worker()
    await worker.serve(sold(slots=("post-bottom",)), campaign("weight"))
    assert worker.store.asked == ["traffic", "samples 2"]
    live = generation(catalog(campaign("weight")))
    assert finish(slots_with_goals(live)) == []


async def test_samples_say_which_of_the_traffic_it_may_have() -> None:
    facts: Sequence[str] = ("tech", "culture")
    seen = [Sample(Context(facts=(("section", (fact,)),)), 1.0) for fact in facts]
    worker = Worker(Known(seen=seen))
    tech = sold(goal=Goal(impressions=3_000), targeting=(Clause("section", any=("tech",)),))
    snapshot = await worker.serve(tech)
    context = Context(facts=(("section", ("tech",)),))
    [found] = explain(snapshot, "post-top", context, BEGIN, 0.0, worker.rooms)
    assert found.probability == pytest.approx(STEADY, rel=0.01)


async def test_without_the_store_goals_are_spread_by_the_clock() -> None:
    worker = Worker(Known(away=True))
    await worker.serve(sold())
    assert 0 < await worker.rate(refresh=False) < 1
    worker.store.away = False
    assert await worker.rate() == pytest.approx(STEADY, rel=0.01)


async def test_rates_follow_what_is_delivered_also_while_the_store_is_away() -> None:
    worker = Worker(now=BEGIN + 5 * DAY)
    await worker.serve(sold())
    worker.hear("sold", delivered=3_090)
    steady = await worker.rate()
    assert steady == pytest.approx(STEADY, rel=0.01)
    worker.store.away = True
    worker.hear("sold", delivered=3_400)
    with pytest.raises(StoreUnavailable):
        await worker.pacing.refresh()
    assert await worker.rate(refresh=False) < steady / 2


@pytest.mark.parametrize("goals_a_second", [0.1, 10.0])
async def test_of_very_many_rates_are_reckoned_less_often(
    monkeypatch: pytest.MonkeyPatch, goals_a_second: float
) -> None:
    """One goal stands for very many: ten seconds' worth, or a tenth of one."""
    monkeypatch.setattr(module, "GOALS_A_SECOND", goals_a_second)
    worker = Worker()
    await worker.serve(sold())
    before = await worker.rate()
    worker.now += 9
    worker.hear("sold", delivered=3_000)
    if goals_a_second < 1:
        assert await worker.rate() == before
        worker.now += 1
    assert await worker.rate() < before


async def test_a_midnight_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    await worker.serve(sold(max_per_day=100))
    monkeypatch.setattr(module, "GOALS_A_SECOND", 1e-9)
    worker.now += 1
    assert not worker.pacing._is_due()
    worker.now = BEGIN + DAY
    assert worker.pacing._is_due()


async def test_what_workers_have_in_hand_is_on_nobodys_page() -> None:
    worker = Worker(now=BEGIN + 5 * DAY, workers=4)
    await worker.serve(sold())
    worker.hear("sold", delivered=3_090)
    steady = await worker.rate()
    worker.hear("sold", left=50, delivered=3_000, reserved=290)
    assert await worker.rate() == pytest.approx(steady)


async def test_clicks_reserve_nothing_before_they_come() -> None:
    worker = Worker(now=BEGIN + 5 * DAY)
    await worker.serve(sold(goal=Goal(clicks=6)))
    worker.hear("sold", delivered=3, reserved=1)
    some = await worker.rate()
    worker.hear("sold", delivered=3, reserved=0)
    assert await worker.rate() == some > 0


async def test_plans_are_made_anew_when_an_hour_has_been_learnt() -> None:
    worker = Worker()
    await worker.serve(sold())
    twice = learnt(by_day=200)
    worker.store.known = replace(KNOWN, histories={1: twice, 2: twice})
    assert await worker.rate() == pytest.approx(STEADY, rel=0.01), "as it was learnt before"
    worker.store.known = replace(worker.store.known, through=BEGIN + 3_600)
    assert await worker.rate() == pytest.approx(STEADY / 2, rel=0.05)
    assert asked_for(worker, "samples") == 1


async def test_samples_are_asked_for_again_after_some_minutes() -> None:
    worker = Worker()
    await worker.serve(sold())
    worker.now += PLAN_SECONDS
    await worker.pacing.refresh()
    assert asked_for(worker, "samples") == 1
    worker.now += 1
    await worker.pacing.refresh()
    assert asked_for(worker, "samples") == 2
    await worker.pacing.refresh()
    assert asked_for(worker, "samples") == 2


async def test_at_midnight_a_daily_limit_has_another_course() -> None:
    worker = Worker(now=BEGIN + 0.999 * DAY)
    limited = sold(goal=Goal(impressions=12_000), max_per_day=240)
    await worker.serve(limited)
    worker.hear("sold", delivered=200, free_today=40)
    assert await worker.rate() == 1.0, "forty are left for two minutes"
    worker.now = BEGIN + DAY + 1
    worker.hear("sold", delivered=240, free_today=240)
    assert await worker.rate() == pytest.approx(AHEAD * 240 / A_DAY, rel=0.02)
    assert asked_for(worker, "samples") == 1


async def test_a_flight_that_ends_while_it_is_served_is_nobodys_concern() -> None:
    worker = Worker(now=BEGIN + 10 * DAY - 1)
    short = sold(flight=Flight(BEGIN, BEGIN + 10 * DAY, "UTC"))
    await worker.serve(short)
    worker.now += 2
    assert await worker.rate() == 0.0
