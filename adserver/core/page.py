"""All slots of one page, decided together: in the order asked, and with regard to each other."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign
from adserver.core.context import Context
from adserver.core.decision import Decision, decide
from adserver.core.leases import NO_ROOMS, Room
from adserver.core.on_page import OnPage
from adserver.core.places import Table, iter_crowds
from adserver.core.reasons import Reason
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
    """One decision per asked slot, in order; `draws` has one number in [0, 1) for each.

    rooms: of campaigns with limits, by name. known: as `decide` has it, where all slots have one
    context.
    """
    call = Call(snapshot, asked, now, rooms, known)
    for number, (_, draw) in enumerate(zip(asked, draws, strict=True)):
        call.decide(number, draw)
    return call.decisions


class Call:
    """One page's call, slot by slot."""

    def __init__(
        self,
        snapshot: Snapshot,
        asked: Asked,
        now: float,
        rooms: Mapping[str, Room] = NO_ROOMS,
        known: MutableMapping[str, Table] | None = None,
    ) -> None:
        self._snapshot, self._asked, self._now = snapshot, asked, now
        self._known = known
        excluded = {name for _, context in asked for name in context.excluded}
        self._page = OnPage(snapshot.campaigns, excluded, rooms)
        self._made: list[Decision | None] = [None] * len(asked)

    @property
    def decisions(self) -> list[Decision]:
        """Of the slots that have been decided."""
        return [decision for decision in self._made if decision is not None]

    def decide(self, number: int, draw: float) -> None:
        """The slot of that number, where a roadblock has not taken it already."""
        slot, context = self._asked[number]
        while self._made[number] is None:
            decision = decide(
                self._snapshot, slot, context, self._now, draw, self._page, known=self._known
            )
            won = decision.placement
            if won is None or not won.campaign.roadblock:
                self._make(number, decision)
            elif block := self._block(number, won):
                for taken, placement in block.items():
                    self._make(taken, Decision(self._asked[taken][0], placement, Reason.WON))
            else:
                # Drawn again, and as it is refused now, among the others.
                self._page.give_up(won.campaign)

    def _make(self, number: int, decision: Decision) -> None:
        self._made[number] = decision
        if decision.placement is not None:
            self._page.add(decision.placement)

    def _block(self, number: int, won: Placement) -> dict[int, Placement] | None:
        """A creative for each of a roadblock's slots of this call, none twice; None if it cannot
        have them all. It displaces nobody who comes before it."""
        campaign = won.campaign
        own = [n for n, (slot, _) in enumerate(self._asked) if self._is_booked(campaign, slot)]
        if any(self._made[n] is not None for n in own):
            return None
        choices = {n: self._choices(n, campaign) for n in own}
        # The one that the draw fell on stays, where it can.
        choices[number].sort(key=lambda placement: placement is not won)
        if campaign.frequency is not None and len(own) > campaign.frequency.impressions:
            return None
        return matched(choices) if self._page.has_room(campaign, len(own)) else None

    def _is_booked(self, campaign: Campaign, slot: str) -> bool:
        places = self._snapshot.places.get(slot)
        return places is not None and may_book(campaign, places.slot)

    def _choices(self, number: int, campaign: Campaign) -> list[Placement]:
        """What the campaign may show in a slot, where nobody stands before it by tier or eCPM."""
        slot, context = self._asked[number]
        for crowd in iter_crowds(self._snapshot.places[slot].table(context, self._now)):
            choices = crowd.choices(campaign, self._page, context)
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
