"""The closed lists of reasons: why a campaign did or did not serve, why an event did not count.

A member is at once an enum value, a metric label, a response header and a line in the docs.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a candidate won or not; an empty slot reports the furthest that any came."""

    NO_CAMPAIGN = "no_campaign"
    UNKNOWN_SLOT = "unknown_slot"
    DRAFT = "draft"
    ENDED = "ended"
    NOT_STARTED = "not_started"
    PAUSED = "paused"
    OFF_HOURS = "off_hours"
    WRONG_SIZE = "wrong_size"
    TARGETING = "targeting"
    EXCLUDED = "excluded"
    FREQUENCY = "frequency"
    COMPETITOR = "competitor"
    DUPLICATE = "duplicate"
    ROADBLOCK = "roadblock"
    GOAL_MET = "goal_met"
    DAY_FULL = "day_full"
    STORE_UNAVAILABLE = "store_unavailable"
    PACED = "paced"
    SHED = "shed"
    OUTRANKED = "outranked"
    LOST_DRAW = "lost_draw"
    WON = "won"

    # An enum's own is a call of Python.
    __hash__ = str.__hash__


# How far a candidate came: later members came further. This is the documented order.
REACH: dict[Reason, int] = {reason: position for position, reason in enumerate(Reason)}


def furthest(reasons: set[Reason]) -> Reason:
    """The reason of the candidate that came furthest; `no_campaign` where there was none."""
    return max(reasons, key=REACH.__getitem__, default=Reason.NO_CAMPAIGN)


class Discard(StrEnum):
    """Why an event with a good ticket (or a forged one) does not count."""

    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    FORGED = "forged"
    BOT = "bot"
    PREFETCH = "prefetch"
    INTERNAL = "internal"
    RATE_LIMITED = "rate_limited"
    FOREIGN_PAGE = "foreign_page"
    UNMATCHED = "unmatched"
    PREVIEW = "preview"
    CONSENT = "consent"


# Those of events with a good ticket that are given where the operator has set nothing.
DISCARDS = (
    Discard.DUPLICATE,
    Discard.EXPIRED,
    Discard.LAPSED,
    Discard.BOT,
    Discard.PREFETCH,
    Discard.PREVIEW,
)
