"""What may keep the campaigns of a group off a page, as bits: their names, trades, caps, limits.

A page may refuse very many at once, by one word of its own. So who is refused is found out for all
of them together, and nobody is asked in turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from adserver.core.bits import Bits, less, pack, positions_in
from adserver.core.catalog import Campaign
from adserver.core.context import Context
from adserver.core.goals import limits_of
from adserver.core.on_page import OnPage
from adserver.core.reasons import Reason
from adserver.core.steps import Steps, in_steps
from adserver.core.targeting import Folded

# As positions where that takes less room than bits: eight bytes each instead of one in eight.
BITS_PER_POSITION = 64


@dataclass(slots=True)
class Trade:
    """Who is of it; by advertiser, as one is no rival of itself."""

    everybody: Bits
    of_advertiser: dict[str, Bits]

    def rivals(self, there: Collection[str]) -> Bits:
        """Those of other advertisers than at least one of these."""
        if len(there) > 1:
            return self.everybody
        own = self.of_advertiser.get(next(iter(there)), ())
        if isinstance(self.everybody, int):
            return less(self.everybody, as_bits(own))
        same = set(positions_in(own) if isinstance(own, int) else own)
        return tuple(position for position in self.everybody if position not in same)


@dataclass(slots=True)
class Register:
    """positions: by the campaign's name. capped, limited: who has a frequency cap, or a limit."""

    positions: dict[str, int] = field(default_factory=dict)
    capped: int = 0
    limited: int = 0
    trades: dict[str, Trade] = field(default_factory=dict)

    def taking(self, campaigns: Iterable[Campaign]) -> Steps[None]:
        """campaigns: in the order of their positions."""
        capped, limited = [], []
        trades: dict[str, dict[str, list[int]]] = {}
        folded = Folded()
        for (position, campaign), ends in in_steps(enumerate(campaigns)):
            self.positions[campaign.name] = position
            if campaign.frequency is not None:
                capped.append(position)
            if limits_of(campaign) is not None:
                limited.append(position)
            for trade in dict.fromkeys(map(folded.__getitem__, campaign.competes_in)):
                of_trade = trades.setdefault(trade, {})
                of_trade.setdefault(folded[campaign.advertiser], []).append(position)
            if ends:
                yield
        self.capped, self.limited = pack(capped), pack(limited)
        for (trade, by_advertiser), ends in in_steps(trades.items()):
            every = sorted(position for some in by_advertiser.values() for position in some)
            packed = {name: compact(some) for name, some in by_advertiser.items()}
            self.trades[trade] = Trade(compact(every), packed)
            if ends:
                yield

    def of_names(self, names: Iterable[str]) -> int:
        positions = self.positions
        return pack([positions[name] for name in names if name in positions])

    def refused(self, page: OnPage, context: Context) -> list[tuple[Reason, int]]:
        """Bits of whom the page refuses, whatever room there is, in the order of its reasons."""
        found = []
        if context.excluded:
            found.append((Reason.EXCLUDED, self.of_names(context.excluded)))
        if self.capped and (seen := (*context.capped, *page.at_their_cap())):
            found.append((Reason.FREQUENCY, self.of_names(seen) & self.capped))
        if self.trades and page.trades:
            found.append((Reason.COMPETITOR, self.rivals(page)))
        if page.broken:
            found.append((Reason.ROADBLOCK, self.of_names(page.broken)))
        return found

    def rivals(self, page: OnPage) -> int:
        """Those of a trade of which another advertiser is on the page."""
        together, few = 0, list[int]()
        for trade, there in page.trades.items():
            known = self.trades.get(trade)
            if known is not None:
                rivals = known.rivals(there)
                if isinstance(rivals, int):
                    together |= rivals
                else:
                    few += rivals
        return together | pack(few)


def compact(positions: list[int]) -> Bits:
    many = len(positions) * BITS_PER_POSITION > positions[-1]
    return pack(positions) if many else tuple(positions)


def as_bits(bits: Bits) -> int:
    return bits if isinstance(bits, int) else pack(bits)
