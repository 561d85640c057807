"""What is served now, what is prepared from it, and what is no longer served."""

from __future__ import annotations

import pytest

from adserver.core.catalog import Generation
from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.errors import NoSuchName, StoreUnavailable
from adserver.core.events import Metric, Row
from adserver.core.publication import KnownCreative
from adserver.core.snapshot import Snapshot
from adserver.core.steps import finish
from adserver.core.ticket import TEXT_LENGTH
from adserver.metrics.meter import Meter
from adserver.serving import live as live_module
from adserver.serving import served as module
from adserver.serving.invalid import Invalid
from adserver.serving.live import RETRY_SECONDS, Live
from adserver.serving.served import MAX_HINT_CHARACTERS, Served, preparing
from tests.factories import NOW, campaign, catalog, generation, site, slot, text_creative
from tests.serving.memory import MemoryCatalog

PIXELS = ("https://t.example/?c=%%campaign%%&r=%%random%%",)


def served(written=None, public_url: str = "", meter: Meter | None = None) -> Served:
    return finish(preparing(generation(written), public_url, meter or Meter(), NOW, Invalid()))


def fill(of: Served, **context):
    asked = Context(language="fr", **context)
    decision = decide(of.snapshot, "post-top", asked, NOW, 0.0)
    assert decision.placement is not None
    return of.fill(decision.placement, of.reader.of(asked))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("post-tpo", "post-top"),
        ("Post-Top", "post-top"),
        ("completely different", ""),
        ("", ""),
        ("post-top" * MAX_HINT_CHARACTERS, ""),
        ("pöst-top", "post-top"),
    ],
)
def test_the_nearest_slot_is_hinted(wrong: str, hint: str) -> None:
    one = served()
    assert one.hint(wrong) == one.hint(wrong) == hint


def test_hints_are_looked_for_and_remembered_within_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_HINTS", 3)
    one = served()
    for _ in range(2):
        hints = [one.hint(f"post-top{n}") for n in range(9)]
        assert hints == ["post-top"] * 3 + [""] * 6
    assert len(one.hints) == 3


def test_a_fill_is_prepared_once_for_what_makes_it_different() -> None:
    one = served()
    assert fill(one) is fill(one)
    assert fill(one, consent=True) is not fill(one)


def test_fills_are_kept_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILLS", 3)
    one = served()
    decision = decide(one.snapshot, "post-top", Context(language="fr"), NOW, 0.0)
    assert decision.placement is not None
    reading = one.reader.of(Context(language="fr"))
    for nth in range(1, 9):
        assert one.fill(decision.placement, reading, nth).placement is decision.placement
        assert len(reading.look.fills) <= 3


def test_a_prepared_head_says_the_length_of_what_follows() -> None:
    prepared = fill(served())
    body = (b"x" * TEXT_LENGTH).join(prepared.with_beacon)
    assert prepared.head is not None
    assert (b"content-length", b"%d" % len(body)) in prepared.head
    assert prepared.decision == (b"x-ad-decision", b"fill; campaign=brulerie; creative=carte")


def test_without_its_beacon_an_ad_is_the_same_but_for_that() -> None:
    prepared = fill(served())
    whole, without = (b"T".join(x) for x in (prepared.with_beacon, prepared.without_beacon))
    beacon = b'<img src="/i/T" width="1" height="1" alt="" hidden>'
    assert whole.count(beacon) == 1
    assert without == whole.replace(beacon, b"")


def test_a_name_outside_of_ascii_does_not_break_a_header() -> None:
    named = served(catalog(campaign("été")))
    assert fill(named).decision[1] == b"fill; campaign=?t?; creative=carte"


def test_pixels_are_there_with_consent_only_and_their_length_is_not_known_before() -> None:
    one = served(catalog(campaign(pixels=PIXELS)))
    without, agreed = fill(one), fill(one, consent=True)
    assert b"t.example" not in b"".join(without.with_beacon)
    assert b"t.example/?c=brulerie&amp;r=" in b"".join(agreed.with_beacon)
    assert b"t.example" not in b"".join(agreed.without_beacon)
    assert agreed.head is None


@pytest.mark.parametrize(
    ("public_url", "server", "begins"),
    [
        ("", "", "/i/"),
        ("https://ads.example/", "", "https://ads.example/i/"),
        ("", "https://site.example/ads", "https://site.example/ads/i/"),
        ("https://ads.example", "https://site.example", "https://ads.example/i/"),
    ],
)
def test_every_address_begins_with_the_public_one(
    public_url: str, server: str, begins: str
) -> None:
    one = served(catalog(site=site(server=server)), public_url)
    assert one.addresses.of("/i/") == begins
    assert f'"{begins}'.encode() in fill(one).with_beacon[-2]


def test_every_series_is_there_at_zero_from_the_start() -> None:
    meter = Meter()
    served(catalog(campaign("a"), slots=(slot("top"), slot("bottom"))), meter=meter)
    for name in ("impressions_total", "viewable_impressions_total", "clicks_total"):
        assert meter.counts[name] == {("top", "a"): 0, ("bottom", "a"): 0}
    decided = meter.counts["decisions_total"]
    assert set(decided) == {(s, o) for s in ("top", "bottom") for o in ("fill", "house", "empty")}
    assert meter.counts["no_fill_total"]["unknown", "unknown_slot"] == 0
    assert meter.counts["events_discarded_total"]["click", "unknown", "forged"] == 0
    assert not any(value for series in meter.counts.values() for value in series.values())


def test_a_new_generation_keeps_what_was_counted() -> None:
    meter = Meter()
    served(meter=meter)
    meter.counts["clicks_total"]["post-top", "brulerie"] += 3
    served(meter=meter)
    assert meter.counts["clicks_total"]["post-top", "brulerie"] == 3


@pytest.fixture
def store() -> MemoryCatalog:
    memory = MemoryCatalog()
    memory.publish(generation(catalog(campaign("a"))))
    return memory


@pytest.fixture
def live(store: MemoryCatalog) -> Live:
    return Live(store, "", Meter())


async def test_before_any_apply_nothing_is_served() -> None:
    nothing = Live(MemoryCatalog(), "", Meter())
    assert not await nothing.refresh(NOW)
    assert (nothing.served, nothing.generation, nothing.timezone) == (None, 0, "UTC")
    assert nothing.slot_label(1) == nothing.campaign_label(1) == "other"


async def test_what_is_live_is_served_and_confirmed(live: Live) -> None:
    assert await live.refresh(NOW)
    assert (live.generation, live.since, live.timezone) == (1, NOW, "Europe/Paris")
    assert not await live.refresh(NOW + 5)
    assert (live.since, live.confirmed) == (NOW, NOW + 5)


async def test_a_new_generation_replaces_the_old_one_whole(
    live: Live, store: MemoryCatalog
) -> None:
    await live.refresh(NOW)
    before = live.served
    store.publish(generation(catalog(campaign("b")), number=2))
    assert await live.refresh(NOW + 1)
    assert live.served is not before
    assert (live.generation, live.since) == (2, NOW + 1)


async def test_while_the_store_is_away_what_was_served_stays(
    live: Live, store: MemoryCatalog
) -> None:
    await live.refresh(NOW)
    store.away = True
    with pytest.raises(StoreUnavailable):
        await live.refresh(NOW + 1)
    assert (live.generation, live.confirmed) == (1, NOW)


async def test_a_store_that_goes_away_in_the_middle_is_asked_again_at_once(
    live: Live, store: MemoryCatalog
) -> None:
    store.generations_away = True
    with pytest.raises(StoreUnavailable):
        await live.refresh(NOW)
    store.generations_away = False
    assert await live.refresh(NOW)


async def test_a_generation_that_cannot_be_served_changes_nothing_and_is_tried_again_later(
    live: Live, store: MemoryCatalog
) -> None:
    await live.refresh(NOW)
    store.live = 2
    with pytest.raises(NoSuchName):
        await live.refresh(NOW + 1)
    assert not await live.refresh(NOW + 2)
    assert store.asked["generation 2"] == 1
    assert live.generation == 1
    store.publish(generation(catalog(campaign("b")), number=2))
    assert await live.refresh(NOW + 1 + RETRY_SECONDS)
    assert live.generation == 2


async def test_a_better_generation_is_not_kept_waiting_by_a_broken_one(
    live: Live, store: MemoryCatalog
) -> None:
    store.live = 2
    with pytest.raises(NoSuchName):
        await live.refresh(NOW)
    store.publish(generation(number=3))
    assert await live.refresh(NOW + 1)


GONE = KnownCreative.of(campaign("gone"), text_creative())


async def test_a_creative_of_the_snapshot_is_found_without_the_store(
    live: Live, store: MemoryCatalog
) -> None:
    await live.refresh(NOW)
    store.away = True
    assert await live.creative(1) == KnownCreative.of(campaign("a"), text_creative())


async def test_a_creative_that_is_gone_is_asked_for_once(live: Live, store: MemoryCatalog) -> None:
    await live.refresh(NOW)
    store.known[99] = GONE
    assert await live.creative(99) == await live.creative(99) == GONE
    assert store.asked["creative 99"] == 1
    assert await live.creative(98) is None


async def test_past_the_bound_creatives_that_are_gone_are_found_all_the_same(
    live: Live, store: MemoryCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MAX_GONE", 2)
    store.known = dict.fromkeys(range(90, 99), GONE)
    for number in store.known:
        assert await live.creative(number) == GONE
    assert await live.creative(98) == GONE
    assert store.asked["creative 98"] == 2
    assert store.asked["creative 90"] == 1


def row(metric: Metric, reason: str = "", creative: int = 1, slot: int = 1, count: int = 1) -> Row:
    return Row(int(NOW), metric, reason, creative, slot, 1, count)


async def test_events_are_shown_by_slot_and_campaign(store: MemoryCatalog) -> None:
    meter = Meter()
    live = Live(store, "", meter)
    await live.refresh(NOW)
    for metric in (Metric.IMPRESSION, Metric.VIEWABLE, Metric.CLICK):
        live.note([row(metric), row(metric, reason="duplicate")])
    live.note(
        [row(Metric.CLICK, creative=99, slot=77), row(Metric.UNMATCHED, creative=99, slot=77)]
    )
    live.note([row(Metric.IMPRESSION, count=2)])
    assert meter.counts["impressions_total"]["post-top", "a"] == 3
    assert meter.counts["viewable_impressions_total"]["post-top", "a"] == 1
    assert meter.counts["clicks_total"] == {("post-top", "a"): 1, ("other", "other"): 1}
    assert meter.counts["events_discarded_total"]["click", "post-top", "duplicate"] == 1


async def test_what_a_generation_needs_is_done_before_it_is_served() -> None:
    seen: list[tuple[int, int, int]] = []

    async def before(coming: Generation, snapshot: Snapshot) -> None:
        seen.append((coming.number, snapshot.generation, live.generation))

    store = MemoryCatalog()
    live = Live(store, "", Meter(), before)
    for number in (1, 2):
        store.publish(generation(number=number))
        assert await live.refresh(NOW)
    assert seen == [(1, 1, 0), (2, 2, 1)]


async def test_a_generation_whose_preparation_fails_is_not_served() -> None:
    async def before(*_: object) -> None:
        raise RuntimeError("a defect")

    store = MemoryCatalog()
    live = Live(store, "", Meter(), before)
    store.publish(generation())
    with pytest.raises(RuntimeError):
        await live.refresh(NOW)
    assert live.served is None
    assert not await live.refresh(NOW + RETRY_SECONDS / 2), "not tried again at once"


async def test_a_creative_is_served_or_not() -> None:
    store = MemoryCatalog()
    live = Live(store, "", Meter())
    assert not live.serves(1)
    store.publish(generation())
    await live.refresh(NOW)
    assert (live.serves(1), live.serves(2)) == (True, False)
