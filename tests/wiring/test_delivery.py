"""The gauges that come from the store: what was bought, delivered and expected, on a real store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from adserver.core.catalog import Catalog, Flight, Goal, State
from adserver.core.forecast import DAY_SECONDS, HOUR_SECONDS, History, learn
from adserver.core.hour import hour_at
from adserver.core.pacing import Verdict
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.publication import Content, Entry
from adserver.metrics.meter import Dump
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import async_client
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from adserver.store.traffic import StoredLiveTraffic
from adserver.wiring.delivery import Delivery
from tests.factories import ZONE, campaign, catalog, text_creative

KEYS = Keys("blog")
HALF_OVER = Flight(time.time() - 10 * DAY_SECONDS, time.time() + 10 * DAY_SECONDS, ZONE)


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[redis.asyncio.Redis]:
    with Embedded(tmp_path).used(stop_if_last=True) as url:
        async with async_client(url) as connection:
            yield connection


@pytest.fixture
def store(beside: redis.asyncio.Redis) -> Any:
    return redis.Redis(unix_socket_path=beside.connection_pool.connection_kwargs["path"])


def publish(store: Any, *catalogs: Catalog) -> None:
    for number, one in enumerate(catalogs):
        StoredCatalogs(store, KEYS).publish(number, one, Content(), Entry("ana"))


def deliver(store: Any, creative: int, impressions: int, clicks: int = 0) -> None:
    store.hincrby(KEYS.totals(0), f"i:{creative}", impressions)
    store.hincrby(KEYS.totals(0), f"c:{creative}", clicks)
    store.zadd(KEYS.changes(0), {str(creative): store.incr(KEYS.change(0))})


async def steady(beside: redis.asyncio.Redis) -> None:
    """Every hour of the last four weeks had a hundred requests."""
    hour = hour_at(time.time(), ZONE)
    history = History()
    for back in range(28 * 24, 0, -1):
        history = learn(history, hour.begin - back * HOUR_SECONDS, 100, ZONE)
    await StoredLiveTraffic(beside, KEYS).learn(0, hour.begin, {1: history})


def told(dump: Dump, name: str) -> dict[tuple[str, ...], float]:
    return dict(dump.get(name, []))


async def test_a_goal_is_told_beside_what_is_delivered_and_expected(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    sold = campaign("sold", goal=Goal(impressions=2_000), flight=HALF_OVER)
    clicks = campaign("clicks", goal=Goal(clicks=10), flight=HALF_OVER)
    publish(store, catalog(sold, clicks, campaign("weight")))
    await steady(beside)
    deliver(store, 1, 700)
    deliver(store, 2, 400, clicks=5)
    dump = await Delivery(beside, KEYS).dump()
    assert told(dump, "campaign_goal") == {("sold", "impressions"): 2_000, ("clicks", "clicks"): 10}
    assert told(dump, "campaign_delivered_ratio") == {("sold",): 0.35, ("clicks",): 0.5}
    expected = told(dump, "campaign_expected_ratio")
    assert expected == {("sold",): pytest.approx(0.5, abs=0.01), ("clicks",): 0.5}
    verdicts = told(dump, "campaign_verdict")
    assert len(verdicts) == 2 * len(Verdict)
    assert {labels for labels, value in verdicts.items() if value} == {
        ("sold", Verdict.BEHIND),
        ("clicks", Verdict.ON_COURSE),
    }


async def test_what_a_creative_delivered_that_is_gone_still_counts(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    before = campaign("sold", goal=Goal(impressions=100), creatives=(text_creative("old"),))
    after = replace(before, creatives=(text_creative("new"),))
    publish(store, catalog(before), catalog(after))
    deliver(store, 1, 30)
    deliver(store, 2, 20)
    dump = await Delivery(beside, KEYS).dump()
    assert told(dump, "campaign_delivered")["sold", "impressions"] == 50
    assert told(dump, "campaign_delivered_ratio") == {("sold",): 0.5}
    assert told(dump, "campaign_expected_ratio") == {}, "its flight has no beginning"


async def test_a_draft_is_not_judged_and_a_campaign_without_goal_has_none(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    draft = campaign("draft", goal=Goal(impressions=9), flight=HALF_OVER, state=State.DRAFT)
    publish(store, catalog(draft, campaign("weight")))
    dump = await Delivery(beside, KEYS).dump()
    assert told(dump, "campaign_goal") == {("draft", "impressions"): 9}
    assert told(dump, "campaign_verdict") == {}
    assert told(dump, "campaign_state")["draft", "draft"] == 1


async def test_where_no_number_is_bought_nothing_is_expected(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    publish(store, catalog(campaign("weight")))
    dump = await Delivery(beside, KEYS).dump()
    assert told(dump, "campaign_goal") == told(dump, "campaign_verdict") == {}
    assert told(dump, "campaign_info") == {("weight", "Brûlerie du Port", "standard"): 1}


async def test_counts_are_read_again_and_courses_are_kept(
    beside: redis.asyncio.Redis, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, catalog(campaign("sold", goal=Goal(impressions=100), flight=HALF_OVER)))
    monkeypatch.setattr("adserver.wiring.delivery.FRESH_SECONDS", -1.0)
    delivery = Delivery(beside, KEYS)
    for delivered in (0.1, 0.2):
        deliver(store, 1, 10)
        dump = await delivery.dump()
        assert told(dump, "campaign_delivered_ratio") == {("sold",): delivered}


async def test_what_is_paused_is_told_while_it_is(
    beside: redis.asyncio.Redis, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.wiring.delivery.FRESH_SECONDS", -1.0)
    sold = campaign("sold", goal=Goal(impressions=100), flight=HALF_OVER)
    publish(store, catalog(sold, campaign("sails", advertiser="Voilerie")))
    delivery, pauses = Delivery(beside, KEYS), StoredPauses(store, KEYS)

    async def states() -> tuple[float, set[tuple[str, ...]]]:
        dump = await delivery.dump()
        shown = told(dump, "campaign_state")
        return told(dump, "pauses")[()], {labels for labels, value in shown.items() if value}

    running = {("sold", "running"), ("sails", "running")}
    assert await states() == (0, running)
    now = time.time()
    target = Target.read("advertiser:voilerie")
    act = Act(now, Verb.PAUSE, target, "ana")
    pauses.act(act, [], [Pause(target, now, now + 3_600, "ana")])
    assert await states() == (1, {("sold", "running"), ("sails", "paused")})
    served = delivery._served
    await delivery.dump()
    assert delivery._served is served, "found out once"
    act = Act(now + 1, Verb.PAUSE, target, "ana")
    pauses.act(act, [], [Pause(target, now, now - 1, "ana")])
    assert await states() == (0, running)
    everything = Target.read("*")
    act = Act(now + 2, Verb.PAUSE, everything, "ana")
    pauses.act(act, [target], [Pause(everything, now, None, "ana")])
    all_paused = (1, {("sold", "paused"), ("sails", "paused")})
    assert await states() == all_paused
    store.hset(KEYS.pauses, "*", "another release's")
    store.set(KEYS.pauses_version, "another")
    assert await states() == all_paused, "as they were read last"


async def test_while_the_store_refuses_nothing_is_told(
    beside: redis.asyncio.Redis, store: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await Delivery(beside, KEYS).dump() == {}, "nothing is live"
    publish(store, catalog(campaign("sold", goal=Goal(impressions=100), flight=HALF_OVER)))
    store.set(KEYS.traffic, "in the way")
    assert await Delivery(beside, KEYS).dump() == {}
    assert "store_unavailable" in capsys.readouterr().out
