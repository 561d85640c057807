"""Words, numbers, dates and amounts of a proof in each language."""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal

import pytest

from adserver.core.catalog import Period, Tier
from adserver.core.goals import Unit
from adserver.core.reasons import DISCARDS, Discard
from adserver.publishing.proof.agreed import duration
from adserver.publishing.proof.language import LANGUAGES, MONTHS, Language, language_of
from adserver.publishing.proof.page import AFTER_CLICK, METHOD
from adserver.publishing.proof.words import DISCARDED, WORDS
from tests.proven import at

FRENCH, ENGLISH = Language("fr"), Language("en")
EVERY = pytest.mark.parametrize("code", LANGUAGES)


def places(text: str) -> set[str]:
    """The values that a text has a place for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@EVERY
def test_every_language_has_the_same_words_with_places_for_the_same_values(code):
    assert list(WORDS[code]) == list(WORDS["en"])
    for key, text in WORDS[code].items():
        assert places(text) == places(WORDS["en"][key]), key
        assert text.strip() == text != "", key


@EVERY
def test_every_reason_for_discarding_an_event_has_its_meaning_in_every_language(code):
    assert list(DISCARDED[code]) == list(Discard)
    assert set(DISCARDS) < set(Discard)
    for reason in Discard:
        assert places(DISCARDED[code][reason]) <= {"life"}


@EVERY
def test_every_tier_unit_and_period_has_its_word(code):
    keys = {
        *(f"tier_{one}" for one in Tier),
        *(f"{one}_many" for one in Unit),
        *(f"period_{one}" for one in Period),
        *(f"method_{one}" for one in METHOD),
        *AFTER_CLICK,
    }
    assert keys <= WORDS[code].keys()
    assert len(MONTHS[code]) == 12


def test_the_languages_are_not_the_same():
    same = {key for key in WORDS["en"] if WORDS["en"][key] == WORDS["fr"][key]}
    # Words that both have.
    assert same <= {
        *("total", "minutes", "impressions_many", "picture_size"),
        *("flight_day", "site", "discarded_impressions"),
    }


def test_french_lines_are_not_broken_before_their_signs():
    assert FRENCH.say("tier_remnant").startswith("invendus\u00a0: ")
    assert "précaution\u202f; ils" in FRENCH.say("buffer_is", share="3")
    assert not [text for text in WORDS["fr"].values() if " :" in text or " ;" in text]


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_234_567, "1\u202f234\u202f567", "1,234,567"),
    ],
)
def test_counts_are_grouped_by_thousands(number, french, english):
    assert (FRENCH.count(number), ENGLISH.count(number)) == (french, english)


def test_of_one_there_is_one_and_in_french_of_none_as_well():
    assert [ENGLISH.many("impressions", n) for n in (0, 1, 2)] == [
        "0 impressions",
        "1 impression",
        "2 impressions",
    ]
    assert [FRENCH.many("clicks", n) for n in (0, 1, 2_000)] == [
        "0 clic",
        "1 clic",
        "2\u202f000 clics",
    ]
    assert all(WORDS[code][f"{unit}_many"].count("|") == 1 for code in WORDS for unit in Unit)


@pytest.mark.parametrize(
    ("amount", "french", "english"),
    [
        ("1234.5", "1\u202f234,50\u00a0EUR", "EUR\u00a01,234.50"),
        ("8", "8,00\u00a0EUR", "EUR\u00a08.00"),
        ("0.0125", "0,0125\u00a0EUR", "EUR\u00a00.0125"),
        ("1E+3", "1\u202f000,00\u00a0EUR", "EUR\u00a01,000.00"),
        ("-3.1", "−3,10\u00a0EUR", "EUR\u00a0−3.10"),
    ],
)
def test_amounts_are_exact_with_at_least_whole_cents(amount, french, english):
    assert FRENCH.money(Decimal(amount), "EUR") == french
    assert ENGLISH.money(amount, "EUR") == english


def test_shares_are_in_per_cent():
    assert (FRENCH.share("0.03"), ENGLISH.share(Decimal("0.125"))) == ("3\u202f%", "12.5%")
    assert (FRENCH.share("1"), ENGLISH.share("0.5")) == ("100\u202f%", "50%")
    assert (FRENCH.ratio(0.003141), ENGLISH.ratio(0.003141)) == ("0,31\u202f%", "0.31%")
    assert FRENCH.ratio(None) == "–"


def test_days_and_moments_are_written_out():
    assert FRENCH.day(date(2026, 11, 30)) == "30\u00a0novembre\u00a02026"
    assert FRENCH.day(date(2026, 12, 1)) == "1er\u00a0décembre\u00a02026"
    assert ENGLISH.day_named("2026-12-01") == "1\u00a0December\u00a02026"
    assert FRENCH.moment(at("2026-08-02 09:05"), "Europe/Paris") == (
        "2\u00a0août\u00a02026 à 09:05 (Europe/Paris)"
    )
    assert ENGLISH.moment(at("2026-08-02 09:05"), "UTC") == "2\u00a0August\u00a02026 at 07:05 (UTC)"


def test_lists_and_sizes_and_durations():
    assert FRENCH.listed(["a", "b", "c"]) == "a, b et c"
    assert ENGLISH.listed(["a", "b"]) == "a and b"
    assert ENGLISH.listed(["a"]) == "a"
    assert ENGLISH.listed([]) == ""
    assert (FRENCH.size(32_768), ENGLISH.size(10)) == ("32\u00a0Kio", "1\u00a0KiB")
    assert duration(86_400, FRENCH) == "24 heures"
    assert duration(5_400, ENGLISH) == "90 minutes"
    assert duration(3_600, ENGLISH) == "60 minutes"
    assert duration(61, ENGLISH) == "61 seconds"


@pytest.mark.parametrize(
    ("wanted", "code"), [("fr", "fr"), ("fr-CA", "fr"), ("FR", "fr"), ("en-GB", "en"), ("br", "en")]
)
def test_the_nearest_language_is_taken(wanted, code):
    assert language_of(wanted).code == code
