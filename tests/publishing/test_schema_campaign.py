"""Campaign files: defaults, and what is worked out while they are read."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adserver.core.booking import covers
from adserver.core.catalog import (
    Campaign,
    Catalog,
    Flight,
    Frequency,
    Hours,
    Period,
    Price,
    Size,
    State,
    Text,
    Tier,
)
from adserver.publishing import campaign_file, creatives, flights
from tests.publishing.campaign_folder import SMALLEST, codes, make_folder, read_with

SOLD = """\
advertiser: Brûlerie du Port
tier: remnant
slots: [post-top]
link: https://brulerie.example/
creatives:
  - {id: carte, text: {headline: Un café}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def campaign(folder: Path, text: str) -> Campaign:
    reading = read_with(folder, mine=text)
    assert reading.catalog is not None, reading.problems
    return named(reading.catalog, "mine")


def named(catalog: Catalog, name: str) -> Campaign:
    return next(campaign for campaign in catalog.campaigns if campaign.name == name)


def test_a_link_is_measured_as_it_is_sent(folder: Path) -> None:
    text = SOLD.replace("brulerie.example/", "brulerie.example/" + "é" * 400)
    assert codes(read_with(folder, mine=text)) == ["bad_link"]


def test_an_unknown_fact_may_be_one_that_the_site_is_to_declare(folder: Path) -> None:
    reading = read_with(folder, mine=f"{SOLD}targeting: {{sections: [a], zzz: [b]}}\n")
    near, far = (problem.hint for problem in reading.problems)
    assert near == "did you mean `section`? Else declare it under `context` in site.yaml"
    assert far.startswith("known keys are `url`, ")
    assert far.endswith("; or declare it under `context` in site.yaml")


def test_the_smallest_campaign(folder: Path) -> None:
    read = campaign(folder, SMALLEST)
    assert read.advertiser == "Le Comptoir"
    assert (read.tier, read.state, read.weight) == (Tier.HOUSE, State.READY, 1.0)
    assert read.flight == Flight(None, None, "Europe/Paris")
    assert (read.hours, read.price, read.pixels) == ((), None, ())
    assert read.frequency is None
    (creative,) = read.creatives
    assert (creative.id, creative.weight, creative.kind) == ("lettre", 1.0, "text")
    assert creative.link == "https://blog.example/lettre"
    assert creative.text == Text("La lettre")


def test_the_campaign_of_the_contract(folder: Path) -> None:
    reading = read_with(folder)
    assert reading.problems == ()
    assert reading.catalog is not None
    read = named(reading.catalog, "brulerie-automne")
    assert read.paid_by == "Brûlerie du Port SARL"
    assert read.order == "BC-2026-118"
    assert read.hours == (Hours((0, 1, 2, 3, 4), 480, 1200),)
    assert read.price == Price(cpm=Decimal("8.50"))
    assert read.pixels == ("https://pixel.example/i?n=%%random%%",)
    bandeau, carte, riche = read.creatives
    assert [str(image.size) for image in bandeau.images] == ["970x250", "970x250", "320x100"]
    assert [image.density for image in bandeau.images] == [1, 2, 1]
    assert (bandeau.weight, carte.kind) == (2.0, "text")
    assert riche.html is not None
    assert (riche.html.size, riche.html.loads_from) == (Size(970, 250), ("https://*.example",))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("{cpm: 8.50}", Price(cpm=Decimal("8.50"))),
        ("{cpc: 0}", Price(cpc=Decimal(0))),
        ("{flat: 1e3}", Price(flat=Decimal(1000))),
        ("{cpm: 0.000001}", Price(cpm=Decimal("0.000001"))),
    ],
)
def test_a_price_is_exact(folder: Path, price: str, expected: Price) -> None:
    assert campaign(folder, SOLD + f"price: {price}\n").price == expected


def test_an_order_keeps_its_zeros(folder: Path) -> None:
    assert campaign(folder, SOLD + "order: 0042\n").order == "0042"


def test_utm_names_publisher_campaign_and_creative(folder: Path) -> None:
    (creative,) = campaign(folder, SOLD + "utm: true\n").creatives
    assert creative.link == (
        "https://brulerie.example/?utm_source=le-comptoir&utm_medium=display"
        "&utm_campaign=mine&utm_content=carte"
    )


def test_a_creative_decides_for_itself_about_link_and_utm(folder: Path) -> None:
    text = SOLD.replace("id: carte", "id: carte, utm: false").replace("link:", "utm: true\nlink:")
    more = "  - {id: deux, link: 'https://b.example/?utm_source=x', text: {headline: Deux}}\n"
    carte, deux = campaign(folder, text + more).creatives
    assert carte.link == "https://brulerie.example/"
    assert deux.link.startswith("https://b.example/?utm_source=x&utm_medium=display")


def test_a_house_campaign_has_to_fit_where_it_serves_only(folder: Path) -> None:
    text = SMALLEST.replace("[home-top]", '["*"]').replace(
        "text: {headline: La lettre}", "alt: La lettre, images: [images/b-970x250.png]"
    )
    reading = read_with(folder, mine=text)
    assert codes(reading) == ["house_never_serves"]
    assert reading.catalog is not None


def test_a_roadblock_that_is_switched_off_asks_for_nothing(folder: Path) -> None:
    assert campaign(folder, SOLD + "roadblock: false\n")


@pytest.mark.parametrize("weight", ["0.001", "1000000", "2.5"])
def test_a_weight_is_any_sensible_number(folder: Path, weight: str) -> None:
    assert campaign(folder, SOLD + f"weight: {weight}\n").weight == float(weight)


@pytest.mark.parametrize("weight", ["0", "-1", "0.0009", "1000001", "1e999", "9" * 31, "nan"])
def test_a_weight_is_no_other_number(folder: Path, weight: str) -> None:
    assert codes(read_with(folder, mine=SOLD + f"weight: {weight}\n")) == ["wrong_value"]


@pytest.mark.parametrize("per", Period)
def test_a_frequency_is_so_many_impressions_in_a_period(folder: Path, per: Period) -> None:
    read = campaign(folder, SOLD + f"frequency: {{impressions: 3, per: {per}}}\n")
    assert read.frequency == Frequency(3, per)


@pytest.mark.parametrize("impressions", ["1", "1000", "3.0"])
def test_a_frequency_is_any_sensible_number(folder: Path, impressions: str) -> None:
    read = campaign(folder, SOLD + f"frequency: {{impressions: {impressions}, per: day}}\n")
    assert read.frequency == Frequency(int(float(impressions)), Period.DAY)


@pytest.mark.parametrize("impressions", ["0", "-1", "1001", "2.5", "1e999999", "9" * 31, "'3'"])
def test_a_frequency_is_no_other_number(folder: Path, impressions: str) -> None:
    text = SOLD + f"frequency: {{impressions: {impressions}, per: day}}\n"
    assert codes(read_with(folder, mine=text)) == ["wrong_value"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("text: {headline: Un café}", "text: Un café"),
        ("text: {headline: Un café}", "text: {headline: Un café, body: [1]}"),
        ("text: {headline: Un café}", "alt: a, images: images/b-728x90.png"),
        ("text: {headline: Un café}", "html: html/none.html, size: 728x90"),
        ("text: {headline: Un café}", "html: html/b.html, size: wide"),
        ("  - {id: carte, text: {headline: Un café}}", "  carte"),
        ("  - {id: carte, text: {headline: Un café}}", "  - carte"),
        ("link: https://brulerie.example/", "link: [a]"),
        ("link: https://brulerie.example/", "link: 12"),
        ("tier: remnant", "tier: [a]"),
        ("tier: remnant", "tier: remnant\nprice: 8"),
        ("tier: remnant", "tier: remnant\nfrequency: often\ngoal: {}"),
        ("tier: remnant", "tier: remnant\nfrequency: [3, day]"),
        ("tier: remnant", "tier: remnant\nfrequency: {impressions: [3], per: {day: 1}}"),
        ("tier: remnant", "tier: remnant\ntargeting: tech"),
    ],
)
def test_a_wrong_shape_is_a_problem_and_not_a_crash(folder: Path, old: str, new: str) -> None:
    assert old in SOLD
    reading = read_with(folder, mine=SOLD.replace(old, new))
    assert reading.catalog is None
    assert reading.broken == {"mine"}


def test_two_campaigns_may_show_one_document_and_both_hear_of_it(folder: Path) -> None:
    text = SMALLEST.replace("text: {headline: La lettre}", "html: html/base.html, size: 970x250")
    reading = read_with(folder, mine=text, yours=text)
    assert codes(reading) == ["base_refused", "refresh_refused"]
    assert reading.broken == {"mine", "yours"}


def test_patterns_mean_what_they_say() -> None:
    assert covers("post-*", "post-top")
    assert not covers("post-*", "home-top")


INNER_KEYS = (
    "cpm",
    "headline",
    "body",
    "cta",
    "impressions",
    "clicks",
    "share",
    "per",
    "any",
    "none",
)
WORDS = st.sampled_from([*campaign_file.KEYS, *creatives.ALL_KEYS, *flights.KEYS, *INNER_KEYS])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["home-top", "*", "https://a.test/", "images/b-970x250.png", "html/b.html"]),
    st.sampled_from(["house", "standard", "2026-11-02", "2026-11-02 09:00", "x", "728x90"]),
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(WORDS, SHAPES, max_size=10))
def test_no_shape_of_a_file_raises(folder: Path, content: dict[str, object]) -> None:
    # JSON is YAML, and says any shape without ambiguity.
    reading = read_with(folder, mine=json.dumps(content))
    assert (reading.catalog is None) == ("mine" in reading.broken)
    assert all(problem.message and problem.code for problem in reading.problems)
