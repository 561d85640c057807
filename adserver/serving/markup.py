"""A fill as HTML: the wrapper that a page pastes, cut once where each ticket goes.

All words of marketers are escaped here, once per generation. No inline script or style, so
that the strictest Content-Security-Policy of a page holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import resources
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from adserver.core.catalog import Catalog, Creative, Device, Image, Site, Slot
from adserver.core.fit import picture_for, room_for, sharp_picture_for
from adserver.core.shelf import Placement

# Where a ticket goes, and a random number. Nobody who writes a campaign can know these words, in
# which nothing needs to be escaped, be it in HTML, in an address or in JSON.
TICKET = f"ticket{token_hex(16)}"
RANDOM = f"random{token_hex(16)}"
# Just under the breakpoint: widths are fractions on zoomed screens.
BELOW = 0.02

WORDS = {
    "fr": {"by": "Annonce de {advertiser}", "paid": "payée par {paid_by}"},
    "en": {"by": "An advertisement by {advertiser}", "paid": "paid for by {paid_by}"},
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where we are, as pages see it; `base` is "" for root-relative addresses."""

    base: str

    def of(self, path: str) -> str:
        return f"{self.base}{path}"

    def image(self, image: Image) -> str:
        # A comma or a space in a file's name would end an address in `srcset`.
        return self.of(f"/assets/{image.digest}/{quote(image.name, safe='@')}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A placement as one page shows it.

    breakpoint: CSS pixels below which the mobile picture stands. nth: which of the page's slots of
    that name this is.
    """

    placement: Placement
    language: str
    device: Device
    breakpoint: float
    nth: int = 1


def wrapper(shown: Shown, site: Site, addresses: Addresses) -> str:
    """The wrapper without its end tag, so that a beacon or pixels can follow; `TICKET` marks."""
    placement, language = shown.placement, shown.language
    campaign, creative, slot = placement.campaign, placement.creative, placement.slot
    label = label_in(site, language)
    name = f"{label} – {slot.title}" + (f" ({shown.nth})" if shown.nth > 1 else "")
    # `aside` alone may not stand within `main`; a named region may stand anywhere.
    return (
        f'<aside class="adserver" role="region" data-slot="{escape(slot.name)}"'
        f' data-campaign="{escape(campaign.name)}" data-creative="{escape(creative.id)}"'
        f' data-kind="{creative.kind}" aria-label="{escape(name)}"'
        f' lang="{escape(language)}">'
        f'<details class="adserver-about"><summary>{escape(label)}</summary>'
        f"<p>{escape(about(placement, language))}</p></details>"
        f"{body(shown, label, addresses)}"
    )


def label_in(site: Site, language: str) -> str:
    return site.label.get(language) or site.label[site.language]


def about(placement: Placement, language: str) -> str:
    """On whose behalf, and who paid: what the Digital Services Act, article 26, asks for."""
    words = WORDS.get(language, WORDS["en"])
    campaign = placement.campaign
    said = words["by"].format(advertiser=campaign.advertiser)
    if campaign.paid_by and campaign.paid_by != campaign.advertiser:
        said += ", " + words["paid"].format(paid_by=campaign.paid_by)
    return said + "."


def body(shown: Shown, label: str, addresses: Addresses) -> str:
    creative, advertiser = shown.placement.creative, shown.placement.campaign.advertiser
    if creative.html is not None:
        size = creative.html.size
        return (
            f'<iframe class="adserver-ad" src="{addresses.of(f"/h/{TICKET}")}"'
            f' title="{escape(creative.alt or f"{label} – {advertiser}")}"'
            f' width="{size.width}" height="{size.height}"'
            ' sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"></iframe>'
        )
    inner = words_of(creative) if creative.text else pictures(shown, addresses)
    return (
        f'<a class="adserver-ad" href="{addresses.of(f"/c/{TICKET}")}"'
        f' rel="sponsored nofollow noopener" target="_blank">{inner}</a>'
    )


def words_of(creative: Creative) -> str:
    text = creative.text
    if text is None:
        return ""
    parts = [f"<strong>{escape(text.headline)}</strong>"]
    if text.body:
        parts.append(f"<span>{escape(text.body)}</span>")
    if text.cta:
        parts.append(f"<em>{escape(text.cta)}</em>")
    return f'<span class="adserver-text">{" ".join(parts)}</span>'


def pictures(shown: Shown, addresses: Addresses) -> str:
    """One picture a breakpoint; the decided device's stands in `img`."""
    creative, slot = shown.placement.creative, shown.placement.slot
    by_device = {d: picture_in(creative, slot, d) for d in Device}
    picture = by_device[shown.device] or by_device[Device.DESKTOP] or by_device[Device.MOBILE]
    if picture is None:
        return ""
    size = picture.size
    image = (
        f'<img src="{addresses.image(picture)}"{srcset(creative, picture, addresses)}'
        f' width="{size.width}" height="{size.height}" alt="{escape(creative.alt)}">'
    )
    source = other_source(by_device, picture, shown, addresses)
    return f"<picture>{source}{image}</picture>" if source else image


def picture_in(creative: Creative, slot: Slot, device: Device) -> Image | None:
    room = room_for(slot, device)
    return picture_for(creative, room) if room else None


def other_source(
    by_device: dict[Device, Image | None], standing: Image, shown: Shown, addresses: Addresses
) -> str:
    media = {
        Device.MOBILE: f"(max-width: {shown.breakpoint - BELOW:g}px)",
        Device.DESKTOP: f"(min-width: {shown.breakpoint:g}px)",
    }
    for device, picture in by_device.items():
        if picture is not None and picture != standing:
            size = picture.size
            return (
                f'<source media="{media[device]}"'
                f' srcset="{densities(shown.placement.creative, picture, addresses)}"'
                f' width="{size.width}" height="{size.height}">'
            )
    return ""


def srcset(creative: Creative, picture: Image, addresses: Addresses) -> str:
    if sharp_picture_for(creative, picture) is None:
        return ""
    return f' srcset="{densities(creative, picture, addresses)}"'


def densities(creative: Creative, picture: Image, addresses: Addresses) -> str:
    sharp = sharp_picture_for(creative, picture)
    one = f"{addresses.image(picture)} 1x"
    return one if sharp is None else f"{one}, {addresses.image(sharp)} 2x"


def beacon(addresses: Addresses) -> str:
    """`hidden` keeps it out of the layout; browsers load it all the same."""
    return f'<img src="{addresses.of(f"/i/{TICKET}")}" width="1" height="1" alt="" hidden>'


def pixel(address: str) -> str:
    return (
        f'<img src="{escape(address)}" width="1" height="1" alt="" hidden'
        ' referrerpolicy="no-referrer">'
    )


def empty(slot: Slot) -> str:
    """What stands in a place that nobody bought: its reserved space, silent."""
    return f'<aside class="adserver" data-slot="{escape(slot.name)}" aria-hidden="true"></aside>'


def parts(placement: Placement, language: str, site: Site, addresses: Addresses) -> dict[str, Any]:
    """What a caller that draws the ad itself needs; addresses with `TICKET` are in the decision."""
    creative = placement.creative
    shared = {
        "label": label_in(site, language),
        "advertiser": placement.campaign.advertiser,
        "about": about(placement, language),
    }
    if creative.text:
        text = creative.text
        return {**shared, "headline": text.headline, "body": text.body, "cta": text.cta}
    if creative.html:
        size = creative.html.size
        return {**shared, "width": size.width, "height": size.height}
    images = [
        {
            "src": addresses.image(image),
            "width": image.size.width,
            "height": image.size.height,
            "density": image.density,
        }
        for image in creative.images
    ]
    return {**shared, "alt": creative.alt, "images": images}


def size_of(placement: Placement, device: Device) -> str:
    """The size that is shown on the decided device, such as 728x90."""
    creative, slot = placement.creative, placement.slot
    if creative.html:
        return str(creative.html.size)
    picture = picture_in(creative, slot, device)
    return str(picture.size if picture else room_for(slot, device) or "")


def frame(content: str, language: str, site: Site, addresses: Addresses) -> str:
    """A whole page around one slot, for an iframe."""
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(label_in(site, language))}</title>"
        f'<link rel="stylesheet" href="{addresses.of("/slots.css?frame")}"></head>'
        f'<body class="adserver-frame">{content}</body></html>'
    )


# What ads.css writes where the list of slots goes.
EVERY_SLOT = "every-slot"


def frame_breakpoint(slot: Slot) -> float:
    """In a frame, widths are the frame's: it is "mobile" where the desktop's room is too wide."""
    room = room_for(slot, Device.DESKTOP)
    return room.width if room else 0


def stylesheet(catalog: Catalog, *, framed: bool = False) -> str:
    """Every slot's reserved space per breakpoint, and how the words in an ad look."""
    rules = [
        slot_rules(slot, frame_breakpoint(slot) if framed else catalog.site.breakpoint)
        for slot in catalog.slots
    ]
    every = ",".join(f'[data-slot="{slot.name}"]' for slot in catalog.slots)
    shared = resources.files("adserver.serving").joinpath("static", "ads.css").read_text("utf-8")
    return "\n".join([*rules, shared.replace(EVERY_SLOT, f":is({every})")])


def slot_rules(slot: Slot, breakpoint_pixels: float) -> str:
    name = f'[data-slot="{slot.name}"]'
    desktop, mobile = room_for(slot, Device.DESKTOP), room_for(slot, Device.MOBILE)
    if desktop is None or mobile is None:
        return ""
    rule = f"{name}{{--ad-width:{desktop.width}px;--ad-height:{desktop.height}px}}"
    if mobile != desktop:
        rule += (
            f"@media (max-width:{breakpoint_pixels - BELOW:g}px)"
            f"{{{name}{{--ad-width:{mobile.width}px;--ad-height:{mobile.height}px}}}}"
        )
    return rule
