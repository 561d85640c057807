"""Contexts of requests, and those that were read before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from adserver.core.catalog import Device
from adserver.core.context import Context
from adserver.core.places import Table
from adserver.core.shelf import Placement
from adserver.core.ticket import FLAG_CONSENT, FLAG_FOREIGN, FLAG_PREFETCH
from adserver.serving.headers import Headers, Said
from adserver.serving.heads import named, said
from adserver.serving.http import Scope
from adserver.serving.request import Pages, context_of, read_query

if TYPE_CHECKING:
    from adserver.serving.served import Fill


class Look:
    """How ads look to some readers, and what was prepared for them.

    first: of slots that stand in their call for the first time, as nearly all do, and not alone in
    a frame. fills: of others, by how often, and whether. As `Served.fill` makes them.
    """

    __slots__ = ("fills", "first")

    def __init__(self) -> None:
        self.first: dict[Placement, Fill] = {}
        self.fills: dict[tuple[Placement, int, bool], Fill] = {}


class Asked(NamedTuple):
    """What a call asks for, slot by slot.

    slots: each with how often it has stood in the call with it; 1 is the first time. contexts: as
    `choose_page` wants them.
    """

    slots: tuple[tuple[str, int], ...]
    contexts: tuple[tuple[str, Context], ...]


def asked_for(contexts: Iterable[tuple[str, Context]]) -> Asked:
    """contexts: of each slot, by its name."""
    times: Counter[str] = Counter()
    every = tuple(contexts)
    slots = []
    for slot, _ in every:
        times[slot] += 1
        slots.append((slot, times[slot]))
    return Asked(tuple(slots), every)


@dataclass(slots=True, eq=False)
class Reading:
    """A context, and what follows from it for one generation.

    ignored: why parts of what was sent were. slots: that a call asks for. site: its number, 0 for
    none. flags: of tickets. counts: whether events of its ads can. tables: as `choose` knows them.
    asked: what `slots` make of it, once they were asked for.
    """

    context: Context
    look: Look
    site: int
    flags: int
    counts: bool
    ignored: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    tables: dict[str, Table] = field(default_factory=dict)
    asked: Asked | None = None


# Readers of one page with one browser send the same; 4,096 readings are about 4 MiB.
MAX_READINGS = 4_096
MAX_REMEMBERED_BYTES = 1_024


class Reader:
    """Reads contexts for one generation's pages, and remembers what it has read.

    sites: their numbers, by name.
    """

    def __init__(self, pages: Pages, sites: Mapping[str, int]) -> None:
        self._pages = pages
        self._sites = sites
        self._looks: dict[tuple[str, Device, bool, bool], Look] = {}
        self._readings: dict[tuple[bytes, Said], Reading] = {}

    def read(self, scope: Scope) -> Reading:
        query: bytes = scope["query_string"]
        in_headers = said(scope)
        key = (query, in_headers)
        found = self._readings.get(key)
        if found is None:
            found = self._read(query, named(scope))
            if len(self._readings) >= MAX_READINGS:
                self._readings.clear()
            # What is long is rarely sent twice, and would make the bound in bytes a loose one.
            size = len(query) + sum(map(len, filter(None, in_headers)))
            if size <= MAX_REMEMBERED_BYTES:
                self._readings[key] = found
        return found

    def _read(self, query_string: bytes, headers: Headers) -> Reading:
        query, ignored = read_query(query_string)
        reading = self.of(context_of(query, headers, self._pages, ignored))
        reading.ignored, reading.slots = tuple(ignored), tuple(query.get("slots", ()))
        return reading

    def of(self, context: Context) -> Reading:
        """What follows from a context, wherever it is from."""
        kind = (context.language, context.device, context.consent, context.private)
        look = self._looks.get(kind)
        if look is None:
            look = self._looks[kind] = Look()
        foreign = context.site == "" and self._pages.is_foreign(context.url)
        return Reading(
            context,
            look,
            self._sites.get(context.site, 0),
            FLAG_PREFETCH * context.prefetch
            | FLAG_CONSENT * context.consent
            | FLAG_FOREIGN * foreign,
            not (context.prefetch or context.robot),
        )
