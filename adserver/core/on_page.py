"""What stands on a page already, and whom it therefore takes no more of.

From the decisions of a call that were made so far, and from what the page says that it holds
(`exclude`). A page shows no creative twice, no two advertisers of one trade, and no more of a
campaign than its frequency cap, or than it may deliver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from adserver.core.catalog import Campaign
from adserver.core.context import Context
from adserver.core.leases import NO_ROOMS, Room
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.core.targeting import fold

# Advertisers and trades, of which a publisher has hundreds; requests bring none.
MAX_FOLDED = 4_096
folded = lru_cache(MAX_FOLDED)(fold)
# Of most pages; a page is made for each call.
NO_TRADES: Final[dict[str, set[str]]] = {}
NONE_BROKEN: Final[frozenset[str]] = frozenset()


class OnPage:
    """excluded: names of campaigns that stand there by the page's own word. rooms: what may still
    be served of campaigns with limits.

    creatives: the numbers of those that are there. times: how often each campaign is, by name.
    """

    __slots__ = ("_campaigns", "broken", "creatives", "rooms", "times", "trades")

    def __init__(
        self,
        campaigns: Mapping[str, Campaign],
        excluded: Iterable[str] = frozenset(),
        rooms: Mapping[str, Room] = NO_ROOMS,
    ) -> None:
        self._campaigns = campaigns
        self.rooms = rooms
        self.creatives: set[int] = set()
        self.times: dict[str, int] = {}
        # Who is there of each trade: one advertiser, but for what the page itself has put there.
        self.trades: dict[str, set[str]] = NO_TRADES
        # Roadblocks that cannot have all their slots of this call.
        self.broken: frozenset[str] = NONE_BROKEN
        for name in excluded:
            if name in campaigns:
                self._claim_trades(campaigns[name])

    def add(self, placement: Placement) -> None:
        campaign, times = placement.campaign, self.times
        self.creatives.add(placement.creative_number)
        times[campaign.name] = times.get(campaign.name, 0) + 1
        if campaign.competes_in:
            self._claim_trades(campaign)

    def _claim_trades(self, campaign: Campaign) -> None:
        if self.trades is NO_TRADES:
            self.trades = {}
        for trade in campaign.competes_in:
            self.trades.setdefault(folded(trade), set()).add(folded(campaign.advertiser))

    def give_up(self, roadblock: Campaign) -> None:
        """It cannot have all its slots, so it gets none."""
        self.broken |= {roadblock.name}

    def takes(self, placement: Placement, context: Context) -> bool:
        """Whether nothing is refused of it (`refuses`)."""
        return (
            placement.creative_number not in self.creatives
            and self.refuses_all_of(placement.campaign, context) is None
        )

    def refuses(self, placement: Placement, context: Context) -> Reason | None:
        """Why the page does not take a placement; None if it does."""
        reason = self.refuses_all_of(placement.campaign, context)
        if reason is None and placement.creative_number in self.creatives:
            return Reason.DUPLICATE
        return reason

    def refuses_all_of(self, campaign: Campaign, context: Context) -> Reason | None:
        """Why the page takes none of a campaign's creatives; None if it does.

        Asked for each slot of a call, and mostly there is nothing: so what is empty is passed by.
        """
        name, frequency = campaign.name, campaign.frequency
        if name in context.excluded:
            return Reason.EXCLUDED
        if frequency is not None and (
            name in context.capped
            # How many are left, the browser alone knows: more than the whole cap they never are.
            or self.times.get(name, 0) >= frequency.impressions
        ):
            return Reason.FREQUENCY
        if self.trades and campaign.competes_in and self._competitor(campaign):
            return Reason.COMPETITOR
        if name in self.broken:
            return Reason.ROADBLOCK
        room = self.rooms.get(name)
        if room is None:
            return None
        times = self.times.get(name, 0)
        return None if room.left > times else room.refuses(times)

    def at_their_cap(self) -> list[str]:
        """Names of campaigns that win no further place here, for their frequency cap."""
        return [
            name
            for name, times in self.times.items()
            if (cap := self._campaigns[name].frequency) is not None and times >= cap.impressions
        ]

    def has_room(self, campaign: Campaign, times: int) -> bool:
        """Whether it may be shown so often more."""
        room = self.rooms.get(campaign.name)
        return room is None or room.refuses(self.times.get(campaign.name, 0) + times - 1) is None

    def _competitor(self, campaign: Campaign) -> bool:
        own = folded(campaign.advertiser)
        for trade in campaign.competes_in:
            there = self.trades.get(folded(trade))
            # Another than our own, which may be there as well.
            if there is not None and (len(there) > 1 or own not in there):
                return True
        return False
