"""Generations in the store: published by the command line, read by every worker."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from adserver.between import between_requests
from adserver.core.assets import Asset
from adserver.core.catalog import Catalog, Generation, names
from adserver.core.errors import LiveHasMoved, SettingsError, UnreadableGeneration
from adserver.core.ports import KnownCreative, KnownKey, NodeState, Published
from adserver.core.steps import Steps, finish
from adserver.core.ticket import MAX_NUMBERS
from adserver.store import codec, signing
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.keys import Keys
from adserver.store.line import line_to
from adserver.store.script import Script

# A worker says that it is there every second; one that has been silent this long is gone.
NODE_FORGOTTEN_SECONDS = 3_600
# How old the list of known keys may be that is given back to a store that was emptied.
READ_KEYS_SECONDS = 10.0


class StoredCatalogs:
    """`core.ports.Catalogs` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._publish = Script.named("publish")
        self._number = Script.named("number")

    def live(self) -> tuple[Generation, Published] | None:
        with answering():
            number = int(self._client.get(self._keys.live) or 0)
            fields = self._client.hgetall(self._keys.generation(number)) if number else {}
        if not number:
            return None
        return finish(reading(number, fields)), published(number, fields)

    def publish(  # noqa: PLR0913 - what a generation's history says of it
        self,
        expected: int,
        catalog: Catalog,
        assets: Mapping[str, Asset],
        author: str,
        message: str,
        diff: str,
    ) -> Published:
        now = time.time()
        with answering():
            self._store_assets(assets)
            generation = Generation(expected + 1, catalog, self._give_numbers(catalog))
            remembered = codec.known_creatives(generation)
            before = self._publish.run(
                self._client,
                [
                    self._keys.live,
                    self._keys.generation(generation.number),
                    self._keys.creatives,
                ],
                [
                    expected,
                    codec.write(generation),
                    repr(now),
                    author,
                    message,
                    diff,
                    codec.VERSION,
                    *(part for pair in remembered.items() for part in pair),
                ],
            )
        if before != expected:
            raise LiveHasMoved(expected, int(before))
        return Published(generation.number, now, author, message)

    def missing_assets(self, digests: Sequence[str]) -> list[str]:
        with answering():
            return [d for d in digests if not self._client.exists(self._keys.asset(d))]

    def nodes(self) -> list[NodeState]:
        with answering():
            fields = self._client.hgetall(self._keys.nodes)
        states = [NodeState(**orjson.loads(value)) for value in fields.values()]
        gone = [s.name for s in states if s.seen_at < time.time() - NODE_FORGOTTEN_SECONDS]
        if gone:
            with answering():
                self._client.hdel(self._keys.nodes, *gone)
        return sorted((s for s in states if s.name not in gone), key=lambda s: s.name)

    def _give_numbers(self, catalog: Catalog) -> dict[str, int]:
        wanted = names(catalog)
        numbers = self._number.run(self._client, [self._keys.numbers], [*wanted])
        given = dict(zip(wanted, numbers, strict=True))
        for kind, most in MAX_NUMBERS.items():
            # Numbers are never given again, as old tickets and rows still carry them.
            if (
                max((n for name, n in given.items() if name.startswith(f"{kind}/")), default=0)
                > most
            ):
                raise SettingsError(
                    f"this store has known more than {most:,} names of a {kind}, more than a "
                    "ticket can tell apart; begin a new one with another ADSERVER_NAMESPACE"
                )
        return {**self._of_gone_creatives(catalog), **given}

    def _of_gone_creatives(self, catalog: Catalog) -> dict[str, int]:
        """What creatives delivered that a campaign has no more counts for its goal as well."""
        campaigns = {campaign.name for campaign in catalog.campaigns}
        every: dict[bytes, bytes] = self._client.hgetall(self._keys.numbers)
        split = ((name.decode().split("/"), int(number)) for name, number in every.items())
        return {
            "/".join(parts): number
            for parts, number in split
            if parts[0] == "creative" and parts[1] in campaigns
        }

    def _store_assets(self, assets: Mapping[str, Asset]) -> None:
        for digest in self.missing_assets(list(assets)):
            asset = assets[digest]
            self._client.hset(
                self._keys.asset(digest),
                mapping={"data": asset.data, "media_type": asset.media_type},
            )


class StoredLiveCatalog:
    """`core.ports.LiveCatalog` on Redis.

    known: signing keys that the store knew when it was last read, to give them back; they are
    read again after so many seconds.
    """

    def __init__(
        self,
        client: AsyncClient,
        keys: Keys,
        known: Sequence[KnownKey] = (),
        read_keys_seconds: float = READ_KEYS_SECONDS,
    ) -> None:
        self._client: Any = client
        self._keys = keys
        self._line = line_to(client)
        self._found = Script.named("keys")
        self._known = list(known)
        self._identity = ""
        self._read_keys_seconds = read_keys_seconds
        self._read_keys_at = 0.0

    async def live_number(self) -> int:
        """Reads the identity as well, for `keep_identity`: one question for both."""
        with answering():
            live, identity = await self._client.mget(self._keys.live, self._keys.identity)
        self._identity = (identity or b"").decode()
        return int(live or 0)

    async def generation(self, number: int) -> Generation | None:
        with answering():
            fields = await self._client.hgetall(self._keys.generation(number))
        return await between_requests(reading(number, fields)) if fields else None

    async def asset(self, digest: str) -> Asset | None:
        with answering():
            data, media_type = await self._client.hmget(
                self._keys.asset(digest), "data", "media_type"
            )
        return None if data is None else Asset(data, media_type.decode())

    async def known_creative(self, number: int) -> KnownCreative | None:
        with answering():
            written = await self._client.hget(self._keys.creatives, str(number))
        return None if written is None else codec.KNOWN_CREATIVE.validate_json(written)

    async def report_node(self, node: NodeState) -> None:
        with answering():
            await self._client.hset(self._keys.nodes, node.name, orjson.dumps(node))

    async def forget_node(self, name: str) -> None:
        with answering():
            await self._client.hdel(self._keys.nodes, name)

    async def keep_identity(self, identity: str) -> str:
        now = time.monotonic()
        if self._identity != identity or now >= self._read_keys_at:
            with answering():
                answer = await self._line.run(
                    self._found,
                    [self._keys.signing_keys, self._keys.identity],
                    signing.packed(identity, self._known),
                )
            found = signing.read_found(answer)
            self._identity, self._known = found.identity, list(found.known)
            self._read_keys_at = now + self._read_keys_seconds
        return self._identity


def reading(number: int, fields: Mapping[bytes, bytes]) -> Steps[Generation]:
    """UnreadableGeneration where another release wrote it, or something else did since."""
    version = int(fields.get(b"version", codec.VERSION))
    if not codec.VERSION - 1 <= version <= codec.VERSION:
        raise UnreadableGeneration(
            f"generation {number} is written in version {version}, this release reads "
            f"{codec.VERSION}; use the release that applied it, or apply again"
        )
    try:
        return (yield from codec.reading(fields[b"body"], version))
    except (KeyError, ValueError) as error:
        raise UnreadableGeneration(
            f"generation {number} is damaged in the store; restore the store from a backup"
        ) from error


def published(number: int, fields: Mapping[bytes, bytes]) -> Published:
    return Published(
        number=number,
        created_at=float(fields[b"created_at"]),
        author=fields[b"author"].decode(),
        message=fields[b"message"].decode(),
    )
