"""The file of a country database: copied, opened and checked.

What is read is a copy of our own: a file that is written over in place would change under the
feet of whoever has it mapped into memory, or end the process where it has become shorter.
"""

from __future__ import annotations

import os
import shutil
import stat
from itertools import islice
from pathlib import Path
from typing import Any

import maxminddb

from adserver.core.errors import SettingsError
from adserver.serving.headers import COUNTRY_CODE

# A database of countries has 10 MiB, one of cities 60.
MAX_DATABASE_BYTES = 256 * 1024 * 1024
# Of a country database, nearly every record names one.
RECORDS_LOOKED_AT = 1_000
EXPECTED = (
    "expected a country database in MaxMind's format, such as GeoLite2-Country.mmdb; name "
    "another file, or leave ADSERVER_COUNTRY_DATABASE out"
)

Stamp = tuple[int, int, int]


class Reader:
    """An open database. built: UTC seconds at which it was made, by its own word."""

    def __init__(self, path: Path) -> None:
        self._reader = maxminddb.open_database(str(path))
        about = self._reader.metadata()
        self.ip_version, self.built = about.ip_version, about.build_epoch

    def record(self, address: Any) -> object:
        return self._reader.get(address)

    def names_countries(self) -> bool:
        return any(country_in(found) for _, found in islice(self._reader, RECORDS_LOOKED_AT))

    def close(self) -> None:
        self._reader.close()


def country_in(record: object) -> str:
    """The country where it is, else the one that it is registered in; "" if neither is there."""
    if not isinstance(record, dict):
        return ""
    for key in ("country", "registered_country"):
        found = record.get(key)
        code = found.get("iso_code") if isinstance(found, dict) else None
        if isinstance(code, str) and COUNTRY_CODE.fullmatch(code):
            return code
    return ""


def stamp_of(source: Path) -> Stamp | None:
    """Another one where the file is another; None where there is none."""
    try:
        found = source.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def renewed(source: Path, kept: Path) -> Reader:
    """The operator's file, open; `kept` is then a copy of it. SettingsError if it is of no use,
    and `kept` is what it was."""
    copy = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        check_file(source)
        shutil.copyfile(source, copy)
        reader = opened(copy, source)
        copy.replace(kept)
    except OSError as error:
        what = f"{source} cannot be read, or copied into {kept.parent}: {error.strerror}"
        raise SettingsError(f"{what}; {EXPECTED}") from error
    finally:
        copy.unlink(missing_ok=True)
    return reader


def check_file(source: Path) -> None:
    found = source.stat()
    if not stat.S_ISREG(found.st_mode):
        raise SettingsError(f"{source} is not a file; {EXPECTED}")
    if found.st_size > MAX_DATABASE_BYTES:
        limit = f"{MAX_DATABASE_BYTES // 1024**2} MiB"
        raise SettingsError(f"{source} has more than {limit}; {EXPECTED}")


def opened(copy: Path, source: Path) -> Reader:
    try:
        reader = Reader(copy)
        if reader.names_countries():
            return reader
    # Whatever a damaged file makes of others' code: it says no more than that it is damaged.
    except Exception as error:
        raise SettingsError(f"{source} is damaged, or no database; {EXPECTED}") from error
    reader.close()
    raise SettingsError(f"{source} is a database, but names no countries; {EXPECTED}")
