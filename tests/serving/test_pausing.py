"""Pauses beside requests: put, lifted and over, whatever applies and whether the store is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adserver.core.catalog import Goal, Tier
from adserver.core.context import Context
from adserver.core.decision import Decision, decide
from adserver.core.errors import StoreUnavailable, UnreadablePause
from adserver.core.events import Kind
from adserver.core.pauses import Pause, Target
from adserver.core.reasons import Reason
from adserver.core.steps import finish
from adserver.core.ticket import Ticket
from adserver.serving import worker as module
from adserver.serving.beacons import counted, join
from adserver.serving.pausing import stop
from tests.core.test_outlook import BEGIN
from tests.factories import NOW, campaign, catalog, generation, text_creative
from tests.serving.memory import MemoryWorker
from tests.serving.test_pacing import STEADY, sold
from tests.serving.test_pacing import Worker as Paced
from tests.serving.test_worker import Worker, eventually


def pause(target: str, until: float | None = None) -> Pause:
    return Pause(Target.read(target), NOW - 60, until, "ana@desk")


def decided(worker: MemoryWorker, now: float = NOW) -> Decision:
    served = worker.state.live.served
    assert served is not None
    return decide(served.snapshot, "post-top", Context(), now, 0.0, None, worker.leasing.rooms)


async def look(worker: MemoryWorker, now: float = NOW) -> bool:
    await worker.state.live.pausing.look()
    return await worker.state.live.pause(now)


@pytest.fixture
async def worker(tmp_path: Path) -> MemoryWorker:
    made = MemoryWorker(tmp_path)
    made.store.publish(generation(catalog(campaign("a"), campaign("b"))))
    await made.state.live.refresh(NOW)
    return made


async def test_what_is_paused_is_not_served_until_it_is_resumed(worker: MemoryWorker) -> None:
    assert decided(worker).placement is not None
    worker.store.paused = (pause("*"),)
    assert await look(worker)
    assert decided(worker).reason is Reason.PAUSED
    assert not await look(worker), "nothing has changed since"
    worker.store.paused = (pause("gone"),)
    assert await look(worker)
    assert decided(worker).reason is Reason.WON
    worker.store.paused = (pause("gone-as-well"),)
    assert not await look(worker)


async def test_another_generation_is_paused_from_its_first_request(worker: MemoryWorker) -> None:
    worker.store.paused = (pause("a"), pause("b"))
    await look(worker)
    worker.store.publish(generation(catalog(campaign("a"), campaign("b", weight=9.0)), number=2))
    await worker.state.live.refresh(NOW)
    assert worker.state.live.generation == 2
    assert decided(worker).reason is Reason.PAUSED
    worker.store.publish(generation(catalog(campaign("b"), campaign("c")), number=3))
    await worker.state.live.refresh(NOW)
    placed = decided(worker).placement
    assert placed is not None
    assert placed.campaign.name == "c"


async def test_a_worker_that_begins_knows_what_is_paused(tmp_path: Path) -> None:
    worker = MemoryWorker(tmp_path)
    worker.store.publish(generation())
    worker.store.paused = (pause("brulerie"),)
    await worker.state.live.refresh(NOW)
    assert decided(worker).reason is Reason.PAUSED


async def test_a_worker_that_cannot_read_what_is_paused_serves_nothing_yet(
    worker: MemoryWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = MemoryWorker(tmp_path / "fresh", store=worker.store)

    async def unreadable() -> tuple[Pause, ...]:
        raise UnreadablePause("until")

    monkeypatch.setattr(worker.store, "pauses", unreadable)
    with pytest.raises(UnreadablePause):
        await fresh.state.live.refresh(NOW)
    assert fresh.state.live.served is None
    assert not await fresh.state.live.pause(NOW)


async def test_a_pause_is_over_at_its_second_while_the_store_is_away(worker: MemoryWorker) -> None:
    worker.store.paused = (pause("*", NOW + 5),)
    await look(worker)
    worker.store.away = True
    with pytest.raises(StoreUnavailable):
        await worker.state.live.pausing.look()
    assert not await worker.state.live.pause(NOW + 4.9)
    assert decided(worker, NOW + 4.9).reason is Reason.PAUSED
    assert await worker.state.live.pause(NOW + 5)
    assert decided(worker, NOW + 5).reason is Reason.WON


async def test_a_pause_does_not_wait_for_an_apply_that_is_under_way(worker: MemoryWorker) -> None:
    """Large generations are read and compiled for seconds."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    kept = worker.store.generation

    async def slowly(number: int):
        reached.set()
        await go_on.wait()
        return await kept(number)

    worker.store.generation = slowly  # type: ignore[method-assign]
    worker.store.publish(generation(catalog(campaign("a"), campaign("c")), number=2))
    applying = asyncio.create_task(worker.state.live.refresh(NOW))
    await reached.wait()
    worker.store.paused = (pause("*"),)
    await look(worker)
    assert decided(worker).reason is Reason.PAUSED
    go_on.set()
    assert await applying
    assert decided(worker).reason is Reason.PAUSED


async def test_ads_of_before_are_counted_and_clicked_within_their_goal(tmp_path: Path) -> None:
    """Paused, a campaign keeps its limits: what comes late takes room, as of one that runs."""
    worker = MemoryWorker(tmp_path)
    worker.leases.free = 9
    limited = campaign("a", tier=Tier.STANDARD, goal=Goal(impressions=9))
    worker.store.publish(generation(catalog(limited)))
    await worker.state.live.refresh(NOW)
    worker.begin()
    served = worker.state.live.served
    assert served is not None
    placed = decided(worker).placement
    assert placed is not None
    reading = served.reader.of(Context())
    text = worker.state.issue(served.fill(placed, reading), reading, NOW).decode()
    worker.store.paused = (pause("a"),)
    await look(worker)
    assert decided(worker).reason is Reason.PAUSED
    ticket: Ticket = worker.state.sealer.unseal(text)
    event = counted(worker.state, ticket, Kind.IMPRESSION)
    assert event.event.until == ticket.time + ticket.lapse, "it has the room that was reserved"
    assert join(worker.state, ticket, event.event) is not None
    late = ticket._replace(time=int(NOW) - 3_600, serial=ticket.serial + 1)
    assert counted(worker.state, late, Kind.IMPRESSION).event.until > NOW, "it takes room of ours"
    known = await worker.state.live.creative(ticket.creative)
    assert known is not None
    assert known.campaign == "a"
    await worker.finish()


async def test_beside_requests_pauses_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNREADABLE_SECONDS", 0.01)
    worker = Worker(tmp_path)

    def empty() -> bool:
        return decided(worker.memory).reason is Reason.PAUSED

    async with worker.running():
        await eventually(lambda: worker.gauge("generation") == 1)
        assert not empty()
        worker.store.paused = (pause("*"),)
        await eventually(empty)
        worker.store.away = True
        await eventually(lambda: worker.gauge("store_up") == 0)
        assert empty()
        worker.store.away = False
        worker.store.paused = ()
        await eventually(lambda: not empty())
        unreadable = list[int]()

        async def refuse() -> tuple[Pause, ...]:
            unreadable.append(1)
            raise UnreadablePause("another release")

        monkeypatch.setattr(worker.store, "pauses", refuse)
        await eventually(lambda: len(unreadable) > 1)
        assert not empty()


async def stopped(worker: Paced, *pauses: Pause) -> None:
    finish(stop(worker.snapshot, pauses, BEGIN))


async def test_what_a_paused_sponsor_had_is_there_for_goals() -> None:
    sponsor = campaign("sponsor", tier=Tier.SPONSORSHIP, goal=Goal(share=0.25), slots=("post-top",))
    worker = Paced()
    await worker.serve(sold(), sponsor)
    crowded = await worker.rate()
    await stopped(worker, pause("sponsor"))
    assert await worker.rate() == pytest.approx(STEADY, rel=0.01)
    assert crowded == pytest.approx(STEADY, rel=0.01), (
        "a third more, of three quarters of the requests"
    )
    await stopped(worker)
    assert await worker.rate() == pytest.approx(crowded)


async def test_a_campaign_that_goes_on_in_one_of_two_slots_has_to_take_twice_as_much_there() -> (
    None
):
    worker = Paced()
    both = ("post-top", "post-bottom")
    await worker.serve(sold(slots=both, creatives=(text_creative("x"), text_creative("y"))))
    assert await worker.rate() == pytest.approx(STEADY / 2, rel=0.01)
    await stopped(worker, pause("slot:post-bottom"), pause("sold/x"))
    assert await worker.rate() == pytest.approx(STEADY, rel=0.01)


async def test_a_goal_that_is_resumed_is_paced_as_before() -> None:
    worker = Paced()
    await worker.serve(sold())
    steady = await worker.rate()
    await stopped(worker, pause("slot:post-top"))
    await worker.pacing.refresh()
    await stopped(worker)
    assert await worker.rate() == pytest.approx(steady)
