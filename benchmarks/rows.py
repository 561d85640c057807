"""The rows of `make bench`: what is asked of whom, and whose numbers it is divided by."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.oracle import Answered
from benchmarks.tickets import PAGE

SLOT = "/slots/post-top?"
SLOTS_A_PAGE = 3


@dataclass(frozen=True, slots=True)
class Row:
    """server: a key of `session.Session.servers`. against: the name of its reference.

    tickets: whether each request has a ticket of its own; else each has a page of the day.
    follow, unlike: as `load.Ask` has them. slots: decided by one request. event: what one request
    is counted as. extra: left out unless it is asked for by name. alone: measured with one worker
    only.
    """

    name: str
    what: str
    server: str
    against: str
    prefix: str
    method: str = "GET"
    tickets: bool = False
    follow: bool = False
    unlike: str = ""
    slots: int = 0
    event: str = ""
    extra: bool = False
    alone: bool = False

    @property
    def counts(self) -> bool:
        return bool(self.slots or self.event)

    def answered(self, load: Load) -> Answered:
        """What must be counted after the load."""
        if self.follow:
            return Answered(
                load.decisions * self.slots, load.filled, load.beacons, clicks=load.clicks
            )
        return Answered(
            slots=load.requests * self.slots,
            filled=None if self.slots else 0,
            impressions=load.requests if self.event == "impressions" else 0,
            clicks=load.requests if self.event == "clicks" else 0,
        )


def beacons(name: str, what: str, server: str, event: str = "", *, extra: bool = False) -> Row:
    return Row(name, what, server, "R204", "/i/", "POST", True, event=event, extra=extra)


def clicks(name: str, what: str, server: str, event: str = "") -> Row:
    return Row(name, what, server, "R204-C", "/c/", tickets=True, event=event)


ROWS = (
    Row("R", "bare callable, the bytes of S", "bare slot", "R", SLOT),
    Row("N", "nginx, the bytes of S from a file", "nginx", "R", SLOT, alone=True),
    Row("S", "a slot", "always", "R", SLOT, slots=1),
    Row("R-A", "R, each for another address", "bare slot", "R-A", SLOT, unlike="address"),
    Row("S-A", "S, each for another address", "always", "R-A", SLOT, unlike="address", slots=1),
    Row("R-U", "R, no head like another", "bare slot", "R-U", SLOT, unlike="cookie"),
    Row("S-U", "S, no head like another", "always", "R-U", SLOT, unlike="cookie", slots=1),
    Row("R-D", "bare callable, the bytes of D", "bare page", "R-D", PAGE),
    Row("D", "three slots, as JSON", "always", "R-D", PAGE, slots=SLOTS_A_PAGE),
    beacons("R204", "bare callable, 204", "bare beacon"),
    beacons("U", "impression, not counted", "uncounted", extra=True),
    beacons("I", "impression, `always`", "always", "impressions"),
    beacons("I-int", "impression, `interval`", "interval", "impressions"),
    clicks("R204-C", "bare callable, 204, asked for clicks", "bare beacon"),
    clicks("C", "click, `always`", "always", "clicks"),
    clicks("C-int", "click, `interval`", "interval", "clicks"),
    Row("R-M", "bare callable, the bytes of M", "bare mix", "R-M", PAGE, follow=True),
    Row("M", "page views: D, its beacons, clicks", "always", "R-M", PAGE, follow=True, slots=3),
)
NAMES = tuple(row.name for row in ROWS)


def chosen(names: list[str] | None, *, nginx: bool) -> tuple[Row, ...]:
    """The rows of those names with their references, or all but the extra ones.

    nginx: whether there is one.
    """
    found = (
        [row for row in ROWS if row.name in names] if names else [r for r in ROWS if not r.extra]
    )
    needed = {row.name for row in found} | {row.against for row in found}
    return tuple(row for row in ROWS if row.name in needed and (nginx or row.name != "N"))
