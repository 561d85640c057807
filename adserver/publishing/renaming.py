"""`renamed_from` in campaign files: which counts are carried over, and what is to be said of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from adserver.core.catalog import Catalog
from adserver.core.plan import Plan
from adserver.core.renames import Fault, Refused, Rename, lookalikes, renames
from adserver.publishing.suggest import did_you_mean

CODE = "bad_rename"
SAID = re.compile("^renamed_from *:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a proposal is made with besides the files and what is live.

    now: UTC seconds. ever: the campaigns that were ever live, by name. broken: those whose files
    have errors: they are there, whatever they say. renamed: which are, where that is not for the
    files to say. said_at: the line in which a campaign's file says so, where that is known.
    """

    now: float = 0.0
    ever: Collection[str] = frozenset()
    broken: Collection[str] = frozenset()
    renamed: tuple[Rename, ...] | None = None
    said_at: Mapping[str, int] = field(default_factory=dict)


NOTHING_BESIDE = Beside()

Refusals = dict[str, tuple[str, str, str]]
"""By campaign: code, message and hint of its problem."""


def renaming(
    written: Catalog, live: Catalog | None, only: Collection[str], beside: Beside
) -> tuple[list[Rename], Refusals]:
    """The renames that are to be carried out, and what is wrong with the others.

    only: names of the campaigns that are touched, all if empty.
    """
    if beside.renamed is not None:
        return [*beside.renamed], {}
    touched = [one for one in written.campaigns if not only or one.name in only]
    there = {one.name for one in written.campaigns} | {*beside.broken}
    found, refused = renames(live, touched, there, beside.ever)
    free = [one.name for one in live.campaigns if one.name not in there] if live else []
    return found, {one.rename.new: (CODE, *said(one, free)) for one in refused}


def said(refused: Refused, free: Collection[str]) -> tuple[str, str]:
    """Message and hint. free: live campaigns that have no file any more."""
    (old, new), fault = refused
    match fault:
        case Fault.TAKEN:
            what = f"{new} has counts of its own, which stay its own"
            hint = "remove `renamed_from`, or give the file a name that was never live"
        case Fault.NOT_LIVE:
            what = "no campaign of that name is live"
            hint = did_you_mean(old, free) or "remove `renamed_from`"
        case Fault.STILL_THERE:
            what = f"{old} has a file of its own"
            hint = f"remove campaigns/{old}.yaml, or `renamed_from`"
        case Fault.TWICE:
            what = "another campaign says so too"
            hint = "only one of them can carry the counts over"
    return f"`renamed_from: {old}`: {what}", hint


def said_at(sources: Mapping[str, str]) -> dict[str, int]:
    """By campaign, the line of its file with `renamed_from`. sources: texts of files by path."""
    found = {}
    for file, text in sources.items():
        if match := SAID.search(text):
            found[PurePath(file).stem] = text.count("\n", 0, match.start()) + 1
    return found


def alike(before: Catalog | None, after: Catalog, plan: Plan) -> Iterator[Rename]:
    """Those that come and are equal to one that goes, or has lost its file, but for the name."""
    was = {one.name: one for one in before.campaigns} if before else {}
    will = {one.name: one for one in after.campaigns}
    gone = [was[name] for name in sorted((*plan.ended, *plan.kept))]
    return lookalikes(gone, [will[name] for name in plan.created])
