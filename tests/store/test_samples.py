"""Samples of many workers become one uniform sample, weighted by what each day had."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import redis.asyncio

from adserver.core.catalog import Device
from adserver.core.context import Context
from adserver.core.errors import StoreUnavailable
from adserver.core.samples import DAY_SECONDS, MAX_SAMPLE_BYTES, Sampler, Taken
from adserver.store.keys import Keys
from adserver.store.samples import (
    SAMPLES_SECONDS,
    StoredKnownSamples,
    StoredSamples,
    read_context,
    read_tag,
    write_context,
    write_tag,
)
from tests.factories import NOW

DAY = int(NOW // DAY_SECONDS)
MOST = 16
PAGE = Context(
    site="blog",
    url="https://blog.example/2026/café",
    language="fr",
    device=Device.MOBILE,
    consent=True,
    excluded=frozenset({"brulerie"}),
    capped=frozenset({"theatre"}),
    private=True,
    facts=(("section", ("tech",)), ("lang", ("*", "fr", "fr-ca"))),
)


def test_of_a_context_what_targeting_looks_at_is_kept_and_nothing_else() -> None:
    written = write_context(PAGE)
    assert (
        written
        == (
            '["mobile","blog","https://blog.example/2026/café",'
            '[["section",["tech"]],["lang",["*","fr","fr-ca"]]]]'
        ).encode()
    )
    kept = read_context(written)
    assert kept == Context(site="blog", url=PAGE.url, device=Device.MOBILE, facts=PAGE.facts)


def test_a_long_context_is_kept_without_its_address() -> None:
    written = write_context(PAGE._replace(url="https://blog.example/" + "a" * MAX_SAMPLE_BYTES))
    assert read_context(written) == Context(site="blog", device=Device.MOBILE)


@pytest.mark.parametrize("tag", [0.0, 2.0**-53, 0.625, random.Random(1).random(), 1.0])
def test_tags_are_written_exactly(tag: float) -> None:
    assert read_tag(write_tag(tag).encode()) == tag


def test_tags_sort_as_they_are_written() -> None:
    tags = sorted(random.Random(2).random() for _ in range(1_000))
    assert [write_tag(tag) for tag in tags] == sorted(write_tag(tag) for tag in tags)


async def test_a_sample_of_all_workers_is_the_lowest_of_all_tags(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    """Three workers, one much busier than the others, that look at different times and fail."""
    draw = random.Random(3)
    samples = StoredSamples(beside, keys)
    workers = [Sampler() for _ in range(3)]
    for one in workers:
        one.most = MOST
        one.take(NOW)
    every: list[float] = []
    for step in range(3_000):
        one = workers[draw.choice([0, 0, 0, 0, 0, 0, 0, 1, 2])]
        every.append(draw.random())
        one.note(1, PAGE, every[-1])
        if draw.random() < 0.01 or step == 2_999:
            for taken in one.take(NOW):
                if draw.random() < 0.2 and step < 2_999:
                    one.put_back(taken)
                else:
                    one.told(1, DAY, await samples.add(taken, MOST))
    for one in workers:
        for taken in one.take(NOW):
            await samples.add(taken, MOST)
    fields = store.hgetall(keys.samples(1, DAY))
    below = read_tag(fields.pop(b"#below"))
    assert int(fields.pop(b"#seen")) == 3_000
    assert sorted(map(read_tag, fields)) == sorted(tag for tag in every if tag < below)
    assert MOST <= len(fields) <= 2 * MOST
    assert 0 < store.ttl(keys.samples(1, DAY)) <= SAMPLES_SECONDS


async def test_without_a_common_bound_a_busy_worker_would_have_too_few(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    """The control of the test above: each keeps as many, and what it had to give up is not told."""
    samples, draw = StoredSamples(beside, keys), random.Random(4)
    for requests, url in ((900, "https://blog.example/busy"), (100, "https://blog.example/quiet")):
        kept = {draw.random(): Context(url=url) for _ in range(requests)}
        lowest = dict(sorted(kept.items())[:MOST])
        await samples.add(Taken(1, DAY, requests, 1.0, lowest), 1_000)
    found = Counter(one.context.url for one in StoredKnownSamples(store, keys).samples(1, NOW))
    assert found["https://blog.example/quiet"] == MOST, "half, where a tenth would be right"


async def test_a_day_counts_by_its_requests(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    samples, draw = StoredSamples(beside, keys), random.Random(5)
    for back, requests, device in ((0, 900, Device.MOBILE), (7, 100, Device.DESKTOP)):
        kept = {draw.random(): Context(device=device) for _ in range(10)}
        await samples.add(Taken(1, DAY - back, requests, 1.0, kept), MOST)
    await samples.add(Taken(1, DAY - 8, 1, 1.0, {0.5: PAGE}), MOST)
    await samples.add(Taken(2, DAY, 1, 1.0, {0.5: PAGE}), MOST)
    found = StoredKnownSamples(store, keys).samples(1, NOW)
    by_device: Counter[Device] = Counter()
    for one in found:
        by_device[one.context.device] += round(one.weight)
    assert by_device == {Device.MOBILE: 900, Device.DESKTOP: 100}
    assert len(found) == 20


async def test_what_cannot_be_read_is_left_out(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    await StoredSamples(beside, keys).add(Taken(1, DAY, 10, 1.0, {0.5: PAGE}), MOST)
    store.hset(keys.samples(1, DAY), write_tag(0.25), b"of another release")
    [one] = StoredKnownSamples(store, keys).samples(1, NOW)
    assert one.weight == 10
    assert StoredKnownSamples(store, keys).samples(9, NOW) == []


async def test_a_store_that_refuses_says_so(
    beside: redis.asyncio.Redis, store: Any, keys: Keys
) -> None:
    store.set(keys.samples(1, DAY), "in the way")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await StoredSamples(beside, keys).add(Taken(1, DAY, 1, 1.0, {0.5: PAGE}), MOST)
