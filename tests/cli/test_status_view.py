"""`status` as it is drawn on a terminal, wide or narrow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from adserver.cli.bars import LETTERS
from adserver.cli.status_view import LONGEST_NAME, away, view
from adserver.cli.status_words import Told
from adserver.core.bought import delivered_by_unit
from adserver.core.catalog import Campaign, Flight, Goal, State
from adserver.core.events import Metric, Row
from adserver.core.nodes import NodeState
from adserver.core.outlook import Outlook
from adserver.core.pacing import Verdict
from adserver.core.pauses import Pause, Target
from adserver.core.publication import Published
from adserver.publishing.status import Known, Status, status
from tests.factories import (
    NOW,
    ZONE,
    campaign,
    catalog,
    delivered,
    generation,
    row,
    slot,
    text_creative,
)

DAY = 86_400
WIDE = 120
RED, BOLD_RED = "\x1b[31m", "\x1b[1;31m"
FLIGHT = Flight(NOW - 10 * DAY, NOW + 10 * DAY, ZONE)
SOLD = campaign("sold", goal=Goal(impressions=2_000), flight=FLIGHT)


def told(
    *booked: Campaign,
    rows: Sequence[Row] = (),
    pauses: Sequence[str] = (),
    outlooks: dict[str, Outlook] | None = None,
    slots: int = 1,
) -> Told:
    live = generation(catalog(*booked, slots=tuple(slot(f"slot-{n}") for n in range(slots))))
    by_unit = delivered_by_unit(live.numbers, delivered(rows))
    held = [Pause(Target.read(one), NOW - 60, None, "ana@desk", "complaint") for one in pauses]
    made = status(Known(live, by_unit, outlooks or {}, rows, held), NOW)
    nodes = [NodeState("web:8080/0", 1, NOW, NOW), NodeState("web:8080/1", 0, NOW, NOW, ahead=60.0)]
    return Told(made, Published(1, NOW - 120, "ana@blog", "first"), nodes, NOW)


def drawn(what: Told, width: int = 80, *, colours: bool = False, height: int | None = None) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colours,
        color_system="standard" if colours else None,
        no_color=not colours,
        legacy_windows=False,
        _environ={},
    )
    console.print(view(what, width, LETTERS, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


BEHIND = {"sold": Outlook(1_000, Verdict.BEHIND)}
DELIVERED = (row(Metric.IMPRESSION, 700, slot=1), row(Metric.CLICK, 7, slot=1))


def test_on_a_wide_terminal_each_campaign_has_a_line() -> None:
    text = drawn(told(SOLD, rows=DELIVERED, outlooks=BEHIND), WIDE)
    [line] = [line for line in text.splitlines() if line.startswith("sold")]
    numbers = ["700", "1,000", "2,000", "700", "1.00%", "10", "d", "behind"]
    assert line.split() == ["sold", "###..|....", "35%", *numbers]
    assert text.startswith("Generation 1, applied 2 min ago by ana@blog: first")
    assert "web:8080/1" in text
    wrong = "behind, its clock is 1 min ahead of the store's: set it right"
    assert text.splitlines()[-1].split() == ["web:8080/1", "0", *wrong.split()]


def test_settings_that_nodes_do_not_have_alike_are_told_below_them() -> None:
    made = told(SOLD)
    assert "differs" not in drawn(made)
    other = NodeState("web:8081/0", 1, NOW, NOW, settings={"ADSERVER_RULES": "robots=off"})
    text = " ".join(drawn(replace(made, nodes=[*made.nodes, other])).split())
    assert "ADSERVER_RULES differs" in text
    assert "the default on web:8080; robots=off on web:8081." in text


def test_on_a_narrow_terminal_each_has_two_and_nothing_is_lost() -> None:
    text = drawn(told(SOLD, rows=DELIVERED, outlooks=BEHIND))
    lines = text.splitlines()
    [number] = [n for n, line in enumerate(lines) if line.startswith("sold")]
    assert lines[number] == "sold  behind"
    assert lines[number + 1].split("  ")[1:] == [
        ["###..|....", "35%"][0],
        "35%",
        "700 of 2,000",
        "1,000 due",
        "today 700",
        "CTR 1.00%",
        "10 d left",
    ]


@pytest.mark.parametrize("width", [40, 80, WIDE - 1, WIDE, 200])
def test_whatever_the_width_no_line_is_longer(width: int) -> None:
    long = campaign("a" * 80, goal=Goal(clicks=10**9), flight=FLIGHT, advertiser="x" * 100)
    text = drawn(
        told(
            long,
            SOLD,
            campaign("c", max_total=10**9, max_per_day=10**8),
            rows=(*DELIVERED, row(Metric.NO_FILL, 10**8, reason="store_unavailable", slot=1)),
            pauses=["slot:slot-0", "a" * 80],
            outlooks={long.name: Outlook(10**8, Verdict.OUT_OF_REACH)},
            slots=2,
        ),
        width,
    )
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert f"{'a' * (LONGEST_NAME - 1)}…"[: width // 2] in text


def test_what_is_paused_is_red_and_says_by_whom() -> None:
    one, other = campaign("one"), campaign("other", state=State.PAUSED)
    for width in (80, WIDE):
        text = drawn(told(one, other, SOLD, pauses=["one"], outlooks=BEHIND), width, colours=True)
        assert f"{BOLD_RED}Paused: one, by ana@desk, since 09:59: complaint" in text
        assert f"{BOLD_RED}one" in text
        assert f"{RED}paused" in text, "by its file"
        assert "\x1b[33mbehind" in text
    everything = drawn(told(one, pauses=["*"]), colours=True)
    assert "Paused: everything, by ana@desk" in everything


def test_a_slot_that_is_paused_or_looks_cached_says_so() -> None:
    rows = (
        row(Metric.IMPRESSION, 100, slot=1),
        row(Metric.IMPRESSION, 100, slot=1, reason="duplicate"),
        row(Metric.REQUEST, 10, slot=1),
    )
    text = drawn(told(campaign(), rows=rows, pauses=["slot:slot-1"], slots=2), 120, colours=True)
    assert "slot-0" in text
    assert "\x1b[33m  looks cached" in text
    assert "Discarded (24 h): 50.0% of 200 impressions (duplicate 50.0%)" in text
    assert f"{BOLD_RED}paused by ana@desk" in text
    assert "without" not in text


def test_a_campaign_that_goes_on_without_a_creative_says_so() -> None:
    two = campaign("two", creatives=(text_creative("x"), text_creative("y")))
    for width in (80, WIDE):
        assert ", without two/x" in drawn(told(two, pauses=["two/x"]), width)


def test_without_colours_there_are_none() -> None:
    text = drawn(told(SOLD, pauses=["sold"], outlooks=BEHIND))
    assert "\x1b" not in text
    assert "Paused: sold" in text


def test_where_not_all_have_room_those_who_need_somebody_come_first() -> None:
    many = [campaign(f"c{n:02}") for n in range(50)]
    text = drawn(told(*many, SOLD, pauses=["c40"], outlooks=BEHIND), height=30)
    names = [line.split()[0] for line in text.splitlines() if line.startswith(("c", "sold"))]
    assert names[:3] == ["c40", "sold", "c00"]
    assert f"and {51 - len(names)} more" in text
    assert len(text.splitlines()) <= 30
    whole = drawn(told(*many, SOLD, outlooks=BEHIND))
    assert whole.count("no impression yet") == 50


def test_before_anything_is_live_it_says_what_to_do() -> None:
    text = drawn(Told(Status(0), None, (), NOW))
    assert "Nothing is live yet" in text
    assert "No node is running." in text


def test_a_store_that_is_away_is_told_above_what_was_known() -> None:
    assert away(NOW - 90, NOW).plain == "The store does not answer since 1 min; tried again."
