"""The files that a generation takes with it, by digest.

Documents are held. Pictures are read again when somebody asks for their bytes: a folder may have
more of them than a laptop should hold, and most are in the store already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from adserver.core.assets import Asset, digest_of
from adserver.core.errors import CatalogError
from adserver.core.problems import Problem, Severity


class Kept(Mapping[str, Asset]):
    def __init__(self) -> None:
        self._held: dict[str, Asset] = {}
        # By digest: the path to open, the name to tell, the media type.
        self._files: dict[str, tuple[str, str, str]] = {}
        # Bytes of each, by digest.
        self.sizes: dict[str, int] = {}

    def hold(self, data: bytes, media_type: str) -> str:
        """The answer is the digest."""
        digest = digest_of(data)
        self.sizes[digest] = len(data)
        self._held.setdefault(digest, Asset(data, media_type))
        return digest

    def remember(self, data: bytes, media_type: str, path: str, name: str) -> str:
        """Keep only where the bytes are. name: the file as the user would write it."""
        digest = digest_of(data)
        self.sizes[digest] = len(data)
        self._files.setdefault(digest, (path, name, media_type))
        return digest

    def only(self, digests: Collection[str]) -> Kept:
        fewer = Kept()
        fewer._held = {one: asset for one, asset in self._held.items() if one in digests}
        fewer._files = {one: file for one, file in self._files.items() if one in digests}
        fewer.sizes = {one: size for one, size in self.sizes.items() if one in digests}
        return fewer

    def take(self, other: Kept) -> None:
        self._held = other._held | self._held
        self._files = other._files | self._files
        self.sizes |= other.sizes

    def __getitem__(self, digest: str) -> Asset:
        """CatalogError where a picture is not any more what was checked."""
        if digest in self._held:
            return self._held[digest]
        path, name, media_type = self._files[digest]
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            data = b""
        if digest_of(data) != digest:
            message = "this file was changed while it was being read"
            raise CatalogError(
                [Problem(name, 0, 0, Severity.ERROR, "changed_file", message, "try again")]
            )
        return Asset(data, media_type)

    def __iter__(self) -> Iterator[str]:
        yield from self._held
        yield from (digest for digest in self._files if digest not in self._held)

    def __len__(self) -> int:
        return len(self._held.keys() | self._files.keys())

    def __contains__(self, digest: object) -> bool:
        return digest in self._held or digest in self._files
