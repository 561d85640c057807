"""How many events from one address, and from the network around it, count in a minute and hour.

The numbers are for two thousand readers behind one address (a school, an office, a carrier's
NAT): in their busiest hour each reads ten pages with three ads, 60,000 impressions, of which
one in twenty falls into its busiest minute. One in a hundred ads is clicked, which is ten
times the usual. A network is worth four such addresses. A script that sends ten a second is beyond
the clicks' limits within seconds, one that sends a hundred is beyond all of them in a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adserver.core.events import Kind
from adserver.core.sketch import MOST, Rate

ADDRESSES_PER_NETWORK = 4
OF_AN_ADDRESS = {
    "impression": (3_000, 60_000),
    "viewable": (3_000, 60_000),
    "click": (60, 600),
}
MANY_CAMPAIGNS = "campaigns.address.hour"


def names_of(kind: str, level: str) -> tuple[str, str]:
    return f"{kind}.{level}.minute", f"{kind}.{level}.hour"


def defaults() -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, limits in OF_AN_ADDRESS.items():
        found |= dict(zip(names_of(kind, "address"), limits, strict=True))
        wider = [limit * ADDRESSES_PER_NETWORK for limit in limits]
        found |= dict(zip(names_of(kind, "network"), wider, strict=True))
    # Two thousand readers' clicks are on all campaigns that run; few sites have a hundred.
    return found | {MANY_CAMPAIGNS: 100}


DEFAULTS = defaults()


@dataclass(frozen=True, slots=True)
class RateLimits:
    """changes: limits by name, where they differ from the default; 0 is none."""

    changes: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: Kind, level: str) -> Rate:
        """How many still count; `MOST`, which no rate exceeds, where there is no limit."""
        minute, hour = names_of(kind.word, level)
        return self._limit(minute), self._limit(hour)

    @property
    def campaigns(self) -> int:
        return self._limit(MANY_CAMPAIGNS)

    def _limit(self, name: str) -> int:
        return self.changes.get(name, DEFAULTS[name]) or MOST


def read_limits(text: str) -> dict[str, int]:
    """Limits by name, of `click.address.minute=30, campaigns.address.hour=10`; ValueError."""
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, number = map(str.strip, part.partition("="))
        if name not in DEFAULTS:
            raise ValueError(f"there is no limit {name!r}; there are {', '.join(sorted(DEFAULTS))}")
        if not equals or not number.isdecimal() or not number.isascii() or int(number) > MOST:
            raise ValueError(
                f"{name} is {number!r}; expected {name}={DEFAULTS[name]}, a whole number up to "
                f"{MOST}, where 0 is no limit"
            )
        if name in found:
            raise ValueError(f"{name!r} is named twice")
        found[name] = int(number)
    return found
