"""The config folder becomes a catalog, or problems; every problem of every file in one run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from adserver.core.assets import Asset, digest_of
from adserver.core.catalog import Campaign, Catalog, Files, Site, Slot
from adserver.core.problems import Problem, Severity
from adserver.publishing.campaign_file import Read, Surroundings, read_campaign
from adserver.publishing.creatives import Workshop
from adserver.publishing.crowding import warn_of_crowding
from adserver.publishing.documents import Documents
from adserver.publishing.files import load, load_draft
from adserver.publishing.findings import WHOLE_FILE, Findings, Place
from adserver.publishing.folder import Folder
from adserver.publishing.houses import warn_of_empty_houses
from adserver.publishing.images import Pictures
from adserver.publishing.links import slug
from adserver.publishing.lookalikes import warn_of_twins
from adserver.publishing.nodes import MapNode, quoted
from adserver.publishing.schema import NAME, NAME_RULE
from adserver.publishing.site_file import read_site, read_slots

SITE_FILE, SLOTS_FILE, CAMPAIGNS = "site.yaml", "slots.yaml", "campaigns"
ENDINGS = (".yaml", ".yml")

# By its path in the folder, the text of a file that may not be there yet.
Drafts = Mapping[str, str]
NO_DRAFTS: Drafts = MappingProxyType({})


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


@dataclass(slots=True)
class Reader:
    """One run over one folder."""

    folder: Folder
    drafts: Drafts = field(default_factory=dict)
    every: list[Findings] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def findings(self, relative: str) -> Findings:
        """Those of one file, which end among the folder's."""
        self.every.append(Findings(self.folder.shown(relative)))
        return self.every[-1]

    @property
    def problems(self) -> set[Problem]:
        return {problem for findings in self.every for problem in findings.problems}

    def load(self, relative: str, findings: Findings) -> MapNode | None:
        draft = self.drafts.get(relative)
        text, node = (
            load(self.folder.root / relative, findings)
            if draft is None
            else load_draft(draft, findings)
        )
        self.sources[findings.file] = text
        return node

    def keep(self, relative: str) -> None:
        """Take a file into the generation, with those that it uses."""
        data = self.sources[self.folder.shown(relative)].encode()
        digest = digest_of(data)
        self.texts[digest] = data
        self.files[relative] = {relative: digest, **self.folder.used}


def read_folder(
    folder: Path, drafts: Drafts = NO_DRAFTS, *, alone: bool = False, now: float | None = None
) -> Reading:
    """Read and check everything. No file of the folder, and no missing one, raises.

    drafts: campaign files that are not written yet, read as if they stood in the folder.
    alone: of the campaigns, only these.
    now: UTC seconds; without it nothing is warned of that depends on the date.
    """
    reader = Reader(Folder(folder), drafts)
    if not os.path.isdir(folder):  # unlike Path.is_dir, it never raises
        message = f"there is no folder {folder}"
        hint = "`adserver init` makes one; `--config DIR` names another"
        return nothing(Problem(str(folder), 0, 0, Severity.ERROR, "missing_folder", message, hint))
    site = read_site_file(reader)
    slots = read_slots_file(reader)
    files = sorted(drafts) if alone else campaign_files(reader)
    read = read_campaigns(reader, files, site, slots, now)
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


def read_campaigns(
    reader: Reader,
    files: Iterable[str],
    site: Site | None,
    slots: list[tuple[Place, Slot]] | None,
    now: float | None,
) -> list[Read]:
    workshop = Workshop(
        pictures=Pictures(reader.folder),
        documents=Documents(reader.folder, reader.sources),
        utm_source=utm_source(site),
    )
    known = tuple(slot for _, slot in slots) if slots is not None else None
    around = Surroundings(site, known, workshop, now)
    met: dict[str, str] = {}
    read = [read_one(path, reader, around, met) for path in files]
    return [one for one in read if one]


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


def utm_source(site: Site | None) -> str:
    """The publisher as utm_source; a name without a Latin letter gives way to its first site's."""
    return (slug(site.name) or next(iter(site.sites), "")) if site else ""


def campaign_files(reader: Reader) -> list[str]:
    """The campaign files, by name; whatever else lies among them is pointed out."""
    findings = reader.findings(CAMPAIGNS)
    try:
        every = (reader.folder.root / CAMPAIGNS).iterdir()
        # Editors and file managers leave hidden files behind; nobody means them.
        entries = sorted(path for path in every if not path.name.startswith("."))
    except FileNotFoundError:
        if not reader.drafts:
            message = "there is no folder of campaigns"
            findings.warning(WHOLE_FILE, "no_campaigns", message, "campaign files live there")
        entries = []
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        findings.error(WHOLE_FILE, "unreadable_folder", message)
        entries = []
    files = set(reader.drafts)
    for path in entries:
        relative = f"{CAMPAIGNS}/{path.name}"
        if path.suffix in ENDINGS and not path.is_dir():
            files.add(relative)
        else:
            warn_of_stray(relative, reader)
    return sorted(files)


def warn_of_stray(relative: str, reader: Reader) -> None:
    findings = reader.findings(relative)
    message = "this is no campaign: its name does not end in .yaml"
    findings.warning(WHOLE_FILE, "stray_file", message, "rename it, or keep it elsewhere")


def read_one(
    relative: str, reader: Reader, around: Surroundings, met: dict[str, str]
) -> Read | None:
    """One campaign. met: the case-folded names so far, with their files."""
    findings = reader.findings(relative)
    name = Path(relative).stem
    check_file_name(name, met, findings)
    met.setdefault(name.casefold(), findings.file)
    reader.folder.used.clear()
    node = reader.load(relative, findings)
    read = read_campaign(name, node, around, findings) if node else None
    if findings.failed:
        reader.broken.add(name)
        return None
    if read:
        reader.keep(relative)
    return read


def check_file_name(name: str, met: Mapping[str, str], findings: Findings) -> None:
    if not NAME.fullmatch(name):
        message = f"{quoted(name)} cannot be the name of a campaign"
        findings.error(WHOLE_FILE, "bad_name", message, NAME_RULE)
    elif name.casefold() in met:
        message = f"the name {quoted(name)} is taken by {met[name.casefold()]}"
        findings.error(WHOLE_FILE, "duplicate_name", message, "rename one of the two")
