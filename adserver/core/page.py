"""All slots of one page, decided together: in the order asked, and with regard to each other."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

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
    call = Call(snapshot, asked, now, rooms, known)
    for number, ((slot, context), draw) in enumerate(zip(asked, draws, strict=True)):
        call.choose(number, slot, context, draw)
    return call.chosen


class Call:
    """One page's call, slot by slot."""

    __slots__ = ("_asked", "_known", "_made", "_now", "_page", "_rooms", "_snapshot")

    def __init__(
        self,
        snapshot: Snapshot,
        asked: Asked,
        now: float,
        rooms: Mapping[str, Room],
        known: MutableMapping[str, Table] | None,
    ) -> None:
        self._snapshot, self._asked, self._now = snapshot, asked, now
        self._rooms, self._known = rooms, known
        # None for as long as nothing stands there, so that the first slot is chosen like any one.
        self._page: OnPage | None = None
        self._made: list[Chosen | None] = [None] * len(asked)
        before = None
        for _, context in asked:
            if context is not before and (context.excluded or context.capped):
                excluded = {name for _, one in asked for name in one.excluded}
                self._page = OnPage(snapshot.campaigns, excluded, rooms)
                break
            before = context

    @property
    def chosen(self) -> list[Chosen]:
        """Of the slots that have been decided."""
        return [one for one in self._made if one is not None]

    def choose(self, number: int, slot: str, context: Context, draw: float) -> None:
        """For the slot of that number, where a roadblock has not taken it already."""
        made = self._made
        while made[number] is None:
            won = choose(
                self._snapshot, slot, context, self._now, draw, self._page, self._rooms, self._known
            )
            if not isinstance(won, Placement):
                made[number] = won
            elif not won.campaign.roadblock:
                self._make(number, won)
            elif block := self._block(number, won):
                for taken, placement in block.items():
                    self._make(taken, placement)
            else:
                # Drawn again, and as it is refused now, among the others.
                self.page.give_up(won.campaign)

    @property
    def page(self) -> OnPage:
        if self._page is None:
            self._page = OnPage(self._snapshot.campaigns, (), self._rooms)
        return self._page

    def _make(self, number: int, placement: Placement) -> None:
        self._made[number] = placement
        if number < len(self._asked) - 1:  # behind the last one, nobody asks
            (self._page or self.page).add(placement)

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
        return matched(choices) if self.page.has_room(campaign, len(own)) else None

    def _is_booked(self, campaign: Campaign, slot: str) -> bool:
        places = self._snapshot.places.get(slot)
        return places is not None and may_book(campaign, places.slot)

    def _choices(self, number: int, campaign: Campaign) -> list[Placement]:
        """What the campaign may show in a slot, where nobody stands before it by tier or eCPM."""
        slot, context = self._asked[number]
        for crowd in iter_crowds(self._snapshot.places[slot].table(context, self._now)):
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
