"""Going back: an earlier generation, or what it says of one campaign, as a new proposal.

Numbers are permanent, so what was counted goes on where it was, whichever way a catalog goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from adserver.core.catalog import Catalog, Generation
from adserver.core.errors import CatalogError
from adserver.core.problems import Problem, Severity
from adserver.core.publication import Content
from adserver.core.renames import Rename, same_numbers
from adserver.core.targeting import COUNTRY, DEVICE, LANGUAGE, SITE, URL
from adserver.publishing.content import merged
from adserver.publishing.effect import Effect, Kind, Weight
from adserver.publishing.publish import Proposal, Wish, propose
from adserver.publishing.renaming import Beside
from adserver.publishing.suggest import listed
from adserver.publishing.unknown import no_such

BUILT_IN = frozenset((URL, LANGUAGE, COUNTRY, DEVICE, SITE))
WHOLE = "go back whole, without --campaign"


def go_back(
    live: Generation, to: Generation, campaign: str = "", now: float = 0.0
) -> tuple[Proposal, Content]:
    """campaign: the one to touch, "" for everything. What is in it then is as `to` has it: it may
    come back, or end where `to` had none. What was renamed since has its old name again, and its
    counts with it. now: UTC seconds.

    NoSuchName, and CatalogError where what is live has no room for it any more.
    """
    names = names_of(live, to, campaign) if campaign else ()
    written = only_of(live.catalog, to.catalog, names) if names else to.catalog
    try:
        beside = Beside(now, renamed=renamed_back(live, to, written))
        proposal = propose(written, live, Wish(Path(), prune=True), beside)
    except CatalogError as error:
        raise CatalogError([in_words(one, to) for one in error.problems]) from error
    if problems := [*undeclared(proposal.catalog, names)]:
        raise CatalogError(problems)
    touched = Wish(Path(), names)
    # What it needs is in the store already, or publishing refuses it by name.
    return proposal, Content(merged(to.files, live.files, proposal.catalog, touched))


def renamed_back(live: Generation, to: Generation, written: Catalog) -> tuple[Rename, ...]:
    names = sorted(one.name for one in written.campaigns)
    return tuple(same_numbers(to.numbers, live.numbers, names))


def left_behind(live: Generation, to: Generation, campaign: str = "") -> Iterator[Effect]:
    """Of names that come back and that another campaign has had since: what was counted is told
    by permanent numbers, and these stay where they are. campaign: as of `go_back`."""
    holders = {
        number: name for name, number in live.numbers.items() if name.startswith("campaign/")
    }
    for name in sorted(one.name for one in to.catalog.campaigns):
        key = f"campaign/{name}"
        then = to.numbers.get(key, 0)
        holder = holders.get(then, key).removeprefix("campaign/")
        if campaign in ("", name) and holder != name and key in live.numbers:
            message = (
                f"{name}: what it had counted by generation {to.number} stays with {holder}, as it "
                f"was renamed; another campaign took the name, and {name} goes on with the counts "
                "of that one"
            )
            yield Effect(Kind.COUNTS_STAY, name, Weight.WARNING, message)


def names_of(live: Generation, to: Generation, campaign: str) -> tuple[str, ...]:
    """The campaign, and the name that it has now, or had then, if that is another one."""
    check_known(live.catalog, to.catalog, campaign)
    key = f"campaign/{campaign}"
    then, now = to.numbers.get(key), live.numbers.get(key)
    # A name that has come back is another campaign.
    other = live.numbers if now is None else to.numbers if then is None else {}
    number = then if now is None else now
    same = (
        name.removeprefix("campaign/")
        for name, held in other.items()
        if held == number and name.startswith("campaign/")
    )
    return (campaign, *same)


def only_of(live: Catalog, to: Catalog, names: Collection[str]) -> Catalog:
    """What is live, with one campaign as `to` has it. names: all that it has in either."""
    others = (one for one in live.campaigns if one.name not in names)
    back = (one for one in to.campaigns if one.name in names)
    return replace(live, campaigns=(*others, *back))


def check_known(live: Catalog, to: Catalog, campaign: str) -> None:
    names = {one.name for catalog in (live, to) for one in catalog.campaigns}
    if campaign not in names:
        raise no_such("campaign", campaign, names)


def in_words(problem: Problem, to: Generation) -> Problem:
    """There is no folder here in which anything could be mended."""
    return replace(problem, file=f"generation {to.number}", hint=WHOLE)


def undeclared(catalog: Catalog, names: Collection[str]) -> Iterator[Problem]:
    """A campaign that comes back alone may target what the site does not declare any more."""
    declared = BUILT_IN | {key.name for key in catalog.site.context}
    for one in catalog.campaigns:
        unknown = sorted({clause.fact for clause in one.targeting} - declared)
        if one.name in names and unknown:
            message = f"{one.name} targets {listed(unknown)}, which the live site does not declare"
            yield Problem(one.name, 0, 0, Severity.ERROR, "undeclared_key", message, WHOLE)
