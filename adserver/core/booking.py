"""Which slots a campaign stands in, by the names and patterns that it has written."""

from __future__ import annotations

from adserver.core.catalog import Campaign, OnEmpty, Slot, Tier


def covers(pattern: str, name: str) -> bool:
    """Whether a slot pattern stands for a name; `*` is any run of characters, linear time."""
    if "*" not in pattern:
        return pattern == name
    first, *rest = pattern.split("*")
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last):
        return False
    position = len(first)
    end = len(name) - len(last)
    for piece in middle:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return name.endswith(last)


def may_book(campaign: Campaign, slot: Slot) -> bool:
    """Whether a campaign is a candidate for a slot: booked, and house ones where it shows them."""
    shown = campaign.tier is not Tier.HOUSE or slot.on_empty is OnEmpty.HOUSE
    return shown and any(covers(pattern, slot.name) for pattern in campaign.slots)


def booked_slots(campaign: Campaign, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots that a campaign's names and patterns stand for, in the catalog's order."""
    return tuple(s for s in slots if any(covers(p, s.name) for p in campaign.slots))
