"""Which creative fits which slot, and with which picture."""

from __future__ import annotations

from adserver.core.catalog import Campaign, Creative, Device, Image, Size, Slot


def picture_for(creative: Creative, room: Size) -> Image | None:
    """The largest 1x picture that fits the room, the first of equals."""
    fitting = [i for i in creative.images if i.density == 1 and i.size.fits(room)]
    return max(fitting, key=lambda i: i.size.width * i.size.height, default=None)


def sharp_picture_for(creative: Creative, picture: Image) -> Image | None:
    """The exact 2x of a picture, if the creative has one."""
    twins = (i for i in creative.images if i.density == 2 and i.size == picture.size)
    return next(twins, None)


def room_for(slot: Slot, device: Device) -> Size | None:
    """The slot's room on a device; a slot with one size has it on both."""
    if device in slot.sizes:
        return slot.sizes[device]
    return next(iter(slot.sizes.values())) if len(slot.sizes) == 1 else None


def fits(creative: Creative, slot: Slot, device: Device) -> bool:
    room = room_for(slot, device)
    return room is not None and fits_in(creative, room)


def fits_in(creative: Creative, room: Size) -> bool:
    if creative.text:
        return True
    if creative.html:
        return creative.html.size.fits(room)
    return picture_for(creative, room) is not None


def fits_anywhere(creative: Creative, slot: Slot) -> bool:
    return any(fits(creative, slot, device) for device in Device)


def fitting(campaign: Campaign, slot: Slot, device: Device) -> tuple[Creative, ...]:
    return fitting_in(campaign, room_for(slot, device))


def fitting_in(campaign: Campaign, room: Size | None) -> tuple[Creative, ...]:
    """None: the slot has no room on the device."""
    if room is None:
        return ()
    return tuple([creative for creative in campaign.creatives if fits_in(creative, room)])
