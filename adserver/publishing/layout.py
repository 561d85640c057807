"""Where the files of a generation go in a folder, also when two of them want one place.

Campaigns that were applied at different times may have used one path for different bytes. The
second is then written into a folder of its own, and its campaign's file says so. The file's own
name stays, as that is what a generation and readers' browsers know it by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePosixPath

from adserver.core.catalog import Files
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.folder import check_path
from adserver.publishing.nodes import ListNode, MapNode, Node, Scalar

QUOTES = ("", '"', "'")
LINE_END = re.compile(r"\r\n|\r|\n")


class Unplaceable(ValueError):
    """A file that no folder has a place for; the message says which, and why."""


@dataclass(slots=True)
class Layout:
    """paths: path in the folder → digest. moved: by file, what it names → where that is."""

    paths: dict[str, str] = field(default_factory=dict)
    moved: dict[str, dict[str, str]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def put(self, path: str, digest: str) -> None:
        self.paths[path] = digest
        self.folders.update(above(path))

    def has_room(self, path: str, digest: str) -> bool:
        """Whether nothing else is there: no other bytes, no folder, no file in place of one."""
        return (
            check_path(path) is None
            and self.paths.get(path, digest) == digest
            and path not in self.folders
            and not any(folder in self.paths for folder in above(path))
        )


def above(path: str) -> set[str]:
    return {str(parent) for parent in PurePosixPath(path).parents}


def normal(path: str) -> str:
    """Without the dots and strokes that change nothing."""
    return str(PurePosixPath(path))


def lay_out(files: Files) -> Layout:
    """Unplaceable where a path leads out of the folder, or there is no place left."""
    layout = Layout()
    # The files that are read by their names come first: nothing takes their places.
    for name in files:
        layout.put(place_of(layout, name, name, files[name][name]), files[name][name])
    for name, needed in files.items():
        for path, digest in needed.items():
            place = place_of(layout, name, path, digest)
            layout.put(place, digest)
            if place != normal(path):
                layout.moved.setdefault(name, {})[path] = place
    return layout


def place_of(layout: Layout, name: str, path: str, digest: str) -> str:
    """Where a file that `name` calls `path` is written."""
    if complaint := check_path(path):
        raise Unplaceable(complaint.message)
    there = normal(path)
    places = [there] if path == name else chain([there], aside(there, name, digest))
    for place in places:
        if layout.has_room(place, digest):
            return place
    raise Unplaceable(f"{path} of {name} has the place of another file")


def aside(path: str, name: str, digest: str) -> Iterator[str]:
    """Where a file may go whose place is taken: into a folder of its campaign's name, if it can."""
    there = PurePosixPath(path)
    for at in (there.parent, PurePosixPath()):
        for folder in (PurePosixPath(name).stem, digest[:8], digest):
            yield str(at / folder / there.name)


def with_moved(text: str, moved: Mapping[str, str]) -> str:
    """A campaign's file that names its files where they are now; everything else stays as it is.

    Unplaceable where a name is written in a way that cannot be changed so (with escapes, or over
    several lines).
    """
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    found = [(starts[one.line - 1] + one.column - 1, one.text) for one in named_files(text)]
    for at, path in sorted(found, reverse=True):
        if path in moved:
            text = exchanged(text, at, path, moved[path])
    return text


def exchanged(text: str, at: int, was: str, now: str) -> str:
    for quote in QUOTES:
        written = f"{quote}{was}{quote}"
        if text.startswith(written, at):
            return f"{text[:at]}{quote}{now}{quote}{text[at + len(written) :]}"
    raise Unplaceable(f"{was} is written with escapes or over several lines")


def named_files(text: str) -> Iterator[Scalar]:
    """Where a campaign names its pictures and documents."""
    top = parse(text, Findings(""))
    for creative in items(value_of(top, "creatives")):
        for key in ("images", "html"):
            for node in items(value_of(creative, key)):
                if isinstance(node, Scalar):
                    yield node


def value_of(node: Node | None, key: str) -> Node | None:
    return node.entries[key][1] if isinstance(node, MapNode) and key in node.entries else None


def items(node: Node | None) -> list[Node]:
    """Of a list; one thing alone is a list of it."""
    if isinstance(node, ListNode):
        return node.items
    return [node] if node is not None else []
