"""The config folder: the files that campaigns name, each read once and never from outside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from adserver.publishing.findings import Complaint
from adserver.publishing.kept import Kept
from adserver.publishing.nodes import quoted
from adserver.publishing.suggest import did_you_mean

SITE_FILE, SLOTS_FILE, CAMPAIGNS = "site.yaml", "slots.yaml", "campaigns"
ENDINGS = (".yaml", ".yml")
MAX_PATH = 200


@dataclass(slots=True)
class Folder:
    """root: the folder as the user gave it; `kept` grows as files are accepted.

    used: path → digest of the files that were accepted, since somebody last emptied it.
    sources: accepted files whose bytes are not those of the asset that was made of them.
    """

    root: Path
    real: str = field(init=False)
    kept: Kept = field(default_factory=Kept)
    used: dict[str, str] = field(default_factory=dict)
    sources: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.real = os.path.realpath(self.root)

    def shown(self, relative: str) -> str:
        """A path of the folder as the user would write it.

        A name may hold what moves a terminal, or begins a new line of a log, or is not UTF-8.
        """
        path = str(self.root / relative)
        if path.isprintable():
            return path
        return "".join(one if one.isprintable() else repr(one)[1:-1] for one in path)

    def leads_out(self, relative: str) -> bool:
        """Whether this is a link to somewhere outside the folder."""
        path = os.path.join(self.real, relative)
        return os.path.islink(path) and not self._inside(os.path.realpath(path))

    def _inside(self, real: str) -> bool:
        return real.startswith(self.real.rstrip(os.sep) + os.sep)

    def keep(self, relative: str, data: bytes, media_type: str) -> str:
        """Take a file of the folder into the generation as it is; the answer is its digest."""
        return self.kept.remember(data, media_type, self.found(relative), self.shown(relative))

    def take(self, other: Folder) -> None:
        """What somebody else has accepted of the same folder."""
        self.kept.take(other.kept)
        self.sources |= other.sources

    def found(self, relative: str) -> str:
        """The path to open, whichever way the accents of its name are written on the disk."""
        same = [] if relative.isascii() else same_names(self.real, relative)
        return os.path.join(self.real, same[0] if same else relative)

    def read(self, relative: str, largest: int) -> bytes | Complaint:
        """The bytes of a file inside the folder, at most `largest` of them."""
        return check_path(relative) or self._read(relative, largest)

    def _read(self, relative: str, largest: int) -> bytes | Complaint:
        if not relative.isascii() and len(same := same_names(self.real, relative)) > 1:
            message = f"{len(same)} files are called {quoted(relative)}"
            hint = "their accents are written in two ways (Unicode NFC and NFD): keep one"
            return Complaint("twin_files", message, hint)
        path = self.found(relative)
        real = os.path.realpath(path)
        if not self._inside(real):
            return outside(relative)
        if not os.path.isfile(real):
            return no_such_file(relative, path)
        try:
            with open(real, "rb") as file:
                data = file.read(largest + 1)
        except OSError as error:
            message = f"{quoted(relative)} cannot be read: {error.strerror}"
            return Complaint("unreadable_file", message)
        if len(data) > largest:
            message = f"{quoted(relative)} is larger than {in_kib(largest)}"
            return Complaint("file_too_large", message, "make it smaller")
        return data


def no_such_file(relative: str, path: str) -> Complaint:
    if os.path.isdir(path):
        hint = f"name a file of it: {relative.rstrip('/')}/…"
        return Complaint("no_such_file", f"{quoted(relative)} is a folder, not a file", hint)
    return Complaint("no_such_file", f"there is no file {quoted(relative)}", near(path))


def outside(relative: str, what: str = "file") -> Complaint:
    message = f"{quoted(relative)} is a link to a {what} outside the config folder"
    return Complaint("outside_folder", message, f"copy the {what} into the folder")


def same_names(root: str, relative: str) -> list[str]:
    """The paths below a folder that read like this one, as they are written on the disk.

    A Mac writes an accent as a sign of its own (Unicode NFD), most else joins it (NFC).
    """
    found = [""]
    for part in normalize("NFC", relative).split("/"):
        found = [
            os.path.join(folder, name)
            for folder in found
            for name in names_in(os.path.join(root, folder))
            if normalize("NFC", name) == part
        ]
    return found


def names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def in_kib(count: int) -> str:
    """A limit in the unit in which it was chosen."""
    mib = 1024 * 1024
    return f"{count // mib} MiB" if count % mib == 0 else f"{count // 1024} KiB"


def near(path: str) -> str:
    """A hint naming the file beside a missing one that was probably meant."""
    return did_you_mean(os.path.basename(path), names_in(os.path.dirname(path)))


def check_path(relative: str) -> Complaint | None:
    inside = 'write it from the config folder on, such as "images/b-728x90.png"'
    if len(relative) > MAX_PATH:
        return Complaint("bad_path", f"a path of more than {MAX_PATH} characters", inside)
    if "\\" in relative or not relative.isprintable():
        return Complaint("bad_path", f"{quoted(relative)} has a backslash or a control character")
    if relative.startswith("/") or re.match("[A-Za-z]:", relative):
        return Complaint("bad_path", f"{quoted(relative)} is an absolute path", inside)
    if ".." in relative.split("/"):
        return Complaint("bad_path", f"{quoted(relative)} leads out of the config folder", inside)
    return None
