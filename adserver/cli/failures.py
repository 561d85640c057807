"""Errors told to a person: one or two plain lines on stderr and an exit code, never a traceback."""

from __future__ import annotations

from typing import Any

import click

from adserver.cli import output, problems
from adserver.core.errors import (
    AdserverError,
    CatalogError,
    LiveHasMoved,
    NoSuchName,
    SettingsError,
    StoreUnavailable,
    UnfitStore,
)

PROBLEMS = 1
USAGE = 2
STORE = 3
MOVED = 4

EXIT_CODES: dict[type[AdserverError], int] = {
    SettingsError: USAGE,
    StoreUnavailable: STORE,
    UnfitStore: USAGE,
    LiveHasMoved: MOVED,
}


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
            return [
                f"Error: somebody else has applied: {error}.",
                "Nothing was published. Look at what is live now, then apply again.",
            ]
        case NoSuchName():
            hint = [f"Did you mean {error.hint!r}?"] if error.hint else []
            return [f"Error: {error}.", *hint]
        case CatalogError():
            return [*problems.lines(error.problems, {})]
        case _:
            return [f"Error: {error}"]
