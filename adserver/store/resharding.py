"""Where entries go when they come from a store with another number of shards.

- The catalog's keep their names.
- Rows, totals and changes go where their creative's campaign does (`core.shards`), so that limits
  find all that was delivered in one place; rows of no creative go from shard s to `s % shards`.
  They are added up where several meet.
- A campaign's leases go with it, so that what is reserved stays reserved.
- A bitmap goes to every shard: its tickets may be of campaigns of all of them, and each event asks
  for its bit in its campaign's shard alone. Where a bitmap comes from several, a bit is set that
  is set in any.
- A ledger goes to every shard, with one mark: what the store has of a journal is then the same
  in all of them. Of one shard that mark is exact. Of several it is the highest of them, which is
  the truth only where the journal was shipped to its end (a shard that a journal's last records
  did not concern says less): whoever moves has to say so.
- What workers say of their journals to get room back is left behind: they say it anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from adserver.core.errors import UnfitStore
from adserver.core.shards import shard_of_campaign
from adserver.store.entries import (
    HASH,
    NEVER,
    SORTED_SET,
    STRING,
    Entry,
    entry_of_pairs,
    pack_parts,
)

NAMED = 5
# Made anew by the first worker that asks for room.
LEFT_BEHIND = ("fence", "through", "heard")


def reshard(
    entries: Iterable[Entry], before: int, after: int, *, drained: bool = False
) -> Iterator[Entry]:
    """The entries of a store with `before` shards, as one with `after` holds them.

    drained: all journals were shipped to their end. UnfitStore where that is not sure and needs
    to be, or where a key is of no kind that this release knows.
    """
    entries = list(entries)
    if before == after:
        yield from entries
        return
    move = Resharding(before, after, campaigns_of(entries))
    for entry in entries:
        tag, rest = split(entry)
        if tag == "catalog":
            yield entry
        else:
            move.take(entry, int(tag), rest)
    if not drained:
        check_even(move.ledgers, before)
    yield from move.entries()


def campaigns_of(entries: Iterable[Entry]) -> dict[int, int]:
    """The number of each creative's campaign, by the creative's."""
    named = next((dict(entry.pairs) for entry in entries if entry.name == "{catalog}:numbers"), {})
    found = {}
    for name, number in named.items():
        kind, _, rest = name.partition(b"/")
        campaign = named.get(b"campaign/" + rest.partition(b"/")[0])
        if kind == b"creative" and campaign is not None:
            found[int(number)] = int(campaign)
    return found


class Resharding:
    """campaigns: by creative, as their numbers."""

    def __init__(self, before: int, after: int, campaigns: dict[int, int]) -> None:
        self._before, self._after = before, after
        self._campaigns = campaigns
        self.ledgers: dict[str, list[Entry]] = defaultdict(list)
        self._seen: dict[str, list[Entry]] = defaultdict(list)
        self._leases: list[Entry] = []
        # Hashes and sorted sets by where they go, the kind first that says how values meet.
        self._pairs: dict[tuple[str, str, bytes], dict[bytes, bytes]] = defaultdict(dict)
        self._begins: dict[tuple[str, bytes], bytes] = {}
        self._change = 0

    def take(self, entry: Entry, shard: int, rest: str) -> None:
        kind, _, what = rest.partition(":")
        match kind:
            case "ledger":
                self.ledgers[rest].append(entry)
            case "seen":
                self._seen[rest].append(entry)
            case "lease":
                self._take_lease(entry, shard, int(what))
            case "counts" | "daily" | "totals":
                self._take_counts(entry, shard, rest)
            case "hours" | "days":
                self._take_times(entry, kind)
            case "changes":
                for member, number in entry.pairs:
                    home = self._home(int(member), shard)
                    self._put(home, kind, SORTED_SET, member, number, most)
            case "change":
                self._change = max(self._change, int(entry.parts[0]))
            case _ if kind not in LEFT_BEHIND:
                raise UnfitStore(f"this release does not know to which shard {entry.name} would go")

    def _take_lease(self, entry: Entry, shard: int, campaign: int) -> None:
        # One that lies elsewhere is of nobody: no worker has asked there.
        if shard == shard_of_campaign(campaign, self._before):
            home = shard_of_campaign(campaign, self._after)
            self._leases.append(entry._replace(name=f"{{{home}}}:{split(entry)[1]}"))

    def _take_counts(self, entry: Entry, shard: int, rest: str) -> None:
        for field, count in entry.pairs:
            home = self._home(int(field.split(b":", 2)[1]), shard)
            self._put(home, rest, HASH, field, count, add)

    def _take_times(self, entry: Entry, kind: str) -> None:
        for name, begin in entry.pairs:
            known = self._begins.get((kind, name), begin)
            self._begins[kind, name] = least(known, begin)

    def _home(self, creative: int, shard: int) -> int:
        campaign = self._campaigns.get(creative)
        return shard % self._after if campaign is None else shard_of_campaign(campaign, self._after)

    def _put(  # noqa: PLR0913 - a value, and all of its address
        self, shard: int, rest: str, kind: bytes, field: bytes, value: bytes, meet: Meet
    ) -> None:
        there = self._pairs[f"{{{shard}}}:{rest}", rest, kind]
        there[field] = meet(there[field], value) if field in there else value

    def entries(self) -> Iterator[Entry]:
        shards = range(self._after)
        for rest, said in self.ledgers.items():
            yield from (joined(said, f"{{{shard}}}:{rest}") for shard in shards)
        for rest, bitmaps in self._seen.items():
            yield from (united(bitmaps, f"{{{shard}}}:{rest}") for shard in shards)
        yield from self._leases
        self._list_times()
        for (name, _, kind), values in self._pairs.items():
            yield entry_of_pairs(name, kind, NEVER, values.items())
        # Numbers of changes were each shard's own; a store that is new to a node is read from 0.
        if self._change:
            change = pack_parts([b"%d" % self._change])
            yield from (Entry(f"{{{shard}}}:change", STRING, NEVER, change) for shard in shards)

    def _list_times(self) -> None:
        """Every hour and day is listed where it has rows, and nowhere else."""
        for name, rest, _ in list(self._pairs):
            kind, _, what = rest.partition(":")
            listed = {"counts": "hours", "daily": "days"}.get(kind)
            begin = self._begins.get((listed or "", what.encode()))
            if listed and begin is not None:
                shard = int(name[1:].partition("}")[0])
                self._put(shard, listed, SORTED_SET, what.encode(), begin, least)


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


def united(bitmaps: list[Entry], name: str) -> Entry:
    """The bits that are set in any of them."""
    first, *more = bitmaps
    if not more:
        return first._replace(name=name)
    length = max(len(entry.parts[0]) for entry in bitmaps)
    bits = 0
    for entry in bitmaps:
        bits |= int.from_bytes(entry.parts[0].ljust(length, b"\0"), "big")
    expires = max(entry.expires for entry in bitmaps)
    return Entry(name, STRING, expires, pack_parts([bits.to_bytes(length, "big")]))


Meet = Callable[[Any, Any], Any]
"""What becomes of two values of one field or member."""


def add(one: bytes, other: bytes) -> bytes:
    return b"%d" % (int(one) + int(other))


def least(one: bytes, other: bytes) -> bytes:
    return min(one, other, key=float)


def most(one: bytes, other: bytes) -> bytes:
    return max(one, other, key=float)
