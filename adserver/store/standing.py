"""Whether a store may be used as it is: whether nodes serve from it, and whether it has moved.

A mark in the store says that it has gone elsewhere (`to`), or that something is being written
into it which is not complete (`from`). Neither may be served from.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from adserver.core.errors import UnfitStore
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import Client, answering
from adserver.store.keys import Keys
from adserver.store.placement import places

# A worker says that it is there every second; a busy one a little later.
SERVING_SECONDS = 30
NAMED = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """to, source: what to call the other store; "" where that is not so. arrival: which attempt."""

    to: str = ""
    source: str = ""
    arrival: str = ""


def moved_of(client: Client, keys: Keys) -> Moved:
    reader: Any = client
    with answering():
        fields = reader.hgetall(keys.moved)
    to, source, arrival = (fields.get(name, b"").decode() for name in (b"to", b"from", b"arrival"))
    return Moved(to, source, arrival)


def check_usable(client: Client, keys: Keys) -> None:
    """UnfitStore where nobody may serve from it, publish to it or believe what it holds."""
    moved = moved_of(client, keys)
    if moved.to:
        raise UnfitStore(
            f"this store has moved to {moved.to}: use that one (--redis, ADSERVER_REDIS). What is "
            "here was not removed"
        )
    if moved.source:
        raise UnfitStore(
            f"this store is half written: {moved.source} was being put into it and that was not "
            "finished; run the same command again"
        )


def check_unserved(client: Client, keys: Keys, now: float) -> None:
    """UnfitStore where a node was seen a moment ago. now: UTC seconds."""
    nodes = StoredCatalogs(client, keys).nodes()
    serving = [node.name for node in nodes if node.seen_at > now - SERVING_SECONDS]
    if serving:
        shown = ", ".join(serving[:NAMED]) + (", …" if len(serving) > NAMED else "")
        raise UnfitStore(
            f"{len(serving)} worker(s) serve from this store: {shown}. Stop their nodes with "
            f"SIGTERM first; one that was killed is forgotten after {SERVING_SECONDS} s"
        )


def is_empty(client: Client, keys: Keys) -> bool:
    with answering():
        return not any(next(place.names(), None) for place in places(client, keys))


def begin_arrival(client: Client, keys: Keys, source: str) -> str:
    """From now on it is half written; which attempt this is."""
    arrival = secrets.token_hex(8)
    writer: Any = client
    with answering():
        writer.hset(keys.moved, mapping={"from": source, "arrival": arrival})
        writer.hdel(keys.moved, "to")
    return arrival


def end_arrival(client: Client, keys: Keys) -> None:
    writer: Any = client
    with answering():
        writer.unlink(keys.moved)


def mark_gone(client: Client, keys: Keys, to: str) -> None:
    writer: Any = client
    with answering():
        writer.hset(keys.moved, "to", to)
