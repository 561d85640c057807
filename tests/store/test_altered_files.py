"""Somebody writes other bytes into the store's files behind the server's back: nobody sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio

from adserver.core.assets import Asset, digest_of, refusal_of
from adserver.core.catalog import Html, Size
from adserver.core.publication import Content, Entry
from adserver.core.ticket import Ticket
from adserver.serving.app import PublicApp
from adserver.serving.asset_cache import AssetCache
from adserver.serving.state import State
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.keys import Keys
from tests.factories import NOW, campaign, catalog, generation, image, image_creative, text_creative
from tests.serving.memory import WRITER, MemoryWorker
from tests.serving.test_app import blog

PICTURE = Asset(b"\x89PNG\r\n\x1a\n as applied", "image/png")
DOCUMENT = Asset(b"<!doctype html><p>as applied</p>", "text/html")
EVIL = b"<!doctype html><script>evil()</script>"
FILES = {digest_of(one.data): one for one in (PICTURE, DOCUMENT)}
SHOWN = image(digest=digest_of(PICTURE.data))
RICH = text_creative("r", text=None, html=Html(digest_of(DOCUMENT.data), "b.html", Size(728, 90)))

Reading = Callable[[Any], httpx.AsyncClient]


@pytest.fixture
async def state(store: Any, keys: Keys, tmp_path: Path) -> State:
    booked = catalog(campaign(creatives=(image_creative("p", SHOWN), RICH)))
    entry = Entry("me", "why", "+")
    StoredCatalogs(store, keys).publish(0, booked, Content(assets=FILES), entry)
    memory = MemoryWorker(tmp_path / "journal")
    memory.store.publish(generation(booked))
    await memory.state.live.refresh(NOW)
    return memory.state


@pytest.fixture
def reading(state: State, beside: redis.asyncio.Redis, keys: Keys) -> Reading:
    live = StoredLiveCatalog(beside, keys)

    def with_check(refusal: Any) -> httpx.AsyncClient:
        state.assets = AssetCache(live, state.meter, refusal)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(PublicApp(state, "", blog)), base_url="http://ads"
        )

    return with_check


def addresses(state: State) -> dict[str, str]:
    ticket = state.sealer.seal(Ticket(WRITER, 1, 2, 1, 1, int(NOW), 0, 1, 1, 0)).decode()
    return {
        digest_of(PICTURE.data): f"/assets/{SHOWN.digest}/b.png",
        digest_of(DOCUMENT.data): f"/h/{ticket}",
    }


def alter(store: Any, keys: Keys) -> None:
    for digest in FILES:
        assert store.hset(keys.asset(digest), "data", EVIL) == 0  # it was there


async def test_other_bytes_are_served_to_nobody(
    store: Any, keys: Keys, state: State, reading: Reading
) -> None:
    before = reading(refusal_of)
    for digest, address in addresses(state).items():
        assert b"as applied" in (await before.get(address)).content, digest
    alter(store, keys)
    after = reading(refusal_of)
    for address in addresses(state).values():
        answer = await after.get(address)
        assert (answer.status_code, answer.content) == (404, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert (await before.get(address)).status_code == 404
    assert state.meter.counts["assets_refused_total"][("content",)] == 4
    StoredCatalogs(store, keys).publish(
        1, catalog(campaign(creatives=(RICH,))), Content(assets=FILES), Entry("me", "why", "+")
    )
    for address in addresses(state).values():
        assert b"as applied" in (await after.get(address)).content


async def test_control_without_the_check_they_are_served(
    store: Any, keys: Keys, state: State, reading: Reading
) -> None:
    alter(store, keys)
    unchecked = reading(lambda *_: None)
    for address in addresses(state).values():
        answer = await unchecked.get(address)
        assert answer.status_code == 200
        assert b"evil()" in answer.content
