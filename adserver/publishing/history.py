"""The history: what the generations so far have changed, and which of them can be gone back to."""

from __future__ import annotations

import re
from dataclasses import replace

from adserver.core.catalog import Generation
from adserver.core.errors import ContentGone, NoSuchName
from adserver.core.ports.commands import Catalogs
from adserver.core.publication import Entry, Published
from adserver.publishing.signs import NOT_OF_A_LINE, NOT_OF_OUTPUT

# What a line of a diff begins with, in the order in which they are counted.
SIGNS = "+~>-"
SETTING = "*"
# Characters. A message is what a commit says in its first lines; a commit is 64 digits and `+`.
MAX_AUTHOR, MAX_MESSAGE, MAX_COMMIT = 200, 1_000, 65
# Stands for what a terminal would obey.
UNSHOWABLE = "\ufffd"


def tally(diff: str) -> str:
    """A diff at a glance: `+1 ~2 -1 *slots`, "" for one that changes nothing."""
    # Lines that are indented belong to the one before.
    lines = [line for line in diff.splitlines() if line[:1] in SIGNS + SETTING and line[:1]]
    counts = ((sign, sum(line.startswith(sign) for line in lines)) for sign in SIGNS)
    settings = (line[1:].partition(":")[0].strip() for line in lines if line.startswith(SETTING))
    return " ".join(
        (
            *(f"{sign}{count:,}" for sign, count in counts if count),
            *(f"{SETTING}{name}" for name in settings),
        )
    )


def readable(entry: Entry) -> Entry:
    """As it may be shown on anybody's terminal, and no longer than somebody reads: what it says of
    its author and why may come from another machine."""
    return replace(
        entry,
        author=shown(entry.author, MAX_AUTHOR),
        message=shown(entry.message, MAX_MESSAGE, NOT_OF_OUTPUT),
        commit=shown(entry.commit, MAX_COMMIT),
    )


def shown(text: str, most: int, unfit: re.Pattern[str] = NOT_OF_A_LINE) -> str:
    """unfit: what may not stand in it."""
    clean = unfit.sub(UNSHOWABLE, text)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def kept(catalogs: Catalogs, number: int) -> tuple[Generation, Published]:
    """A generation with its content; NoSuchName where there never was one, ContentGone where
    only its history is left."""
    found = catalogs.generation(number)
    if found:
        return found
    if catalogs.published(number) is None:
        raise NoSuchName("generation", str(number), hint=last(catalogs))
    raise ContentGone(
        number,
        "its content is no longer kept, only its history; `adserver history` says which are",
    )


def last(catalogs: Catalogs) -> str | None:
    newest = catalogs.history(1)
    return str(newest[0].number) if newest else None
