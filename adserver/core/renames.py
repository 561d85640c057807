"""Renames: a campaign that goes on under another name, with all that was counted of it.

A file says `renamed_from: old-name`. That holds once: when the old name is live and the new one
never was, the permanent numbers of the campaign and its creatives are given to the new name, so
that totals, goals, reports and tickets on pages go on under it. From then on the key is inert. A
name that was renamed away and comes back is another campaign, with numbers of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from adserver.core.catalog import Campaign, Catalog
from adserver.core.pauses import Kind, Pause


class Rename(NamedTuple):
    old: str
    new: str


class Fault(StrEnum):
    """Why a rename cannot be: the new name has counts of its own, the old one is not live, has a
    file of its own, or goes to two."""

    TAKEN = "taken"
    NOT_LIVE = "not_live"
    STILL_THERE = "still_there"
    TWICE = "twice"


class Refused(NamedTuple):
    rename: Rename
    fault: Fault


def renames(
    live: Catalog | None, touched: Iterable[Campaign], there: Collection[str], ever: Collection[str]
) -> tuple[list[Rename], list[Refused]]:
    """The renames that are to be carried out, and those that cannot be; inert ones are neither.

    touched: the campaigns that are written and wanted. there: names of all that are written, good
    or not. ever: names of the campaigns that were ever live.
    """
    if live is None:
        return [], []
    before = {one.name: one for one in live.campaigns}
    found, refused = [], []
    taken: set[str] = set()
    for campaign in touched:
        rename = Rename(campaign.renamed_from, campaign.name)
        if not rename.old or is_inert(rename, before, ever):
            continue
        fault = fault_of(rename, before, there, ever, taken)
        taken.add(rename.old)
        if fault is None:
            found.append(rename)
        else:
            refused.append(Refused(rename, fault))
    return found, refused


def is_inert(rename: Rename, live: Mapping[str, Campaign], ever: Collection[str]) -> bool:
    known = live.get(rename.new)
    if known is not None and known.renamed_from == rename.old:
        return True
    # It was carried out, or never can be, as nothing is left to be carried over.
    return rename.old not in live and (known is not None or rename.new in ever)


def fault_of(
    rename: Rename,
    live: Mapping[str, Campaign],
    there: Collection[str],
    ever: Collection[str],
    taken: Collection[str],
) -> Fault | None:
    if rename.old not in live:
        return Fault.NOT_LIVE
    if rename.new in live or rename.new in ever:
        return Fault.TAKEN
    if rename.old in there:
        return Fault.STILL_THERE
    return Fault.TWICE if rename.old in taken else None


def lookalikes(gone: Iterable[Campaign], come: Iterable[Campaign]) -> Iterator[Rename]:
    """Campaigns that go, and for each the first that comes and is equal but for its name."""
    by_content: dict[Campaign, list[str]] = {}
    for campaign in come:
        by_content.setdefault(nameless(campaign), []).append(campaign.name)
    for campaign in gone:
        names = by_content.get(nameless(campaign))
        if names:
            yield Rename(campaign.name, names.pop(0))


def nameless(campaign: Campaign) -> Campaign:
    return under_name(campaign, "")


def under_name(campaign: Campaign, name: str) -> Campaign:
    """The same under another name, which `utm: true` writes into the links as well."""
    if campaign.name == name:
        return campaign
    pattern = re.compile(rf"(?<=[?&]utm_campaign=){re.escape(campaign.name)}(?=[&#]|$)")
    creatives = tuple(
        replace(creative, link=pattern.sub(name, creative.link)) for creative in campaign.creatives
    )
    return replace(campaign, name=name, creatives=creatives)


# Workers see the pauses and the generation one after the other, within seconds.
LINGER_SECONDS = 60.0


def carried_pauses(
    pauses: Iterable[Pause], renamed: Iterable[Rename], now: float
) -> Iterator[Pause]:
    """What is to be put so that whoever is paused stays so under the new name. The old name's
    pauses linger, so that no worker shows it in between. now: UTC seconds."""
    new = {one.old: one.new for one in renamed}
    for pause in pauses:
        target = pause.target
        if target.kind in (Kind.CAMPAIGN, Kind.CREATIVE) and target.name in new:
            over = now + LINGER_SECONDS
            until = over if pause.until is None else min(pause.until, over)
            yield replace(pause, until=until, lingers=True)
            yield replace(pause, target=target._replace(name=new[target.name]))


def same_numbers(
    before: Mapping[str, int], after: Mapping[str, int], wanted: Collection[str]
) -> list[Rename]:
    """What takes the numbers back that other names have since, where one goes back to `before`.

    before, after: as `Generation.numbers`. wanted: the names of all campaigns that there will be.
    """
    holders = {
        number: name.removeprefix("campaign/")
        for name, number in after.items()
        if name.startswith("campaign/")
    }
    found = []
    for name in wanted:
        holder = holders.get(before.get(f"campaign/{name}", 0), name)
        if holder not in wanted and f"campaign/{name}" not in after:
            found.append(Rename(holder, name))
    return found
