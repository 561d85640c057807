"""What `status` says in words and numbers, on a terminal or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adserver.cli.live import NOTHING_LIVE
from adserver.core.nodes import CLOCK_SECONDS, NodeState, differing
from adserver.core.pauses import EVERYTHING
from adserver.core.publication import Published
from adserver.publishing import moments
from adserver.publishing.paused_status import PausedStatus
from adserver.publishing.slot_status import SlotStatus
from adserver.publishing.status import CampaignStatus, Status

DAY_SECONDS = 86_400
SHOWN_REASONS = 3
CACHED = (
    "looks cached: more than a fifth of its impressions have come before; its pages are handed out "
    "again with the ad in them (docs: slots.md#cached-pages)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """All that there is to say. now: UTC seconds."""

    status: Status
    published: Published | None
    nodes: Sequence[NodeState]
    now: float

    @property
    def headline(self) -> tuple[str, ...]:
        if self.published is None:
            return (NOTHING_LIVE,)
        return (headline(self.published, self.now),)


def headline(published: Published, now: float) -> str:
    message = f": {published.message}" if published.message else ""
    ago = span(max(now - published.created_at, 0))
    return f"Generation {published.number}, applied {ago} ago by {published.author}{message}"


def discards(slots: Sequence[SlotStatus]) -> str:
    """How many of the impressions of a day did not count, and why; "" where all did."""
    gross = sum(one.gross for one in slots)
    reasons = Counter[str]()
    for one in slots:
        reasons.update(one.discarded)
    if not reasons:
        return ""
    said = ", ".join(f"{reason} {count / gross:.1%}" for reason, count in reasons.most_common())
    return f"Discarded (24 h): {reasons.total() / gross:.1%} of {gross:,} impressions ({said})"


def span(seconds: float) -> str:
    for size, unit in ((DAY_SECONDS, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def left(one: CampaignStatus) -> str:
    """Of its flight; nothing where it is over, or has no end."""
    return span(one.days_left * DAY_SECONDS) if one.days_left else ""


def counted(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def empty_because(one: SlotStatus) -> str:
    """The reasons that are most often given."""
    shown = [f"{reason} {count:,}" for reason, count in one.reasons.items()]
    more = len(shown) - SHOWN_REASONS
    return ", ".join(shown[:SHOWN_REASONS]) + (f", {more} more" if more > 0 else "")


def held_by(one: PausedStatus, told: Told) -> str:
    """In a line: what, by whom, since when, until when, and why."""
    what = "everything" if one.target == EVERYTHING else one.target
    until = "" if one.until is None else f", until {moment(one.until, told.now)}"
    message = f": {one.message}" if one.message else ""
    return f"{what}, by {one.by}, since {moment(one.since, told.now)}{until}{message}"


def moment(iso: str, now: float) -> str:
    at = datetime.fromisoformat(iso)
    day = f"{moments.DAYS[at.weekday()]} {at.day} {moments.MONTHS[at.month - 1]}"
    return f"{at:%H:%M}" if abs(at.timestamp() - now) < DAY_SECONDS / 2 else f"{day} {at:%H:%M}"


def goes_on_without(one: CampaignStatus) -> str:
    """Its creatives that are paused; slots that are say so themselves."""
    creatives = [part for part in one.paused_parts if part.startswith(f"{one.campaign}/")]
    return f"without {', '.join(creatives)}" if creatives else ""


def node_remark(node: NodeState, generation: int) -> str:
    """What is wrong with a worker; "" for nothing."""
    said = ["behind"] if node.generation < generation else []
    if node.is_told_apart:
        said.append("another machine has its name and port: give each a host name of its own")
    if abs(node.ahead) > CLOCK_SECONDS:
        way = "ahead of" if node.ahead > 0 else "behind"
        said.append(f"its clock is {span(round(abs(node.ahead)))} {way} the store's: set it right")
    return ", ".join(said)


def differences(nodes: Sequence[NodeState]) -> list[str]:
    """A line for each setting that the nodes do not have alike."""
    return [
        f"{one.setting} differs, so that what counts depends on which node is asked: {one}. Give "
        "all nodes the same (docs: scaling.md#more-nodes)"
        for one in differing(nodes)
    ]


def remark(one: CampaignStatus, told: Told) -> str:
    """What a line has to say beside its numbers."""
    return goes_on_without(one) if one.paused is None else f"paused: {held_by(one.paused, told)}"
