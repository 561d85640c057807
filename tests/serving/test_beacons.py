"""Beacons of campaigns with limits: what takes room, whose, and what is said without any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from adserver.core.catalog import Flight, Goal, State
from adserver.core.events import Event
from adserver.core.leases import LEAST_LEASED, Room
from adserver.core.record import read_events
from adserver.core.ticket import Ticket
from adserver.serving import patience
from adserver.serving.app import PublicApp
from adserver.serving.beacons import in_doubt
from tests.factories import NOW, ZONE, campaign, catalog, generation
from tests.serving.memory import WRITER, MemoryWorker
from tests.serving.test_app import blog

ACCEPTED = (200, "accepted")
LAPSED = (200, "discarded; reason=lapsed")
DUPLICATE = (200, "discarded; reason=duplicate")
SOLD = campaign("sold", goal=Goal(impressions=1_000))
CLICKED = campaign("clicked", goal=Goal(clicks=1_000))
FREE = campaign("free")


@dataclass
class Worker:
    memory: MemoryWorker
    client: httpx.AsyncClient

    def ticket(self, campaign: int = 1, *, serial: int = 1, age: int = 0, lapse: int = 600) -> str:
        """Of a creative that has its campaign's number; handed out `age` seconds ago."""
        issued = Ticket(WRITER, serial, campaign, campaign, 1, int(NOW) - age, lapse, 1, 0, 0)
        return self.memory.state.sealer.seal(issued).decode()

    async def event(self, path: str) -> tuple[int, str]:
        answer = await self.client.get(path)
        return answer.status_code, answer.headers["x-ad-event"]

    def room(self, name: str = "sold") -> Room:
        return self.memory.leasing.rooms[name]

    def empty(self, name: str = "sold") -> None:
        room = self.room(name)
        while room.left:
            room.take(NOW)

    async def shipped(self, many: int) -> list[Event]:
        """The events that have gone to the store."""
        counts = self.memory.counts
        async with asyncio.timeout(20):
            while True:
                found = [event for one in counts.shipments for event in read_events(one.events)]
                if len(found) >= many:
                    return found
                await asyncio.sleep(0.005)

    def discards(self, reason: str) -> int:
        counts = self.memory.state.meter.counts["events_discarded_total"]
        return sum(many for labels, many in counts.items() if labels[2] == reason)

    async def publish(self, *booked, number: int) -> None:
        self.memory.store.publish(generation(catalog(*booked), number))
        await self.memory.state.live.refresh(NOW)


@pytest.fixture
async def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    # Beside other tests a disk may take longer than a click waits, and it would be pending.
    monkeypatch.setattr(patience, "MAX_CLICK_WAIT_SECONDS", 30.0)
    memory = MemoryWorker(tmp_path / "journal")
    memory.begin()
    transport = httpx.ASGITransport(PublicApp(memory.state, "", blog), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        worker = Worker(memory, client)
        await worker.publish(SOLD, CLICKED, FREE, number=1)
        yield worker
    await memory.finish()


async def served(worker: Worker, **headers: str) -> Ticket:
    page = (await worker.client.get("/slots/post-top", headers=headers)).text
    return worker.memory.state.sealer.unseal(page.split("/i/")[1].split('"')[0])


async def test_an_ad_that_is_served_takes_room_and_its_ticket_says_until_when(
    worker: Worker,
) -> None:
    await worker.publish(SOLD, number=2)
    ticket = await served(worker)
    assert ticket.time + ticket.lapse == worker.memory.leases.until
    assert worker.room().left == LEAST_LEASED - 1


async def test_what_is_fetched_in_advance_and_what_is_sold_by_the_click_takes_none(
    worker: Worker,
) -> None:
    ticket = await served(worker)
    assert (ticket.campaign, ticket.lapse) == (2, 0)
    assert worker.room("clicked").left == LEAST_LEASED
    await worker.publish(SOLD, number=2)
    ticket = await served(worker, **{"sec-purpose": "prefetch"})
    assert (ticket.campaign, ticket.lapse) == (1, 0)
    assert worker.room().left == LEAST_LEASED


async def test_in_time_an_impression_has_the_room_of_its_own_ticket(worker: Worker) -> None:
    assert await worker.event(f"/i/{worker.ticket(age=100)}") == ACCEPTED
    [event] = await worker.shipped(1)
    assert (event.campaign, event.until) == (1, int(NOW) + 500)
    assert worker.room().left == LEAST_LEASED


async def test_too_late_it_takes_room_that_the_worker_has_in_hand(worker: Worker) -> None:
    assert await worker.event(f"/i/{worker.ticket(age=700)}") == ACCEPTED
    [event] = await worker.shipped(1)
    assert event.until == worker.memory.leases.until
    assert worker.room().left == LEAST_LEASED - 1


async def test_too_late_and_where_there_is_no_room_it_has_lapsed(worker: Worker) -> None:
    worker.empty()
    assert await worker.event(f"/i/{worker.ticket(age=700)}") == LAPSED
    post = await worker.client.post(f"/i/{worker.ticket(age=700)}")
    assert (post.status_code, post.headers["x-ad-event"]) == (204, LAPSED[1])
    assert worker.discards("lapsed") == 2
    assert worker.memory.counts.shipments == []
    assert list(worker.memory.leasing._low) == [1], "more is asked for"


async def test_a_second_arrival_takes_no_room(worker: Worker) -> None:
    late = worker.ticket(age=700)
    assert await worker.event(f"/i/{late}") == ACCEPTED
    worker.empty()
    assert await worker.event(f"/i/{late}") == DUPLICATE
    assert worker.discards("duplicate") == 1


async def test_what_is_not_the_goals_unit_takes_no_room(worker: Worker) -> None:
    worker.empty()
    worker.empty("clicked")
    late = worker.ticket(age=700)
    assert await worker.event(f"/v/{late}") == ACCEPTED
    assert await worker.event(f"/c/{late}") == (302, "accepted")
    assert await worker.event(f"/i/{worker.ticket(2, serial=2, lapse=0)}") == ACCEPTED
    assert {event.until for event in await worker.shipped(3)} == {0}


async def test_a_campaign_without_limits_takes_none(worker: Worker) -> None:
    assert await worker.event(f"/i/{worker.ticket(3, lapse=0)}") == ACCEPTED
    [event] = await worker.shipped(1)
    assert event.until == 0


async def test_a_click_takes_room_when_it_comes(worker: Worker) -> None:
    ticket = worker.ticket(2, lapse=0)
    # A disk that takes longer than a click is held makes it `pending`.
    assert await worker.event(f"/c/{ticket}") in {(302, "accepted"), (302, "pending")}
    [event] = await worker.shipped(1)
    assert event.until == worker.memory.leases.until
    assert worker.room("clicked").left == LEAST_LEASED - 1
    assert await worker.event(f"/c/{ticket}") == (302, DUPLICATE[1])
    assert worker.room("clicked").left == LEAST_LEASED - 1


async def test_of_a_click_without_room_the_store_decides(worker: Worker) -> None:
    worker.empty("clicked")
    ticket = worker.ticket(2, lapse=0)
    assert await worker.event(f"/c/{ticket}") == (302, "pending")
    [event] = await worker.shipped(1)
    assert event.until % 5 != 0
    assert NOW <= event.until <= NOW + 60
    assert await worker.event(f"/c/{ticket}") == (302, DUPLICATE[1])


@pytest.mark.parametrize("now", [NOW, NOW + 0.9, NOW + 1, NOW + 4.5, NOW + 5])
def test_room_in_doubt_lapses_at_no_instant_at_which_leased_room_does(now: float) -> None:
    assert in_doubt(now) % 5
    assert now - 1 < in_doubt(now) <= now + 1


async def test_a_campaign_that_has_no_limit_any_more_counts_all_that_comes(
    worker: Worker,
) -> None:
    await worker.publish(campaign("sold"), CLICKED, FREE, number=2)
    assert await worker.event(f"/i/{worker.ticket(age=700)}") == ACCEPTED
    [event] = await worker.shipped(1)
    assert event.until == 0


async def test_a_campaign_that_has_ended_counts_what_comes_in_time(worker: Worker) -> None:
    await worker.publish(FREE, number=2)
    in_time, late = worker.ticket(2, age=100), worker.ticket(2, serial=2, age=700)
    assert await worker.event(f"/i/{in_time}") == ACCEPTED
    assert await worker.event(f"/i/{late}") == LAPSED


async def test_a_campaign_whose_flight_is_over_counts_what_there_is_room_for(
    worker: Worker,
) -> None:
    """Nobody leases for it; what was promised is kept, and of a click the store knows."""
    over = Flight(None, NOW, ZONE)
    await worker.publish(replace(SOLD, flight=over), replace(CLICKED, flight=over), FREE, number=2)
    assert worker.memory.leasing.by_number == {}
    in_time, late = worker.ticket(age=100), worker.ticket(serial=2, age=700)
    assert await worker.event(f"/i/{in_time}") == ACCEPTED
    assert await worker.event(f"/i/{late}") == LAPSED
    assert await worker.event(f"/c/{late}") == (302, "accepted")
    assert await worker.event(f"/c/{worker.ticket(2, serial=3, lapse=0)}") == (302, "pending")
    untils = [event.until for event in await worker.shipped(3)]
    assert untils[:2] == [int(NOW) + 500, 0]
    assert untils[2] % 5 != 0


async def test_a_paused_campaign_counts_what_readers_have_before_them(worker: Worker) -> None:
    paused = campaign("sold", goal=Goal(impressions=1_000), state=State.PAUSED)
    await worker.publish(paused, CLICKED, FREE, number=2)
    assert await worker.event(f"/i/{worker.ticket(age=100)}") == ACCEPTED
