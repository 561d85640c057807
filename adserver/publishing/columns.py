"""The columns that a spreadsheet of campaigns may have: the keys of campaign files, dotted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adserver.core.catalog import Site
from adserver.core.targeting import FACTS
from adserver.publishing.campaign_file import KEYS
from adserver.publishing.findings import Findings, Place
from adserver.publishing.flights import FLIGHT_ENDS
from adserver.publishing.nodes import quoted
from adserver.publishing.spreadsheet import Row
from adserver.publishing.suggest import nearest_or_all
from adserver.publishing.targeting import WORDS

NAME = "name"
NESTED = {
    "flight": FLIGHT_ENDS,
    "goal": ("impressions", "clicks", "share"),
    "frequency": ("impressions", "per"),
    "price": ("cpm", "cpc", "flat"),
    "creative": (
        "id", "images", "alt", "headline", "body", "cta", "html", "size", "loads_from", "link",
        "utm", "weight",
    ),
}  # fmt: skip
STRUCTURED = ("targeting", "creatives", *NESTED)
LISTS = frozenset(
    {"slots", "hours", "pixels", "competes_in", "creative.images", "creative.loads_from"}
)
# Columns for people; what stands in them is not read.
REMARK = "#"


@dataclass(frozen=True, slots=True)
class Column:
    """number: from 1. key: of the campaign file, dotted; `name` is the file's."""

    number: int
    key: str

    @property
    def is_list(self) -> bool:
        return self.key in LISTS or self.key.startswith("targeting.")


def known_columns(site: Site | None) -> tuple[str, ...]:
    """Every heading. site: None where only the built-in facts are known."""
    declared = tuple(key.name for key in site.context) if site else ()
    return (
        NAME,
        *(key for key in KEYS if key not in STRUCTURED),
        *(f"{key}.{below}" for key, names in NESTED.items() for below in names),
        *targeting_columns((*FACTS, *declared)),
    )


def targeting_columns(facts: Iterable[str]) -> Iterator[str]:
    for fact in facts:
        yield f"targeting.{fact}"
        yield from (f"targeting.{fact}.{word}" for word in WORDS)


def read_columns(headings: Row, known: Iterable[str], findings: Findings) -> list[Column]:
    """The columns whose headings are keys; the others are among the findings by then."""
    by_folded = {key.casefold(): key for key in known}
    met: dict[str, int] = {}
    columns: list[Column] = []
    for number, heading in enumerate(headings.cells, start=1):
        key = by_folded.get(heading.casefold())
        place = Place(headings.number, number)
        if not heading or heading.startswith(REMARK):
            continue
        if key is None:
            hint = nearest_or_all(heading, by_folded.values(), "columns are")
            message = f"there is no column {quoted(heading)}"
            findings.error(place, "unknown_column", message, hint)
        elif key in met:
            message = f"the column {quoted(key)} is there a second time"
            findings.error(place, "duplicate_column", message, "keep one of the two")
        else:
            met[key] = number
            columns.append(Column(number, key))
    return columns
