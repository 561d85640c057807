"""How generations and creatives are written in the store: JSON, with a version.

A generation is a line for what there is besides campaigns, and a line for each campaign with its
numbers: so that a worker can read a large one between requests. The names of its files are not
in it, as workers have no use for them (`store.generations`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import TypeAdapter

from adserver.core.catalog import Campaign, Catalog, Generation, names
from adserver.core.numbered import Numbers
from adserver.core.publication import KnownCreative
from adserver.core.steps import Steps, in_steps

# A release reads its own version and the one before. 1 was one line of everything.
VERSION = 2
WHOLE_IN_ONE = 1

GENERATION = TypeAdapter(Generation)
CAMPAIGN = TypeAdapter(tuple[Campaign, dict[str, int]])
KNOWN_CREATIVE = TypeAdapter(KnownCreative)
# A line takes some 20 us to read.
LINES_PER_STEP = 50


def write(generation: Generation) -> bytes:
    return b"\n".join(lines_of(generation))


def lines_of(generation: Generation) -> Iterator[bytes]:
    catalog, numbers = generation.catalog, generation.numbers
    bare = replace(catalog, campaigns=())
    first = Generation(generation.number, bare, own_numbers(bare, numbers))
    yield GENERATION.dump_json(first, exclude={"files"})
    nothing = replace(bare, site=replace(bare.site, sites={}), slots=())
    of_campaigns = creatives_by_campaign(numbers)
    for campaign in catalog.campaigns:
        own = own_numbers(replace(nothing, campaigns=(campaign,)), numbers)
        yield CAMPAIGN.dump_json((campaign, of_campaigns.get(campaign.name, {}) | own))


def own_numbers(catalog: Catalog, numbers: Mapping[str, int]) -> dict[str, int]:
    return {name: numbers[name] for name in names(catalog)}


def creatives_by_campaign(numbers: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """The numbers of the creatives that each campaign has and had."""
    found: dict[str, dict[str, int]] = {}
    for name, number in numbers.items():
        kind, _, rest = name.partition("/")
        if kind == "creative":
            found.setdefault(rest.partition("/")[0], {})[name] = number
    return found


def reading(body: bytes, version: int) -> Steps[Generation]:
    """ValueError for what is damaged."""
    if version <= WHOLE_IN_ONE:
        return GENERATION.validate_json(body)
    rest = lines_in(body)
    bare = GENERATION.validate_json(next(rest))
    campaigns, numbers, known = [], Numbers(bare.numbers), Known()
    for line, ends in in_steps(rest, LINES_PER_STEP):
        campaign, own = CAMPAIGN.validate_json(line)
        known.share(campaign)
        campaigns.append(campaign)
        numbers.add(campaign, own)
        if ends:
            yield
    return replace(bare, catalog=replace(bare.catalog, campaigns=tuple(campaigns)), numbers=numbers)


def lines_in(body: bytes) -> Iterator[bytes]:
    """One after the other: all at once would be the body a second time."""
    begin = 0
    while (end := body.find(b"\n", begin)) >= 0:
        yield body[begin:end]
        begin = end + 1
    yield body[begin:]


SHARED = "flight", "slots", "hours", "weight", "frequency", "goal", "pixels", "competes_in"


class Known:
    """Values that campaigns have in common, each kept once: of a hundred thousand campaigns that
    is a third of their memory."""

    def __init__(self) -> None:
        self._values: dict[object, object] = {}

    def share(self, campaign: Campaign) -> None:
        """Nobody has seen the campaign yet, so its parts may still be put in each other's place."""
        for name in SHARED:
            value = getattr(campaign, name)
            object.__setattr__(campaign, name, self._values.setdefault(value, value))
        # Seldom equal as a whole, and made of the same few wishes.
        clauses = tuple(self._values.setdefault(one, one) for one in campaign.targeting)
        object.__setattr__(campaign, "targeting", self._values.setdefault(clauses, clauses))
        for creative in campaign.creatives:
            weight = creative.weight
            object.__setattr__(creative, "weight", self._values.setdefault(weight, weight))
        # As they are written: 8.5 and 8.50 are equal, and not the same to a person.
        for name in ("price", "buffer"):
            value = getattr(campaign, name)
            object.__setattr__(campaign, name, self._values.setdefault(repr(value), value))


def known_creatives(generation: Generation) -> dict[int, bytes]:
    """What to remember of each creative, by its number."""
    return {
        generation.numbers[f"creative/{campaign.name}/{creative.id}"]: KNOWN_CREATIVE.dump_json(
            KnownCreative.of(campaign, creative)
        )
        for campaign in generation.catalog.campaigns
        for creative in campaign.creatives
    }
