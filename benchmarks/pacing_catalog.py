"""A world as a node sees it: a live generation, what is known of its traffic, and its readers."""

from __future__ import annotations

from collections.abc import Mapping

from adserver.core.catalog import (
    Campaign,
    Catalog,
    Clause,
    Creative,
    Device,
    Flight,
    Generation,
    Goal,
    Site,
    Size,
    Slot,
    State,
    Text,
    Tier,
    names,
)
from adserver.core.context import Context
from adserver.core.forecast import History
from adserver.core.samples import Sample
from adserver.core.traffic import Traffic
from benchmarks.pacing_sales import SECTIONS
from benchmarks.pacing_world import (
    COUNTRIES,
    DEVICES,
    TIMEZONE,
    Kind,
    Kinds,
    World,
    kinds_of_reader,
)

COUNTRY_NAMES = ("fr", "be", "ch", "ca")
ROOM = {Device.DESKTOP: Size(728, 90), Device.MOBILE: Size(320, 100)}
CARD = Creative(id="card", link="https://shop.example/", text=Text("Headline"))


def generation_of(world: World) -> Generation:
    slots = tuple(Slot(name=name, title=name, sizes=ROOM) for name, _, _ in world.shape.slots)
    booked = zip(world.bookings, world.wanted, strict=True)
    catalog = Catalog(
        site=Site(
            name="World",
            sites={"blog": "https://blog.example"},
            timezone=TIMEZONE,
            currency="EUR",
            language="fr",
            label={"fr": "Publicité"},
            breakpoint=1000,
        ),
        slots=slots,
        campaigns=tuple(
            Campaign(
                name=booking.name,
                advertiser=booking.name,
                tier=Tier.STANDARD,
                state=State.READY,
                flight=Flight(booking.since, booking.until, TIMEZONE),
                slots=tuple(slots[slot].name for slot in sorted(wanted[0])),
                creatives=(CARD,),
                targeting=tuple(targeting(wanted)),
                goal=Goal(impressions=booking.goal),
            )
            for booking, wanted in booked
        ),
    )
    counters: dict[str, int] = {}
    numbers = {}
    for name in names(catalog):
        kind = name.partition("/")[0]
        counters[kind] = numbers[name] = counters.get(kind, 0) + 1
    return Generation(1, catalog, numbers)


def targeting(wanted: Kinds) -> list[Clause]:
    _, sections, devices, countries = wanted
    every = (
        ("section", [f"s{n}" for n in sorted(sections)], len(SECTIONS)),
        ("device", [list(Device)[n].value for n in sorted(devices)], len(DEVICES)),
        ("country", [COUNTRY_NAMES[n] for n in sorted(countries)], len(COUNTRIES)),
    )
    return [Clause(fact, any=tuple(some)) for fact, some, of in every if len(some) < of]


def context_of(kind: Kind) -> Context:
    section, device, country = kind
    return Context(
        device=list(Device)[device],
        facts=(("country", (COUNTRY_NAMES[country],)), ("section", (f"s{section}",))),
    )


def samples_of(world: World, live: Generation) -> dict[int, list[Sample]]:
    contexts = [context_of(kind) for kind, _ in kinds_of_reader()]
    return {
        live.numbers[f"slot/{name}"]: [
            Sample(contexts[cell], float(many)) for cell, many in world.samples[slot].items()
        ]
        for slot, (name, _, _) in enumerate(world.shape.slots)
    }


def traffic_of(
    live: Generation,
    histories: Mapping[str, History],
    through: float,
    counts: Mapping[str, int] | None = None,
) -> Traffic:
    """through: up to where hours have been learnt; counts: each slot's requests since."""
    numbers = {name: live.numbers[f"slot/{name}"] for name in histories}
    since = {numbers[name]: many for name, many in (counts or {}).items()}
    learnt = {numbers[name]: history for name, history in histories.items()}
    return Traffic(through, learnt, through, since)
