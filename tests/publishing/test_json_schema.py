"""The schemas mark what a file says wrongly by itself, and nothing that `validate` accepts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adserver.publishing import (
    campaign_file,
    creatives,
    descriptions,
    flights,
    goals,
    site_file,
    targeting,
)
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.json_schema import KINDS, Kind, json_schema, schema_files
from adserver.publishing.nodes import MapNode
from adserver.publishing.read import read_folder
from adserver.publishing.site_file import read_site, read_slots
from tests.docs.pages import blocks, page
from tests.publishing.campaign_folder import DATA, make_folder
from tests.publishing.plain_values import plain_file

SHIPPED = Path(__file__).parents[2] / "config"
BAD = sorted((DATA / "bad").glob("*.yaml"))


@cache
def validator(kind: Kind) -> Draft202012Validator:
    return Draft202012Validator(json_schema(kind))


def marks(kind: Kind, value: Any) -> list[str]:
    return [error.message for error in validator(kind).iter_errors(value)]


def kind_of(name: str) -> Kind:
    return "site" if name == "site.yaml" else "slots" if name == "slots.yaml" else "campaign"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: Kind) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize(
    "path",
    sorted([*SHIPPED.glob("*.yaml"), *SHIPPED.glob("campaigns/*"), *DATA.glob("good/**/*.yaml")]),
    ids=lambda path: path.name,
)
def test_good_files_are_not_marked(path: Path) -> None:
    assert marks(kind_of(path.name), plain_file(path.read_bytes())) == []


def test_the_complete_examples_of_the_docs_are_not_marked() -> None:
    examples = [b for b in blocks(page("campaigns.md")) if b.mark.startswith("complete: ")]
    assert len(examples) > 5
    for example in examples:
        kind = kind_of(example.mark.rpartition("/")[2])
        assert marks(kind, plain_file(example.text.encode())) == [], example.mark


# What a schema cannot know: other files, pictures and documents, the calendar, time zones, how
# a text is encoded, names that differ in case only, and whether two lists contradict each other.
BEYOND = frozenset(
    (
        "creative-fits-nowhere", "creative-same-id", "flight-empty-span",
        "flight-gap-of-midnight", "flight-in-the-gap", "flight-inverted", "flight-no-such-day",
        "flight-twice-a-night", "flight-unknown-timezone", "hours-unknown-day",
        "house-where-it-never-serves", "html-base-and-refresh", "html-hidden", "html-latin1",
        "html-misplaced-macros", "html-no-click", "html-undeclared-hosts", "html-unknown-macro",
        "image-address", "image-damaged", "image-folder", "image-heavy", "image-lonely-double",
        "image-missing", "image-odd-double", "image-svg-in-disguise", "image-svg-with-script",
        "image-svg", "image-too-heavy",
        "image-too-many-pixels", "image-wrong-ending", "image-wrong-name", "link-bad-punycode",
        "link-bracket-host", "link-control", "link-full-width-dot", "link-host",
        "link-html-macro", "link-long-host", "link-long-label", "link-numeric-host",
        "link-octal-host", "link-port-99999", "link-port-words", "link-port-zero", "link-port",
        "link-soft-hyphen", "link-turned-around", "link-unknown-macro", "number-leading-zero",
        "picture-larger-than-slots", "price-too-fine", "roadblock-of-few", "slot-homoglyph",
        "slot-pattern-matches-none", "slot-unknown", "slot-without-creative",
        "standard-without-goal", "timezone-offset",
    )
)  # fmt: skip


def test_bad_files_are_marked_where_a_schema_can_know() -> None:
    unmarked = set()
    for path in BAD:
        value = plain_file(path.read_bytes())
        if value is not None and not marks("campaign", value):
            unmarked.add(path.stem)
    assert unmarked == BEYOND


def keys_below(schema: dict[str, Any], key: str) -> set[str]:
    return set(schema["properties"][key]["properties"])


def test_the_schemas_have_every_key_that_is_read() -> None:
    site, slots, campaign = (json_schema(kind) for kind in KINDS)
    assert set(site["properties"]) == set(site_file.SITE_KEYS)
    assert set(slots["additionalProperties"]["properties"]) == set(site_file.SLOT_KEYS)
    assert set(campaign["properties"]) == set(campaign_file.KEYS)
    assert keys_below(campaign, "flight") == set(flights.KEYS)
    assert keys_below(campaign, "goal") == {*goals.UNITS, "share"}
    assert keys_below(campaign, "targeting") == set(targeting.FACTS)
    creative = campaign["properties"]["creatives"]["items"]
    assert set(creative["properties"]) == set(creatives.ALL_KEYS)


def descriptions_within(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(descriptions_within, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("description")
    return set().union(
        {own} if isinstance(own, str) else (), *map(descriptions_within, schema.values())
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_description_is_shown_to_somebody(kind: Kind) -> None:
    words = getattr(descriptions, kind.upper())
    assert descriptions_within(json_schema(kind)) == set(words.values())


def test_files_end_with_a_line_end_and_are_those_that_were_asked_for() -> None:
    assert list(schema_files()) == [f"schemas/{kind}.json" for kind in KINDS]
    (only,) = schema_files("site").values()
    assert only.endswith("}\n")


# Values of every sort, some of them right for some keys.
VALUES = st.sampled_from(
    [
        "a", "1", "-1", "0.5", "1000", "true", "no", "null", "''", "[a]", "[]", "{}", "a b", "50%",
        "0%", "100%", "3 %", "120%", "2026-11-02", "2026-13-02", '"2026-11-02 09:00"', "970x250",
        "0x9", "8001x9", "https://a.example/", "HTTP://a.example", "ftp://a.example", "//a.example",
        "{impressions: 3}", "{share: 50%}", "{share: 0%}", "{clicks: 2, impressions: 2}",
        "{impressions: 3, per: day}", "{cpm: 8.5}", "{cpm: 8.5, cpc: 1}", "even", "asap", "ready",
        "house", "standard", "sponsorship", "remnant", "{first_day: 2026-11-02}",
        "{first_day: 2026-11-02, last_day: 2026-11-30}", '{until: "2026-11-30 18:00"}',
        "{first_day: 2026-11-02, until: 2026-11-03 10:00}", "{timezone: Europe/Paris}",
        "['mon-fri 08:00-20:00']", "['08:00-25:00']", "Europe/Paris", "Europe/Pari",
        "{tags: [a]}", "{country: [NO], lang: [fr, '*']}", "{device: {none: [Mobile]}}",
        "{device: [phone]}", "{url: ['/a/*', 'https://b.example/*']}", "{url: [a]}", "{tags: {}}",
        "[home-top]", "[home-top, 'post-*']", "0042", "1e3", "'2'", ".5",
    ]
)  # fmt: skip
CREATIVES = st.sampled_from(
    [
        "[{id: a, text: {headline: b}}]",
        "[{id: a, text: {headline: b}, link: https://a.example}]",
        "[{id: a, text: {headline: b}, size: 970x250}]",
        "[{id: a, images: [images/b-970x250.png], alt: b}]",
        "[{id: a, images: [../b.png], alt: b}]",
        "[{id: A.b, text: {headline: 1, body: c, cta: d}, weight: 2, utm: true}]",
        "[{id: é, text: {headline: b}}]",
        "[{id: a, html: html/b.html, size: 970x250}]",
        "[{text: {headline: b}}]",
        "[]",
    ]
)
KEYS = [key for key in campaign_file.KEYS if key != "creatives"]


@st.composite
def campaigns(draw: st.DrawFn) -> str:
    """Campaign files with any value under some keys, and good ones under the rest."""
    good = {
        "advertiser": "a",
        "tier": draw(st.sampled_from(["house", "standard", "sponsorship", "remnant"])),
        "slots": "[home-top]",
        "link": "https://a.example/",
        "creatives": draw(CREATIVES),
    }
    if good["tier"] in ("standard", "sponsorship"):
        good["goal"] = "{share: 50%}" if good["tier"] == "sponsorship" else "{impressions: 3}"
        good["flight"] = "{first_day: 2026-11-02, last_day: 2026-11-30}"
    changed = draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
    without = draw(st.sets(st.sampled_from(sorted(good)), max_size=1))
    lines = {key: value for key, value in (good | changed).items() if key not in without}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_folder(tmp_path_factory.mktemp("schema"))
    for path in (made / "campaigns").iterdir():
        path.unlink()
    return made


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=campaigns())
def test_no_campaign_that_validate_accepts_is_marked(folder: Path, text: str) -> None:
    (folder / "campaigns" / "one.yaml").write_text(text, encoding="utf-8")
    if not read_folder(folder).broken:
        assert marks("campaign", plain_file(text.encode())) == [], text


SITE = {
    "name": "a", "sites": "{a: 'https://a.example'}", "timezone": "Europe/Paris",
    "currency": "EUR", "language": "fr",
}  # fmt: skip
SITE_VALUES = VALUES | st.sampled_from(
    [
        "EUR", "eur", "fr-CA", "{fr: b}", "{fr: b, x: c}", "1000px", "10001px", "0",
        "{a: {one_of: [b]}}", "{a: {many: true}}", "{url: {many: true}}", "{a: {}}", "{a: b}",
        "{a: 'https://a.example/b', b: 'https://a.example/?c'}", "https://a.example:8080/ads",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(site_file.SITE_KEYS), SITE_VALUES, max_size=2))
def test_no_site_that_validate_accepts_is_marked(changed: dict[str, str]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in (SITE | changed).items())
    if read("site", text):
        assert marks("site", plain_file(text.encode())) == [], text


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(site_file.SLOT_KEYS), VALUES, max_size=2))
def test_no_slot_that_validate_accepts_is_marked(changed: dict[str, str]) -> None:
    good = {"title": "a", "sizes": "{desktop: 728x90}"}
    text = "home-top:\n" + "".join(f"  {k}: {v}\n" for k, v in (good | changed).items())
    if read("slots", text):
        assert marks("slots", plain_file(text.encode())) == [], text


def read(kind: Kind, text: str) -> bool:
    """Whether the reader takes a file as it is."""
    findings = Findings(f"{kind}.yaml")
    node = parse(text, findings)
    if isinstance(node, MapNode):
        (read_site if kind == "site" else read_slots)(node, findings)
    return not findings.failed
