"""Generations in the store: published by the command line, read by every worker."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import orjson

from adserver.between import between_requests
from adserver.core.assets import Asset
from adserver.core.catalog import Catalog, Generation
from adserver.core.errors import LiveHasMoved
from adserver.core.nodes import KnownKey, NodeState, told_apart
from adserver.core.pauses import Pause
from adserver.core.publication import Content, Entry, KnownCreative, Published
from adserver.core.renames import Rename, carried_pauses
from adserver.store import codec, signing
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.files import StoredFiles
from adserver.store.generations import (
    BODY,
    HISTORY,
    Fields,
    decoded,
    fields_of,
    named,
    published,
    reading,
    whole,
)
from adserver.store.keys import Keys
from adserver.store.line import line_to
from adserver.store.numbers import Numbers
from adserver.store.pauses import StoredLivePauses, written
from adserver.store.pauses import read as read_pauses
from adserver.store.repeating import repeated
from adserver.store.script import Part, Script

# A worker says that it is there every second; one that has been silent this long is gone.
NODE_FORGOTTEN_SECONDS = 3_600
# How old the list of known keys may be that is given back to a store that was emptied.
READ_KEYS_SECONDS = 10.0
NODE_FIELDS = frozenset(field.name for field in fields(NodeState))


class StoredCatalogs:
    """`core.ports.commands.Catalogs` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._publish = Script.named("publish")
        self._note_commit = Script.named("commit")
        self._nodes = Script.named("nodes")
        self._numbers = Numbers(client, keys)
        self._files = StoredFiles(client, keys)

    def live(self) -> tuple[Generation, Published] | None:
        with answering():
            number = int(self._client.get(self._keys.live) or 0)
            fields = self._fields(number) if number else {}
        return whole(number, fields) if number else None

    def generation(self, number: int) -> tuple[Generation, Published] | None:
        with answering():
            fields = self._fields(number)
        return whole(number, fields) if "body" in fields else None

    def published(self, number: int) -> Published | None:
        return next(iter(self._published([number])), None)

    def history(self, most: int) -> list[Published]:
        with answering():
            live = int(self._client.get(self._keys.live) or 0)
        return self._published(range(live, max(0, live - most), -1))

    def diff(self, number: int) -> str:
        with answering():
            diff = self._client.hget(self._keys.generation(number), "diff")
        return (diff or b"").decode()

    def publish(
        self,
        expected: int,
        catalog: Catalog,
        content: Content,
        entry: Entry,
        renamed: Sequence[Rename] = (),
    ) -> Published:
        now = time.time()
        with answering():
            self._files.put(content.assets, content.sources)
            moved = self._numbers.moved(renamed)
            numbers = self._numbers.give(catalog, moved)
            generation = Generation(expected + 1, catalog, numbers, content.files)
            fields = fields_of(generation, entry, now)
            pauses = self._carried_pauses(renamed, now)
            remembered = self._numbers.remembered(moved) | codec.known_creatives(generation)
        keys = [
            self._keys.live,
            self._keys.generation(generation.number),
            self._keys.creatives,
            self._keys.numbers,
            self._keys.pauses,
            self._keys.pauses_version,
        ]
        parts: list[Part] = [
            expected,
            len(fields),
            len(moved),
            len(pauses),
            secrets.token_hex(8),
            *(part for pair in fields.items() for part in pair),
            *(part for one in moved for part in one),
            *(part for one in pauses for part in (str(one.target), written(one))),
            *(part for pair in remembered.items() for part in pair),
        ]
        before = repeated(
            lambda: self._publish.run(self._client, keys, parts),
            f"generation {generation.number} became live",
            "adserver history",
        )
        if before != expected:
            raise LiveHasMoved(expected, int(before))
        return Published(
            generation.number, now, entry.author, entry.message, entry.commit, entry.kind, entry.of
        )

    def note_commit(self, number: int, commit: str) -> None:
        with answering():
            self._note_commit.run(
                self._client, [self._keys.live, self._keys.generation(number)], [number, commit]
            )

    def _carried_pauses(self, renamed: Sequence[Rename], now: float) -> list[Pause]:
        if not renamed:
            return []
        known = read_pauses(self._client.hgetall(self._keys.pauses))
        return list(carried_pauses((one for one in known if not one.lingers), renamed, now))

    def identity(self) -> str:
        with answering():
            return (self._client.get(self._keys.identity) or b"").decode()

    def claim(self, number: int, digests: Sequence[str]) -> list[str]:
        with answering():
            return self._files.claim(number, digests)

    def files(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        with answering():
            return self._files.read(digests)

    def _fields(self, number: int) -> Fields:
        return decoded(self._client.hgetall(self._keys.generation(number)))

    def _published(self, numbers: Iterable[int]) -> list[Published]:
        """Of those of which anything is known."""
        asked = list(numbers)
        with answering():
            pipeline = self._client.pipeline(transaction=False)
            for number in asked:
                pipeline.hmget(self._keys.generation(number), HISTORY)
                pipeline.hexists(self._keys.generation(number), "body")
            said = pipeline.execute()
        told = zip(asked, said[::2], said[1::2], strict=True)
        return [
            published(number, named(HISTORY, values), kept=bool(kept))
            for number, values, kept in told
            if any(value is not None for value in values)
        ]

    def nodes(self) -> list[NodeState]:
        """By name; `seen_at` is by our own clock, whatever the nodes' and the store's say."""
        with answering():
            said, *found = self._nodes.run(self._client, [self._keys.nodes], [])
        ahead, now = time.time() - float(said), float(said)
        states = [node_of(orjson.loads(value)) for value in found[1::2]]
        gone = {state.key for state in states if state.seen_at < now - NODE_FORGOTTEN_SECONDS}
        if gone:
            with answering():
                self._client.hdel(self._keys.nodes, *gone)
        return told_apart(
            replace(s, seen_at=s.seen_at + ahead) for s in states if s.key not in gone
        )


def node_of(said: Mapping[str, Any]) -> NodeState:
    """A later release may say more of itself."""
    return NodeState(**{name: value for name, value in said.items() if name in NODE_FIELDS})


class StoredLiveCatalog:
    """`core.ports.serving.LiveCatalog` on Redis.

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
        self._pauses = StoredLivePauses(client, keys)
        self._line = line_to(client)
        self._found = Script.named("keys")
        self._present = Script.named("present")
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
            values = await self._client.hmget(self._keys.generation(number), BODY)
        if values[-1] is None:
            return None
        return await between_requests(reading(number, named(BODY, values)))

    async def pauses(self) -> tuple[Pause, ...]:
        return await self._pauses.look()

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

    async def report_node(self, node: NodeState) -> float:
        """Seen now, by the store's clock: `seen_at` of our own is not for others."""
        state = {name: value for name, value in asdict(node).items() if name != "seen_at"}
        written = orjson.dumps(state).removesuffix(b"}")
        return float(await self._line.run(self._present, [self._keys.nodes], [node.key, written]))

    async def forget_node(self, node: NodeState) -> None:
        with answering():
            await self._client.hdel(self._keys.nodes, node.key)

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
