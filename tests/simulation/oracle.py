"""What must be true in the end, whatever happened.

    told ≤ stored ≤ presented, each at most once

*told*: answered `accepted` or `duplicate`, or a tally that the journal says is durable. It may
be missing only where that is said aloud: its record lies in the quarantine, and for a reason
that the world has given. In `interval` mode, what was not synced may go with the power.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from adserver.core.events import METRIC_OF, Event, Tally
from adserver.core.record import (
    HEAD_BYTES,
    Content,
    Found,
    Head,
    read_events,
    read_head,
    read_hour,
    read_record,
    read_tallies,
)
from tests.simulation.disk import Inode

if TYPE_CHECKING:
    from tests.simulation.world import World

Place = tuple[Inode, int] | None
MAX_SHOWN = 12


class Violation(AssertionError):
    """What was promised and is not so, a line each."""


class Told(NamedTuple):
    row: Tally
    count: int
    place: Place


class Oracle:
    def __init__(self, world: World) -> None:
        self._world = world
        self._presented: Counter[Tally] = Counter()
        self._turned_away: Counter[Tally] = Counter()
        self._told: dict[Tally, list[Place]] = defaultdict(list)
        self._tallied: Counter[Tally] = Counter()
        self._by_worker: dict[Any, Counter[Tally]] = defaultdict(Counter)
        self._told_tallies: list[Told] = []
        self._forgetful: set[Any] = set()
        self.problems: list[str] = []

    # What happens.

    def presented(self, event: Event) -> None:
        self._presented[row_of(event)] += 1

    def turned_away(self, event: Event) -> None:
        self._turned_away[row_of(event)] += 1

    def told(self, event: Event, place: Place) -> None:
        self._told[row_of(event)].append(place)

    def tallied(self, row: Tally, worker: Any) -> None:
        self._tallied[row] += 1
        self._by_worker[worker][row] += 1

    def tallied_durably(self, rows: dict[Tally, int], place: Place) -> None:
        self._told_tallies += [Told(row, count, place) for row, count in rows.items()]

    def crashed(self, worker: Any) -> None:
        """Its memory is gone, and the tallies in it."""
        self._forgetful.add(worker)

    def power_cut(self, synced: dict[Inode, int]) -> None:
        """`interval` mode: what was not synced may be gone. synced: bytes of each file left."""
        gone = LOST

        def after(place: Place) -> Place:
            if place is None or place is gone or place[0] not in synced:
                return place
            return place if synced[place[0]] >= place[1] else gone

        self._told = defaultdict(
            list, {row: [after(place) for place in some] for row, some in self._told.items()}
        )
        self._told_tallies = [one._replace(place=after(one.place)) for one in self._told_tallies]

    # What must be.

    def check(self) -> None:
        stored, aside = self._stored(), self._aside()
        self._check_told(stored, aside)
        self._check_stored(stored)
        self._check_viewable(stored)
        self._check_tallies(stored, aside)
        for worker in self._world.everybody:
            self.problems += [f"a task failed: {error}" for error in worker.trouble()]
        if self.problems:
            raise Violation("\n".join(self.problems[:MAX_SHOWN]))

    def _stored(self) -> Counter[Tally]:
        stored: Counter[Tally] = Counter()
        for number, shard in enumerate(self._world.store.shards):
            totals: Counter[str] = Counter()
            for rows in shard.rows.values():
                stored.update(rows)
                for (metric, creative, _, _), count in rows.items():
                    if metric in {"i", "v", "c", "s"}:
                        totals[f"{metric}:{creative}"] += count
            if totals != shard.totals:
                self.problems.append(f"totals of shard {number} are not the sum of its rows")
        return stored

    def _aside(self) -> Counter[Tally]:
        """What lies in quarantine for a reason that the world has given."""
        aside: Counter[Tally] = Counter()
        for node in self._world.nodes:
            for path, inode in node.disk.files():
                _, _, inside = path.partition("/quarantine/")
                if inside:
                    name = inside.split("/")[0]
                    # A ledger may name a record that has rotted: then the journal is refused.
                    rotten = any(i.flips for p, i in node.disk.files() if f"/{name}/" in p)
                    self._read_aside(name, inode, aside, rotten=rotten)
                elif inode.flips and path.endswith(".log"):
                    # Found to be damaged, said so, and kept until the rest has been watched.
                    self._read_aside("", inode, aside, rotten=True, behind=min(inode.flips))
        for name, inode in self._world.let_go:
            self._read_aside(name, inode, aside, rotten=False)
        return aside

    def _read_aside(
        self, name: str, inode: Inode, aside: Counter[Tally], *, rotten: bool, behind: int = 0
    ) -> None:
        """behind: what ends before this offset is good, whatever became of the rest."""
        world = self._world
        data = bytes(inode.data)
        head = read_head(data)
        if not isinstance(head, Head):
            return
        at, chain, hour_end = HEAD_BYTES, head.chain, 0
        while isinstance(found := read_record(data, at, chain), Found):
            at, chain = found.end, found.chain
            if found.content is Content.HOUR:
                hour_end = read_hour(found.payload).end
                continue
            too_old = hour_end + world.plan.life < world.latest
            if found.end > behind and (name in world.twins or too_old or rotten):
                aside.update(rows_in(found))

    def _check_told(self, stored: Counter[Tally], aside: Counter[Tally]) -> None:
        for row, places in self._told.items():
            if stored["w", *row[1:]] and row[0] == "v" and not stored["i", *row[1:]]:
                continue  # it is there, and waits for its impression
            if not stored[row] and not aside[row] and any(place is not LOST for place in places):
                self.problems.append(f"told but not stored: {row}")

    def _check_stored(self, stored: Counter[Tally]) -> None:
        for row, count in stored.items():
            metric = row[0]
            if metric in {"i", "v", "c"}:
                if count > 1:
                    self.problems.append(f"stored {count} times: {row}")
                if self._presented[row] <= self._turned_away[row]:
                    self.problems.append(f"stored but never presented: {row}")
            elif metric in {"s", "n.no_campaign"}:
                if count > self._tallied[row]:
                    self.problems.append(
                        f"stored {count}, but {self._tallied[row]} happened: {row}"
                    )
            elif metric == "u":
                if count > stored["c", *row[1:]]:
                    self.problems.append(f"unmatched more often than clicked: {row}")
            elif metric not in {"w", "i.duplicate", "v.duplicate", "c.duplicate"}:
                self.problems.append(f"a row of nobody's: {row}")

    def _check_viewable(self, stored: Counter[Tally]) -> None:
        for row in list(stored):
            shown, viewed = stored["i", *row[1:]], stored["v", *row[1:]]
            if row[0] == "v" and not shown:
                self.problems.append(f"viewable without an impression: {row}")
            if row[0] == "w" and shown and not viewed:
                self.problems.append(f"with its impression, and not viewable: {row}")
            if row[0] == "w" and not self._presented["v", *row[1:]]:
                self.problems.append(f"stored but never presented: {row}")

    def _check_tallies(self, stored: Counter[Tally], aside: Counter[Tally]) -> None:
        told: Counter[Tally] = Counter()
        certain: Counter[Tally] = Counter()
        for row, count, place in self._told_tallies:
            told[row] += count
            certain[row] += count if place is not LOST else 0
        for row, count in certain.items():
            if stored[row] + aside[row] < count:
                self.problems.append(f"durable {count}, but stored {stored[row]}: {row}")
        remembered: Counter[Tally] = Counter()
        for worker, rows in self._by_worker.items():
            if worker not in self._forgetful:
                remembered.update(rows)
        for row, count in remembered.items():
            if told[row] < count:
                self.problems.append(f"counted {count} in memory, {told[row]} written: {row}")


# Where something lay that a power cut may have taken.
LOST: Place = (Inode(0), -1)


def row_of(event: Event) -> Tally:
    """A ticket has a creative of its own here, so a row is one event."""
    return METRIC_OF[event.kind].value, event.creative, event.slot, event.site


def rows_in(found: Found) -> Counter[Tally]:
    if found.content is Content.EVENTS:
        return Counter(row_of(event) for event in read_events(found.payload))
    return Counter(read_tallies(found.payload))
