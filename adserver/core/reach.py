"""Who may have which part of a slot's traffic, as samples of its requests say.

A campaign's reach is, for each of its slots, the share of the slot's requests that come from a
page and a reader it wants, on a device that it has a creative for. When it may run (flight, hours)
is no part of that: forecasts know it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from adserver.core.bits import pack, positions_in
from adserver.core.catalog import Campaign, Clause, Device, Hours, Slot
from adserver.core.context import Context
from adserver.core.fit import fitting, room_for
from adserver.core.samples import Sample
from adserver.core.steps import Steps, finish, in_steps
from adserver.core.targeting import values_of
from adserver.core.wants import Vocabulary, Wants

# Half a millisecond each.
SAMPLES_A_STEP = 40
PARTS_A_STEP = 40


class Taker(NamedTuple):
    """Whoever may have a slot's requests: what it wants, and on which devices it can be shown."""

    targeting: tuple[Clause, ...]
    devices: frozenset[Device]


def taker_of(campaign: Campaign, slot: Slot) -> Taker:
    devices = (device for device in Device if fitting(campaign, slot, device))
    return Taker(campaign.targeting, frozenset(devices))


def anybody_like(targeting: tuple[Clause, ...], slot: Slot) -> Taker:
    """A campaign that is not written yet, with creatives for every room of the slot."""
    devices = (device for device in Device if room_for(slot, device))
    return Taker(targeting, frozenset(devices))


class Part(NamedTuple):
    """A share of a slot's requests, and the bits of those who may have them."""

    share: float
    may: int


def parts_of(takers: Sequence[Taker], samples: Iterable[Sample]) -> list[Part]:
    """All at once."""
    return finish(dividing(takers, samples))


def dividing(takers: Sequence[Taker], samples: Iterable[Sample]) -> Steps[list[Part]]:
    """The parts of a slot's traffic, each for other takers; their shares come to 1.

    Without samples, pages and readers are taken to be as everybody wants them, half of them on
    each device. 10 to 20 us a sample, however many takers there are.
    """
    wants = Wants()
    yield from wants.taking(taker.targeting for taker in takers)
    vocabulary = Vocabulary([wants])
    fits = {
        device: pack([n for n, taker in enumerate(takers) if device in taker.devices])
        for device in Device
    }
    weights: defaultdict[int, float] = defaultdict(float)
    for (context, weight), ends in in_steps(samples, SAMPLES_A_STEP):
        weights[who_may(context, wants, vocabulary, fits[context.device])] += weight
        if ends:
            yield
    if not weights:
        for may in fits.values():
            weights[may] += 1.0
    total = sum(weights.values())
    return [Part(weight / total, may) for may, weight in weights.items()]


def who_may(context: Context, wants: Wants, vocabulary: Vocabulary, fitting_it: int) -> int:
    values = values_of(context)
    signature = vocabulary.signature(values, context.url, of_site=bool(context.site))
    return wants.of(fitting_it, dict(signature))


def shares(parts: Iterable[Part], takers: int) -> list[float]:
    """The share of the slot's requests that each taker may have."""
    return finish(sharing(parts, takers, {}))


def sharing(
    parts: Iterable[Part], takers: int, sponsors: Mapping[int, float]
) -> Steps[list[float]]:
    """The same, of what sponsors leave.

    sponsors: by their position among the takers, the share that each has of what it may have.
    """
    found = [0.0] * takers
    for (share, may), ends in in_steps(parts, PARTS_A_STEP):
        sold = sum(load for position, load in sponsors.items() if may >> position & 1)
        left = share * max(0.0, 1.0 - sold)
        for position in positions_in(may):
            found[position] += left
        if ends:
            yield
    return found


def forecast_key(slot: str, hours: tuple[Hours, ...]) -> str:
    """By what a slot's forecast is known, as it is during a campaign's hours."""
    if not hours:
        return slot
    parts = (f"{part.days} {part.start_minute}-{part.end_minute}" for part in sorted_hours(hours))
    return f"{slot} during {'; '.join(parts)}"


def sorted_hours(hours: tuple[Hours, ...]) -> list[Hours]:
    return sorted(hours, key=lambda part: (part.days, part.start_minute, part.end_minute))
