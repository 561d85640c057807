"""The campaign files of a folder: which there are, and each of them read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adserver.core.catalog import Site, Slot
from adserver.publishing import elsewhere
from adserver.publishing.campaign_file import Read, Surroundings, read_campaign
from adserver.publishing.creatives import Workshop
from adserver.publishing.documents import Documents
from adserver.publishing.findings import WHOLE_FILE, Findings
from adserver.publishing.folder import CAMPAIGNS, ENDINGS, outside
from adserver.publishing.images import Pictures
from adserver.publishing.links import slug
from adserver.publishing.nodes import quoted
from adserver.publishing.reader import Reader
from adserver.publishing.schema import NAME, name_hint

# Below it, one process is done before another has been told what to do.
MANY_FILES = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """What campaigns are read against, as far as it could be read. now: UTC seconds, if known."""

    site: Site | None
    slots: tuple[Slot, ...] | None
    now: float | None


def read_campaigns(
    reader: Reader, files: Sequence[str], setting: Setting, cores: int = 1
) -> list[Read]:
    """Those without errors, in the order of the files."""
    owners = owners_of(files)
    if cores < 2 or len(files) < MANY_FILES:
        return read_part(reader, files, setting, owners)
    middle = len(files) // 2

    def second_half() -> tuple[Reader, list[Read]]:
        part = reader.part()
        return part, read_part(part, files[middle:], setting, owners)

    awaited = elsewhere.begin(second_half)
    first = read_part(reader, files[:middle], setting, owners)
    part, second = awaited()
    reader.take(part)
    return first + second


def owners_of(files: Sequence[str]) -> Mapping[str, str]:
    """Of each name, regardless of case, the first file that has it."""
    owners: dict[str, str] = {}
    for relative in files:
        owners.setdefault(Path(relative).stem.casefold(), relative)
    return owners


def read_part(
    reader: Reader, files: Sequence[str], setting: Setting, owners: Mapping[str, str]
) -> list[Read]:
    workshop = Workshop(
        pictures=Pictures(reader.folder),
        documents=Documents(reader.folder, reader.sources),
        utm_source=utm_source(setting.site),
    )
    around = Surroundings(setting.site, setting.slots, workshop, setting.now)
    read = [read_one(path, reader, around, owners) for path in files]
    return [one for one in read if one]


def utm_source(site: Site | None) -> str:
    """The publisher as utm_source; a name without a Latin letter gives way to its first site's."""
    return (slug(site.name) or next(iter(site.sites), "")) if site else ""


def campaign_files(reader: Reader) -> list[str]:
    """The campaign files, by name; whatever else lies among them is pointed out."""
    findings = reader.findings(CAMPAIGNS)
    if reader.folder.leads_out(CAMPAIGNS):
        findings.refuse(WHOLE_FILE, outside(CAMPAIGNS, "folder"))
        return sorted(reader.drafts)
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
            warn_of_stray(relative, reader, is_folder=path.is_dir())
    return sorted(files)


def warn_of_stray(relative: str, reader: Reader, *, is_folder: bool) -> None:
    findings = reader.findings(relative)
    if is_folder and relative.endswith(ENDINGS):
        message = "this is no campaign: it is a folder, and what is in it is not read"
        findings.warning(WHOLE_FILE, "stray_file", message, "move its files up, or rename it")
        return
    message = "this is no campaign: its name does not end in .yaml"
    findings.warning(WHOLE_FILE, "stray_file", message, "rename it, or keep it elsewhere")


def read_one(
    relative: str, reader: Reader, around: Surroundings, owners: Mapping[str, str]
) -> Read | None:
    findings = reader.findings(relative)
    name = Path(relative).stem
    owner = owners[name.casefold()]
    check_file_name(name, None if owner == relative else reader.folder.shown(owner), findings)
    reader.folder.used.clear()
    node = reader.load(relative, findings)
    read = read_campaign(name, node, around, findings) if node else None
    if findings.failed:
        reader.broken.add(name)
        return None
    if read:
        reader.keep(relative)
    return read


def check_file_name(name: str, owner: str | None, findings: Findings) -> None:
    """owner: another file that has this name already."""
    if not NAME.fullmatch(name):
        message = f"{quoted(name)} cannot be the name of a campaign"
        findings.error(WHOLE_FILE, "bad_name", message, name_hint(name))
    elif owner is not None:
        message = f"the name {quoted(name)} is taken by {owner}"
        other = Path(owner).stem
        hint = f"give `{name}` or `{other}` another name: capitals alone do not make one"
        if name == other:
            hint = "keep one of the two"
        findings.error(WHOLE_FILE, "duplicate_name", message, hint)
