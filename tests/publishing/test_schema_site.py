"""site.yaml and slots.yaml: the publisher and the places in its pages."""

from __future__ import annotations

import pytest

from adserver.core.catalog import ContextKey, Device, OnEmpty, Site, Size, Slot
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.site_file import read_site, read_slots

SITE = {
    "name": "Le Comptoir",
    "sites": "{blog: https://blog.example}",
    "timezone": "Europe/Paris",
    "currency": "EUR",
    "language": "fr",
}


def site_with(**changes: str | None) -> tuple[Site | None, Findings]:
    findings = Findings("site.yaml")
    lines = [f"{key}: {value}" for key, value in (SITE | changes).items() if value is not None]
    node = parse("\n".join(lines), findings)
    assert node is not None, findings.problems
    return read_site(node, findings), findings


def site(**changes: str) -> Site:
    found, findings = site_with(**changes)
    assert found is not None, findings.problems
    return found


def test_the_smallest_site() -> None:
    assert site() == Site(
        name="Le Comptoir",
        sites={"blog": "https://blog.example"},
        timezone="Europe/Paris",
        currency="EUR",
        language="fr",
        label={"fr": "Publicité", "en": "Advertisement"},
        breakpoint=1000,
    )


@pytest.mark.parametrize("key", SITE)
def test_a_site_needs_all_of_these(key: str) -> None:
    found, findings = site_with(**{key: None})
    assert found is None
    assert [p.code for p in findings.problems] == ["missing_key"]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://Blog.Example/", "https://blog.example"),
        ("https://blog.example:443/a/", "https://blog.example/a"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_a_sites_address_has_one_form(written: str, address: str) -> None:
    assert site(sites=f'{{blog: "{written}"}}').sites == {"blog": address}


def test_a_language_without_a_default_label_needs_one() -> None:
    found, findings = site_with(language="de")
    assert found is None
    assert findings.problems[0].code == "no_label"
    assert site(language="de", label="{de: Anzeige}").label == {"de": "Anzeige"}


def test_a_regional_language_has_the_label_of_its_language() -> None:
    assert site(language="fr-CA").label["fr-CA"] == "Publicité"
    assert site(language="en-GB", label="{EN: Ad}").label["en-GB"] == "Ad"


@pytest.mark.parametrize(("written", "pixels"), [("800px", 800), ("1200", 1200), ('"640"', 640)])
def test_a_breakpoint_is_in_pixels(written: str, pixels: int) -> None:
    assert site(breakpoint=written).breakpoint == pixels


def test_a_server_may_have_a_path() -> None:
    assert site(server="https://Blog.example/ads/").server == "https://blog.example/ads"


def test_context_keys_are_read_in_order() -> None:
    context = site(context="{section: {one_of: [tech, business]}, tags: {many: true}, x: {}}")
    assert context.context == (
        ContextKey("section", ("tech", "business")),
        ContextKey("tags", many=True),
        ContextKey("x"),
    )


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("timezone", "Europe/Pari", "unknown_timezone"),
        ("currency", "euro", "wrong_value"),
        ("language", "français", "wrong_value"),
        ("sites", "{}", "wrong_value"),
        ("sites", "{blog: blog.example}", "bad_link"),
        ("sites", "{blog: 'https://blog.example/?a'}", "bad_link"),
        ("sites", "{blog: 'https://%%slot%%/'}", "bad_link"),
        ("sites", "{blog: https://a.example, Blog: https://b.example}", "duplicate_name"),
        ("sites", "{a: https://a.example, b: https://a.example/}", "duplicate_address"),
        ("sites", "{le blog: https://a.example}", "bad_name"),
        ("sites", "{blog: [1]}", "wrong_value"),
        ("label", "Publicité", "wrong_value"),
        ("label", "{fr: ''}", "wrong_value"),
        ("label", "{français: x, fr: x}", "bad_language"),
        ("breakpoint", "wide", "wrong_value"),
        ("breakpoint", "0", "wrong_value"),
        ("breakpoint", "10001", "wrong_value"),
        ("breakpoint", "[1]", "wrong_value"),
        ("server", "ads.example", "bad_link"),
        ("server", "https://ads.example/#a", "bad_link"),
        ("context", "{url: {many: true}}", "built_in_key"),
        ("context", "{Device: {many: true}}", "built_in_key"),
        ("context", "{section: tech}", "wrong_value"),
        ("context", "{section: {one_of: [Tech, tech]}}", "duplicate_value"),
        ("context", "{section: {one_off: [tech]}}", "unknown_key"),
        ("context", "{section: {many: maybe}}", "wrong_value"),
        ("context", "{a b: {many: true}}", "bad_name"),
        ("title", "x", "unknown_key"),
    ],
)
def test_what_a_site_cannot_be_is_refused(key: str, value: str, code: str) -> None:
    found, findings = site_with(**{key: value})
    assert found is None
    assert code in [problem.code for problem in findings.problems]


def slots_of(text: str) -> tuple[tuple[Slot, ...], Findings]:
    findings = Findings("slots.yaml")
    node = parse(text, findings)
    assert node is not None, findings.problems
    return read_slots(node, findings), findings


def test_slots_are_read_in_order() -> None:
    slots, _ = slots_of(
        "b: {title: B, sizes: {desktop: 728x90, mobile: 320x100}, on_empty: house}\n"
        "a: {title: A, sizes: {mobile: 320x100}}\n"
    )
    both = {Device.DESKTOP: Size(728, 90), Device.MOBILE: Size(320, 100)}
    assert slots == (
        Slot("b", "B", both, OnEmpty.HOUSE),
        Slot("a", "A", {Device.MOBILE: Size(320, 100)}, OnEmpty.RESERVE),
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: 728x90",
        "a: {title: A}",
        "a: {sizes: {desktop: 728x90}}",
        "a: {title: A, sizes: {}}",
        "a: {title: A, sizes: 728x90}",
        "a: {title: A, sizes: {tablet: 728x90}}",
        "a: {title: A, sizes: {desktop: 728×90}}",
        "a: {title: A, sizes: {desktop: 0x90}}",
        "a: {title: A, sizes: {desktop: 8001x90}}",
        "a: {title: A, sizes: {desktop: [728, 90]}}",
        "a: {title: A, sizes: {desktop: 728x90}, on_empty: hide}",
        "a: {title: A, sizes: {desktop: 728x90}, size: 1x1}",
        "a: {title: A, sizes: {desktop: 728x90}}\nA: {title: A, sizes: {desktop: 728x90}}",
        "post top: {title: A, sizes: {desktop: 728x90}}",
        "'post-*': {title: A, sizes: {desktop: 728x90}}",
    ],
)
def test_what_a_slot_cannot_be_is_refused(text: str) -> None:
    _, findings = slots_of(text)
    assert findings.failed


def test_values_that_read_alike_are_warned_of() -> None:
    found, findings = site_with(context="{section: {one_of: [tech, culture, tеch]}}")
    assert found is not None
    (problem,) = findings.problems
    assert (problem.code, problem.message) == (
        "value_twin", "`context.section.one_of`: `tеch` reads like `tech`",
    )  # fmt: skip
