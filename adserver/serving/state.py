"""What one worker holds while it serves; handlers are given it, nothing is global."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from adserver.core.context import Context
from adserver.core.decision import Decision
from adserver.core.overload import Overload
from adserver.core.samples import Sampler
from adserver.core.shards import Serials, shard_of_campaign
from adserver.core.shelf import Placement
from adserver.core.ticket import (
    FLAG_CONSENT,
    FLAG_FOREIGN,
    FLAG_PREFETCH,
    FLAG_PREVIEW,
    Sealer,
    Ticket,
)
from adserver.metrics import UNKNOWN, Meter
from adserver.serving.asset_cache import AssetCache
from adserver.serving.counting import Counting
from adserver.serving.countries import Countries
from adserver.serving.http import Scope
from adserver.serving.invalid import Invalid
from adserver.serving.leasing import Leasing
from adserver.serving.live import Live
from adserver.serving.peers import CountryHeader
from adserver.serving.served import Served


@dataclass(slots=True)
class State:
    """ticket_life: seconds in which a ticket's events count. clock: UTC seconds.

    sheds: whether anything is shed in overload.
    preview: nothing counts, and each place says what it shows and why (`serve --dev`).
    """

    live: Live
    counting: Counting
    leasing: Leasing
    sealer: Sealer
    assets: AssetCache
    meter: Meter
    writer: int
    ticket_life: int
    trusted_peers: tuple[IPv4Network | IPv6Network, ...] = ()
    country_header: CountryHeader | None = None
    countries: Countries | None = None
    preview: bool = False
    sheds: bool = True
    overload: Overload = field(default_factory=lambda: Overload(time.perf_counter()))
    clock: Callable[[], float] = time.time
    draw: Callable[[], float] = field(default=random.random)
    sampler: Sampler = field(default_factory=Sampler)
    invalid: Invalid = field(default_factory=Invalid)
    serials: Serials = field(init=False)

    def __post_init__(self) -> None:
        self.serials = Serials(self.writer, self.leasing.shards)

    def note_country(self, scope: Scope) -> None:
        """Hand over, with the request's headers, where the reader is, as far as that is known."""
        if self.country_header is not None:
            self.country_header.note(scope)
        if self.countries is not None:
            self.countries.note(scope)

    def issue(self, served: Served, placement: Placement, context: Context, now: float) -> bytes:
        """A new ticket, the room that is reserved for it, and the served count that goes with it.

        Of a campaign with limits there must be room, as its decision has seen to.
        """
        site = served.snapshot.site_numbers.get(context.site, 0)
        creative, slot = placement.creative_number, placement.slot_number
        campaign = served.snapshot.campaign_numbers[placement.campaign.name]
        issued, lapse = int(now), 0
        room = self.leasing.rooms.get(placement.campaign.name)
        # What never counts needs no room.
        never = context.prefetch or context.robot or self.preview
        if room is not None and room.reserves and not never:
            here = self.leasing.now()
            issued = int(here)
            # Without room after all it lapses at once, and counts if there is other room.
            lapse = max(1, self.leasing.take(room, here) - issued)
        if not self.preview:
            self.counting.tally(now, ("s", creative, slot, site))
        return self.sealer.seal(
            Ticket(
                self.writer,
                self.serials.take(shard_of_campaign(campaign, self.leasing.shards)),
                creative,
                campaign,
                served.snapshot.generation,
                issued,
                lapse,
                slot,
                site,
                FLAG_PREFETCH * context.prefetch
                | FLAG_PREVIEW * self.preview
                | FLAG_CONSENT * context.consent
                | FLAG_FOREIGN * (context.site == "" and served.pages.is_foreign(context.url)),
            )
        )

    def note(self, served: Served, decision: Decision, context: Context, now: float) -> None:
        """Count a decision in the node's metrics and, if it is no preview, in the store's rows."""
        counts = self.meter.counts
        placement = decision.placement
        if placement is not None:
            outcome = "house" if placement.campaign.tier == "house" else "fill"
            counts["decisions_total"][decision.slot, outcome] += 1
            if self.preview:
                return
            site = served.snapshot.site_numbers.get(context.site, 0)
            self.counting.tally(now, ("r", 0, placement.slot_number, site))
            self.sampler.note(placement.slot_number, context, random.random())  # noqa: S311
            return
        places = served.snapshot.places.get(decision.slot)
        label = decision.slot if places else UNKNOWN
        counts["decisions_total"][label, "empty"] += 1
        counts["no_fill_total"][label, decision.reason] += 1
        if places and not self.preview:
            site = served.snapshot.site_numbers.get(context.site, 0)
            self.counting.tally(now, ("r", 0, places.number, site))
            self.counting.tally(now, (f"n.{decision.reason}", 0, places.number, site))
            self.sampler.note(places.number, context, random.random())  # noqa: S311

    def ignored(self, reasons: Iterable[str]) -> None:
        for reason in reasons:
            self.meter.counts["context_ignored_total"][(reason,)] += 1


def random_number(state: State) -> str:
    """For `%%random%%` in a pixel: a number that keeps caches from answering."""
    return str(int(state.draw() * 10**12))
