"""Errors told to a person: one or two plain lines on stderr and an exit code, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from adserver.cli import output, problems
from adserver.core.errors import (
    AdserverError,
    CatalogError,
    LiveHasMoved,
    NoSuchName,
    OutcomeUnknown,
    SettingsError,
    StoreUnavailable,
    UnfitStore,
    UnknownKey,
)

PROBLEMS = 1
USAGE = 2
STORE = 3
MOVED = 4

EXIT_CODES: dict[type[AdserverError], int] = {
    SettingsError: USAGE,
    UnknownKey: USAGE,
    OutcomeUnknown: STORE,
    StoreUnavailable: STORE,
    UnfitStore: USAGE,
    LiveHasMoved: MOVED,
}


@contextmanager
def unchanged(said: str) -> Iterator[None]:
    """A store that fails has changed nothing, unless it is not known whether: the error says so.
    What is asked of the store after the change must not fail in here."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{str(error).rstrip('.')}. {said}") from error


class Commands(click.Group):
    """A group of commands whose errors are told and not thrown."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AdserverError as error:
            for line in told(error):
                output.complain(line)
            ctx.exit(EXIT_CODES.get(type(error), PROBLEMS))


def told(error: AdserverError) -> list[str]:
    match error:
        case LiveHasMoved():
            return moved_told(error)
        case NoSuchName():
            return [f"Error: {error}.", *meant(error)]
        case UnknownKey():
            return keys_told(error)
        case CatalogError():
            return [*problems.lines(error.problems, {})]
        case _:
            return [f"Error: {error}"]


def meant(error: NoSuchName) -> list[str]:
    """Nobody who asks for the generation 99 means the 10."""
    if not error.hint:
        return []
    numbered = error.kind == "generation"
    return [f"The last is {error.hint}." if numbered else f"Did you mean {error.hint!r}?"]


def moved_told(error: LiveHasMoved) -> list[str]:
    said = [f"Error: somebody else has applied: {error}."]
    if one := error.published:
        message = f": {one.message}" if one.message else ""
        said.append(
            f"Generation {one.number} is by {one.author}, {moment(one.created_at)}{message}"
        )
    return [
        *said,
        "Nothing was published. `adserver plan` shows what your files would change of it; bring "
        "in what you want to keep of it, then apply.",
    ]


def keys_told(error: UnknownKey) -> list[str]:
    return [
        f"Error: {error}, so the other nodes would refuse this node's tickets as forged.",
        "It knows:",
        *(f"  {k.fingerprint}  added {moment(k.added_at)} by {k.added_by}" for k in error.known),
        "If this node was given the wrong secret, give it the file that the others have.",
        "If the key is new, give it to all nodes, then run `adserver keys add` with the settings "
        "of this node.",
    ]


def moment(seconds: float) -> str:
    """UTC seconds, for people."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
