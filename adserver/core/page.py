"""All slots of one page, decided together: in the order asked, and with regard to each other."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign
from adserver.core.context import Context
from adserver.core.decision import Chosen, Decision, choose, decision_of
from adserver.core.leases import NO_ROOMS, Room
from adserver.core.on_page import OnPage
from adserver.core.places import Table, iter_crowds
from adserver.core.shelf import Placement
from adserver.core.snapshot import Snapshot

# One call of a page; more than any page holds, few enough to answer at once.
MAX_SLOTS_PER_CALL = 32

Asked = Sequence[tuple[str, Context]]


def decide_page(  # noqa: PLR0913 - as `decide`
    snapshot: Snapshot,
    asked: Asked,
    now: float,
    draws: Sequence[float],
    rooms: Mapping[str, Room] = NO_ROOMS,
    known: MutableMapping[str, Table] | None = None,
) -> list[Decision]:
    """`choose_page`, and which of them were choices."""
    chosen = choose_page(snapshot, asked, now, draws, rooms, known)
    return [decision_of(slot, one) for (slot, _), one in zip(asked, chosen, strict=True)]


def choose_page(  # noqa: PLR0913 - as `choose`
    snapshot: Snapshot,
    asked: Asked,
    now: float,
    draws: Sequence[float],
    rooms: Mapping[str, Room] = NO_ROOMS,
    known: MutableMapping[str, Table] | None = None,
) -> list[Chosen]:
    """Who stands in each asked slot, in order; `draws` has one number in [0, 1) for each.

    rooms: of campaigns with limits, by name. known: as `choose` has it, where all slots have one
    context.
    """
    made: list[Chosen | None] = [None] * len(asked)
    # None for as long as nothing stands there, so that the first slot is chosen like any one.
    page, last = page_of(snapshot, asked, rooms), len(asked) - 1
    for number, ((slot, context), draw) in enumerate(zip(asked, draws, strict=True)):
        while made[number] is None:
            won = choose(snapshot, slot, context, now, draw, page, rooms, known)
            if isinstance(won, Placement) and (number < last or won.campaign.roadblock):
                page = page or OnPage(snapshot.campaigns, (), rooms)
                if won.campaign.roadblock:
                    Block(snapshot, asked, now, page, made).take(number, won)
                    continue
                # Behind the last slot, nobody asks.
                page.add(won)
            made[number] = won
    return [one for one in made if one is not None]


def page_of(snapshot: Snapshot, asked: Asked, rooms: Mapping[str, Room]) -> OnPage | None:
    """What stands there by the page's own word; None for nothing."""
    before = None
    for _, context in asked:
        if context is not before and (context.excluded or context.capped):
            excluded = {name for _, one in asked for name in one.excluded}
            return OnPage(snapshot.campaigns, excluded, rooms)
        before = context
    return None


@dataclass(slots=True)
class Block:
    """A roadblock has won a slot of a call. made: what has been chosen for each so far."""

    snapshot: Snapshot
    asked: Asked
    now: float
    page: OnPage
    made: list[Chosen | None]

    def take(self, number: int, won: Placement) -> None:
        """All of its slots, or none: then nothing is chosen yet for this one, and it is refused."""
        placed = self._placed(number, won)
        if not placed:
            self.page.give_up(won.campaign)
            return
        for taken, placement in placed.items():
            self.made[taken] = placement
            self.page.add(placement)

    def _placed(self, number: int, won: Placement) -> dict[int, Placement] | None:
        """A creative for each of a roadblock's slots of this call, none twice; None if it cannot
        have them all. It displaces nobody who comes before it."""
        campaign = won.campaign
        own = [n for n, (slot, _) in enumerate(self.asked) if self._is_booked(campaign, slot)]
        if any(self.made[n] is not None for n in own):
            return None
        choices = {n: self._choices(n, campaign) for n in own}
        # The one that the draw fell on stays, where it can.
        choices[number].sort(key=lambda placement: placement is not won)
        if campaign.frequency is not None and len(own) > campaign.frequency.impressions:
            return None
        return matched(choices) if self.page.has_room(campaign, len(own)) else None

    def _is_booked(self, campaign: Campaign, slot: str) -> bool:
        places = self.snapshot.places.get(slot)
        return places is not None and may_book(campaign, places.slot)

    def _choices(self, number: int, campaign: Campaign) -> list[Placement]:
        """What the campaign may show in a slot, where nobody stands before it by tier or eCPM."""
        slot, context = self.asked[number]
        for crowd in iter_crowds(self.snapshot.places[slot].table(context, self.now)):
            choices = crowd.choices(campaign, self.page, context)
            if choices is not None:
                return choices
        return []


def matched(choices: dict[int, list[Placement]]) -> dict[int, Placement] | None:
    """For each slot a placement, no creative twice; None if there are not enough.

    By augmenting paths (Kuhn 1955, The Hungarian method, Naval Research Logistics Quarterly 2):
    at most 32 slots and as many creatives as a campaign has.
    """
    holder: dict[str, tuple[int, Placement]] = {}

    def find(number: int, tried: set[str]) -> bool:
        for placement in choices[number]:
            creative = placement.creative.id
            if creative in tried:
                continue
            tried.add(creative)
            if creative not in holder or find(holder[creative][0], tried):
                holder[creative] = (number, placement)
                return True
        return False

    for number in choices:
        if not find(number, set()):
            return None
    return dict(holder.values())
