"""Which signing keys nodes may use, and the store's identity; never a key, only fingerprints.

The first node that starts on an empty store founds it: its keys are the ones that are known.
From then on a key is known because somebody has added it, and a node whose key is not known is
refused: it would issue tickets that all others take for forged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from adserver.core.nodes import KnownKey
from adserver.store.connect import Client, answering
from adserver.store.keys import Keys
from adserver.store.script import Part, Script


class Found(NamedTuple):
    """What a store says of itself. known: in the order in which they were added."""

    identity: str
    known: tuple[KnownKey, ...]


class StoredSigningKeys:
    """`core.ports.commands.SigningKeys` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._found = Script.named("keys")

    def found(self, identity: str, keys: Sequence[KnownKey]) -> Found:
        """The store's identity and known keys: these, where it has none."""
        with answering():
            places = [self._keys.signing_keys, self._keys.identity]
            answer = self._found.run(self._client, places, packed(identity, keys))
        return read_found(answer)

    def known(self) -> list[KnownKey]:
        with answering():
            return read_known(self._client.hgetall(self._keys.signing_keys).items())

    def add(self, keys: Sequence[KnownKey]) -> list[str]:
        with answering():
            return [
                key.fingerprint
                for key in keys
                if self._client.hsetnx(self._keys.signing_keys, key.fingerprint, written(key))
            ]

    def forget(self, fingerprint: str) -> None:
        with answering():
            self._client.hdel(self._keys.signing_keys, fingerprint)


def packed(identity: str, keys: Sequence[KnownKey]) -> list[Part]:
    """The arguments of scripts/keys.lua."""
    return [identity, *(part for key in keys for part in (key.fingerprint, written(key)))]


def written(key: KnownKey) -> bytes:
    return orjson.dumps({"added_at": key.added_at, "added_by": key.added_by})


def read_found(answer: Sequence[bytes]) -> Found:
    identity, *fields = answer
    known = read_known(zip(fields[::2], fields[1::2], strict=True))
    return Found(identity.decode(), tuple(known))


def read_known(fields: Iterable[tuple[bytes, bytes]]) -> list[KnownKey]:
    known = [KnownKey(name.decode(), **orjson.loads(value)) for name, value in fields]
    return sorted(known, key=lambda key: (key.added_at, key.fingerprint))
