"""Each protection of the counts, taken away on its own; the same seeds must then find it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adserver.core.batch import Mark, Stream
from adserver.core.errors import LedgerConflict
from adserver.core.record import FRAME, Content, Found, Stop, read_record
from adserver.serving.journal import Journal
from adserver.serving.journals import Journals
from tests.simulation.features import Features
from tests.simulation.store import Rules


class Stubborn(Stream):
    """Goes on where it was, whatever the ledger says it has lost."""

    def told(self, mark: Mark, *, ours: bool | None = None) -> bool:
        if self._ledger is not None and mark.sequence < self._ledger.sequence:
            self._ledger, self._in_flight, self._sure = mark, None, True
            return False
        return super().told(mark, ours=ours)


class Orphaned(Journals):
    """Leaves the journals of the dead alone."""

    def adopt(self, now: float) -> Journal | None:
        return None


class Ageless(Journals):
    """Sends whatever it finds, however old."""

    def adopt(self, now: float) -> Journal | None:
        return Journals(self.root, self.max_bytes, AGES).adopt(now)

    def too_old(self, *_: Any) -> bool:
        return False


class Hasty(Journal):
    """Keeps nothing of what the store has."""

    def tidy(self, position: int, now: float, confirmed: float | None = None) -> None:
        super().tidy(position, now, confirmed)
        for file in list(self.files[: -1 if self._handle is not None else None]):
            if file.shipped_at is not None:
                self._drop(file)


AGES = 10**9


def read_unchecked(data: bytes, at: int, chain: int) -> Found | Stop:
    """A record whose bytes are taken as they are."""
    found = read_record(data, at, chain)
    if found is not Stop.DAMAGED or at + FRAME.size >= len(data):
        return found
    length, _, told = FRAME.unpack_from(data, at)
    begin = at + FRAME.size
    if begin + length > len(data) or data[begin] not in list(Content):
        return found
    return Found(Content(data[begin]), data[begin + 1 : begin + length], told, begin + length)


class Suspicious(Stream):
    """Knows only what it has sent itself."""

    def _go_on(self, known: Mark, mark: Mark, *, ours: bool | None) -> bool:
        if mark not in self._unconfirmed:
            raise LedgerConflict(known.sequence, mark.sequence)
        return super()._go_on(known, mark, ours=ours)


class Oblivious(Journal):
    """Counts the time since it first sent something, though it has sent it again since."""

    def rolled_back(self, position: int) -> None:
        pass


class Trusting(Journal):
    """Believes after a long sleep that the store has what it had before."""

    def tidy(self, position: int, now: float, confirmed: float | None = None) -> None:
        super().tidy(position, now)


@dataclass(frozen=True, slots=True)
class Control:
    """without: the features that are left. faults, fates: instead of those of the seed.
    seeds: within so many from `first` on the oracle finds out; `first` is a seed that finds out
    at once, today."""

    without: Features
    faults: dict[str, int] | None = None
    seeds: int = 10
    fates: dict[str, float] | None = None
    first: int = 0


STORE = {"roll_back": 15, "empty": 5, "store_away": 10}
POWER = {"power_cut": 20, "sync_fails": 3, "crash": 3}
# The name for `--without` and `--weather`.
CONTROLS: dict[str, Control] = {
    "ledger": Control(Features(rules=Rules(compares=False))),
    "bitmaps": Control(Features(rules=Rules(remembers=False))),
    "resending": Control(Features(replaced={"Stream": Stubborn}), STORE),
    "retention": Control(Features(replaced={"Journal": Hasty}), STORE, first=5),
    "keeping-anew": Control(Features(replaced={"Journal": Oblivious}), STORE, 60, first=14),
    "asking-before-dropping": Control(
        Features(replaced={"Journal": Trusting}),
        {"pause": 20, "roll_back": 10, "empty": 10},
        10,
        first=92,
    ),
    "knowing-its-own": Control(
        Features(replaced={"Stream": Suspicious}), {"crash": 30}, 100, {"late": 0.4}, first=30
    ),
    "sync": Control(Features(syncs=False), POWER),
    "sync-of-names": Control(Features(names=False), POWER),
    "locks": Control(Features(locks=False), seeds=160, first=5),
    "adoption": Control(Features(journals=Orphaned), {"crash": 20, "leave": 5}),
    "age": Control(Features(journals=Ageless), {"long_night": 6, "crash": 6, "store_away": 6}),
    "chain": Control(
        Features(replaced={"read_record": read_unchecked}), {"flip": 15, "crash": 15, "empty": 5}
    ),
}
