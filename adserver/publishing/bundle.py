"""The config folder on its way to another machine, whole or not at all.

A line says what comes and how long it is; then comes a tar of exactly that length, and nothing is
believed before all of it has arrived. Only what reading uses travels: YAML, pictures, documents.
What is larger than anything that reading accepts is cut one byte behind that limit, so that the
other side finds it too large as well.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO

import orjson
from pydantic import TypeAdapter

from adserver.core.errors import BundleError
from adserver.publishing import documents, files, images, mark
from adserver.publishing.folder import CAMPAIGNS, SITE_FILE, SLOTS_FILE, check_path
from adserver.publishing.nodes import quoted, visible

MAX_FILES = 20_000
MAX_BYTES = 200_000_000
MAX_FILE_BYTES = max(files.MAX_BYTES, images.MAX_BYTES, documents.MAX_BYTES) + 1
# Of what a tar says in front of a file: here a path that is long, or no ASCII, and nothing else.
MAX_HEAD_BYTES = 4_200
# More is kept on disk meanwhile.
MAX_BYTES_IN_MEMORY = 8_000_000
# Folders in folders; also what ends a circle of links.
MAX_DEPTH = 32
ENDINGS = (*images.ENDINGS, ".html", ".htm", ".xhtml")

GREETING = "adserver-bundle"
VERSION = "1"
# The longest first line there can be: greeting, version and twelve digits.
MAX_LINE = 64
ABOUT = ".about"
# The one hidden file that travels: which generation the folder was last seen to be.
MARK = f"{mark.FOLDER}/{mark.FILE}"
DEFAULT_NAME = "config"


@dataclass(frozen=True, slots=True)
class About:
    """called: the folder, as its owner calls it; author and commit: of whoever sends it."""

    called: str = DEFAULT_NAME
    author: str = ""
    commit: str = ""


ABOUTS = TypeAdapter(About)


@dataclass(slots=True)
class Gathered:
    """What would be sent (path in the folder → file), and what would not, with the reason."""

    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def gather(folder: Path) -> Gathered:
    """BundleError where there is no folder, or more in it than may be sent."""
    if not os.path.isdir(folder):
        raise BundleError(f"there is no folder {visible(str(folder))}")
    found = Gathered()
    real = os.path.realpath(folder)
    try:
        look_into(folder, real, PurePosixPath(), found, depth=0)
    except OSError as error:
        at = visible(str(error.filename or folder))
        raise BundleError(f"{at} cannot be read: {error.strerror}") from error
    seen = folder / MARK
    if seen.is_file() and is_inside(seen, real):
        found.files[MARK] = seen
    if len(found.files) > MAX_FILES:
        raise BundleError(
            f"{visible(str(folder))} has more than {MAX_FILES:,} files, which is too much to send"
        )
    return found


def look_into(folder: Path, real: str, at: PurePosixPath, found: Gathered, depth: int) -> None:
    """Everything that reading may ask for in one folder, and in those in it."""
    for entry in sorted(os.scandir(folder / at), key=lambda one: one.name):
        path = at / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if depth >= MAX_DEPTH:
                found.left_out[str(path)] = f"is more than {MAX_DEPTH} folders deep"
            elif is_inside(entry, real):
                look_into(folder, real, path, found, depth + 1)
            else:
                found.left_out[str(path)] = "is a link to a folder outside"
        elif is_read(path):
            if reason := unfit(entry, real, str(path)):
                found.left_out[str(path)] = reason
            else:
                found.files[str(path)] = Path(entry.path)


def is_read(path: PurePosixPath) -> bool:
    """Of what lies among the campaigns, the names alone are looked at as well."""
    if str(path) in (SITE_FILE, SLOTS_FILE) or str(path.parent) == CAMPAIGNS:
        return True
    return path.suffix.lower() in ENDINGS


def is_inside(entry: os.DirEntry[str] | Path, real: str) -> bool:
    return os.path.realpath(entry).startswith(real.rstrip(os.sep) + os.sep)


def unfit(entry: os.DirEntry[str], real: str, path: str) -> str:
    """Why a file is not sent, "" if it is."""
    if not os.path.exists(entry):
        return "is a link that leads nowhere"
    if not is_inside(entry, real):
        return "is a link to a file outside"
    if not stat.S_ISREG(entry.stat().st_mode):
        return "is no regular file"
    complaint = check_path(path)
    return complaint.message if complaint else ""


def pack(gathered: Gathered, about: About, into: IO[bytes]) -> None:
    """into: a file that can be rewound; it is then what is to be sent. BundleError where it
    would be too large, or a file cannot be read."""
    into.write(b" " * MAX_LINE)
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as tar:
        add(tar, ABOUT, orjson.dumps(asdict(about)))
        total = 0
        for path, file in gathered.files.items():
            data = read(file)
            total += len(data)
            if total > MAX_BYTES:
                raise BundleError(
                    f"the folder has more than {MAX_BYTES // 1_000_000} MB, which is too much to "
                    "send"
                )
            add(tar, path, data)
    length = into.tell() - MAX_LINE
    into.seek(0)
    into.write(f"{GREETING} {VERSION} {length}".ljust(MAX_LINE - 1).encode() + b"\n")
    into.seek(0)


def add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES)
    except OSError as error:
        raise BundleError(f"{visible(str(file))} cannot be read: {error.strerror}") from error


def unpack(stream: IO[bytes], into: Path) -> tuple[About, Path]:
    """Read one bundle, and not a byte more; what it says of itself, and its folder below `into`.

    into: an empty folder. BundleError where the bundle is not whole, or has in it what none has.
    """
    length = announced(stream.readline(MAX_LINE))
    with spooled() as spool:
        receive(stream, spool, length)
        spool.seek(0)
        try:
            check_heads(spool)
            spool.seek(0)
            with tarfile.open(fileobj=spool, mode="r:") as tar:
                return lay_down(tar, into)
        except (tarfile.TarError, ValueError) as error:
            raise BundleError(f"what arrived cannot be unpacked: {error}") from error
        except OSError as error:
            raise BundleError(f"what arrived cannot be unpacked: {error.strerror}") from error


def spooled() -> SpooledTemporaryFile[bytes]:
    """A file without a name; in memory while it is small."""
    return SpooledTemporaryFile(MAX_BYTES_IN_MEMORY)


def announced(line: bytes) -> int:
    """The length of what comes."""
    words = line.decode("ascii", "replace").split()
    if len(words) != 3 or words[0] != GREETING or not words[2].isdecimal():
        raise BundleError("expected a config folder on stdin, as `--via` sends it")
    if words[1] != VERSION:
        raise BundleError(
            f"the folder was sent in version {words[1]}, this release reads {VERSION}; use the "
            "same release on both sides"
        )
    # A tar's heads and its padding come on top: at most three blocks of 512 bytes for each file.
    if (length := int(words[2])) > MAX_BYTES + 1_536 * (MAX_FILES + 2) + tarfile.RECORDSIZE:
        raise BundleError(f"{length:,} bytes are more than a config folder may have")
    return length


def receive(stream: IO[bytes], into: IO[bytes], length: int) -> None:
    left = length
    while left:
        part = stream.read(min(left, MAX_FILE_BYTES))
        if not part:
            raise BundleError("the folder did not arrive whole: the connection broke off")
        into.write(part)
        left -= len(part)


def check_heads(spool: IO[bytes]) -> None:
    """Before tarfile looks at it, which keeps all that is said in front of files in memory, however
    long it is, and maps of files with holes. BundleError for what none of our tars has."""
    number = long_heads = 0
    while any(block := spool.read(tarfile.BLOCKSIZE)):
        head = tarfile.TarInfo.frombuf(block, tarfile.ENCODING, "surrogateescape")
        skipped = -(-head.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        number += 1
        if number > 2 * (MAX_FILES + 2):
            raise BundleError("what arrived is larger than a config folder may be")
        if head.type == tarfile.XHDTYPE:
            long_heads += 1
            said = spool.read(min(skipped, 2 * MAX_HEAD_BYTES))[: head.size]
            if long_heads > 1 or len(said) > MAX_HEAD_BYTES or not is_path(said):
                raise BundleError("what arrived has more in front of a file than its path")
            continue
        long_heads = 0
        if head.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or head.size < 0:
            raise BundleError(f"{head.name!r} arrived, which is no file of a config folder")
        spool.seek(skipped, io.SEEK_CUR)


def is_path(said: bytes) -> bool:
    """One record of POSIX.1-2001, `LENGTH path=…`; others may say how long the file is."""
    length, _, record = said.partition(b" ")
    return length == str(len(said)).encode() and record.startswith(b"path=")


def lay_down(tar: tarfile.TarFile, into: Path) -> tuple[About, Path]:
    """Nothing of a tar is trusted: neither names nor kinds nor sizes."""
    entries = checked(tar)
    name, said = next(entries, ("", b""))
    if name != ABOUT:
        raise BundleError("what arrived does not say what it is")
    about = ABOUTS.validate_json(said)
    if check_path(about.called) or about.called in ("", "."):
        raise BundleError(f"{about.called!r} is no name for a folder")
    folder = into / about.called
    folder.mkdir(parents=True)
    for path, data in entries:
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("xb") as file:
                file.write(data)
        except OSError as error:  # which would name the place here, that is nobody's business
            raise BundleError(
                f"what arrived cannot be unpacked: {quoted(path)}: {error.strerror}"
            ) from error
    return about, folder


def checked(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    total = 0
    for number, entry in enumerate(tar):
        total += entry.size
        too_large = entry.size > MAX_FILE_BYTES or total > MAX_BYTES + MAX_FILE_BYTES
        if number > MAX_FILES + 1 or too_large:
            raise BundleError("what arrived is larger than a config folder may be")
        if not entry.isreg() or check_path(entry.name):
            raise BundleError(f"{entry.name!r} arrived, which is no file of a config folder")
        content = tar.extractfile(entry)
        yield entry.name, content.read() if content else b""
