"""`status` on a terminal: bars and colours, in a table or in two lines each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from adserver.cli.bars import Signs, bar
from adserver.cli.status_words import (
    CACHED,
    Told,
    counted,
    differences,
    discards,
    empty_because,
    goes_on_without,
    held_by,
    left,
    node_remark,
    percent,
    span,
)
from adserver.core.nodes import NodeState
from adserver.core.pacing import Verdict
from adserver.publishing.slot_status import SlotStatus
from adserver.publishing.status import CampaignStatus

PAUSED, BAD, DOUBTFUL, GOOD, QUIET = "bold red", "red", "yellow", "green", "dim"
STYLES = {
    Verdict.OUT_OF_REACH: BAD,
    Verdict.SHORT: BAD,
    Verdict.BEHIND: DOUBTFUL,
    Verdict.AHEAD: DOUBTFUL,
    Verdict.DELIVERED: GOOD,
    Verdict.ON_COURSE: GOOD,
}
LONGEST_NAME = 30
LONGEST_VERDICT = 32
# Besides what there are any number of: blank lines, and headings with their rules.
LINES_AROUND = 10
# Columns, of which no terminal has as many.
WIDEST = 10_000
# What needs somebody comes first where not all have room.
URGENT = (Verdict.OUT_OF_REACH, Verdict.SHORT, Verdict.BEHIND)


def view(told: Told, width: int, signs: Signs, height: int | None = None) -> RenderableType:
    """width: columns. height: lines, where no more are seen."""
    parts: list[RenderableType] = [Text(line) for line in told.headline]
    parts += [Text(f"Paused: {held_by(one, told)}", style=PAUSED) for one in told.status.pauses]
    if told.published is None:
        return Group(*parts, nodes(told.nodes, told.status.generation))
    slots = told.status.slots
    cached = [Text(f"{one.slot} {CACHED}", style=DOUBTFUL) for one in slots if one.looks_cached]
    lost = [Text(said) for said in [discards(slots)] if said]
    room = None
    if height is not None:
        others = len(parts) + len(slots) + len(cached) + len(lost) + len(told.nodes)
        others += 2 * len(differences(told.nodes))  # they are long
        room = max(2, height - others - LINES_AROUND)
    parts += [Text(), *campaigns(told.status.campaigns, width, signs, room)]
    parts += [Text(), slot_table(slots), *cached, *lost]
    return Group(*parts, Text(), nodes(told.nodes, told.status.generation))


def campaigns(
    every: Sequence[CampaignStatus], width: int, signs: Signs, room: int | None
) -> list[RenderableType]:
    """room: lines, None for all that are needed."""
    some = most_urgent(every, room)
    table = campaign_table(some, signs)
    if Console(width=WIDEST).measure(table).maximum <= width:
        return [table, *and_more(len(every) - len(some))]
    some = most_urgent(every, None if room is None else max(1, room // 2))
    lines = [line for one in some for line in in_two_lines(one, signs, width)]
    return [*lines, *and_more(len(every) - len(some))]


def most_urgent(every: Sequence[CampaignStatus], most: int | None) -> Sequence[CampaignStatus]:
    """In their order where all of them have room."""
    if most is None or len(every) <= most:
        return every
    return sorted(every, key=urgency)[:most]


def and_more(many: int) -> list[RenderableType]:
    return [Text(f"and {many:,} more: `adserver status` has all", style=QUIET)] if many else []


def urgency(one: CampaignStatus) -> tuple[int, str]:
    if one.paused is not None:
        return 0, one.campaign
    return (1 if one.verdict in URGENT else 2 if one.state == "running" else 3), one.campaign


def style_of(one: CampaignStatus) -> str:
    if one.paused is not None:
        return PAUSED
    if one.state == "paused":
        return BAD
    return STYLES.get(Verdict(one.verdict), "") if one.verdict in set(Verdict) else ""


def verdict(one: CampaignStatus) -> Text:
    said = Text(one.verdict, style=style_of(one))
    if without := goes_on_without(one):
        said.append(f", {without}", style=BAD)
    return said


def progress(one: CampaignStatus, signs: Signs) -> str:
    whole = one.goal or one.max_total
    if not whole:
        return ""
    due = None if one.expected is None else one.expected / whole
    share = one.delivered / whole
    return f"{bar(share, due, signs)} {int(share * 100):>3}%"


def short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def plain_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def campaign_table(some: Sequence[CampaignStatus], signs: Signs) -> Table:
    table = plain_table()
    for heading in ("campaign", "progress"):
        table.add_column(heading, no_wrap=True)
    for heading in ("delivered", "expected", "goal", "today", "CTR", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", max_width=LONGEST_VERDICT)
    for one in some:
        unit = " clicks" if one.unit == "clicks" else ""
        table.add_row(
            Text(short(one.campaign), style=style_of(one) if one.paused else ""),
            progress(one, signs),
            f"{one.delivered:,}{unit}",
            counted(one.expected),
            counted(one.goal or one.max_total),
            today(one),
            percent(one.ctr),
            left(one),
            verdict(one),
        )
    return table


def today(one: CampaignStatus) -> str:
    return f"{one.today:,}" + (f" of {one.max_per_day:,}" if one.max_per_day else "")


def in_two_lines(one: CampaignStatus, signs: Signs, width: int) -> Iterable[Text]:
    whole = one.goal or one.max_total
    clicks = " clicks" if one.unit == "clicks" else ""
    first = Text()
    first.append(short(one.campaign), style=style_of(one) if one.paused else "bold")
    first.append("  ")
    first.append(verdict(one))
    first.truncate(width, overflow="ellipsis")
    yield first
    said = [
        progress(one, signs),
        f"{one.delivered:,}" + (f" of {whole:,}" if whole else "") + clicks,
        "" if one.expected is None else f"{one.expected:,} due",
        f"today {today(one)}",
        f"CTR {percent(one.ctr)}" if one.ctr is not None else "",
        f"{left(one)} left" if left(one) else "",
    ]
    second = Text("  " + "  ".join(part for part in said if part), style=QUIET)
    second.truncate(width, overflow="ellipsis")
    yield second


def slot_table(slots: Sequence[SlotStatus]) -> Table:
    table = plain_table()
    table.add_column("slot (24 h)")
    for heading in ("requests", "fill"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("empty because")
    for one in slots:
        because = Text(empty_because(one))
        if one.paused is not None:
            because = Text(f"paused by {one.paused.by}", style=PAUSED)
        elif one.looks_cached:
            because.append("  looks cached", style=DOUBTFUL)
        fill = "" if one.fill is None else f"{one.fill:.1%}"
        table.add_row(Text(one.slot), f"{one.requests:,}", fill, because)
    return table


def nodes(some: Sequence[NodeState], generation: int) -> RenderableType:
    if not some:
        return Text("No node is running.", style=DOUBTFUL)
    table = plain_table()
    table.add_column("node")
    table.add_column("generation", justify="right")
    table.add_column("")
    for node in some:
        wrong = Text(node_remark(node, generation), style=BAD)
        table.add_row(Text(node.name), str(node.generation), wrong)
    return Group(table, *(Text(said, style=BAD) for said in differences(some)))


def away(since: float, now: float) -> Text:
    """What stands above the last answer, while there is none."""
    return Text(f"The store does not answer since {span(now - since)}; tried again.", style=BAD)
