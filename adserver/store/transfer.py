"""Filling a store with entries, and looking whether they have all arrived."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from adserver.core.errors import UnfitStore
from adserver.store.connect import Client, answering
from adserver.store.copying import KEYS_A_CALL
from adserver.store.entries import NEVER, Entry, ask, read, write
from adserver.store.keys import Keys
from adserver.store.placement import places

# Bytes of values sent at once: more would be held in memory by both sides.
BYTES_A_CALL = 4 << 20
NAMED = 5


def clear(client: Client, keys: Keys) -> None:
    """Remove everything of the namespace but the mark that it is being written."""
    kept = keys.moved.encode()
    with answering():
        for place in places(client, keys):
            names = [name for name in place.names() if name != kept]
            for at in range(0, len(names), KEYS_A_CALL):
                pipeline = place.server.pipeline(transaction=False)
                for name in names[at : at + KEYS_A_CALL]:
                    pipeline.unlink(name)
                pipeline.execute()


def fill(client: Client, keys: Keys, entries: Iterable[Entry]) -> int:
    """Write the entries into an empty namespace; how many there were."""
    any_client: Any = client
    written = 0
    for some in calls(alive(entries)):
        with answering():
            pipeline = any_client.pipeline(transaction=False)
            for entry in some:
                write(pipeline, f"{keys.namespace}:{entry.name}", entry)
            pipeline.execute()
        written += len(some)
    return written


def verify(client: Client, keys: Keys, entries: Iterable[Entry]) -> None:
    """UnfitStore unless the store holds exactly these entries, byte by byte."""
    any_client: Any = client
    for some in calls(alive(entries)):
        with answering():
            pipeline = any_client.pipeline(transaction=False)
            for entry in some:
                ask(pipeline, f"{keys.namespace}:{entry.name}", entry.type)
            said = pipeline.execute()
        found = [
            read(entry.name, entry.type, *told)
            for entry, *told in zip(some, said[::2], said[1::2], strict=True)
        ]
        wrong = [
            entry.name
            for entry, one in zip(some, found, strict=True)
            if one != entry and (one is not None or is_alive(entry))
        ]
        if wrong:
            raise UnfitStore(
                f"the store does not hold what was written to it: {', '.join(wrong[:NAMED])}. "
                "Somebody else writes to it, or evicts (maxmemory-policy must be noeviction)"
            )


def alive(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if is_alive(entry))


def is_alive(entry: Entry) -> bool:
    return entry.expires == NEVER or entry.expires > time.time() * 1_000


def calls(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    some: list[Entry] = []
    size = 0
    for entry in entries:
        some.append(entry)
        size += len(entry.body)
        if len(some) >= KEYS_A_CALL or size >= BYTES_A_CALL:
            yield some
            some, size = [], 0
    if some:
        yield some
