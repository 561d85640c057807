"""What changes in a campaign, in the words of its file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import (
    Campaign,
    Clause,
    Flight,
    Frequency,
    Goal,
    Html,
    Pace,
    Period,
    Price,
    Size,
    State,
    Text,
    Tier,
)
from adserver.core.hours import parse_hours
from adserver.publishing.campaign_changes import campaign_changes
from tests.factories import ALWAYS, NOW, ZONE, campaign, image, image_creative, text_creative
from tests.strategies import CAMPAIGNS


def told(before: Campaign, after: Campaign) -> list[str]:
    return [change.text for change in campaign_changes(before, after, NOW)]


def change(was: dict[str, object], will: dict[str, object]) -> list[str]:
    return told(campaign(**was), campaign(**will))


def at(text: str, zone: str = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def flight(since: str | None, until: str | None, zone: str = ZONE) -> Flight:
    return Flight(since and at(since, zone), until and at(until, zone), zone)


@pytest.mark.parametrize(
    ("was", "will", "text"),
    [
        (
            {"price": Price(cpm=Decimal("8.50"))},
            {"price": Price(cpm=Decimal(9))},
            "price: cpm 8.50 → 9.00",
        ),
        (
            {"price": Price(cpm=Decimal("8.5"))},
            {"price": Price(cpc=Decimal("0.125"))},
            "price: cpm 8.50 → cpc 0.125",
        ),
        ({}, {"price": Price(flat=Decimal(400))}, "price: none → flat 400.00"),
        (
            {"goal": Goal(impressions=120_000)},
            {"goal": Goal(impressions=150_000)},
            "goal: 120,000 → 150,000 impressions",
        ),
        (
            {"goal": Goal(clicks=100)},
            {"goal": Goal(impressions=100)},
            "goal: 100 clicks → 100 impressions",
        ),
        ({"goal": Goal(share=0.5)}, {"goal": Goal(share=0.125)}, "goal: share 50% → 12.5%"),
        ({"goal": Goal(clicks=100)}, {}, "goal: 100 clicks → none"),
        ({}, {"buffer": Decimal("0.03")}, "buffer: 0% → 3%"),
        ({}, {"max_per_day": 6_000}, "max_per_day: no limit → 6,000"),
        ({"max_total": 5}, {"max_total": 6}, "max_total: 5 → 6"),
        ({}, {"pacing": Pace.ASAP}, "pacing: even → asap"),
        ({}, {"state": State.PAUSED}, "state: ready → paused"),
        ({}, {"tier": Tier.REMNANT}, "tier: standard → remnant"),
        ({}, {"weight": 0.5}, "weight: 1 → 0.5"),
        ({}, {"roadblock": True}, "roadblock: false → true"),
        ({}, {"frequency": Frequency(3, Period.DAY)}, "frequency: none → 3 per day"),
        ({}, {"advertiser": "Le Thé"}, "advertiser: “Brûlerie du Port” → “Le Thé”"),
        ({}, {"order": "BC-1"}, "order: none → “BC-1”"),
        ({"paid_by": "A"}, {"paid_by": "B"}, "paid_by: “A” → “B”"),
        ({"slots": ("a", "b")}, {"slots": ("b", "c")}, "slots: + c, - a"),
        ({"slots": ("a", "b")}, {"slots": ("b", "a")}, "slots: in another order"),
        ({}, {"competes_in": ("coffee",)}, "competes_in: + coffee"),
        ({"pixels": ("https://p.example/",)}, {}, "pixels: - https://p.example/"),
    ],
)
def test_each_key_is_told_as_it_is_written(was, will, text) -> None:
    assert change(was, will) == [text]


def test_texts_that_differ_where_they_are_cut_are_told_apart() -> None:
    (text,) = change({"advertiser": "a" * 100 + "b"}, {"advertiser": "a" * 100 + "c"})
    assert text.endswith("…” reads otherwise further on")


def test_many_values_are_counted() -> None:
    (text,) = change({}, {"pixels": tuple(f"https://{n}.example/" for n in range(15))})
    assert text.endswith("+ https://11.example/, + 3 more")


@pytest.mark.parametrize(
    ("was", "will", "texts"),
    [
        (
            flight("2026-11-02", "2026-12-01"),
            flight("2026-11-02", "2026-12-07"),
            ["flight: last day Mon 30 Nov → Sun 6 Dec"],
        ),
        (
            flight("2026-11-02", None),
            flight("2026-11-03", "2027-01-01"),
            ["flight: first day Mon 2 Nov → Tue 3 Nov", "flight: last day open → Thu 31 Dec"],
        ),
        (
            flight("2026-11-02", "2027-01-02"),
            flight("2026-11-02", "2027-01-03"),
            ["flight: last day Fri 1 Jan 2027 → Sat 2 Jan 2027"],
        ),
        (
            flight(None, "2026-11-30"),
            flight(None, "2026-11-30 18:00"),
            ["flight: until Mon 30 Nov 00:00 → Mon 30 Nov 18:00"],
        ),
        (
            flight("2026-10-25", "2026-10-26"),
            flight("2026-03-29", "2026-10-26"),
            ["flight: first day Sun 25 Oct → Sun 29 Mar"],
        ),
        (
            flight("2026-11-02", None),
            flight("2026-11-02", None, "Europe/London"),
            ["timezone: Europe/Paris → Europe/London"],
        ),
    ],
)
def test_flights_are_told_in_days_where_they_are_days(was, will, texts) -> None:
    assert change({"flight": was}, {"flight": will}) == texts


def hours(*written: str) -> dict[str, object]:
    return {"hours": tuple(part for text in written for part in parse_hours(text))}


def test_hours_are_told_as_dayparts() -> None:
    was = hours("mon-fri 08:00-20:00", "06:00-07:00")
    will = hours("mon-fri 08:00-20:00", "sat,sun 10:00-24:00", "mon-wed,fri 06:00-07:00")
    assert change(was, will) == [
        "hours: + sat,sun 10:00-24:00, + mon-wed,fri 06:00-07:00, - 06:00-07:00"
    ]


def test_targeting_is_told_by_its_clauses() -> None:
    was = (Clause("lang", any=("fr",)), Clause("section", any=("tech", "culture")))
    will = (
        Clause("section", any=("tech", "business")),
        Clause("tags", all=("café",), none=("crime",)),
    )
    assert change({"targeting": was}, {"targeting": will}) == [
        "targeting.lang: any - fr",
        "targeting.section: any + business, - culture",
        "targeting.tags: all + café",
        "targeting.tags: none + crime",
    ]


def creatives(was: tuple[object, ...], will: tuple[object, ...]) -> list[str]:
    return change({"creatives": was}, {"creatives": will})


def test_creatives_come_and_go_with_what_they_are() -> None:
    html = text_creative("rich", text=None, html=Html("d", "r.html", Size(970, 250)))
    was = (text_creative(), image_creative("banner", image(), image(320, 100)))
    assert creatives(was, (html,)) == [
        "creatives: + rich (html 970x250), - carte (text), - banner (728x90, 320x100)"
    ]


def test_creatives_in_another_order_are_told() -> None:
    both = (text_creative("a"), text_creative("b"))
    assert creatives(both, both[::-1]) == ["creatives: in another order"]


def test_a_creative_that_is_another_kind_is_told_once() -> None:
    was, will = text_creative("a", weight=2.0), image_creative("a")
    assert creatives((was,), (will,)) == [
        "creatives.a.weight: 2 → 1",
        "creatives.a: a (text) → a (728x90)",
    ]


def test_pictures_are_told_by_their_names() -> None:
    first, same = image(), image(320, 100)
    other = replace(same, digest="f" * 32)
    double = image(320, 100, name="b-320x100@2x.png", density=2)
    was, will = image_creative("a", first, same), image_creative("a", other, double, alt="Thé")
    assert creatives((was,), (will,)) == [
        "creatives.a.alt: “Café de saison” → “Thé”",
        "creatives.a.images: + b-320x100@2x.png, - b-728x90.png (728x90)",
        "creatives.a.images: b-320x100.png (320x100) is another picture",
    ]


def test_words_are_told_in_quotes() -> None:
    was, will = text_creative(text=Text("A", cta="Go")), text_creative(text=Text("B", "more"))
    assert creatives((was,), (will,)) == [
        "creatives.carte.text.headline: “A” → “B”",
        "creatives.carte.text.body: none → “more”",
        "creatives.carte.text.cta: “Go” → none",
    ]


def test_documents_are_told_by_their_names_sizes_and_hosts() -> None:
    def rich(**changes: object) -> object:
        html = replace(Html("d", "r.html", Size(970, 250), ("https://a.example",)), **changes)
        return text_creative("rich", text=None, html=html)

    assert creatives((rich(),), (rich(digest="e"),)) == [
        "creatives.rich.html: r.html is another document"
    ]
    other = rich(digest="e", name="s.html", size=Size(728, 90), loads_from=("https://b.example",))
    assert creatives((rich(),), (other,)) == [
        "creatives.rich.html: r.html → s.html",
        "creatives.rich.size: 970x250 → 728x90",
        "creatives.rich.loads_from: + https://b.example, - https://a.example",
    ]


UTM = "?utm_source=b&utm_medium=display&utm_campaign=c&utm_content="


def test_a_link_that_changes_for_all_is_told_once() -> None:
    was = tuple(text_creative(id, link=f"https://a.example/{UTM}{id}") for id in "ab")
    will = tuple(text_creative(id, link=f"https://b.example/{UTM}{id}") for id in "ab")
    assert creatives(was, will) == ["link: https://a.example/ → https://b.example/"]


def test_utm_that_is_switched_on_is_told_as_that() -> None:
    was = tuple(text_creative(id, link="https://a.example/?x=1#y") for id in "ab")
    will = tuple(text_creative(id, link=f"https://a.example/?x=1&{UTM[1:]}{id}#y") for id in "ab")
    assert creatives(was, will) == ["utm: false → true"]
    assert creatives(will, was) == ["utm: true → false"]
    other = tuple(replace(one, link=one.link.replace("=b&", "=d&")) for one in will)
    assert creatives(will, other) == ["utm: is written into the link otherwise"]


def test_a_link_of_one_creative_is_told_as_its_own() -> None:
    was = tuple(text_creative(id) for id in "ab")
    will = (was[0], text_creative("b", link="https://b.example/"))
    assert creatives(was, will) == ["creatives.b.link: https://shop.example/ → https://b.example/"]


SENSIBLE = CAMPAIGNS.map(lambda one: replace(one, flight=ALWAYS))


@given(SENSIBLE, SENSIBLE)
def test_something_is_told_exactly_where_something_differs(one, other) -> None:
    assert campaign_changes(one, one, NOW) == ()
    assert bool(campaign_changes(one, other, NOW)) is (one != other)


@given(SENSIBLE, st.data())
def test_a_single_key_is_never_changed_in_silence(one, data) -> None:
    name = data.draw(st.sampled_from([n for n in one.__dataclass_fields__ if n != "flight"]))
    other = replace(one, **{name: getattr(data.draw(SENSIBLE), name)})
    keys = {change.key.partition(".")[0] for change in campaign_changes(one, other, NOW)}
    assert bool(keys) is (one != other)
    assert keys <= {name, "link", "utm"}
