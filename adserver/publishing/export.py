"""A generation as a folder: byte for byte what was applied.

First everything is put into a folder of its own and read back, to see that it says what the
generation says. Then it goes where it is wanted: whole, beside what is there, never over a file
that differs unless that was asked for, and never outside of the folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from adserver.core.catalog import Catalog, Generation
from adserver.core.errors import ContentGone, SettingsError
from adserver.publishing.content import by_campaign
from adserver.publishing.folder import CAMPAIGNS, ENDINGS, SITE_FILE, SLOTS_FILE
from adserver.publishing.layout import Layout, Unplaceable, lay_out, with_moved
from adserver.publishing.read import read_folder
from adserver.publishing.writing import write

FILES_AT_ONCE = 100
CHUNK_BYTES = 1 << 20

Fetch = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Bytes by digest; what the store does not have is left out."""


@dataclass(frozen=True, slots=True)
class Export:
    """A generation, as it lies in a folder of its own.

    paths: all that there is, sorted. moved: by file, what it names → where that had to go.
    differs: what would not be as it is live (`site`, `slots`, names of campaigns).
    """

    root: Path
    paths: tuple[str, ...]
    moved: Mapping[str, Mapping[str, str]]
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A folder, held beside an export: what is missing in it, the same, another, and what stands
    in the way of being written at all (path → why)."""

    missing: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    in_the_way: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def exported(generation: Generation, fetch: Fetch) -> Iterator[Export]:
    """Gone again afterwards. ContentGone where not everything is kept."""
    check_kept(generation)
    try:
        layout = lay_out(generation.files)
    except Unplaceable as error:
        raise ContentGone(generation.number, f"it cannot be exported: {error}") from error
    with TemporaryDirectory(prefix="adserver-export-") as folder:
        root = Path(folder)
        for path, data in contents(generation.number, layout, fetch):
            put(root / path, data)
        differs = differences(read_folder(root).partial, generation.catalog)
        yield Export(root, tuple(sorted(layout.paths)), layout.moved, differs)


def check_kept(generation: Generation) -> None:
    """A release before this one kept no files: a generation has some of its campaigns' or none."""
    campaigns = by_campaign(generation.files)
    missing = [name for name in (SITE_FILE, SLOTS_FILE) if name not in generation.files]
    missing += [c.name for c in generation.catalog.campaigns if c.name not in campaigns]
    if missing:
        raise ContentGone(
            generation.number,
            f"the text of {', '.join(missing)} was applied by an earlier release, which did not "
            "keep it; apply once more with this one, then it can be exported",
        )


def contents(number: int, layout: Layout, fetch: Fetch) -> Iterator[tuple[str, bytes]]:
    """What goes where, some files at a time."""
    names = iter(layout.paths.items())
    while some := dict(islice(names, FILES_AT_ONCE)):
        found = fetch(sorted(set(some.values())))
        for path, digest in some.items():
            if digest not in found:
                raise ContentGone(
                    number,
                    f"the store has lost {path}, or what it holds is damaged; restore it"
                    " from a backup",
                )
            yield path, as_it_is_now(number, path, found[digest], layout)


def as_it_is_now(number: int, path: str, data: bytes, layout: Layout) -> bytes:
    if path not in layout.moved:
        return data
    try:
        return with_moved(data.decode(), layout.moved[path]).encode()
    except Unplaceable as error:
        raise ContentGone(number, f"{path} cannot be exported: {error}") from error


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def differences(read: Catalog | None, catalog: Catalog) -> tuple[str, ...]:
    """Campaigns that were applied by name may have been read with another site.yaml than the one
    that is live."""
    if read is None:
        return ("site", "slots")
    settings = (part for part in ("site", "slots") if getattr(read, part) != getattr(catalog, part))
    was = {one.name: one for one in read.campaigns}
    return (*settings, *(one.name for one in catalog.campaigns if was.get(one.name) != one))


def compare(export: Export, folder: Path) -> Comparison:
    """Nothing is written."""
    real = os.path.realpath(folder)
    found: dict[str, list[str]] = {"missing": [], "same": [], "other": []}
    in_the_way: dict[str, str] = {}
    for path in export.paths:
        if reason := obstacle(folder, real, path):
            in_the_way[path] = reason
        else:
            found[standing(export.root / path, folder / path)].append(path)
    missing, same, other = (tuple(paths) for paths in found.values())
    return Comparison(missing, same, other, in_the_way)


def obstacle(folder: Path, real: str, path: str) -> str:
    """Why a file cannot be written there, "" if nothing stands in the way."""
    parent = os.path.realpath((folder / path).parent)
    if parent != real and not parent.startswith(real.rstrip(os.sep) + os.sep):
        return "its folder is a link that leads elsewhere"
    if os.path.isdir(folder / path):
        return "a folder has its name"
    if any(os.path.lexists(one) and not os.path.isdir(one) for one in between(folder, path)):
        return "a file has the name of its folder"
    twin = twin_of(folder, path)
    return f"{twin} is a file of the same campaign" if twin else ""


def between(folder: Path, path: str) -> Iterable[Path]:
    """The folders that a file is in, from the outermost on."""
    return (folder / one for one in reversed(PurePosixPath(path).parents))


def twin_of(folder: Path, path: str) -> str:
    """The campaign's file under its other ending, "" if there is none."""
    where = PurePosixPath(path)
    if where.parent != PurePosixPath(CAMPAIGNS) or where.suffix not in ENDINGS:
        return ""
    others = (str(where.with_suffix(ending)) for ending in ENDINGS if ending != where.suffix)
    return next((one for one in others if os.path.lexists(folder / one)), "")


def standing(ours: Path, theirs: Path) -> str:
    if not os.path.lexists(theirs):
        return "missing"
    return "same" if is_same(ours, theirs) else "other"


def is_same(ours: Path, theirs: Path) -> bool:
    try:
        if not theirs.is_file() or ours.stat().st_size != theirs.stat().st_size:
            return False
        with ours.open("rb") as one, theirs.open("rb") as other:
            while part := one.read(CHUNK_BYTES):
                if part != other.read(len(part)):
                    return False
    except OSError as error:
        raise SettingsError(f"{theirs} cannot be read: {error.strerror}") from error
    return True


def write_into(folder: Path, export: Export, compared: Comparison, *, overwrite: bool) -> list[str]:
    """The paths that were written; SettingsError at the first that cannot be."""
    written = [*compared.missing, *(compared.other if overwrite else ())]
    for path in written:
        data = (export.root / path).read_bytes()
        write(folder / path, data, replace=path in compared.other)
    return written


def not_live(folder: Path, export: Export) -> list[str]:
    """Campaign files of the folder that the generation does not have."""
    try:
        names = os.listdir(folder / CAMPAIGNS)
    except OSError:
        return []
    paths = (f"{CAMPAIGNS}/{name}" for name in names if not name.startswith("."))
    return sorted(one for one in paths if one.endswith(ENDINGS) and one not in export.paths)
