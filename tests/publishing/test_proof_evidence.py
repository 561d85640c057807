"""What is known of a campaign's delivery, of one that is gone as well."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from adserver.core.catalog import Flight, Goal, Price
from adserver.core.errors import NoSuchName
from adserver.core.events import Metric
from adserver.core.publication import Content, Entry, Published
from adserver.core.renames import Rename
from adserver.publishing.proof.evidence import Delivery, Evidence, Wish, gather, overlaps
from adserver.publishing.proof.finality import Stage
from adserver.publishing.proof.generations import InForce, from_its_first, in_force, last_seen
from adserver.publishing.report import By
from tests.factories import NOW, ZONE, campaign, catalog, row, site, slot, text_creative
from tests.memory import MemoryStore, store

DAY = 86_400
HOUR = 3_600
ONE = Wish(campaign="brulerie")
# NOW is Monday 10:00; days are of Paris.
MONDAY = NOW - 10 * HOUR
FLIGHT = Flight(MONDAY - 7 * DAY, MONDAY, ZONE)


def proof(memory: MemoryStore, wish: Wish = ONE, now: float = NOW) -> Evidence:
    return gather(memory, memory, wish, now, DAY)


def delivery(memory: MemoryStore, wish: Wish = ONE, now: float = NOW) -> Delivery:
    [one] = proof(memory, wish, now).deliveries
    return one


def publish(memory: MemoryStore, *campaigns: object, at: float = NOW) -> None:
    memory.clock = at
    one = catalog(*campaigns) if campaigns else replace(catalog(), campaigns=())
    memory.publish(len(memory.made), one, Content(), Entry("ana@blog"))


def flown(*, name: str = "brulerie", **changes: object) -> MemoryStore:
    """A campaign whose flight was over this midnight, and that is still live."""
    memory = store(catalog(campaign(name, flight=FLIGHT, **changes)))
    memory.counted = [row(Metric.IMPRESSION, 100, hour=int(MONDAY) - HOUR)]
    return memory


def test_of_a_live_campaign_all_is_known():
    known = delivery(flown(order="BC-1"))
    assert known.live
    assert known.campaign is not None
    assert known.terms.order == "BC-1"
    assert [creative.id for creative in known.creatives] == ["carte"]
    assert known.whole.total.impressions == 100
    assert set(known.reports) == {By.CREATIVE, By.SLOT, By.SITE, By.DAY}


def test_a_campaign_that_is_gone_is_as_the_last_generation_had_it():
    memory = flown(paid_by="SARL")
    other = campaign("autre")
    publish(memory, campaign(flight=FLIGHT, paid_by="SAS"), other, at=NOW + 1)
    publish(memory, other, at=NOW + 2)
    publish(memory, other, at=NOW + 3)
    known = delivery(memory, now=NOW + 10)
    assert not known.live
    assert known.campaign is not None
    assert known.campaign.paid_by == "SAS"


def test_of_one_that_no_kept_generation_has_its_terms_are_known_still():
    sold = {"order": "BC-1", "price": Price(cpm=Decimal(8)), "goal": Goal(impressions=90)}
    memory = flown(**sold, paid_by="SARL")
    publish(memory, campaign("autre"), at=NOW + 1)
    memory.forget(1)
    known = delivery(memory, now=NOW + 10)
    assert known.campaign is None
    assert (known.terms.order, known.terms.flight) == ("BC-1", FLIGHT)
    assert [creative.id for creative in known.creatives] == ["carte"]
    assert str(known.whole.total.revenue) == "0.72"


def test_a_campaign_that_was_ended_before_its_flight_closes_as_if_that_had_been_its_end():
    memory = store(catalog(campaign()))
    assert delivery(memory).finality.closes is None
    publish(memory, campaign("autre"), at=NOW + HOUR)
    known = delivery(memory, now=NOW + 4 * DAY).finality
    # A day for tickets and an hour for clocks, from Monday 11:00: the midnight behind Tuesday.
    assert known.closes == MONDAY + 2 * DAY
    assert known.stage is Stage.FINAL


def test_a_campaign_with_a_new_name_has_the_figures_that_it_had_under_the_old_one():
    memory = flown(order="BC-1")
    before = delivery(memory)
    memory.clock = NOW + 1
    named = catalog(campaign("neuve", flight=FLIGHT, order="BC-1", renamed_from="brulerie"))
    renamed = [Rename("brulerie", "neuve")]
    memory.publish(1, named, Content(), Entry("ana@blog"), renamed)
    known = delivery(memory, Wish(campaign="neuve"), now=NOW + 2)
    assert known.whole.lines == before.whole.lines
    assert [creative.id for creative in known.creatives] == ["carte"]
    with pytest.raises(NoSuchName):
        delivery(memory)


def test_a_creative_that_is_gone_is_shown_where_it_was_counted():
    memory = flown(creatives=(text_creative("carte"), text_creative("vieille")))
    publish(memory, campaign(flight=FLIGHT), at=NOW + 1)
    assert [one.id for one in delivery(memory, now=NOW + 2).creatives] == ["carte"]
    number = memory.numbers()["creative/brulerie/vieille"]
    memory.counted.append(row(Metric.IMPRESSION, 1, creative=number, hour=int(MONDAY) - HOUR))
    assert [one.id for one in delivery(memory, now=NOW + 2).creatives] == ["carte", "vieille"]


def test_what_belongs_to_nobody_is_in_no_proof():
    memory = flown()
    memory.counted.append(row(Metric.IMPRESSION, 9, reason="forged", creative=0))
    assert delivery(memory).whole.total.gross == 100


def test_what_is_counted_after_the_closing_is_not_in_it():
    memory = flown()
    late = row(Metric.IMPRESSION, 7, reason="expired", hour=int(MONDAY) + 2 * DAY)
    memory.counted.append(late)
    known = delivery(memory, now=NOW + 9 * DAY)
    assert known.finality.closes == MONDAY + 2 * DAY
    assert known.whole.total.gross == 100
    assert not known.whole.discarded_impressions


def test_a_window_behind_the_goal_earns_nothing():
    memory = flown(price=Price(cpm=Decimal(8)), goal=Goal(impressions=100))
    memory.counted.append(row(Metric.IMPRESSION, 50, hour=int(MONDAY) - 2 * HOUR))
    window = replace(ONE, since=MONDAY - HOUR)
    assert str(delivery(memory).whole.total.revenue) == "0.80"
    assert str(delivery(memory, window).whole.total.revenue) == "0.40"


def test_of_an_advertiser_campaigns_are_told_that_have_to_do_with_the_window():
    old = Flight(MONDAY - 60 * DAY, MONDAY - 30 * DAY, ZONE)
    memory = store(catalog(campaign("alte", flight=old), campaign(), campaign("b", advertiser="B")))
    wish = Wish(advertiser="BRÛLERIE DU PORT", since=MONDAY)
    assert [one.name for one in proof(memory, wish).deliveries] == ["brulerie"]
    assert [one.name for one in proof(memory, replace(wish, since=None)).deliveries] == [
        "alte",
        "brulerie",
    ]
    memory.counted = [row(Metric.CLICK, 1, reason="expired")]
    assert [one.name for one in proof(memory, wish).deliveries] == ["alte", "brulerie"]


@pytest.mark.parametrize(
    ("since", "until", "in_it"),
    [
        (None, None, True),
        (MONDAY, None, False),
        (MONDAY - 1, None, True),
        (None, MONDAY - 7 * DAY, False),
        (None, MONDAY - 7 * DAY + 1, True),
    ],
)
def test_a_flight_overlaps_a_window_or_does_not(since, until, in_it):
    assert overlaps(FLIGHT, since, until) is in_it
    assert overlaps(Flight(None, None, ZONE), since, until)


def test_names_that_nobody_has_are_refused():
    for wish in (Wish(campaign="x"), Wish(advertiser="x")):
        with pytest.raises(NoSuchName):
            proof(flown(), wish)


def test_days_are_of_the_sites_zone_whatever_the_flights_is():
    memory = store(catalog(campaign(flight=FLIGHT), site=site(timezone="Asia/Tokyo")))
    memory.counted = [row(Metric.IMPRESSION, 1, hour=int(MONDAY) - HOUR)]
    known = delivery(memory)
    assert list(known.reports[By.DAY].lines) == [("2026-11-02",)]
    # Tokyo's midnight is 16:00 in Paris.
    assert known.finality.closes == MONDAY + DAY + 16 * HOUR


def test_the_stores_word_on_journals_is_passed_on():
    memory = flown()
    memory.spoken = NOW - 5
    assert delivery(memory).finality.through == NOW - 5


def published(number: int, at: float) -> Published:
    return Published(number, at, "ana", "")


HISTORY = [published(number, number * 100.0) for number in (4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("begin", "end", "numbers"),
    [
        (250, 350, (2, 3)),
        (300, 301, (3, 3)),
        (200, 300, (2, 2)),
        (0, 1e9, (1, 4)),
        (1e6, 1e7, (4, 4)),
        (0, 50, None),
    ],
)
def test_generations_are_in_force_from_when_they_are_applied_to_when_the_next_is(
    begin, end, numbers
):
    found = in_force(HISTORY, begin, end)
    assert (found and (found.first.number, found.last.number)) == numbers
    assert found is None or found.complete


def test_a_campaign_that_was_ended_had_no_part_in_the_generation_without_it():
    memory = store(catalog(campaign()))
    publish(memory, campaign("autre"), at=NOW + HOUR)
    known = delivery(memory, now=NOW + DAY).generations
    assert known is not None
    assert (known.first.number, known.last.number) == (1, 1)


def test_a_second_campaign_under_an_old_name_is_of_the_generations_since_its_own():
    open_end = replace(FLIGHT, until=None)
    memory = store(catalog(campaign(flight=open_end)))
    neuve = campaign("neuve", flight=open_end, renamed_from="brulerie")
    memory.clock = NOW + HOUR
    memory.publish(1, catalog(neuve), Content(), Entry("ana@blog"), [Rename("brulerie", "neuve")])
    second = campaign(flight=open_end)
    for later in (2, 3, 4):
        publish(memory, neuve, *([second] if later > 2 else []), at=NOW + later * HOUR)
    found = {
        name: delivery(memory, Wish(campaign=name), now=NOW + DAY).generations
        for name in ("brulerie", "neuve")
    }
    assert {name: one and one.first.number for name, one in found.items()} == {
        "brulerie": 4,
        "neuve": 1,
    }
    assert all(one and one.complete for one in found.values())


@pytest.mark.parametrize(
    ("there", "counted", "first"),
    [
        ({3, 4}, 1e9, 3),
        ({1, 2, 3, 4}, 1e9, 1),
        # It was away in between, and is looked for where it had been counted already.
        ({2, 4}, 300, 2),
        ({4}, 1e9, 4),
        (set(), 1e9, 1),
    ],
)
def test_a_campaign_has_no_part_in_the_generations_before_it(there, counted, first):
    whole = in_force(HISTORY, 0, 1e9)
    assert whole is not None
    found = from_its_first(whole, HISTORY, lambda one: one.number in there, counted)
    assert (found.first.number, found.last.number) == (first, 4)


def test_generations_that_are_not_kept_are_taken_to_have_had_it():
    gone = [replace(one, kept=False) for one in HISTORY]
    whole = in_force(gone, 0, 1e9)
    assert whole is not None
    assert from_its_first(whole, gone, lambda one: False, 1e9) == whole


def test_what_was_in_force_before_the_oldest_known_generation_is_not_known():
    assert in_force(HISTORY[:2], 100, 350) == InForce(HISTORY[1], HISTORY[1], complete=False)
    assert in_force(HISTORY[:2], 350, 450) == InForce(HISTORY[1], HISTORY[0], complete=True)
    assert in_force([], 0, 1) is None


def test_of_many_generations_the_newest_are_searched(monkeypatch):
    memory = flown()
    for later in range(3):
        publish(memory, campaign("autre"), at=NOW + 1 + later)
    history = memory.history(10)
    assert last_seen(memory, ["brulerie"], history)["brulerie"].ended_at == NOW + 1
    monkeypatch.setattr("adserver.publishing.proof.generations.MAX_SEARCHED", 2)
    assert last_seen(memory, ["brulerie"], history) == {}


def test_a_slot_that_is_gone_keeps_its_name_in_the_figures():
    memory = flown()
    memory.clock = NOW + 1
    moved = catalog(campaign(flight=FLIGHT), slots=(slot("autre"),))
    memory.publish(1, moved, Content(), Entry("ana@blog"))
    assert list(delivery(memory, now=NOW + 2).reports[By.SLOT].lines) == [("post-top",)]
