"""Bookings: whether what a campaign shows and where it is booked go together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adserver.core.booking import booked_slots, covers
from adserver.core.catalog import Campaign, Creative, OnEmpty, Size, Slot, Tier
from adserver.core.fit import fits_anywhere
from adserver.publishing.findings import Findings, Placed
from adserver.publishing.nodes import Scalar, quoted
from adserver.publishing.suggest import listed


def check_bookings(
    campaign: Campaign,
    patterns: Sequence[tuple[Scalar, str]],
    creatives: Sequence[tuple[Placed, Creative]],
    slots: tuple[Slot, ...],
    findings: Findings,
) -> None:
    booked = booked_slots(campaign, slots)
    if campaign.tier is Tier.HOUSE:
        warn_of_house(patterns, slots, findings)
        # House campaigns serve nowhere else, so nothing else has to fit.
        booked = tuple(slot for slot in booked if slot.on_empty is OnEmpty.HOUSE) or booked
    for node, creative in creatives:
        check_creative(node, creative, booked, findings)
    for slot in booked:
        if not any(fits_anywhere(creative, slot) for _, creative in creatives):
            refuse_slot(patterns, slot, findings)
    if campaign.roadblock and patterns and len(booked) > len(creatives):
        warn_of_roadblock(patterns[0][0], len(booked), len(creatives), findings)


def warn_of_roadblock(node: Scalar, slots: int, creatives: int, findings: Findings) -> None:
    message = f"a roadblock of {slots} slots with {count(creatives, 'creative')}"
    hint = "no creative stands on a page twice: a page that asks for all its slots never shows it"
    findings.warning(node, "small_roadblock", message, hint)


def count(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


def check_creative(
    node: Placed, creative: Creative, booked: tuple[Slot, ...], findings: Findings
) -> None:
    rooms = {size for slot in booked for size in slot.sizes.values()}
    if not any(fits_anywhere(creative, slot) for slot in booked):
        message = f"creative `{creative.id}` ({sizes_of(creative)}) fits none of the slots"
        hint = f"the slots have room for {words(rooms)}"
        findings.error(node, "fits_nowhere", message, hint)
        return
    for image in creative.images:
        if not any(image.size.fits(room) for room in rooms):
            message = (
                f"{quoted(image.name)} ({image.size}) is larger than every slot of the campaign "
                f"({words(rooms)})"
            )
            findings.error(node, "picture_too_large", message, "remove it, or book a larger slot")


def refuse_slot(patterns: Sequence[tuple[Scalar, str]], slot: Slot, findings: Findings) -> None:
    node = next(node for node, pattern in patterns if covers(pattern, slot.name))
    message = f"no creative fits slot `{slot.name}` ({words(slot.sizes.values())})"
    hint = "add a picture of that size, or a text creative, which fits every slot"
    findings.error(node, "slot_without_creative", message, hint)


def sizes_of(creative: Creative) -> str:
    return str(creative.html.size) if creative.html else words(i.size for i in creative.images)


def words(sizes: Iterable[Size]) -> str:
    return ", ".join(str(size) for size in sorted(set(sizes)))


def warn_of_house(
    patterns: Sequence[tuple[Scalar, str]], slots: tuple[Slot, ...], findings: Findings
) -> None:
    for node, pattern in patterns:
        closed = [
            slot.name
            for slot in slots
            if covers(pattern, slot.name) and slot.on_empty is not OnEmpty.HOUSE
        ]
        if closed:
            message = f"house campaigns never serve in {listed(closed)}"
            hint = "write `on_empty: house` there in slots.yaml, or book other slots"
            findings.warning(node, "house_never_serves", message, hint)
