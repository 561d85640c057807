"""What changes in `site.yaml` and `slots.yaml`, in their words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import ContextKey, Device, OnEmpty, Size
from adserver.publishing.setting_changes import setting_changes
from tests.factories import catalog, site, slot
from tests.strategies import KEYS, several


def of_site(was: dict[str, Any], will: dict[str, Any]) -> list[str]:
    before, after = (catalog(site=site(**one)) for one in (was, will))
    return [change.text for change in setting_changes(before, after).get("site", ())]


def of_slots(was: tuple[Any, ...], will: tuple[Any, ...]) -> list[str]:
    found = setting_changes(catalog(slots=was), catalog(slots=will))
    return [change.text for change in found.get("slots", ())]


def test_what_is_the_same_is_not_told() -> None:
    assert setting_changes(catalog(), catalog()) == {}


def test_the_site_is_told_key_by_key() -> None:
    was = {"sites": {"blog": "https://blog.example", "old": "https://old.example"}}
    will = {
        "name": "Le Bistrot",
        "sites": {"blog": "https://www.blog.example", "revue": "https://revue.example"},
        "timezone": "Europe/London",
        "currency": "GBP",
        "language": "en",
        "label": {"fr": "Pub", "en": "Advertisement"},
        "breakpoint": 800,
        "server": "https://ads.example",
    }
    assert of_site(was, will) == [
        "name: “Le Comptoir” → “Le Bistrot”",
        "sites: + revue: https://revue.example, - old: https://old.example",
        "sites.blog: https://blog.example → https://www.blog.example",
        "timezone: Europe/Paris → Europe/London",
        "currency: EUR → GBP",
        "language: fr → en",
        "label.fr: Publicité → Pub",
        "breakpoint: 1000px → 800px",
        "server: none → https://ads.example",
    ]


def test_declared_facts_are_told_with_their_values() -> None:
    was = (ContextKey("section", ("tech",)), ContextKey("free"))
    will = (ContextKey("section", ("tech", "culture"), many=True), ContextKey("tags", many=True))
    assert of_site({"context": was}, {"context": will}) == [
        "context: + tags: many, - free: any",
        "context.section: one of tech → one of tech, culture, many",
    ]
    assert of_site({"context": will}, {"context": will[::-1]}) == ["site: in another order"]


def test_slots_come_go_and_change() -> None:
    wide = {Device.DESKTOP: Size(970, 250)}
    was = (slot("gone"), slot("top"))
    will = (slot("top", title="Top", sizes=wide, on_empty=OnEmpty.HOUSE), slot("side", sizes=wide))
    assert of_slots(was, will) == [
        "slots: + side (desktop 970x250, on_empty reserve), - gone",
        "top.title: “Above the article” → “Top”",
        "top.sizes: desktop 728x90 → 970x250",
        "top.sizes: mobile 320x100 → none",
        "top.on_empty: reserve → house",
    ]
    assert of_slots(was, was[::-1]) == ["slots: in another order"]


@given(several(KEYS), several(KEYS))
def test_no_change_of_the_site_is_silent(one, other) -> None:
    before = catalog(site=site(context=one))
    after = replace(before, site=site(context=other))
    assert bool(setting_changes(before, after)) is (one != other)


@given(st.permutations(["a", "b", "c"]), st.lists(st.sampled_from("abcd"), unique=True))
def test_no_change_of_the_slots_is_silent(was, will) -> None:
    before, after = (catalog(slots=tuple(map(slot, names))) for names in (was, will))
    assert bool(setting_changes(before, after)) is (was != will)
