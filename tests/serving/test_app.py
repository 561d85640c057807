"""The public app on a store in memory: what happens when the store is away, slow or was lost,
and what is counted of it. The answers themselves are in the modules test_public_…."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from adserver.core.assets import Asset, digest_of
from adserver.core.catalog import Html, Size
from adserver.core.publication import KnownCreative
from adserver.core.ticket import FLAG_CONSENT, FLAG_PREFETCH, FLAG_PREVIEW, Sealer, Ticket
from adserver.serving.app import PublicApp
from adserver.serving.state import State
from tests.factories import (
    NOW,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    slot,
    text_creative,
)
from tests.serving.disk import Disk
from tests.serving.memory import LIFE_SECONDS, SECRET, WRITER, MemoryWorker
from tests.serving.tickets import TICKET

DOCUMENT = Asset(b"<!doctype html><a href='%%click%%'>x</a>", "text/html")
PICTURE = Asset(b"\x89PNG\r\n\x1a\n", "image/png")
SHOWN = image(digest=digest_of(PICTURE.data))
RICH = text_creative(
    "riche", text=None, html=Html(digest_of(DOCUMENT.data), "b.html", Size(728, 90))
)
BOOKED = campaign(creatives=(text_creative(), image_creative("bandeau", SHOWN), RICH))


@dataclass
class Worker:
    memory: MemoryWorker
    disk: Disk
    state: State
    client: httpx.AsyncClient
    now: float = NOW

    async def get(self, path: str, **options) -> httpx.Response:
        return await self.client.get(path, **options)

    def ticket(self, serial: int = 1, creative: int = 1, age: int = 0, flags: int = 0) -> str:
        issued = Ticket(WRITER, serial, creative, 1, 1, int(NOW) - age, 0, 1, 1, flags)
        return self.state.sealer.seal(issued).decode()

    async def event(self, path: str, **options) -> tuple[int, str]:
        answer = await self.get(path, **options)
        return answer.status_code, answer.headers.get("x-ad-event", "")

    def count(self, name: str) -> dict[tuple[str, ...], int]:
        return {labels: n for labels, n in self.state.meter.counts[name].items() if n}


def blog(ads) -> Starlette:
    async def page(_request) -> PlainTextResponse:
        return PlainTextResponse("blog")

    async def broken(_request) -> PlainTextResponse:
        raise RuntimeError("a defect")

    return Starlette(routes=[Route("/", page), Route("/broken", broken)])


@pytest.fixture
async def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    disk = Disk()
    disk.install(monkeypatch)
    memory = MemoryWorker(tmp_path / "journal")
    memory.begin()
    store, state = memory.store, memory.state
    store.publish(generation(catalog(BOOKED)))
    for asset in (DOCUMENT, PICTURE):
        store.assets[digest_of(asset.data)] = asset
    await state.live.refresh(NOW)
    transport = httpx.ASGITransport(PublicApp(state, "", blog), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        yield Worker(memory, disk, state, client)
    disk.open.set()
    await memory.finish()


@pytest.mark.parametrize("kind", ["i", "v"])
async def test_a_beacon_that_cannot_be_made_durable_is_refused_honestly(
    worker: Worker, kind: str
) -> None:
    worker.disk.full = True
    answer = await worker.get(f"/{kind}/{worker.ticket()}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "x-ad-event" not in answer.headers
    worker.disk.full = False
    assert await worker.event(f"/{kind}/{worker.ticket()}") == (200, "accepted")


async def test_a_click_lands_whatever_the_disk_does(worker: Worker) -> None:
    worker.disk.full = True
    answer = await worker.get(f"/c/{worker.ticket()}")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/"
    assert answer.headers["x-ad-event"] == "pending"


async def test_a_click_does_not_wait_for_a_slow_disk_and_counts_all_the_same(
    worker: Worker,
) -> None:
    worker.disk.open.clear()
    async with asyncio.timeout(10):
        assert await worker.event(f"/c/{worker.ticket()}") == (302, "pending")
    worker.disk.open.set()
    await worker.memory.finish()
    assert worker.count("clicks_total") == {("post-top", "brulerie"): 1}


async def test_slots_do_not_notice_that_the_store_is_away(worker: Worker) -> None:
    worker.memory.store.away = worker.memory.counts.away = True
    answer = await worker.get("/slots/post-top")
    assert answer.headers["x-ad-decision"] == "fill; campaign=brulerie; creative=carte"


@pytest.mark.parametrize("path", ["/assets/{digest}/b.png", "/h/{rich}", "/c/{gone}"])
async def test_what_only_the_store_knows_is_asked_for_again_later(
    worker: Worker, path: str
) -> None:
    worker.memory.store.known[99] = KnownCreative.of(campaign("gone"), text_creative())
    address = path.format(
        digest=SHOWN.digest, rich=worker.ticket(creative=3), gone=worker.ticket(creative=99)
    )
    worker.memory.store.away = True
    answer = await worker.get(address)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    worker.memory.store.away = False
    assert (await worker.get(address)).status_code in {200, 302}


async def test_a_click_of_a_campaign_that_has_ended_still_lands(worker: Worker) -> None:
    worker.memory.store.known[99] = KnownCreative.of(campaign("gone"), text_creative())
    answer = await worker.get(f"/c/{worker.ticket(creative=99)}")
    assert answer.headers["location"] == "https://shop.example/"
    await worker.memory.finish()
    assert worker.count("clicks_total") == {("post-top", "other"): 1}


async def test_a_click_of_what_nobody_remembers_is_not_found(worker: Worker) -> None:
    assert await worker.event(f"/c/{worker.ticket(creative=99)}") == (404, "")
    assert (await worker.get(f"/h/{worker.ticket(creative=99)}")).status_code == 404
    assert (await worker.get(f"/h/{worker.ticket(creative=1)}")).status_code == 404


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (LIFE_SECONDS, "accepted"),
        (LIFE_SECONDS + 1, "discarded; reason=expired"),
        (-60, "accepted"),
        (-LIFE_SECONDS, "accepted"),
        (-LIFE_SECONDS - 1, "discarded; reason=expired"),
    ],
)
async def test_an_event_counts_within_the_life_of_its_ticket(
    worker: Worker, age: int, said: str
) -> None:
    assert await worker.event(f"/i/{worker.ticket(age=age)}") == (200, said)


async def test_an_expired_click_still_lands(worker: Worker) -> None:
    path = f"/c/{worker.ticket(age=LIFE_SECONDS * 30)}"
    assert await worker.event(path) == (302, "discarded; reason=expired")
    assert worker.count("events_discarded_total") == {("click", "post-top", "expired"): 1}


@pytest.mark.parametrize(
    ("flags", "headers", "reason"),
    [
        (FLAG_PREFETCH, {}, "prefetch"),
        (FLAG_PREVIEW, {}, "preview"),
        (0, {"sec-purpose": "prefetch;prerender"}, "prefetch"),
    ],
)
async def test_what_was_not_shown_to_anybody_does_not_count(
    worker: Worker, flags: int, headers: dict[str, str], reason: str
) -> None:
    path = f"/i/{worker.ticket(flags=flags)}"
    assert await worker.event(path, headers=headers) == (200, f"discarded; reason={reason}")
    assert worker.memory.counts.shipments == []
    await worker.memory.finish()
    assert [row for _, row in worker.memory.counts.rows] == [(f"i.{reason}", 1, 1, 1)]


@pytest.mark.parametrize(
    ("query", "headers", "consents"),
    [
        ("?consent=1", {}, True),
        ("", {}, False),
        ("?consent=1", {"sec-gpc": "1"}, False),
        ("?consent=1", {"dnt": "1"}, False),
    ],
)
@pytest.mark.parametrize("path", ["/slots/post-top", "/frame/post-top", "/decisions"])
async def test_a_ticket_remembers_whether_its_reader_has_agreed_to_third_parties(
    worker: Worker, path: str, query: str, headers: dict[str, str], consents: bool
) -> None:
    asked = f"{query}{'&' if query else '?'}slots=post-top"
    answer = await worker.get(f"{path}{asked}", headers=headers)
    [text] = TICKET.findall(answer.text)
    assert bool(worker.state.sealer.unseal(text).flags & FLAG_CONSENT) is consents


async def test_a_ticket_of_another_key_is_told_forged_and_nonsense_is_not(worker: Worker) -> None:
    worker.state.sealer = Sealer([b"o" * 32])
    forged = worker.ticket()
    worker.state.sealer = Sealer([SECRET])
    assert await worker.event(f"/i/{forged}") == (404, "discarded; reason=forged")
    assert await worker.event("/i/nonsense") == (404, "")
    assert worker.count("events_discarded_total") == {("impression", "unknown", "forged"): 2}


async def test_a_decision_is_counted_for_the_node_and_for_the_reports(worker: Worker) -> None:
    await worker.get("/slots/post-top", headers={"referer": "https://blog.example/a"})
    await worker.get("/slots/absent")
    await worker.get("/slots/post-top?exclude=brulerie")
    await worker.memory.finish()
    assert {row: n for (_, row), n in worker.memory.counts.rows.items()} == {
        ("r", 0, 1, 1): 1,
        ("s", 1, 1, 1): 1,
        ("r", 0, 1, 0): 1,
        ("n.excluded", 0, 1, 0): 1,
    }
    assert worker.count("decisions_total") == {
        ("post-top", "fill"): 1,
        ("post-top", "empty"): 1,
        ("unknown", "empty"): 1,
    }
    assert worker.count("no_fill_total") == {
        ("post-top", "excluded"): 1,
        ("unknown", "unknown_slot"): 1,
    }


async def test_every_ad_that_is_served_has_a_ticket_of_its_own(worker: Worker) -> None:
    bodies = {(await worker.get("/slots/post-top")).text for _ in range(3)}
    assert len(bodies) == 3


async def test_requests_are_counted_by_route_method_and_code(worker: Worker) -> None:
    await worker.get("/slots/post-top")
    await worker.get("/slots/absent")
    await worker.client.request("BREW", "/tag.js")
    await worker.get("/")
    await worker.get("/elsewhere")
    assert worker.count("http_requests_total") == {
        ("/slots", "GET", "200"): 1,
        ("/slots", "GET", "404"): 1,
        ("/tag.js", "other", "405"): 1,
        ("other", "GET", "200"): 1,
        ("other", "GET", "404"): 1,
    }


async def test_a_defect_of_ours_is_a_500_that_is_logged_and_counted(worker: Worker) -> None:
    worker.state.draw = lambda: None
    answer = await worker.get("/slots/post-top")
    assert (answer.status_code, answer.content) == (500, b"")
    assert worker.count("http_requests_total") == {("/slots", "GET", "500"): 1}


async def test_a_defect_beside_the_ads_is_counted_too(worker: Worker) -> None:
    assert (await worker.get("/broken")).status_code == 500
    assert worker.count("http_requests_total") == {("other", "GET", "500"): 1}


async def test_ignored_facts_are_counted_by_reason(worker: Worker) -> None:
    await worker.get("/slots/post-top?zodiac=lion")
    await worker.get("/decisions?slots=post-top&zodiac=lion")
    body = {"slots": ["post-top"], "visitor": {"ip": "1.2.3.4"}, "context": {"a": {}}}
    await worker.client.post("/decisions", json=body)
    assert worker.count("context_ignored_total") == {
        ("undeclared_key",): 2,
        ("untrusted_visitor",): 1,
        ("unusable_value",): 1,
    }


async def test_before_any_apply_every_slot_is_empty_for_want_of_a_campaign(tmp_path: Path) -> None:
    state = MemoryWorker(tmp_path).state
    transport = httpx.ASGITransport(PublicApp(state, "", blog))
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        for path in ("/slots/any", "/frame/any"):
            answer = await client.get(path)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["x-ad-decision"] == "empty; reason=no_campaign"
        asked = (await client.get("/decisions?slots=any,other")).json()
        assert asked["generation"] == 0
        assert [one["reason"] for one in asked["decisions"]] == ["no_campaign"] * 2
        assert (await client.get("/slots.css")).status_code == 200


async def test_a_slot_that_stands_twice_on_a_page_has_two_names(worker: Worker) -> None:
    two = campaign(creatives=(text_creative("x"), text_creative("y")))
    worker.memory.store.publish(generation(catalog(two, slots=(slot(),)), number=2))
    await worker.state.live.refresh(NOW)
    made = (await worker.get("/decisions?slots=post-top,post-top")).json()["decisions"]
    assert 'Above the article"' in made[0]["html"]
    assert 'Above the article (2)"' in made[1]["html"]
