"""The config folder becomes a catalog, or problems; every problem of every file in one run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adserver.core.assets import Asset
from adserver.core.catalog import Campaign, Catalog, Files, Site, Slot
from adserver.core.problems import Problem, Severity
from adserver.publishing.campaign_file import Read
from adserver.publishing.campaign_files import Setting, campaign_files, read_campaigns
from adserver.publishing.crowding import warn_of_crowding
from adserver.publishing.findings import Place
from adserver.publishing.folder import SITE_FILE, SLOTS_FILE, Folder
from adserver.publishing.houses import warn_of_empty_houses
from adserver.publishing.lookalikes import warn_of_twins
from adserver.publishing.reader import NO_DRAFTS, Drafts, Reader
from adserver.publishing.site_file import read_site, read_slots


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder says.

    catalog: None if there is any error.
    partial: the catalog of the campaigns without errors; None if site or slots have some.
    assets: the files that the catalog (or else `partial`) shows, by digest.
    problems: sorted by file, line and column.
    sources: the text of every file that was read, by the name it has in `problems`.
    broken: the names of the campaigns with errors.
    files: which files those of the folder need, as `core.catalog.Generation` documents.
    texts: by digest, the bytes of those of `files` that are no assets.
    sizes: by digest, how many bytes each of the assets has.
    """

    catalog: Catalog | None
    partial: Catalog | None
    assets: Mapping[str, Asset]
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    broken: frozenset[str]
    files: Files = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def read_folder(
    folder: Path,
    drafts: Drafts = NO_DRAFTS,
    *,
    alone: bool = False,
    now: float | None = None,
    cores: int = 1,
) -> Reading:
    """Read and check everything. No file of the folder, and no missing one, raises.

    drafts: campaign files that are not written yet, read as if they stood in the folder.
    alone: of the campaigns, only these.
    now: UTC seconds; without it nothing is warned of that depends on the date.
    cores: with more than one, another process reads half of very many campaigns; not for programs
    that have threads.
    """
    reader = Reader(Folder(folder), drafts)
    if not os.path.isdir(folder):  # unlike Path.is_dir, it never raises
        message = f"there is no folder {folder}"
        hint = "`adserver init` makes one; `--config DIR` names another"
        return nothing(Problem(str(folder), 0, 0, Severity.ERROR, "missing_folder", message, hint))
    site = read_site_file(reader)
    slots = read_slots_file(reader)
    files = sorted(drafts) if alone else campaign_files(reader)
    known = tuple(slot for _, slot in slots) if slots is not None else None
    read = read_campaigns(reader, files, Setting(site, known, now), cores)
    if not alone and site is not None and slots is not None:
        warn_across(reader, read, site, slots, now)
    campaigns = [one.campaign for one in read]
    partial = None
    if site is not None and slots is not None:
        partial = Catalog(site, tuple(slot for _, slot in slots), tuple(campaigns))
    return conclude(reader, partial)


def nothing(problem: Problem) -> Reading:
    return Reading(None, None, {}, (problem,), {}, frozenset())


def conclude(reader: Reader, partial: Catalog | None) -> Reading:
    problems = tuple(sorted(reader.problems))
    failed = any(problem.severity is Severity.ERROR for problem in problems)
    shown = digests(partial.campaigns) if partial else set()
    assets = reader.folder.kept.only(shown)
    return Reading(
        catalog=None if failed else partial,
        partial=partial,
        assets=assets,
        problems=problems,
        sources=reader.sources,
        broken=frozenset(reader.broken),
        files=reader.files,
        texts={**reader.texts, **reader.folder.sources},
        sizes=assets.sizes,
    )


def digests(campaigns: Iterable[Campaign]) -> set[str]:
    creatives = [creative for campaign in campaigns for creative in campaign.creatives]
    pictures = {image.digest for creative in creatives for image in creative.images}
    return pictures | {creative.html.digest for creative in creatives if creative.html}


def read_site_file(reader: Reader) -> Site | None:
    findings = reader.findings(SITE_FILE)
    node = reader.load(SITE_FILE, findings)
    site = read_site(node, findings) if node else None
    if findings.failed or site is None:
        return None
    reader.keep(SITE_FILE)
    return site


def read_slots_file(reader: Reader) -> list[tuple[Place, Slot]] | None:
    findings = reader.findings(SLOTS_FILE)
    node = reader.load(SLOTS_FILE, findings)
    slots = read_slots(node, findings) if node else ()
    if node is None or findings.failed:
        return None
    reader.keep(SLOTS_FILE)
    keys = {name: key for name, (key, _) in node.entries.items()}
    return [(Place(keys[s.name].line, keys[s.name].column), s) for s in slots]


def warn_across(
    reader: Reader,
    read: list[Read],
    site: Site,
    slots: list[tuple[Place, Slot]],
    now: float | None,
) -> None:
    """What only shows where all files are seen together."""
    warn_of_crowding(read, [slot for _, slot in slots], now)
    warn_of_twins(read)
    if not reader.broken:
        findings = reader.findings(SLOTS_FILE)
        campaigns = [one.campaign for one in read]
        warn_of_empty_houses(slots, campaigns, site.timezone, now, findings)
