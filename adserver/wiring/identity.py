"""What a node remembers of a store, so that its journals never go to another one.

A store has an identity, made at random when its first node starts. The node remembers it, with
the signing keys that the store knew, in a file of its state folder, one for each store and
namespace. A store that was emptied is given back what is remembered; one that has another
identity is another store, and the journals of the old one stay aside.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import orjson

from adserver.core.errors import SettingsError
from adserver.core.nodes import KnownKey
from adserver.serving.journal_files import sync_folder

JOURNALS = "journal"
SUFFIX = ".store"
NAME_BYTES = 8
IDENTITY_BYTES = 8


@dataclass(frozen=True, slots=True)
class Remembered:
    """As the store was when this node was last admitted to it."""

    identity: str
    known: tuple[KnownKey, ...]

    def knows(self, fingerprint: str) -> bool:
        return any(key.fingerprint == fingerprint for key in self.known)


@dataclass(frozen=True, slots=True)
class Mark:
    """The file in which a node remembers one store."""

    state: Path
    store: str
    namespace: str

    @property
    def path(self) -> Path:
        """Named after both: another store, or another namespace in it, is another mark."""
        named = f"{without_password(self.store)}\n{self.namespace}"
        name = blake2b(named.encode(), digest_size=NAME_BYTES).hexdigest()
        return self.state / JOURNALS / f"{name}{SUFFIX}"

    def read(self) -> Remembered | None:
        """None where this node was never admitted to this store."""
        try:
            written = orjson.loads(self.path.read_bytes())
            known = tuple(KnownKey(**key) for key in written["known"])
            return Remembered(written["identity"], known)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"what this node remembers of its store cannot be read from {self.path}: {error}; "
                f"put the file back from a backup, or remove it if no journal lies beside it"
            ) from error

    def write(self, remembered: Remembered) -> None:
        """Whole or not at all, and on disk when this returns."""
        text = orjson.dumps(
            {
                "store": without_password(self.store),
                "namespace": self.namespace,
                "identity": remembered.identity,
                "known": [asdict(key) for key in remembered.known],
            },
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )
        folder = self.path.parent
        # Several nodes may share a folder: each writes a file of its own before it is renamed.
        fresh = folder / f"{self.path.name}.{os.getpid()}.new"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            sync_folder(folder)
        except OSError as error:
            raise SettingsError(
                f"cannot write {self.path}: {error.strerror}; ADSERVER_STATE must be a folder that "
                "this node may write to, and that survives a restart"
            ) from error


def without_password(address: str) -> str:
    """A store stays the same one when its password changes."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def new_identity() -> str:
    return secrets.token_hex(IDENTITY_BYTES)
