"""What one worker holds while it serves; handlers are given it, nothing is global."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from adserver.core.decision import Decision
from adserver.core.overload import Overload
from adserver.core.samples import Sampler
from adserver.core.shards import Serials
from adserver.core.ticket import FLAG_PREVIEW, VERSION, Sealer
from adserver.metrics.meter import UNKNOWN, Meter
from adserver.serving.asset_cache import AssetCache
from adserver.serving.counting import Counting
from adserver.serving.countries import Countries
from adserver.serving.http import Scope
from adserver.serving.invalid import Invalid
from adserver.serving.leasing import Leasing
from adserver.serving.live import Live
from adserver.serving.peers import CountryHeader
from adserver.serving.readings import Reading
from adserver.serving.served import Fill, Served


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
    # To be told how many seconds deciding took, all slots of a call.
    decided: Callable[[float], None] = field(init=False)
    decisions: dict[tuple[str, ...], int] = field(init=False)

    def __post_init__(self) -> None:
        self.serials = Serials(self.writer, self.leasing.shards)
        self.decisions = self.meter.counts["decisions_total"]
        self.decided = self.meter.observing("decision_duration_seconds", ())

    def note_country(self, scope: Scope) -> None:
        """Hand over, with the request's headers, where the reader is, as far as that is known."""
        if self.country_header is not None:
            self.country_header.note(scope)
        if self.countries is not None:
            self.countries.note(scope)

    def give(self, fill: Fill, reading: Reading, now: float, here: float = 0.0) -> bytes:
        """The ticket of an ad that a decision chose, with all that is counted of it: in the node's
        metrics and, if it is no preview, in the store's rows.

        here: the store's time, for whoever gives several and has asked for it (`Leasing.now`).
        """
        self.decisions[fill.outcome] += 1
        if not self.preview:
            placement = fill.placement
            slot = placement.slot_number
            self.counting.fills(now)[placement.creative_number, slot, reading.site] += 1
            self.sampler.note(slot, reading.context, random.random())  # noqa: S311
        return self._ticket(fill, reading, now, here)

    def issue(self, fill: Fill, reading: Reading, now: float) -> bytes:
        """The ticket of an ad that stands where nothing was decided, and its served count."""
        if not self.preview:
            placement = fill.placement
            row = ("s", placement.creative_number, placement.slot_number, reading.site)
            self.counting.tally(now, row)
        return self._ticket(fill, reading, now, 0.0)

    def _ticket(self, fill: Fill, reading: Reading, now: float, here: float) -> bytes:
        """A new one, and the room that is reserved for it.

        Of a campaign with limits there must be room, as its decision has seen to.
        """
        placement, leasing = fill.placement, self.leasing
        issued, lapse, flags = int(now), 0, reading.flags
        room = leasing.rooms.get(placement.campaign.name)
        if self.preview:
            flags |= FLAG_PREVIEW
        # What never counts needs no room.
        elif room is not None and reading.counts and room.reserves:
            here = here or leasing.now()
            issued = int(here)
            # Without room after all it lapses at once, and counts if there is other room.
            until = leasing.take(room, here)
            lapse = until - issued if until else 1
        campaign, sealer = fill.campaign, self.sealer
        return sealer.seal_whole(
            (
                VERSION, sealer.key_id, self.writer, self.serials.take(campaign),
                placement.creative_number, campaign, fill.generation, issued, lapse,
                placement.slot_number, reading.site, flags,
            )
        )  # fmt: skip

    def note_empty(self, served: Served, decision: Decision, reading: Reading, now: float) -> None:
        """Count a decision that chose nobody, as `give` does."""
        counts = self.meter.counts
        places = served.snapshot.places.get(decision.slot)
        label = decision.slot if places else UNKNOWN
        self.decisions[label, "empty"] += 1
        counts["no_fill_total"][label, decision.reason] += 1
        if places and not self.preview:
            self.counting.tally(now, ("r", 0, places.number, reading.site))
            self.counting.tally(now, (f"n.{decision.reason}", 0, places.number, reading.site))
            self.sampler.note(places.number, reading.context, random.random())  # noqa: S311

    def ignored(self, reasons: Iterable[str]) -> None:
        for reason in reasons:
            self.meter.counts["context_ignored_total"][(reason,)] += 1


def random_number(state: State) -> str:
    """For `%%random%%` in a pixel: a number that keeps caches from answering."""
    return str(int(state.draw() * 10**12))
