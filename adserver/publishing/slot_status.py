"""How the slots are doing: asked for, filled, why not, and whether their pages are cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adserver.core.catalog import Generation
from adserver.core.events import Metric, Row
from adserver.core.pauses import Kind, Pause
from adserver.core.reasons import Discard
from adserver.publishing.paused_status import PausedStatus

# An ad that is shown again from a copy of its page is a duplicate, and one day later expired.
REPEATED = (Discard.DUPLICATE, Discard.EXPIRED)
CACHED_SHARE = 0.2
# Of fewer, two readers who reload are a large share.
LEAST_GROSS = 100


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """fill: the share of requests that showed an ad, None without requests. gross: impressions
    received; repeated: those of them that were duplicates or expired; discarded: those that did
    not count, by reason.

    looks_cached: so many of them that pages seem to be handed out again with the ad in them.
    """

    slot: str
    requests: int
    fill: float | None
    reasons: Mapping[str, int] = field(default_factory=dict)
    gross: int = 0
    repeated: int = 0
    looks_cached: bool = False
    paused: PausedStatus | None = None
    discarded: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Counted:
    """Of one slot. empty: by reason."""

    requests: int = 0
    empty: Counter[str] = field(default_factory=Counter)
    gross: int = 0
    repeated: int = 0
    discarded: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        match row.metric:
            case Metric.REQUEST:
                self.requests += row.count
            case Metric.NO_FILL:
                self.empty[row.reason] += row.count
            case Metric.IMPRESSION:
                self.gross += row.count
                self.repeated += row.count if row.reason in REPEATED else 0
                if row.reason:
                    self.discarded[row.reason] += row.count


def slot_statuses(
    live: Generation, rows: Iterable[Row], pauses: Sequence[Pause]
) -> tuple[SlotStatus, ...]:
    """pauses: that hold."""
    counted: dict[int, Counted] = {}
    for row in rows:
        counted.setdefault(row.slot, Counted()).add(row)
    stopped = {one.target.name: one for one in pauses if one.target.kind is Kind.SLOT}
    timezone = live.catalog.site.timezone
    return tuple(
        slot_status(
            slot.name,
            counted.get(live.numbers[f"slot/{slot.name}"], Counted()),
            PausedStatus.of(stopped[slot.name], timezone) if slot.name in stopped else None,
        )
        for slot in live.catalog.slots
    )


def slot_status(name: str, counted: Counted, paused: PausedStatus | None) -> SlotStatus:
    requests, gross, repeated = counted.requests, counted.gross, counted.repeated
    # Requests and their outcome may be written a moment apart: never less than nothing.
    filled = max(requests - counted.empty.total(), 0)
    return SlotStatus(
        slot=name,
        requests=requests,
        fill=round(filled / requests, 6) if requests else None,
        reasons=dict(counted.empty.most_common()),
        gross=gross,
        repeated=repeated,
        looks_cached=gross >= LEAST_GROSS and repeated > CACHED_SHARE * gross,
        paused=paused,
        discarded=dict(counted.discarded.most_common()),
    )
