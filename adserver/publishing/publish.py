"""Publishing: what the folder says becomes the next generation, whole or not at all.

`choose` refuses a folder with errors, `propose` makes the plan against what is live and
refuses a catalog that would make no sense, `publish` writes it. Nothing here prints or asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath

from adserver.core.booking import booked_slots
from adserver.core.catalog import Catalog, Files, Generation
from adserver.core.errors import CatalogError, LiveHasMoved, NoSuchName
from adserver.core.fit import fits_anywhere
from adserver.core.plan import Plan, changed_fields, difference, merge
from adserver.core.ports.commands import Catalogs
from adserver.core.problems import Problem, Severity
from adserver.core.publication import Content, Entry, Published
from adserver.core.renames import Rename
from adserver.publishing.history import readable
from adserver.publishing.plan_text import Difference, recorded
from adserver.publishing.read import Reading
from adserver.publishing.renaming import NOTHING_BESIDE, Beside, alike, renaming
from adserver.publishing.unknown import no_such


@dataclass(frozen=True, slots=True)
class Wish:
    """What to publish: the folder, the campaigns to touch (all if empty), and whether to end
    live campaigns that have no file."""

    folder: Path
    only: tuple[str, ...] = ()
    prune: bool = False


@dataclass(frozen=True)
class Proposal:
    """A catalog that may be published, and what that would change.

    expected: the live generation's number that this was planned against, 0 for none.
    fields: what changes in each changed campaign, and under `site` and `slots`.
    before: what is live; None for nothing. alike: what looks like a rename, and is none so far.
    now: UTC seconds at which it was made.
    """

    expected: int
    catalog: Catalog
    plan: Plan
    fields: Mapping[str, tuple[str, ...]]
    before: Catalog | None = None
    alike: tuple[Rename, ...] = ()
    now: float = 0.0

    @cached_property
    def difference(self) -> Difference:
        return Difference(self.before, self.catalog, self.plan, self.now)


def choose(reading: Reading, wish: Wish) -> Catalog:
    """The catalog as written, or CatalogError with the problems that stand in the way.

    With names, the errors of other campaigns do not.
    """
    if not wish.only:
        if reading.catalog is None:
            raise CatalogError(reading.problems)
        return reading.catalog
    if reading.partial is None or not reading.broken.isdisjoint(wish.only):
        raise CatalogError(problems_of(reading, wish.only))
    return reading.partial


def problems_of(reading: Reading, names: tuple[str, ...]) -> tuple[Problem, ...]:
    """The problems that concern the named campaigns (all if empty): theirs, and those of no
    campaign at all, such as the site's."""
    return tuple(p for p in reading.problems if not names or concerns(p, names))


def concerns(found: Problem, names: tuple[str, ...]) -> bool:
    file = PurePath(found.file)
    return file.parent.name != "campaigns" or file.stem in names


def propose(
    written: Catalog, live: Generation | None, wish: Wish, beside: Beside = NOTHING_BESIDE
) -> Proposal:
    """The plan against what is live; CatalogError or NoSuchName where it would make no sense."""
    before = live.catalog if live else None
    check_names(written, before, wish)
    renamed, refused = renaming(written, before, wish.only, beside)
    if refused:
        raise CatalogError(
            [
                problem(wish, name, *said, line=beside.said_at.get(name, 0))
                for name, said in refused.items()
            ]
        )
    after = merge(before, written, wish.only, prune=wish.prune, renamed=renamed)
    plan = without_broken(difference(before, written, after, renamed), beside)
    if problems := [*misfits(after, plan, wish)]:
        raise CatalogError(problems)
    return Proposal(
        expected=live.number if live else 0,
        catalog=after,
        plan=plan,
        fields=all_changed_fields(before, after, plan),
        before=before,
        alike=tuple(alike(before, after, plan)),
        now=beside.now,
    )


def without_broken(plan: Plan, beside: Beside) -> Plan:
    """A file with errors is a file all the same: its campaign is not there without one."""
    return replace(plan, kept=tuple(name for name in plan.kept if name not in beside.broken))


def check_names(written: Catalog, live: Catalog | None, wish: Wish) -> None:
    """Each name has a file; one that is only live may be named to end it, with `prune`."""
    in_folder = {c.name for c in written.campaigns}
    is_live = {c.name for c in live.campaigns} if live else set()
    missing = [name for name in wish.only if name not in in_folder]
    for name in missing:
        if name not in is_live:
            raise no_such("campaign", name, in_folder | is_live)
    if missing and not wish.prune:
        raise CatalogError([without_file(wish, name) for name in missing])


def without_file(wish: Wish, name: str) -> Problem:
    return problem(
        wish,
        name,
        "no_file",
        f"the campaign {name} is live but has no file",
        "bring its file back, or end the campaign with --prune",
    )


def misfits(after: Catalog, plan: Plan, wish: Wish) -> Iterator[Problem]:
    """Campaigns that no slot of the merged catalog has room for.

    Each file was checked against the folder's slots when it was read; this is about campaigns
    and slots of which one comes from the folder and the other from what is live.
    """
    for campaign in after.campaigns:
        slots = booked_slots(campaign, after.slots)
        if any(fits_anywhere(creative, slot) for creative in campaign.creatives for slot in slots):
            continue
        lacks = "has none of the slots any more" if not slots else "fits none of its slots any more"
        if campaign.name in plan.kept:
            message = f"the live campaign {campaign.name} would stay, but {lacks}"
            hint = "bring its file back and change it, or end the campaign with --prune"
        else:
            message = f"with the slots that are live, the campaign {campaign.name} {lacks}"
            hint = "apply without names, so that slots.yaml is applied too"
        yield problem(wish, campaign.name, "misfit", message, hint)


def problem(  # noqa: PLR0913 - what a problem is made of
    wish: Wish, campaign: str, code: str, message: str, hint: str, line: int = 0
) -> Problem:
    """line: where it begins, 0 where it is about the file."""
    file = str(wish.folder / "campaigns" / f"{campaign}.yaml")
    return Problem(file, line, min(line, 1), Severity.ERROR, code, message, hint)


def all_changed_fields(
    before: Catalog | None, after: Catalog, plan: Plan
) -> dict[str, tuple[str, ...]]:
    if before is None:
        return {}
    was = {c.name: c for c in before.campaigns}
    now = {c.name: c for c in after.campaigns}
    fields = {name: changed_fields(was[name], now[name]) for name in plan.changed}
    if "site" in plan.settings:
        fields["site"] = tuple(
            part
            for part in before.site.__dataclass_fields__
            if getattr(before.site, part) != getattr(after.site, part)
        )
    if "slots" in plan.settings:
        fields["slots"] = tuple(changed_slots(before, after))
    return fields


def changed_slots(before: Catalog, after: Catalog) -> list[str]:
    """Names of slots that are new, different or gone, sorted; their order alone may differ."""
    was = {slot.name: slot for slot in before.slots}
    now = {slot.name: slot for slot in after.slots}
    return sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def publish(proposal: Proposal, content: Content, catalogs: Catalogs, entry: Entry) -> Published:
    """Make it live; LiveHasMoved if somebody else published since the proposal was made.

    entry: without its diff, which is the proposal's summary.
    """
    needed = {**sources(content.files), **digests(proposal.catalog)}
    missing = set(catalogs.claim(proposal.expected + 1, sorted(needed)))
    for digest in sorted(missing - content.assets.keys() - content.sources.keys()):
        raise NoSuchName("picture, document or file in the store", needed[digest])
    try:
        return catalogs.publish(
            proposal.expected,
            proposal.catalog,
            only_missing(content, missing),
            replace(readable(entry), diff="\n".join(recorded(summary(proposal)))),
            proposal.plan.renamed,
        )
    except LiveHasMoved as error:
        by = catalogs.published(error.live)
        raise LiveHasMoved(error.expected, error.live, by) from error


def note_commit(
    proposal: Proposal, wish: Wish, catalogs: Catalogs, commit: str, live: Published | None
) -> None:
    """Where there is nothing to do, the folder's commit is what is live: write that down, so that
    what comes after it is known to be made from it. A rollback, say, has no commit of its own.

    Only where all of the folder is all that is live, and all of it is in the commit.
    """
    partly = wish.only or proposal.plan.kept or commit.endswith("+")
    if live and commit not in ("", live.commit) and not partly:
        catalogs.note_commit(live.number, commit)


def only_missing(content: Content, missing: Set[str]) -> Content:
    """What the store has already is not sent again."""
    return replace(
        content,
        assets={digest: content.assets[digest] for digest in content.assets.keys() & missing},
        sources={digest: one for digest, one in content.sources.items() if digest in missing},
    )


def sources(files: Files) -> dict[str, str]:
    """Every file that the catalog was written in: its digest, and its name in the folder."""
    return {digest: path for paths in files.values() for path, digest in paths.items()}


def digests(catalog: Catalog) -> dict[str, str]:
    """Every file that the catalog needs: its digest, and `campaign/file` to name it by."""
    return {
        file.digest: f"{campaign.name}/{file.name}"
        for campaign in catalog.campaigns
        for creative in campaign.creatives
        for file in (*creative.images, *((creative.html,) if creative.html else ()))
    }


def summary(proposal: Proposal) -> list[str]:
    """The plan in lines, as it is shown."""
    return list(proposal.difference.lines())
