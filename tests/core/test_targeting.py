"""What a clause means, and that all campaigns at once are told the same as one by one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.core.bits import pack
from adserver.core.catalog import Clause, Device
from adserver.core.context import Context
from adserver.core.targeting import fold, ranges_of, unmet, values_of
from adserver.core.wants import Vocabulary, Wants

SECTIONS = ["tech", "business", "culture"]
TAGS = ["café", "thé", "crime", "vélo"]
PATTERNS = ["/2026/*", "/2026/11/a", "*/a", "https://blog.example/*", "*11*", "/*"]
URLS = ["", "https://blog.example/2026/11/a", "https://blog.example/b", "https://other.example/11"]


def page(url: str = "", device: Device = Device.DESKTOP, **facts: tuple[str, ...]) -> Context:
    site = "blog" if url.startswith("https://blog.example") else ""
    return Context(site=site, url=url, device=device, facts=tuple(sorted(facts.items())))


def wants(clause: Clause, context: Context) -> bool:
    return unmet([clause], context) is None


def test_any_is_one_of_them_all_is_every_one_and_none_is_not_one() -> None:
    both = page(tags=("a", "b"))
    assert wants(Clause("tags", any=("a", "x")), both)
    assert not wants(Clause("tags", any=("x", "y")), both)
    assert wants(Clause("tags", all=("a", "b")), both)
    assert not wants(Clause("tags", all=("a", "x")), both)
    assert wants(Clause("tags", none=("x",)), both)
    assert not wants(Clause("tags", none=("x", "b")), both)


def test_what_a_page_does_not_say_fails_any_and_all_and_passes_none() -> None:
    silent = page()
    assert not wants(Clause("section", any=("tech",)), silent)
    assert not wants(Clause("section", all=("tech",)), silent)
    assert wants(Clause("section", none=("tech",)), silent)
    assert not wants(Clause("url", any=("*",)), silent)
    assert wants(Clause("url", none=("*",)), silent)


def test_all_clauses_must_hold_and_the_first_that_does_not_is_told() -> None:
    clauses = (Clause("section", any=("tech",)), Clause("tags", none=("crime",)))
    assert unmet(clauses, page(section=("tech",))) is None
    assert unmet(clauses, page(section=("tech",), tags=("crime",))) == clauses[1]


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("CAFÉ", "café"),
        (unicodedata.normalize("NFD", "Café"), unicodedata.normalize("NFC", "cafÉ")),
        ("STRASSE", "straße"),
    ],
)
def test_values_compare_in_one_form_and_without_case(written: str, there: str) -> None:
    assert wants(Clause("tags", any=(written,)), page(tags=(fold(there),)))


@pytest.mark.parametrize(
    ("language", "matches"),
    [
        ("fr", True),
        ("fr-CA", True),
        ("FR-ca", True),
        ("fra", False),
        ("en", False),
    ],
)
def test_a_language_is_in_all_ranges_that_it_begins_with(language: str, matches: bool) -> None:
    assert wants(Clause("lang", any=("fr",)), page(lang=ranges_of(language))) is matches
    assert wants(Clause("lang", any=("*",)), page(lang=ranges_of(language)))


def test_no_language_is_in_no_range() -> None:
    assert ranges_of("") == ()
    assert not wants(Clause("lang", any=("*",)), page(lang=()))


def test_site_and_device_are_facts() -> None:
    assert wants(Clause("site", any=("Blog",)), page(URLS[1]))
    assert not wants(Clause("site", any=("blog",)), page(URLS[3]))
    assert wants(Clause("device", none=("mobile",)), page())
    assert not wants(Clause("device", none=("mobile",)), page(device=Device.MOBILE))


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


def clauses(fact: str, values: list[str]) -> st.SearchStrategy[Clause]:
    return st.builds(Clause, st.just(fact), some(values), some(values), some(values))


TARGETING = st.tuples(
    *(
        st.none() | clauses(fact, values)
        for fact, values in (
            ("section", SECTIONS),
            ("tags", TAGS),
            ("url", PATTERNS),
            ("device", ["desktop", "mobile"]),
            ("lang", ["fr", "fr-ca", "*"]),
            ("site", ["blog"]),
        )
    )
).map(lambda found: tuple(clause for clause in found if clause))
CONTEXTS = st.builds(
    page,
    st.sampled_from(URLS),
    st.sampled_from(Device),
    section=some([*SECTIONS, "unknown"]),
    tags=st.lists(st.sampled_from([*TAGS, "unknown"]), max_size=4, unique=True).map(tuple),
    lang=st.sampled_from(["", "fr", "fr-CA", "en"]).map(ranges_of),
)


def chosen(vocabulary: Vocabulary, wanted: Wants, among: int, context: Context) -> int:
    of_site = bool(context.site)
    signature = vocabulary.signature(values_of(context), context.url, of_site=of_site)
    return wanted.of(among, dict(signature))


@settings(max_examples=400)
@given(st.lists(TARGETING, min_size=1, max_size=30), CONTEXTS, st.data())
def test_all_at_once_are_those_that_the_plain_loop_finds(targeting, context, data) -> None:
    wanted = Wants(targeting)
    among = data.draw(st.sets(st.integers(0, len(targeting) - 1)))
    found = chosen(Vocabulary([wanted]), wanted, pack(sorted(among)), context)
    assert found == pack([n for n in sorted(among) if unmet(targeting[n], context) is None])


@given(st.lists(TARGETING, min_size=1, max_size=10), CONTEXTS, CONTEXTS)
def test_equal_signatures_are_equally_wanted(targeting, one, other) -> None:
    wanted = Wants(targeting)
    vocabulary = Vocabulary([wanted])

    def signature(context: Context) -> object:
        of_site = bool(context.site)
        return vocabulary.signature(values_of(context), context.url, of_site=of_site)

    if signature(one) == signature(other):
        assert [unmet(t, one) is None for t in targeting] == [
            unmet(t, other) is None for t in targeting
        ]


@given(TARGETING, clauses("section", SECTIONS), CONTEXTS)
def test_asking_for_more_never_widens(targeting, more, context) -> None:
    if unmet(targeting, context) is not None:
        assert unmet((*targeting, more), context) is not None


@given(clauses("tags", TAGS), st.sampled_from(TAGS), CONTEXTS)
def test_a_further_none_never_widens_and_a_further_any_never_narrows(
    clause, value, context
) -> None:
    narrower = Clause("tags", clause.any, clause.all, (*clause.none, value))
    assert wants(clause, context) or not wants(narrower, context)
    if clause.any:
        wider = Clause("tags", (*clause.any, value), clause.all, clause.none)
        assert wants(wider, context) or not wants(clause, context)


def test_few_and_many_who_name_a_value_are_found_alike() -> None:
    many = [
        (Clause("tags", any=("all",) if n % 2 else ("all", "few")[: 1 + (n < 8)]),)
        for n in range(100)
    ]
    wanted = Wants(many)
    assert wanted.of(2**100 - 1, {"tags": ("few",)}) == pack([0, 2, 4, 6])
    assert wanted.of(2**100 - 1, {"tags": ("all",)}) == 2**100 - 1
