"""What is answered without deciding, beside what a worker that keeps up answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from adserver.core.catalog import (
    Campaign,
    Clause,
    Flight,
    Frequency,
    OnEmpty,
    Period,
    Tier,
)
from adserver.core.catalog import State as CampaignState
from adserver.core.ticket import FLAG_PREFETCH
from adserver.serving import openapi, patience
from adserver.serving.app import PublicApp
from adserver.serving.http import Prompt
from adserver.serving.state import State
from tests.factories import (
    NOW,
    ZONE,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    slot,
    text_creative,
)
from tests.serving.memory import MemoryWorker
from tests.serving.tickets import TICKET

PAID = campaign("paid", slots=("*",))
HOUSE = campaign(
    "house",
    tier=Tier.HOUSE,
    slots=("*",),
    creatives=(text_creative("one", link="https://blog.example/club"), text_creative("two")),
)
SLOTS = (
    slot("own", on_empty=OnEmpty.HOUSE),
    slot("other", on_empty=OnEmpty.HOUSE),
    slot("third", on_empty=OnEmpty.HOUSE),
    slot("reserved", on_empty=OnEmpty.RESERVE),
    slot("folded", on_empty=OnEmpty.COLLAPSE),
)
AGENT = (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)")
PHONE = (b"user-agent", b"Mozilla/5.0 (Android 15; Mobile)")


@dataclass
class Busy:
    memory: MemoryWorker
    app: PublicApp
    client: httpx.AsyncClient

    @property
    def state(self) -> State:
        return self.memory.state

    def keeps_up(self) -> None:
        # As if the timer had just run; it will not run again in this test.
        self.state.overload.tick(time.perf_counter() + 1_000)

    def is_overloaded(self, *, last_step: bool = False) -> None:
        self.keeps_up()
        self.state.overload.probability = 1.0
        self.state.overload.standing = 1.0 if last_step else 0.0

    def ask(self, url: str, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> Prompt | None:
        return self.app.shedding.at_once(method, url.encode(), [AGENT, *headers])

    def shed(self, url: str, *headers: tuple[bytes, bytes]) -> Prompt:
        prompt = self.ask(url, *headers)
        assert prompt is not None
        return prompt

    def count(self, name: str) -> dict[tuple[str, ...], int]:
        return {labels: n for labels, n in self.state.meter.counts[name].items() if n}

    async def serve(self, *campaigns: Campaign) -> None:
        store = self.memory.store
        shown = generation(replace(catalog(*campaigns), slots=SLOTS), store.live + 1)
        store.publish(shown)
        await self.state.live.refresh(NOW)

    async def rows(self) -> dict[str, int]:
        await self.memory.finish()
        found: dict[str, int] = {}
        for (_, (what, *_rest)), count in self.memory.counts.rows.items():
            found[what] = found.get(what, 0) + count
        return found


@pytest.fixture
async def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Busy]:
    # Beside other tests a disk may take longer than a click waits, and it would be pending.
    monkeypatch.setattr(patience, "MAX_CLICK_WAIT_SECONDS", 30.0)
    memory = MemoryWorker(tmp_path / "journal")
    memory.begin()
    app = PublicApp(memory.state, "", lambda _: Starlette())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        worker = Busy(memory, app, client)
        await worker.serve(PAID, HOUSE)
        worker.is_overloaded()
        yield worker
    await memory.finish()


def header(prompt: Prompt, name: bytes = b"x-ad-decision") -> str:
    return dict(prompt.head)[name].decode()


def decided(prompt: Prompt) -> list[dict[str, object]]:
    return orjson.loads(prompt.body)["decisions"]


@pytest.mark.parametrize("url", ["/slots/own", "/slots/reserved", "/decisions?slots=own"])
async def test_a_worker_that_keeps_up_sheds_nothing(busy: Busy, url: str) -> None:
    assert busy.ask(url) is not None
    busy.state.overload.probability = 0.0
    assert busy.ask(url) is None


async def test_shedding_can_be_switched_off(busy: Busy) -> None:
    busy.state.sheds = False
    assert busy.ask("/slots/own") is None


async def test_before_the_first_apply_there_is_nothing_to_shed(tmp_path: Path) -> None:
    memory = MemoryWorker(tmp_path / "journal")
    app = PublicApp(memory.state, "", lambda _: Starlette())
    worker = Busy(memory, app, httpx.AsyncClient(transport=httpx.ASGITransport(app)))
    worker.is_overloaded()
    assert worker.ask("/slots/own") is None
    async with worker.client as client:
        answer = await client.post("http://ads/decisions", content=b'{"slots": ["own"]}')
        assert answer.json()["decisions"] == [
            {"slot": "own", "filled": False, "reason": "no_campaign"}
        ]
        assert (await client.get("http://ads/frame/own")).status_code == 200


async def test_a_house_ad_stands_in_and_counts_and_leads_as_ever(busy: Busy) -> None:
    prompt = busy.shed("/slots/own")
    assert (prompt.status, len(prompt.body)) == (200, int(header(prompt, b"content-length")))
    assert header(prompt) == "fill; campaign=house; creative=one; reason=shed"
    found = TICKET.search(prompt.body.decode())
    assert found
    for kind in "iv":
        answer = await busy.client.get(f"/{kind}/{found[1]}")
        assert answer.headers["x-ad-event"] == "accepted"
        again = await busy.client.get(f"/{kind}/{found[1]}")
        assert again.headers["x-ad-event"] == "discarded; reason=duplicate"
    click = await busy.client.get(f"/c/{found[1]}")
    assert click.headers["location"] == "https://blog.example/club"
    assert click.headers["x-ad-event"] == "accepted"
    rows = await busy.rows()
    assert {what: rows[what] for what in ("r", "s", "i", "v", "c")} == dict.fromkeys("rsivc", 1)
    assert busy.count("shed_total") == {("house",): 1}
    assert busy.count("decisions_total") == {("own", "house"): 1}


@pytest.mark.parametrize("name", ["reserved", "folded"])
async def test_without_a_house_ad_the_place_is_as_empty_as_when_nobody_has_bought_it(
    busy: Busy, name: str
) -> None:
    prompt = busy.shed(f"/slots/{name}")
    assert header(prompt) == "empty; reason=shed"
    await busy.serve(HOUSE)
    unsold = await busy.client.get(f"/slots/{name}")
    assert unsold.headers["x-ad-decision"] != header(prompt)
    assert prompt.body == unsold.content
    assert {n.decode() for n, _ in prompt.head} == set(unsold.headers)
    assert busy.count("no_fill_total")[name, "shed"] == 1
    assert busy.count("shed_total") == {("empty",): 1}
    assert (await busy.rows())["n.shed"] == 1


async def test_an_unknown_slot_is_unknown_without_looking_for_the_nearest(busy: Busy) -> None:
    prompt = busy.shed("/slots/owm")
    assert (prompt.status, prompt.body) == (404, b"")
    assert header(prompt) == "empty; reason=unknown_slot"
    assert busy.count("no_fill_total") == {("unknown", "unknown_slot"): 1}
    assert busy.count("http_requests_total") == {("/slots", "GET", "404"): 1}


async def test_names_are_read_as_they_are_otherwise(busy: Busy) -> None:
    assert header(busy.shed("/slots/%6Fwn")).startswith("fill; campaign=house")


async def test_decisions_look_as_they_do_otherwise(busy: Busy) -> None:
    url = "/decisions?slots=own,reserved,nowhere&slots=folded&url=https://blog.example/a"
    prompt = busy.shed(url)
    assert len(prompt.body) == int(header(prompt, b"content-length"))
    made = decided(prompt)
    await busy.serve(HOUSE)
    told = (await busy.client.get(url)).json()["decisions"]
    assert [one["slot"] for one in made] == ["own", "reserved", "nowhere", "folded"]
    assert [one.get("reason") for one in made] == ["shed", "shed", "unknown_slot", "shed"]
    assert set(made[0]) == {*told[0], "reason"}
    described = openapi.document()["components"]["schemas"]["Filled"]["properties"]
    assert set(made[0]) <= set(described)
    assert made[0]["impression_url"] in (f"/i/{made[0]['click_url'][3:]}",)
    for own, other in zip(made[1:2] + made[3:], told[1:2] + told[3:], strict=True):
        assert {**own, "reason": ""} == {**other, "reason": ""}


async def test_no_creative_stands_twice_on_a_page(busy: Busy) -> None:
    made = decided(busy.shed("/decisions?slots=own,other,third"))
    assert [one.get("creative") for one in made] == ["one", "two", None]
    assert made[2]["reason"] == "shed"


async def test_what_is_on_the_page_already_is_not_shown_again(busy: Busy) -> None:
    made = decided(busy.shed("/decisions?slots=own&exclude=other,house"))
    assert made[0]["filled"] is False


@pytest.mark.parametrize(
    "url",
    [
        "/decisions",
        "/decisions?slots=",
        f"/decisions?slots={','.join(['own'] * 33)}",
        "/decisions/own?slots=own",
        "/c/ticket",
        "/h/ticket",
        "/assets/a/b.png",
        "/slots.css",
        "/tag.js",
        "/elsewhere",
        "http://ads.example/slots/own",
    ],
)
async def test_all_else_is_answered_as_ever(busy: Busy, url: str) -> None:
    busy.is_overloaded(last_step=True)
    assert busy.ask(url) is None


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"OPTIONS"])
async def test_other_methods_are_answered_as_ever(busy: Busy, method: bytes) -> None:
    assert busy.ask("/slots/own", method=method) is None


async def test_a_head_request_is_shed_too(busy: Busy) -> None:
    assert busy.ask("/slots/own", method=b"HEAD") is not None
    assert busy.count("http_requests_total") == {("/slots", "HEAD", "200"): 1}


async def test_the_last_step_is_to_show_nothing(busy: Busy) -> None:
    busy.is_overloaded(last_step=True)
    assert header(busy.shed("/slots/own")) == "empty; reason=shed"
    made = decided(busy.shed("/decisions?slots=own,nowhere,folded"))
    assert [one["reason"] for one in made] == ["shed", "unknown_slot", "shed"]
    assert busy.shed("/decisions?slots=own,nowhere,folded") is not None
    assert busy.count("shed_total") == {("empty",): 5}
    assert busy.count("no_fill_total")["unknown", "unknown_slot"] == 2


@pytest.mark.parametrize("kind", ["i", "v"])
async def test_beacons_are_refused_at_last_and_never_before(busy: Busy, kind: str) -> None:
    assert busy.ask(f"/{kind}/ticket") is None
    busy.is_overloaded(last_step=True)
    for method in (b"GET", b"POST"):
        prompt = busy.ask(f"/{kind}/ticket", method=method)
        assert prompt is not None
        assert prompt.status == 503
        assert header(prompt, b"retry-after") == "1"
        assert b"x-ad-event" not in dict(prompt.head)
    assert busy.count("shed_total") == {("beacon",): 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"targeting": (Clause("lang", any=("fr",)),)},
        {"frequency": Frequency(3, Period.DAY)},
        {"max_per_day": 10},
        {"max_total": 10},
        {"competes_in": ("coffee",)},
        {"roadblock": True},
        {"state": CampaignState.PAUSED},
        {"flight": Flight(NOW + 60, None, ZONE)},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_house_ad_that_has_to_be_decided_on_does_not_stand_in(
    busy: Busy, changes: dict[str, object]
) -> None:
    await busy.serve(replace(HOUSE, **changes))
    assert header(busy.shed("/slots/own")) == "empty; reason=shed"
    others = replace(HOUSE, name="others")
    await busy.serve(replace(HOUSE, **changes), others)
    assert "campaign=others" in header(busy.shed("/slots/own"))


@pytest.mark.parametrize(
    ("url", "headers", "creative"),
    [
        ("/slots/own", (), "wide"),
        ("/slots/own", (PHONE,), "small"),
        ("/slots/own", ((b"sec-ch-ua-mobile", b"?1"),), "small"),
        ("/slots/own?device=mobile", (), "small"),
        ("/slots/own?device=desktop", (PHONE,), "wide"),
    ],
)
async def test_the_device_is_read(
    busy: Busy, url: str, headers: tuple[tuple[bytes, bytes], ...], creative: str
) -> None:
    pictures = (image_creative("wide", image(728, 90)), image_creative("small", image(320, 100)))
    await busy.serve(replace(HOUSE, creatives=pictures))
    assert f"creative={creative};" in header(busy.shed(url, *headers))


async def test_a_prefetched_house_ad_does_not_count(busy: Busy) -> None:
    prompt = busy.shed("/slots/own", (b"sec-purpose", b"prefetch"))
    found = TICKET.search(prompt.body.decode())
    assert found
    assert busy.state.sealer.unseal(found[1]).flags == FLAG_PREFETCH


async def test_a_call_by_post_is_shed_when_it_has_been_read(busy: Busy) -> None:
    call = {"slots": ["own", {"slot": "other", "context": {"exclude": "someone"}}]}
    answer = await busy.client.post("/decisions", content=orjson.dumps(call))
    made = answer.json()["decisions"]
    assert [one["reason"] for one in made] == ["shed", "shed"]
    assert [one["campaign"] for one in made] == ["house", "house"]
    excluded = {**call, "context": {"exclude": ["house"]}}
    answer = await busy.client.post("/decisions", content=orjson.dumps(excluded))
    assert [one["filled"] for one in answer.json()["decisions"]] == [False, False]
    busy.state.overload.probability = 0.0
    answer = await busy.client.post("/decisions", content=orjson.dumps(call))
    assert answer.json()["decisions"][0]["campaign"] == "paid"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"slots": "own"}', b'{"slots": []}'])
async def test_a_call_that_is_malformed_is_told_so(busy: Busy, body: bytes) -> None:
    answer = await busy.client.post("/decisions", content=body)
    busy.state.overload.probability = 0.0
    control = await busy.client.post("/decisions", content=body)
    assert (answer.status_code, answer.json()) == (400, control.json())


async def test_a_server_says_which_device_its_reader_has(busy: Busy) -> None:
    pictures = (image_creative("wide", image(728, 90)), image_creative("small", image(320, 100)))
    await busy.serve(replace(HOUSE, creatives=pictures))
    call = {"slots": ["own"], "visitor": {"user_agent": PHONE[1].decode()}}
    for trusted, creative in (((), "wide"), (("127.0.0.0/8",), "small")):
        busy.state.trusted_peers = tuple(map(ip_network, trusted))
        answer = await busy.client.post("/decisions", content=orjson.dumps(call))
        assert answer.json()["decisions"][0]["creative"] == creative
    forwarded = {"x-forwarded-for": "192.0.2.1"}
    answer = await busy.client.post("/decisions", content=orjson.dumps(call), headers=forwarded)
    assert answer.json()["decisions"][0]["creative"] == "wide", "a reader says so"


async def test_a_frame_is_shed_too(busy: Busy) -> None:
    answer = await busy.client.get("/frame/own")
    assert answer.headers["x-ad-decision"] == "fill; campaign=house; creative=one; reason=shed"
    assert "/slots.css?frame" in answer.text
    empty = await busy.client.get("/frame/reserved")
    assert empty.headers["x-ad-decision"] == "empty; reason=shed"
    assert (await busy.client.get("/frame/nowhere")).status_code == 404
    busy.state.overload.probability = 0.0
    decided_on = await busy.client.get("/frame/own")
    assert set(decided_on.headers) == set(answer.headers)
    assert "campaign=paid" in decided_on.headers["x-ad-decision"]


async def test_a_public_address_with_a_path_may_be_passed_on_or_stripped(busy: Busy) -> None:
    app = PublicApp(busy.state, "/ads", lambda _: Starlette())
    for url in (b"/ads/slots/own", b"/slots/own"):
        shed = app.at_once(b"GET", url, {"headers": [AGENT], "client": None})
        assert isinstance(shed, Prompt)
        assert header(shed).endswith("reason=shed")
    assert app.at_once(b"GET", b"/other/slots/own", {"headers": [AGENT], "client": None}) is None


async def test_a_defect_in_shedding_is_logged_and_answered_in_the_ordinary_way(busy: Busy) -> None:
    def broken() -> float:
        raise RuntimeError("a defect")

    busy.state.clock = broken
    assert busy.ask("/slots/own") is None


async def test_a_new_generation_is_shed_to_its_own_house_ads(busy: Busy) -> None:
    assert "campaign=house" in header(busy.shed("/slots/own"))
    await busy.serve(PAID, replace(HOUSE, name="newer"))
    assert "campaign=newer" in header(busy.shed("/slots/own"))


async def test_those_who_wait_to_be_answered_make_others_late(busy: Busy) -> None:
    busy.keeps_up()
    busy.state.overload.probability = 0.0
    for _ in range(20):  # a queue
        assert busy.ask("/slots/own") is None
    busy.state.overload.took(1e6)  # seconds an answer
    busy.app.queued()  # as the protocol does
    assert busy.ask("/slots/own") is not None
    await busy.client.get("/slots/own")
    assert busy.ask("/slots/own") is None


async def test_those_whom_nobody_has_looked_at_yet_make_others_late(busy: Busy) -> None:
    busy.keeps_up()
    busy.state.overload.probability = 0.0
    for _ in range(20):
        assert busy.ask("/slots/own") is None
    busy.state.overload.took(1e6)
    busy.app.queued()
    assert busy.ask("/slots/own") is not None
    busy.app.taken_up()
    assert busy.ask("/slots/own") is None
