"""Files that travel with generations, each stored once by its content.

An asset is served by nodes, a source never is. Of both there may be thousands, so they are asked
for and written many at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from adserver.core.assets import Asset, digest_of
from adserver.store.connect import Client
from adserver.store.keys import Keys

# Small questions, and small answers.
DIGESTS_A_CALL = 500
# Files sent at once; more would be held in memory by both sides.
FILES_A_CALL = 100
BYTES_A_CALL = 4 << 20


class StoredFiles:
    """Whoever calls it turns what goes wrong into StoreUnavailable (`answering`)."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys

    def claim(self, number: int, digests: Sequence[str]) -> list[str]:
        """Keep these for a generation, before it is asked what is there: whoever removes files
        looks for which generation they are kept. Those that are not there."""
        for some in parts(digests, DIGESTS_A_CALL):
            self._client.zadd(self._keys.contents, dict.fromkeys(some, number), gt=True)
        return self._missing(digests)

    def put(self, assets: Mapping[str, Asset], sources: Mapping[str, bytes]) -> None:
        """Write them, whether or not they are there."""
        for some in calls((digest, len(one.data)) for digest, one in assets.items()):
            pipeline = self._client.pipeline(transaction=False)
            for digest in some:
                one = assets[digest]
                fields = {"data": one.data, "media_type": one.media_type}
                pipeline.hset(self._keys.asset(digest), mapping=fields)
            pipeline.execute()
        for some in calls((digest, len(data)) for digest, data in sources.items()):
            pipeline = self._client.pipeline(transaction=False)
            for digest in some:
                pipeline.set(self._keys.source(digest), sources[digest])
            pipeline.execute()

    def read(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those that are there as they were applied, of either kind."""
        found: dict[str, bytes] = {}
        for some in parts(digests, FILES_A_CALL):
            pipeline = self._client.pipeline(transaction=False)
            for digest in some:
                pipeline.get(self._keys.source(digest))
                pipeline.hget(self._keys.asset(digest), "data")
            answers = pipeline.execute()
            for digest, source, asset in zip(some, answers[::2], answers[1::2], strict=True):
                for data in (source, asset):
                    if data is not None and digest_of(data) == digest:
                        found[digest] = data
        return found

    def _missing(self, digests: Sequence[str]) -> list[str]:
        missing: list[str] = []
        for some in parts(digests, DIGESTS_A_CALL):
            pipeline = self._client.pipeline(transaction=False)
            for digest in some:
                pipeline.exists(self._keys.asset(digest))
                pipeline.exists(self._keys.source(digest))
            told = pipeline.execute()
            there = zip(some, told[::2], told[1::2], strict=True)
            missing += [digest for digest, asset, source in there if not asset and not source]
        return missing


def parts(words: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (words[at : at + most] for at in range(0, len(words), most))


def calls(sizes: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Digests of files that are sent together."""
    some: list[str] = []
    total = 0
    for digest, size in sizes:
        some.append(digest)
        total += size
        if len(some) >= FILES_A_CALL or total >= BYTES_A_CALL:
            yield some
            some, total = [], 0
    if some:
        yield some
