"""A store in a file: written whole or not at all, and read only if every byte is as it was.

    file  = magic 8 · length of the head 4 · head (JSON) · entries (zlib) · SHA-256 of all that 32
    entry = type 1 · expires (UTC ms, 0 never) 8 · length of the name 4 · of the body 8
            · name · body

The magic's digit is the version. What an entry's body is, `store/entries.py` says.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import IO

import orjson

from adserver.core.errors import BackupError
from adserver.store.entries import HASH, SORTED_SET, STRING, Entry

NAME = b"adsbkup"
VERSION = b"1"
LENGTH = Struct(">I")
ENTRY = Struct(">cQIQ")
CODES = {STRING: b"s", HASH: b"h", SORTED_SET: b"z"}
TYPES = {code: kind for kind, code in CODES.items()}
CHECK_BYTES = sha256().digest_size
LEAST_BYTES = len(NAME) + len(VERSION) + LENGTH.size + CHECK_BYTES
# A backup of two hundred megabytes takes four seconds instead of sixteen at the usual level.
COMPRESSION = 1
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """made_at: UTC seconds; release: of this program."""

    made_at: float
    release: str
    namespace: str
    shards: int
    entries: int


def write_backup(path: Path, head: Head, entries: Iterable[Entry]) -> None:
    """Under its name only when it is whole and on the disk. OSError as it comes."""
    with replaced(path) as file:
        begin = orjson.dumps(asdict(head))
        out = Checked(file)
        out.write(NAME + VERSION + LENGTH.pack(len(begin)) + begin)
        packer = zlib.compressobj(COMPRESSION)
        for entry in entries:
            out.write(packer.compress(pack_entry(entry)))
        out.write(packer.flush())
        file.write(out.check.digest())


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes this place when everything has been written to it; ours to read only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Checked:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.check = sha256()

    def write(self, data: bytes) -> None:
        self.check.update(data)
        self._file.write(data)


def pack_entry(entry: Entry) -> bytes:
    name = entry.name.encode()
    head = ENTRY.pack(CODES[entry.type], entry.expires, len(name), len(entry.body))
    return head + name + entry.body


def read_head(path: Path) -> Head:
    """The head of a file whose every byte has been checked; BackupError says what is wrong."""
    try:
        with path.open("rb") as file:
            check_bytes(path, file)
            file.seek(0)
            return head_of(file)
    except OSError as error:
        raise BackupError(path, f"cannot be read: {error.strerror}") from error


def check_bytes(path: Path, file: IO[bytes]) -> None:
    left = os.fstat(file.fileno()).st_size - CHECK_BYTES
    begin = file.read(len(NAME) + len(VERSION))
    if not begin.startswith(NAME) or left < LEAST_BYTES - CHECK_BYTES:
        raise BackupError(path, "is not a backup that `adserver store backup` has made")
    if begin != NAME + VERSION:
        raise BackupError(
            path,
            f"is a backup of version {begin[len(NAME) :].decode('ascii', 'replace')}, this "
            f"release reads {VERSION.decode()}; restore it with the release that made it",
        )
    file.seek(0)
    check = sha256()
    while left > 0:
        data = file.read(min(READ_BYTES, left))
        check.update(data)
        left -= len(data)
    if file.read() != check.digest():
        raise BackupError(path, "is damaged: its checksum is another; take an older backup")


def head_of(file: IO[bytes]) -> Head:
    file.seek(len(NAME) + len(VERSION))
    [length] = LENGTH.unpack(file.read(LENGTH.size))
    return Head(**orjson.loads(file.read(length)))


def read_entries(path: Path, read_bytes: int = READ_BYTES) -> Iterator[Entry]:
    """Of a file whose head has been read, which is to say checked."""
    with path.open("rb") as file:
        head_of(file)
        left = os.fstat(file.fileno()).st_size - CHECK_BYTES - file.tell()
        unpacker, held = zlib.decompressobj(), bytearray()
        while left > 0:
            data = file.read(min(read_bytes, left))
            left -= len(data)
            held += unpacker.decompress(data)
            at = 0
            while (found := entry_at(held, at)) is not None:
                entry, at = found
                yield entry
            del held[:at]


def entry_at(held: bytearray, at: int) -> tuple[Entry, int] | None:
    """The entry there and the offset behind it; None if there is not all of it yet."""
    if len(held) - at < ENTRY.size:
        return None
    code, expires, name, body = ENTRY.unpack_from(held, at)
    begin = at + ENTRY.size
    end = begin + name + body
    if len(held) < end:
        return None
    text = bytes(held[begin : begin + name]).decode()
    return Entry(text, TYPES[code], expires, bytes(held[begin + name : end])), end
