"""What stands on a page already, and whom it therefore takes no more of.

From the decisions of a call that were made so far, and from what the page says that it holds
(`exclude`). A page shows no creative twice, no two advertisers of one trade, and no more of a
campaign than its frequency cap, or than it may deliver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from adserver.core.catalog import Campaign
from adserver.core.context import Context
from adserver.core.leases import NO_ROOMS, Room
from adserver.core.reasons import Reason
from adserver.core.shelf import Placement
from adserver.core.targeting import fold

# Advertisers and trades, of which a publisher has hundreds; requests bring none.
MAX_FOLDED = 4_096
folded = lru_cache(MAX_FOLDED)(fold)


class OnPage:
    """excluded: names of campaigns that stand there by the page's own word. rooms: what may still
    be served of campaigns with limits."""

    def __init__(
        self,
        campaigns: Mapping[str, Campaign],
        excluded: Iterable[str] = frozenset(),
        rooms: Mapping[str, Room] = NO_ROOMS,
    ) -> None:
        self._campaigns = campaigns
        self.rooms = rooms
        self.creatives: set[tuple[str, str]] = set()
        self.times: dict[str, int] = {}
        # Who is there of each trade: one advertiser, but for what the page itself has put there.
        self.trades: dict[str, set[str]] = {}
        # Roadblocks that cannot have all their slots of this call.
        self.broken: set[str] = set()
        for name in excluded:
            if name in campaigns:
                self._claim_trades(campaigns[name])

    def add(self, placement: Placement) -> None:
        campaign = placement.campaign
        self.creatives.add((campaign.name, placement.creative.id))
        self.times[campaign.name] = self.times.get(campaign.name, 0) + 1
        self._claim_trades(campaign)

    def _claim_trades(self, campaign: Campaign) -> None:
        for trade in campaign.competes_in:
            self.trades.setdefault(folded(trade), set()).add(folded(campaign.advertiser))

    def give_up(self, roadblock: Campaign) -> None:
        """It cannot have all its slots, so it gets none."""
        self.broken.add(roadblock.name)

    def refuses(self, placement: Placement, context: Context) -> Reason | None:
        """Why the page does not take a placement; None if it does."""
        campaign = placement.campaign
        reason = self.refuses_all_of(campaign, context)
        if reason is None and (campaign.name, placement.creative.id) in self.creatives:
            return Reason.DUPLICATE
        return reason

    def refuses_all_of(self, campaign: Campaign, context: Context) -> Reason | None:
        """Why the page takes none of a campaign's creatives; None if it does."""
        if campaign.name in context.excluded:
            return Reason.EXCLUDED
        if campaign.frequency is not None and (
            campaign.name in context.capped
            # How many are left, the browser alone knows: more than the whole cap they never are.
            or self.times.get(campaign.name, 0) >= campaign.frequency.impressions
        ):
            return Reason.FREQUENCY
        if campaign.competes_in and self._competitor(campaign):
            return Reason.COMPETITOR
        if campaign.name in self.broken:
            return Reason.ROADBLOCK
        room = self.rooms.get(campaign.name)
        return None if room is None else room.refuses(self.times.get(campaign.name, 0))

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
        if not self.trades:
            return False
        own = folded(campaign.advertiser)
        trades = (self.trades.get(folded(trade), ()) for trade in campaign.competes_in)
        return any(advertiser != own for there in trades for advertiser in there)
