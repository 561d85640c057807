"""Whole stores: into a file, out of one, and from one to another."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import adserver
from adserver.core.errors import SettingsError, UnfitStore
from adserver.settings import Settings
from adserver.store.address import shown
from adserver.store.backup_file import Head, read_entries, read_head, write_backup
from adserver.store.checking import Checked, check
from adserver.store.connect import Client
from adserver.store.copying import copy_of
from adserver.store.entries import Entry
from adserver.store.keys import Keys
from adserver.store.resharding import reshard
from adserver.store.standing import (
    begin_arrival,
    check_unserved,
    check_usable,
    end_arrival,
    is_empty,
    mark_gone,
    moved_of,
)
from adserver.store.transfer import clear, fill, verify
from adserver.wiring.control import opened


@dataclass(frozen=True, slots=True)
class Wish:
    """replace: what the target holds may go. drained: no journal holds what its store has not."""

    replace: bool = False
    drained: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """keys: how many were carried. seconds: what it took."""

    keys: int
    seconds: float


def check_store(settings: Settings) -> Checked:
    with opened(settings) as (client, keys):
        check_usable(client, keys)
        check_filled(client, keys, settings)
        return check(client, keys)


def backup(settings: Settings, path: Path, now: float) -> Done:
    """Write the file; it may replace one. now: UTC seconds."""
    begun = time.monotonic()
    with opened(settings) as (client, keys):
        check_usable(client, keys)
        check_filled(client, keys, settings)
        entries = copy_of(client, keys)
        head = Head(now, adserver.__version__, keys.namespace, keys.shards, len(entries))
    try:
        write_backup(path, head, entries)
    except OSError as error:
        raise SettingsError(f"the backup {path} cannot be written: {error.strerror}") from error
    return Done(len(entries), time.monotonic() - begun)


def restore(settings: Settings, path: Path, wish: Wish, now: float) -> tuple[Head, Done]:
    """Fill the store from the file, which is checked before anything is touched."""
    begun = time.monotonic()
    head = read_head(path)
    with opened(settings) as (client, keys):
        check_unserved(client, keys, now)
        check_vacant(client, keys, wish)
        # All that may be refused is refused before the first write.
        stored = read_entries(path)
        entries = list(reshard(stored, head.shards, keys.shards, drained=wish.drained))
        with arriving(client, keys, f"the backup {path.name}"):
            count = carry(client, keys, entries)
            check_unserved(client, keys, time.time())
    return head, Done(count, time.monotonic() - begun)


def move(source: Settings, target: Settings, wish: Wish, now: float) -> Done | None:
    """From one store to another; None if that has been done before. May be cut and run again."""
    begun = time.monotonic()
    here, there = shown(source.redis), shown(target.redis)
    with opened(source) as (old, old_keys), opened(target) as (new, new_keys):
        check_unserved(old, old_keys, now)
        check_unserved(new, new_keys, now)
        went, came = moved_of(old, old_keys), moved_of(new, new_keys)
        if went.to and went.to != there:
            raise UnfitStore(f"{here} has already moved to {went.to}")
        if went.to and not came.source and not is_empty(new, new_keys):
            return None
        if went.source:
            check_usable(old, old_keys)
        check_vacant(new, new_keys, wish)
        entries = copy_of(old, old_keys)
        check_filled(old, old_keys, source)
        moved = list(reshard(entries, old_keys.shards, new_keys.shards, drained=wish.drained))
        with arriving(new, new_keys, here, other=(old, old_keys)):
            count = carry(new, new_keys, moved)
            check_unserved(old, old_keys, time.time())
            check_unserved(new, new_keys, time.time())
            check_same(old, old_keys, entries)
            mark_gone(old, old_keys, there)
    return Done(count, time.monotonic() - begun)


def check_filled(client: Client, keys: Keys, settings: Settings) -> None:
    """UnfitStore where there is nothing: nearly always a mistyped name."""
    if is_empty(client, keys):
        raise UnfitStore(
            f"{shown(settings.redis)} holds nothing under the namespace {keys.namespace!r}"
        )


def check_vacant(client: Client, keys: Keys, wish: Wish) -> None:
    """UnfitStore where something would be lost that nobody has said may go."""
    half_written = moved_of(client, keys).source
    if not wish.replace and not half_written and not is_empty(client, keys):
        raise UnfitStore(
            f"the store already holds something under the namespace {keys.namespace!r}; nothing "
            "was changed. --replace removes that first, or choose another --namespace"
        )


@contextmanager
def arriving(
    client: Client, keys: Keys, source: str, other: tuple[Client, Keys] | None = None
) -> Iterator[None]:
    """The store is half written until the end is reached. UnfitStore if `other` is the same."""
    arrival = begin_arrival(client, keys, source)
    if other is not None and moved_of(*other).arrival == arrival:
        end_arrival(client, keys)
        raise UnfitStore("--from and --to are the same store; nothing was changed")
    clear(client, keys)
    yield
    end_arrival(client, keys)


def carry(client: Client, keys: Keys, entries: Sequence[Entry]) -> int:
    count = fill(client, keys, entries)
    verify(client, keys, entries)
    return count


def check_same(client: Client, keys: Keys, entries: Sequence[Entry]) -> None:
    """UnfitStore if the store was written to since it was copied."""
    if not set(copy_of(client, keys)) <= set(entries):
        raise UnfitStore(
            "the store was written to while it was moved; stop every node and command that uses "
            "it, and move again"
        )
