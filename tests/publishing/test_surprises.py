"""What is allowed and will surprise is warned of, where it stands, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.publishing.read import Reading
from adserver.publishing.read import read_folder as read_now
from tests.factories import NOW
from tests.publishing.campaign_folder import make_folder

SOLD = """\
advertiser: Brûlerie du Port
tier: standard
goal: {{impressions: {goal}}}
flight: {{first_day: 2026-11-02, last_day: 2026-11-11}}
max_per_day: {a_day}
slots: [post-top]
link: https://brulerie.example/
creatives:
  - {{id: carte, text: {{headline: Un café}}}}
"""
PLAIN = """\
advertiser: Brûlerie du Port
tier: remnant
slots: [post-top]
link: https://brulerie.example/
creatives:
  - {id: carte, text: {headline: Un café}}
"""
BANNER = PLAIN.replace(
    "{id: carte, text: {headline: Un café}}", "{id: a, alt: b, images: [images/b-728x90.png]}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Without other campaigns than a house one."""
    made = make_folder(tmp_path)
    (made / "campaigns" / "brulerie-automne.yaml").unlink()
    return made


def read(folder: Path, now: float | None = NOW, **campaigns: str) -> Reading:
    for name, text in campaigns.items():
        (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read_now(folder, now=now)


def warned(folder: Path, now: float | None = NOW, **campaigns: str) -> list[str]:
    """The warnings as `line: code: message`."""
    reading = read(folder, now, **campaigns)
    assert reading.catalog is not None, reading.problems
    return [f"{one.line}: {one.code}: {one.message}" for one in reading.problems]


def test_an_ordinary_campaign_is_no_surprise(folder: Path) -> None:
    assert warned(folder, one=PLAIN, two=SOLD.format(goal=60_000, a_day=6_000)) == []


def test_a_daily_limit_that_never_reaches_the_goal(folder: Path) -> None:
    reading = read(folder, one=SOLD.format(goal=60_001, a_day=6_000))
    (found,) = reading.problems
    assert (found.line, found.code, found.hint) == (5, "unreachable_goal", "write at least 6,001")
    assert found.message == (
        "6,000 a day are 60,000 in the 10 days of this campaign, and the goal is 60,001"
    )


def test_days_without_hours_do_not_count(folder: Path) -> None:
    weekdays = SOLD.format(goal=50_000, a_day=6_000) + 'hours: ["mon-fri 08:00-20:00"]\n'
    (line,) = warned(folder, one=weekdays)
    assert "48,000 in the 8 days" in line
    assert warned(folder, one=weekdays.replace("50000", "48000")) == []


def test_a_flight_that_is_over(folder: Path) -> None:
    over = PLAIN + "flight: {last_day: 2026-11-01}\n"
    assert warned(folder, one=over) == [
        "7: flight_over: the flight is over: it ended Mon 2 Nov 00:00 (Paris)"
    ]
    assert warned(folder, now=None, one=over) == []
    assert warned(folder, one=over + "state: draft\n") == []
    assert warned(folder, one=PLAIN + "flight: {last_day: 2026-11-02}\n") == []


def test_hours_that_never_fall_into_the_flight(folder: Path) -> None:
    weekend = PLAIN + "flight: {first_day: 2026-11-07, last_day: 2026-11-08}\n"
    assert warned(folder, one=weekend + 'hours: ["mon-fri 08:00-20:00"]\n') == [
        "8: never_shown: this is never shown: none of its hours falls into its flight"
    ]
    assert warned(folder, one=weekend + 'hours: ["fri 22:00-02:00"]\n') == []
    whole = weekend.replace("2026-11-08", "2026-11-13")
    assert warned(folder, one=whole + 'hours: ["mon 08:00-20:00"]\n') == []


@pytest.mark.parametrize(
    ("targeting", "said"),
    [
        ("section: {all: [tech, business]}", "no page has all of `tech`, `business` at once"),
        ("country: {all: [FR, BE]}", "no page has all of `FR`, `BE` at once"),
        ("tags: {all: [thé, café]}", None),
        ("lang: {all: [fr, fr-CA]}", None),
        ("section: {all: [tech, TECH]}", None),
    ],
)
def test_a_fact_has_one_value_at_a_time(folder: Path, targeting: str, said: str | None) -> None:
    found = warned(folder, one=PLAIN + f"targeting: {{{targeting}}}\n")
    expected = [f"7: never_shown: this is never shown: {said}; write `any`"] if said else []
    assert found == expected


def test_readers_for_whom_nothing_fits(folder: Path) -> None:
    assert warned(folder, one=BANNER + "targeting: {device: [mobile]}\n") == [
        "7: never_shown: this is never shown: it wants readers on mobile, and none of its "
        "creatives fits a slot there"
    ]
    none_left = BANNER + "targeting: {device: {none: [desktop, mobile]}}\n"
    (line,) = warned(folder, one=none_left)
    assert "it wants readers on no device" in line


def test_a_picture_for_one_kind_of_screen_only(folder: Path) -> None:
    reading = read(folder, one=BANNER)
    (found,) = reading.problems
    assert (found.line, found.code) == (6, "device_without_creative")
    assert found.message == "on mobile, nothing of this campaign fits `post-top` (320x100)"
    assert found.hint == ("add a picture of that size, or write `targeting: {device: [desktop]}`")
    assert warned(folder, one=BANNER + "targeting: {device: [desktop]}\n") == []
    assert warned(folder, one=BANNER.replace("post-top", "post-bottom")) == []


SPONSOR = PLAIN.replace("remnant", "sponsorship") + "goal: {share: 100%}\n"


def sponsor(share: int, **more: str) -> str:
    added = "".join(f"{key}: {value}\n" for key, value in more.items())
    return SPONSOR.replace("100%", f"{share}%") + added


def test_sponsorships_of_more_than_everything(folder: Path) -> None:
    assert warned(folder, a=sponsor(50), b=sponsor(50)) == []
    assert warned(folder, a=sponsor(50), b=sponsor(50), c=sponsor(30)) == [
        "7: oversold: with `b`, `c`, 130% of slot `post-top` is sold as sponsorships",
        "7: oversold: with `a`, `c`, 130% of slot `post-top` is sold as sponsorships",
        "7: oversold: with `a`, `b`, 130% of slot `post-top` is sold as sponsorships",
    ]


def test_sponsorships_one_after_the_other_are_no_more_than_everything(folder: Path) -> None:
    first = sponsor(80, flight="{first_day: 2026-11-02, last_day: 2026-11-08}")
    then = sponsor(80, flight="{first_day: 2026-11-09, last_day: 2026-11-15}")
    assert warned(folder, a=first, b=then) == []
    early = then.replace("2026-11-09", "2026-11-08")
    assert warned(folder, a=first, b=early) == [
        "7: oversold: with `b`, 160% of slot `post-top` is sold as sponsorships from "
        "Sun 8 Nov 00:00 (Paris) on",
        "7: oversold: with `a`, 160% of slot `post-top` is sold as sponsorships from "
        "Sun 8 Nov 00:00 (Paris) on",
    ]


def test_sponsorships_of_other_hours_are_no_more_than_everything(folder: Path) -> None:
    morning, evening = sponsor(80, hours='["06:00-12:00"]'), sponsor(80, hours='["12:00-24:00"]')
    assert warned(folder, a=morning, b=evening) == []
    long = sponsor(80, hours='["06:00-12:01"]')
    assert len(warned(folder, a=long, b=evening)) == 2


def test_sponsorships_of_other_pages_are_no_more_than_everything(folder: Path) -> None:
    tech = sponsor(80, targeting="{section: [tech]}")
    assert warned(folder, a=tech, b=sponsor(80, targeting="{section: [culture]}")) == []
    assert len(warned(folder, a=tech, b=sponsor(80, targeting="{section: [tech]}"))) == 2
    assert len(warned(folder, a=tech, b=sponsor(30))) == 2


@pytest.mark.parametrize("more", ["state: draft\n", "flight: {last_day: 2026-10-31}\n"])
def test_who_does_not_run_takes_nothing(folder: Path, more: str) -> None:
    found = warned(folder, a=SPONSOR + more, b=SPONSOR)
    assert not any("oversold" in line for line in found)


def test_who_stands_behind_a_sponsorship_of_everything(folder: Path) -> None:
    assert warned(folder, a=SPONSOR, b=PLAIN) == [
        "3: never_shown: this is never shown: `a` has all of its slots while it runs"
    ]


@pytest.mark.parametrize(
    "more",
    [
        "targeting: {section: [tech]}", 'hours: ["08:00-20:00"]',
        "frequency: {impressions: 3, per: day}",
        "max_per_day: 100", "competes_in: [café]", "roadblock: true", "state: paused",
        "flight: {last_day: 2026-12-31}",
    ],
)  # fmt: skip
def test_a_sponsorship_with_conditions_leaves_something(folder: Path, more: str) -> None:
    assert warned(folder, a=f"{SPONSOR}{more}\n", b=PLAIN) == []


def test_a_sponsorship_leaves_other_slots_and_other_times(folder: Path) -> None:
    wide = PLAIN.replace("[post-top]", "[post-top, post-bottom]")
    assert warned(folder, a=SPONSOR, b=wide) == []
    december = "flight: {first_day: 2026-12-01, last_day: 2026-12-31}\n"
    assert warned(folder, a=SPONSOR + december, b=PLAIN) == []
    (line,) = warned(folder, a=SPONSOR + december, b=PLAIN + december)
    assert "never_shown" in line


def test_one_creative_cannot_stand_in_two_slots_of_a_page(folder: Path) -> None:
    both = SPONSOR.replace("[post-top]", "[post-top, post-bottom]")
    assert warned(folder, a=both, b=PLAIN) == []


def test_a_weight_that_brings_no_turns(folder: Path) -> None:
    heavy = PLAIN + "weight: 5000\n"
    assert warned(folder, a=heavy, b=PLAIN + "weight: 2\n") == [
        "7: small_weight: a weight of 2 among 5002 in slot `post-top` is 0.04% of the turns"
    ]
    assert warned(folder, a=heavy, b=PLAIN + "weight: 50\n") == []
    assert warned(folder, a=heavy, b=PLAIN) == [
        "2: small_weight: a weight of 1 among 5001 in slot `post-top` is 0.02% of the turns"
    ]


def test_weights_compare_at_one_price_and_one_time(folder: Path) -> None:
    heavy = PLAIN + "weight: 5000\n"
    assert warned(folder, a=heavy, b=PLAIN + "price: {cpm: 2}\n") == []
    november = heavy + "flight: {last_day: 2026-11-30}\n"
    assert warned(folder, a=november, b=PLAIN + "flight: {first_day: 2026-12-01}\n") == []


def test_equal_weights_are_nobodys_fault(folder: Path) -> None:
    assert warned(folder, **{f"c{number}": PLAIN for number in range(1_100)}) == []


def test_advertisers_that_only_look_alike(folder: Path) -> None:
    cyrillic = PLAIN.replace("Brûlerie du Port", "Brûlerie du Роrt")
    assert warned(folder, a=PLAIN, b=cyrillic) == [
        "1: advertiser_twin: `Brûlerie du Роrt` reads like the advertiser `Brûlerie du Port` of "
        "the campaign `a`, and is written with other characters"
    ]
    assert warned(folder, a=PLAIN, b=PLAIN.replace("Brûlerie du Port", "brûlerie du port")) == []
