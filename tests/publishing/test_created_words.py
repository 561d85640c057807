"""What a plan says of a campaign that is created."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given

from adserver.core.catalog import (
    Campaign,
    Clause,
    Frequency,
    Goal,
    Pace,
    Period,
    Price,
    State,
    Tier,
)
from adserver.core.plan import changed_fields
from adserver.publishing.change import MAX_VALUES_SHOWN
from adserver.publishing.created_words import created_lines
from tests.factories import ALWAYS, NOW, ZONE, campaign, text_creative
from tests.publishing.test_campaign_changes import flight, hours
from tests.strategies import CAMPAIGNS


def told(one: Campaign) -> list[str]:
    return [*created_lines(one, ", ".join(one.slots), ZONE, NOW)]


SAID = {
    "advertiser": ("Le Thé", ["standard, Le Thé"]),
    "tier": (Tier.REMNANT, ["remnant, Brûlerie du Port"]),
    "goal": (Goal(clicks=50), ["standard, Brûlerie du Port, 50 clicks"]),
    "price": (Price(cpm=Decimal(9)), ["standard, Brûlerie du Port, cpm 9.00"]),
    "state": (
        State.PAUSED,
        ["state: paused", "no last day, once it is no longer paused"],
    ),
    "flight": (
        flight("2026-11-01", "2026-12-01"),
        [
            "flight: first day Sun 1 Nov, last day Mon 30 Nov",
            "last impression Mon 30 Nov 23:59 (Paris)",
        ],
    ),
    "slots": (("home", "side"), ["slots: home, side"]),
    "creatives": ((text_creative("other"),), ["creatives: other (text)"]),
    "paid_by": ("Le Thé SARL", ["paid_by: “Le Thé SARL”"]),
    "order": ("BC-1", ["order: “BC-1”"]),
    "hours": (hours("mon-fri 08:00-20:00")["hours"], ["hours: mon-fri 08:00-20:00"]),
    "weight": (2.0, ["weight: 2"]),
    "pixels": (("https://p.example/i",), ["pixels: https://p.example/i"]),
    "frequency": (Frequency(3, Period.DAY), ["frequency: 3 per day"]),
    "targeting": (
        (Clause("section", any=("tech", "business")), Clause("tags", ("a",), ("b",), ("c",))),
        ["targeting.section: any tech, business", "targeting.tags: any a; all b; none c"],
    ),
    "competes_in": (("coffee", "tea"), ["competes_in: coffee, tea"]),
    "roadblock": (True, ["roadblock: true"]),
    "buffer": (Decimal("0.03"), ["buffer: 3%"]),
    "max_per_day": (6_000, ["max_per_day: 6,000"]),
    "max_total": (50_000, ["max_total: 50,000"]),
    "pacing": (Pace.ASAP, ["pacing: asap"]),
}
# The line before says its name; and whose counts it carries on is for a rename to say.
SAID_ELSEWHERE = {"name", "renamed_from"}


def test_no_field_of_a_campaign_is_silent() -> None:
    assert {one.name for one in fields(Campaign)} == SAID.keys() | SAID_ELSEWHERE


@pytest.mark.parametrize("name", SAID)
def test_each_key_is_told_as_it_is_written(name: str) -> None:
    plain, (value, lines) = campaign(), SAID[name]
    other = replace(plain, **{name: value})
    assert [line for line in told(other) if line not in told(plain)] == lines


def test_what_the_file_does_not_say_is_not_told() -> None:
    assert told(campaign()) == [
        "standard, Brûlerie du Port",
        "slots: *",
        "link: https://shop.example/",
        "creatives: carte (text)",
        "no last day",
    ]


@given(CAMPAIGNS.map(lambda one: replace(one, flight=ALWAYS, hours=())))
def test_whatever_is_not_as_it_goes_without_saying_has_its_key(one: Campaign) -> None:
    plain = campaign(flight=ALWAYS)
    said = {line.partition(":")[0].partition(".")[0] for line in told(one)}
    first = {"name", "advertiser", "tier", "goal", "price", "flight"}
    expected = {*changed_fields(plain, one)} - first - {"slots", "creatives"}
    assert expected <= said


def test_each_address_is_told_once_and_a_foreign_one_in_both_notations() -> None:
    utm = "utm_source=b&utm_medium=display&utm_campaign=brulerie&utm_content="
    creatives = (
        text_creative("a", link=f"https://a.example/?x=1&{utm}a"),
        text_creative("b", link=f"https://a.example/?x=1&{utm}b"),
        text_creative("c", link="https://xn--brlerie-g2a.example:8443/menu"),
        text_creative("d", link="https://b.example/?utm_source=mine"),
    )
    assert [line for line in told(campaign(creatives=creatives)) if line.startswith("link")] == [
        "link: https://a.example/?x=1, utm: true",
        "link: https://xn--brlerie-g2a.example:8443/menu (brûlerie.example)",
        "link: https://b.example/?utm_source=mine",
    ]


def test_many_are_counted() -> None:
    many = [f"https://{n}.example/" for n in range(MAX_VALUES_SHOWN + 2)]
    creatives = tuple(text_creative(f"c{n}", link=link) for n, link in enumerate(many))
    lines = told(campaign(creatives=creatives, pixels=tuple(many)))
    assert "link: and 2 more" in lines
    assert any(line.startswith("pixels:") and line.endswith("and 2 more") for line in lines)


def test_another_zone_than_the_sites_is_told() -> None:
    lines = told(campaign(flight=flight(None, "2026-11-30 18:00", "Europe/London")))
    assert lines[-2:] == [
        "timezone: Europe/London",
        "last impression Mon 30 Nov 17:59 (London)",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"state": State.DRAFT}, "flight: from Mon 9 Nov 09:00, until Mon 30 Nov 18:00"),
        (hours("08:00-20:00"), "flight: from Mon 9 Nov 09:00, until Mon 30 Nov 18:00"),
    ],
)
def test_dates_that_the_impressions_do_not_tell_are_told(changes, line) -> None:
    assert line in told(campaign(flight=flight("2026-11-09 09:00", "2026-11-30 18:00"), **changes))
