"""Where entries go when they come from a store with another number of shards.

- The catalog's keep their names.
- A bitmap goes to the shard that its writer and block belong to there.
- Rows, totals and changes of shard s go to shard `s % shards`, added up where several meet: sums
  are what reports read, and of which shard a row is does not matter to anybody.
- A ledger goes to every shard, with one mark: what the store has of a journal is then the same
  in all of them. Of one shard that mark is exact. Of several it is the highest of them, which is
  the truth only where the journal was shipped to its end (a shard that a journal's last records
  did not concern says less): whoever moves has to say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from adserver.core.errors import UnfitStore
from adserver.core.shards import shard_of
from adserver.store.entries import NEVER, Entry, entry_of_pairs, pack_parts

NAMED = 5
Merge = Callable[[Any, Any], Any]


def reshard(
    entries: Iterable[Entry], before: int, after: int, *, drained: bool = False
) -> Iterator[Entry]:
    """The entries of a store with `before` shards, as one with `after` holds them.

    drained: all journals were shipped to their end. UnfitStore where that is not sure and needs
    to be, or where a key is of no kind that this release knows.
    """
    if before == after:
        yield from entries
        return
    ledgers: dict[str, list[Entry]] = defaultdict(list)
    sums: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        tag, rest = split(entry)
        kind, _, what = rest.partition(":")
        if tag == "catalog":
            yield entry
        elif kind == "ledger":
            ledgers[rest].append(entry)
        elif kind == "seen":
            writer, block = map(int, what.split(":"))
            yield entry._replace(name=f"{{{shard_of(writer, block, after)}}}:{rest}")
        elif kind in MERGES:
            sums[f"{{{int(tag) % after}}}:{rest}"].append(entry)
        else:
            raise UnfitStore(f"this release does not know to which shard {entry.name} would go")
    if not drained:
        check_even(ledgers, before)
    for rest, said in ledgers.items():
        yield from (joined(said, f"{{{shard}}}:{rest}") for shard in range(after))
    for name, some in sums.items():
        yield merged(name, some)


def split(entry: Entry) -> tuple[str, str]:
    tag, _, rest = entry.name.removeprefix("{").partition("}:")
    return tag, rest


def check_even(ledgers: dict[str, list[Entry]], shards: int) -> None:
    """Of each journal, the mark in all shards is the same, so that it says what each has got."""
    uneven = [
        name
        for name, said in ledgers.items()
        if len(said) < shards or len({first_line(entry) for entry in said}) > 1
    ]
    if uneven:
        shown = ", ".join(sorted(uneven)[:NAMED]) + (", …" if len(uneven) > NAMED else "")
        raise UnfitStore(
            f"{len(uneven)} journal(s) may not have been shipped to all shards: {shown}. Stop "
            "every node with SIGTERM while the store is up, see that no journal is left behind "
            "(docs/operating.md says how), and say so with --drained"
        )


def joined(said: list[Entry], name: str) -> Entry:
    """The highest mark alone: of what its shipment added, everybody has been told."""
    last = max(said, key=lambda entry: int(first_line(entry).split(b" ")[0]))
    expires = max(entry.expires for entry in said)
    return Entry(name, last.type, expires, pack_parts([first_line(last)]))


def first_line(ledger: Entry) -> bytes:
    return ledger.parts[0].partition(b"\n")[0] + b"\n"


def add(one: bytes, other: bytes) -> bytes:
    return b"%d" % (int(one) + int(other))


def least(one: bytes, other: bytes) -> bytes:
    return min(one, other, key=float)


def most(one: bytes, other: bytes) -> bytes:
    return max(one, other, key=float)


# What becomes of two values of one field, member or string.
MERGES: dict[str, Merge] = {
    "counts": add,
    "daily": add,
    "totals": add,
    "hours": least,
    "days": least,
    # Numbers of changes were each shard's own; a store that is new to a node is read from 0.
    "changes": most,
    "change": most,
}


def merged(name: str, entries: list[Entry]) -> Entry:
    first, *more = entries
    if not more:
        return first._replace(name=name)
    merge = MERGES[split(first)[1].partition(":")[0]]
    if first.type == b"string":
        value = first.parts[0]
        for entry in more:
            value = merge(value, entry.parts[0])
        return Entry(name, first.type, NEVER, pack_parts([value]))
    values: dict[bytes, bytes] = {}
    for entry in entries:
        for field, value in entry.pairs:
            values[field] = merge(values[field], value) if field in values else value
    return entry_of_pairs(name, first.type, NEVER, values.items())
