"""Whether totals are what the rows add up to: both are written by the same calls."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adserver.core.events import Metric
from adserver.store.connect import Client
from adserver.store.copying import copy_of
from adserver.store.entries import Entry
from adserver.store.keys import Keys
from adserver.store.live_totals import METRICS
from adserver.store.resharding import split

COUNTED = re.compile(r"\{(catalog\}:numbers$|\d+\}:(hours|days|totals|counts:|daily:))")
LETTERS = frozenset(str(metric).encode() for metric in METRICS)

Sums = Counter[tuple[bytes, int]]
"""(metric's letter, creative's number) → how often."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """campaign, creative: "" where the number has no name."""

    shard: int
    campaign: str
    creative: str
    number: int
    metric: Metric
    totals: int
    rows: int


@dataclass(slots=True)
class Checked:
    """What was looked at, and what does not agree."""

    hours: int = 0
    days: int = 0
    totals: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)


@dataclass(slots=True)
class Shard:
    listed: set[str] = field(default_factory=set)
    totals: Sums = field(default_factory=Counter)
    rows: dict[str, Sums] = field(default_factory=dict)


def check(client: Client, keys: Keys) -> Checked:
    """Of each shard in one instant, so it may be in use meanwhile."""
    entries = copy_of(client, keys, COUNTED)
    names, shards = sorted_out(entries)
    checked = Checked()
    for number, shard in sorted(shards.items()):
        checked.hours += sum("T" in name for name in shard.listed)
        checked.days += sum("T" not in name for name in shard.listed)
        checked.totals += len(shard.totals)
        checked.disagreements += disagreements(number, shard, names)
    return checked


def sorted_out(entries: Iterable[Entry]) -> tuple[dict[int, str], dict[int, Shard]]:
    """Names of creatives by number, and each shard's counts."""
    names: dict[int, str] = {}
    shards: dict[int, Shard] = defaultdict(Shard)
    for entry in entries:
        tag, rest = split(entry)
        kind, _, what = rest.partition(":")
        match kind:
            case "numbers":
                names = creatives_of(entry)
            case "hours" | "days":
                shards[int(tag)].listed |= {name.decode() for name, _ in entry.pairs}
            case "totals":
                shards[int(tag)].totals = totals_of(entry)
            case _:
                shards[int(tag)].rows[what] = sums_of(entry)
    return names, shards


def creatives_of(numbers: Entry) -> dict[int, str]:
    pairs = ((name.decode().partition("/"), number) for name, number in numbers.pairs)
    return {int(number): rest for (kind, _, rest), number in pairs if kind == "creative"}


def totals_of(entry: Entry) -> Sums:
    split_fields = ((field.split(b":"), count) for field, count in entry.pairs)
    return Counter({(metric, int(creative)): int(n) for (metric, creative), n in split_fields})


def sums_of(rows: Entry) -> Sums:
    """What of an hour's or a day's rows is in totals: what counts, whatever slot and site."""
    sums: Sums = Counter()
    for row, count in rows.pairs:
        metric, creative, _ = row.split(b":", 2)
        if metric in LETTERS:
            sums[metric, int(creative)] += int(count)
    return sums


def disagreements(number: int, shard: Shard, names: Mapping[int, str]) -> Iterable[Disagreement]:
    rows: Sums = Counter()
    for name, sums in shard.rows.items():
        # Reports find rows by the sets of hours and days; others might as well not be there.
        if name in shard.listed:
            rows.update(sums)
    for letter, creative in sorted(shard.totals.keys() | rows.keys()):
        key = letter, creative
        if shard.totals[key] != rows[key]:
            campaign, _, name = names.get(creative, "").partition("/")
            metric = Metric(letter.decode())
            yield Disagreement(
                number, campaign, name, creative, metric, shard.totals[key], rows[key]
            )
