"""A copy of all that a store holds: of each place as it was in one instant, also in use.

What is written all the time (ledgers, bitmaps, totals, the last hours) is read in one MULTI. The
rest, which is most, is read before and watched: if any of it was written until the MULTI ran, the
copy is thrown away and made again. So it is where the keys, listed again behind the MULTI, are
more than before. The store is held up for as long as the small part takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from redis.exceptions import WatchError

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import Client, answering
from adserver.store.entries import Entry, ask, read
from adserver.store.keys import Keys
from adserver.store.placement import Place, places

# Two days of hours, and what is written beside them, are taken to be in use.
HOURS_IN_USE = 48
# Keys asked for at once: a megabyte or two.
KEYS_A_CALL = 100
ATTEMPTS = 3
# Of the store's life, not of what it holds: a copy is without them.
PASSING = ("{catalog}:nodes", "{catalog}:moved")
EVERYTHING = re.compile("")
SETTLED = re.compile(r"\{[^}]+\}:(counts|daily|generation|asset|source):")

Kinds = dict[bytes, bytes]
"""Keys and their types."""


class Changed(Exception):
    """Keys have appeared since they were listed."""


def copy_of(client: Client, keys: Keys, wanted: re.Pattern[str] = EVERYTHING) -> list[Entry]:
    """wanted: what names of entries begin with. StoreUnavailable if the store changes all the
    while, or does not answer."""
    with answering():
        return [
            entry for place in places(client, keys) for entry in copy_place(place, keys, wanted)
        ]


def copy_place(place: Place, keys: Keys, wanted: re.Pattern[str]) -> list[Entry]:
    # If settled keys are written to all the same, everything is read in one instant, however long.
    for settle in (*[True] * ATTEMPTS, *[False] * ATTEMPTS):
        try:
            return Copying(place, keys, wanted, settle).run()
        except (WatchError, Changed):
            continue
    raise StoreUnavailable(
        f"the store changed during each of {2 * ATTEMPTS} attempts to read it; try again"
    )


class Copying:
    """One attempt at one place."""

    def __init__(self, place: Place, keys: Keys, wanted: re.Pattern[str], settle: bool) -> None:
        self._place = place
        self._wanted = wanted
        self._prefix = f"{keys.namespace}:".encode()
        self._settle = settle

    def run(self) -> list[Entry]:
        kinds = self._kinds()
        settled = self._settled(kinds) if self._settle else {}
        in_use = {key: kind for key, kind in kinds.items() if key not in settled}
        with self._place.server.pipeline(transaction=True) as pipeline:
            entries = []
            for some in chunks(settled):
                pipeline.watch(*some)
                entries += self._read(some)
            pipeline.multi()
            self._ask(pipeline, in_use)
            answers = pipeline.execute()
        # What was there when the MULTI ran, and is still there, is listed now.
        if not kinds.keys() >= self._names():
            raise Changed
        return entries + self._entries(in_use, answers)

    def _kinds(self) -> Kinds:
        kinds: Kinds = {}
        for some in chunks(dict.fromkeys(self._names(), b"")):
            pipeline = self._place.server.pipeline(transaction=False)
            for name in some:
                pipeline.type(name)
            kinds.update(zip(some, pipeline.execute(), strict=True))
        return {name: kind for name, kind in kinds.items() if kind != b"none"}

    def _settled(self, kinds: Kinds) -> Kinds:
        """Keys that nobody is expected to write to; those of a place are never in another."""
        names = sorted(name for name in kinds if SETTLED.match(self._name(name)))
        hours = [name for name in names if b":counts:" in name]
        last = set(hours[-HOURS_IN_USE:])
        return {name: kinds[name] for name in names if name not in last}

    def _read(self, kinds: Kinds) -> list[Entry]:
        pipeline = self._place.server.pipeline(transaction=False)
        self._ask(pipeline, kinds)
        return self._entries(kinds, pipeline.execute())

    def _ask(self, pipeline: Any, kinds: Kinds) -> None:
        for key, kind in kinds.items():
            ask(pipeline, key, kind)

    def _entries(self, kinds: Kinds, answers: list[Any]) -> list[Entry]:
        told = zip(kinds.items(), answers[::2], answers[1::2], strict=True)
        read_entries = (read(self._name(key), kind, *said) for (key, kind), *said in told)
        return [entry for entry in read_entries if entry is not None]

    def _names(self) -> set[bytes]:
        return {name for name in self._place.names() if self._takes(name)}

    def _name(self, key: bytes) -> str:
        return key.removeprefix(self._prefix).decode()

    def _takes(self, key: bytes) -> bool:
        name = self._name(key)
        return name not in PASSING and self._wanted.match(name) is not None


def chunks(kinds: Kinds) -> Iterable[Kinds]:
    pairs = list(kinds.items())
    for at in range(0, len(pairs), KEYS_A_CALL):
        yield dict(pairs[at : at + KEYS_A_CALL])
