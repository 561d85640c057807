"""What travels with a catalog: of each file of it, whether it is the folder's or the live one's."""

from __future__ import annotations

from pathlib import PurePosixPath

from adserver.core.catalog import Catalog, Files, Generation
from adserver.core.publication import Content
from adserver.publishing.folder import CAMPAIGNS, SITE_FILE, SLOTS_FILE
from adserver.publishing.publish import Wish
from adserver.publishing.read import Reading


def content_of(reading: Reading, live: Generation | None, catalog: Catalog, wish: Wish) -> Content:
    """What to publish with `catalog`, which is the wish's merger of the folder and of `live`."""
    files = merged(reading.files, live.files if live else {}, catalog, wish)
    needed = {digest for file in files.values() for digest in file.values()}
    sources = {digest: data for digest, data in reading.texts.items() if digest in needed}
    return Content(files, reading.assets, sources)


def merged(folder: Files, live: Files, catalog: Catalog, wish: Wish) -> Files:
    """As `core.plan.merge` does it with what stands in the files."""
    settings = live if wish.only and live else folder
    files = {name: settings[name] for name in (SITE_FILE, SLOTS_FILE) if name in settings}
    written, kept = by_campaign(folder), by_campaign(live)
    for campaign in sorted(one.name for one in catalog.campaigns):
        touched = campaign in written and (not wish.only or campaign in wish.only)
        source, name = (folder, written[campaign]) if touched else (live, kept.get(campaign))
        if name is not None:
            files[name] = source[name]
    return files


def by_campaign(files: Files) -> dict[str, str]:
    """Names of campaigns, and of their files."""
    paths = ((name, PurePosixPath(name)) for name in files)
    return {path.stem: name for name, path in paths if path.parent.name == CAMPAIGNS}
