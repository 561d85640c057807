"""All that is prepared of one generation, so that a request finds it made."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from adserver.core.catalog import Catalog, Generation, Site, Tier
from adserver.core.context import Context
from adserver.core.events import Kind
from adserver.core.flights import standing
from adserver.core.invalid import Mode
from adserver.core.macros import fill_link
from adserver.core.reasons import DISCARDS, Discard, Reason
from adserver.core.shelf import Placement
from adserver.core.snapshot import Snapshot, compiling
from adserver.core.steps import Steps, in_steps
from adserver.core.ticket import TEXT_LENGTH
from adserver.metrics.meter import UNKNOWN, CampaignLabels, Meter, label_campaigns
from adserver.serving import markup
from adserver.serving.http import SLOT_HEAD, Head, Header
from adserver.serving.invalid import Invalid
from adserver.serving.markup import Addresses
from adserver.serving.readings import Reader, Reading
from adserver.serving.request import Pages

DECISION = b"x-ad-decision"
END = b"</aside>"
# Of each of some eight looks; past that all are forgotten, and made again. Some 2 KiB each.
MAX_FILLS = 8_192
# Longer names are not worth comparing; a hint is for typing errors.
MAX_HINT_CHARACTERS = 64
# More unknown names than a site's pages can have wrong; then there are no more hints. Finding one
# among a thousand slots takes 5 ms, and somebody may be making names up.
MAX_HINTS = 256
# Of so many slots, the first ones, one is taken for a hint.
MAX_HINTED_SLOTS = 1_000

# What this release can answer, so that each has its series from the start.
NO_FILL_REASONS = (
    Reason.NO_CAMPAIGN,
    Reason.DRAFT,
    Reason.ENDED,
    Reason.NOT_STARTED,
    Reason.PAUSED,
    Reason.OFF_HOURS,
    Reason.WRONG_SIZE,
    Reason.TARGETING,
    Reason.EXCLUDED,
    Reason.COMPETITOR,
    Reason.ROADBLOCK,
    Reason.FREQUENCY,
    Reason.DUPLICATE,
    Reason.GOAL_MET,
    Reason.DAY_FULL,
    Reason.PACED,
    Reason.STORE_UNAVAILABLE,
    Reason.SHED,
)

EVENT_METRICS = {
    Kind.IMPRESSION: "impressions_total",
    Kind.VIEWABLE: "viewable_impressions_total",
    Kind.CLICK: "clicks_total",
}


@dataclass(slots=True, eq=False)
class Fill:
    """One placement as bytes, cut where the ticket goes: `ticket.join(pieces)`.

    links: how many pieces come before the one in which the beacon begins, to its ticket, with
    beacon_begins. head: None where the body's length is not the same each time, for a pixel's
    random number. outcome: the labels of its decisions. campaign: its number. described: as JSON,
    once it was asked for. What few requests want of it is made each time: there are thousands of
    fills, and each of these would be a tenth of their memory or more.
    """

    placement: Placement
    generation: int
    campaign: int
    outcome: tuple[str, str]
    with_beacon: tuple[bytes, ...]
    links: int
    beacon_begins: bytes
    head: Head | None
    described: tuple[bytes, ...] = ()

    @property
    def without_beacon(self) -> tuple[bytes, ...]:
        """For calls of several slots, who tell it beside; it is described once."""
        last = self.with_beacon[self.links].removesuffix(self.beacon_begins)
        return (*self.with_beacon[: self.links], last + END)

    @property
    def decision(self) -> Header:
        campaign, creative = self.placement.campaign, self.placement.creative
        return decision_header(f"fill; campaign={campaign.name}; creative={creative.id}")


@dataclass(slots=True)
class Served:
    """One generation, ready to be served."""

    snapshot: Snapshot
    pages: Pages
    reader: Reader
    addresses: Addresses
    stylesheet: bytes
    campaign_labels: CampaignLabels
    slot_names: Mapping[int, str]
    frame_stylesheet: bytes
    beacon_begins: bytes
    outcomes: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.snapshot.catalog.site

    def fill(
        self, placement: Placement, reading: Reading, nth: int = 1, *, framed: bool = False
    ) -> Fill:
        """nth: how often the slot has stood in the same call, so that its name can say so.

        framed: it stands alone in an iframe, where widths are the frame's.
        """
        look = reading.look
        if nth == 1 and not framed:
            found = look.first.get(placement)
            if found is None:
                found = self._make_fill(placement, reading.context, nth, framed)
                keep(look.first, placement, found)
            return found
        key = (placement, nth, framed)
        found = look.fills.get(key)
        if found is None:
            found = self._make_fill(placement, reading.context, nth, framed)
            keep(look.fills, key, found)
        return found

    def _make_fill(self, placement: Placement, context: Context, nth: int, framed: bool) -> Fill:
        edge = markup.frame_breakpoint(placement.slot) if framed else self.site.breakpoint
        shown = markup.Shown(placement, context.language, context.device, edge, nth)
        start = markup.wrapper(shown, self.site, self.addresses)
        pixels = "".join(map(markup.pixel, pixels_of(placement, context, markup.RANDOM)))
        with_beacon = cut(f"{start}{markup.beacon(self.addresses)}{pixels}</aside>")
        tickets = len(with_beacon) - 1
        length = sum(map(len, with_beacon)) + tickets * TEXT_LENGTH
        campaign = placement.campaign
        outcome = placement.slot.name, "house" if campaign.tier is Tier.HOUSE else "fill"
        fill = Fill(
            placement=placement,
            generation=self.snapshot.generation,
            campaign=self.snapshot.numbers[campaign.name][0],
            outcome=self.outcomes.setdefault(outcome, outcome),
            with_beacon=with_beacon,
            links=start.count(markup.TICKET),
            beacon_begins=self.beacon_begins,
            head=None,
        )
        if markup.RANDOM not in pixels:
            fill.head = SLOT_HEAD.before(length, fill.decision)
        return fill

    def hint(self, name: str) -> str:
        """The nearest slot's name, "" if none is near, or after too many that were wrong."""
        known = self.hints.get(name)
        if known is not None:
            return known
        if len(name) > MAX_HINT_CHARACTERS or len(self.hints) >= MAX_HINTS:
            return ""
        near = get_close_matches(name, list(self.snapshot.places)[:MAX_HINTED_SLOTS], 1)
        self.hints[name] = near[0] if near else ""
        return self.hints[name]

    def campaign_label(self, campaign: str) -> str:
        return self.campaign_labels[campaign]


def keep(fills: dict[Any, Fill], key: Hashable, made: Fill) -> None:
    if len(fills) >= MAX_FILLS:
        fills.clear()
    fills[key] = made


def pixels_of(placement: Placement, context: Context, random: str) -> list[str]:
    """The campaign's third-party pixels, for a visitor who agreed to them; none for others."""
    if not context.consent:
        return []
    values = {
        "campaign": placement.campaign.name,
        "creative": placement.creative.id,
        "slot": placement.slot.name,
        "random": random,
    }
    return [fill_link(address, values) for address in placement.campaign.pixels]


def cut(html: str) -> tuple[bytes, ...]:
    return tuple(piece.encode() for piece in html.split(markup.TICKET))


def decision_header(text: str) -> Header:
    return (DECISION, text.encode("ascii", "replace"))


def preparing(
    generation: Generation, public_url: str, meter: Meter, now: float, invalid: Invalid
) -> Steps[Served]:
    """Compile a generation and all that is prepared from it. now: UTC seconds."""
    snapshot = yield from compiling(generation, now)
    catalog = snapshot.catalog
    pages = Pages.of(catalog, invalid.is_crawler)
    addresses = Addresses((public_url or catalog.site.server).rstrip("/"))
    served = Served(
        snapshot=snapshot,
        pages=pages,
        reader=Reader(pages, snapshot.site_numbers),
        addresses=addresses,
        stylesheet=markup.stylesheet(catalog).encode(),
        beacon_begins=cut(markup.beacon(addresses))[0],
        frame_stylesheet=markup.stylesheet(catalog, framed=True).encode(),
        campaign_labels=(yield from labels_of(catalog, now)),
        slot_names={places.number: name for name, places in snapshot.places.items()},
    )
    yield from present_at_zero(served, meter, invalid)
    meter.present("no_fill_total", (UNKNOWN, Reason.UNKNOWN_SLOT))
    for kind in Kind:
        meter.present("events_discarded_total", (kind.word, UNKNOWN, Discard.FORGED))
    return served


def labels_of(catalog: Catalog, now: float) -> Steps[CampaignLabels]:
    running: set[str] = set()
    others: set[str] = set()
    for campaign, ends in in_steps(catalog.campaigns):
        (running if standing(campaign, now) is None else others).add(campaign.name)
        if ends:
            yield
    return label_campaigns(running, others)


def present_at_zero(served: Served, meter: Meter, invalid: Invalid) -> Steps[None]:
    """Show every series that this generation can count, so that the first event is an increase."""
    for slot, places in served.snapshot.places.items():
        for outcome in ("fill", "house", "empty"):
            meter.present("decisions_total", (slot, outcome))
        for reason in NO_FILL_REASONS:
            meter.present("no_fill_total", (slot, reason))
        present_discards(slot, meter, invalid)
        yield
        labels = set()
        for campaign, ends in in_steps(places.candidates):
            labels.add(served.campaign_label(campaign.name))
            if ends:
                yield
        for label in labels:
            for kind in Kind:
                meter.present(EVENT_METRICS[kind], (slot, label))


def present_discards(slot: str, meter: Meter, invalid: Invalid) -> None:
    for kind in Kind:
        for discard in {*DISCARDS, *invalid.reasons(Mode.DISCARD)}:
            meter.present("events_discarded_total", (kind.word, slot, discard))
        for would in invalid.reasons(Mode.DRY_RUN):
            meter.present("events_would_discard_total", (kind.word, slot, would))
