"""Pauses in the store: a hash that outlives generations, and the log of who paused what."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from adserver.core.errors import UnreadablePause
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.store.connect import AsyncClient, Client, answering
from adserver.store.keys import Keys
from adserver.store.repeating import repeated
from adserver.store.script import Part, Script

# Some 200 bytes each.
MAX_ACTS = 1_000


class StoredPauses:
    """`core.ports.commands.Pauses` on Redis."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._script = Script.named("pause")

    def known(self) -> list[Pause]:
        with answering():
            every = read(self._client.hgetall(self._keys.pauses))
        return [pause for pause in every if not pause.lingers]

    def act(self, act: Act, gone: Sequence[Target], pauses: Sequence[Pause]) -> None:
        lifted = [str(target) for target in gone]
        put: list[Part] = [part for p in pauses for part in (str(p.target), written(p))]
        keys = [self._keys.pauses, self._keys.pauses_version, self._keys.pauses_log]
        version = secrets.token_hex(8)
        parts = [repr(act.at), version, written(act), MAX_ACTS, len(lifted), *lifted, *put]
        repeated(
            lambda: self._script.run(self._client, keys, parts),
            f"that was {act.verb}d",
            "adserver pause --list",
        )

    def acts(self, most: int) -> list[Act]:
        with answering():
            every = self._client.zrangebyscore(self._keys.pauses_log, "-inf", "+inf")
        return [read_act(one) for one in reversed(every[-most:])]


class StoredLivePauses:
    """The same for workers: read again when somebody has paused or resumed something."""

    def __init__(self, client: AsyncClient, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._version: bytes | None = None
        self._pauses: tuple[Pause, ...] = ()

    async def look(self) -> tuple[Pause, ...]:
        with answering():
            live, version = await self._client.mget(self._keys.live, self._keys.pauses_version)
            # Nothing is live in a store that was emptied: what it lost was not resumed.
            if live is None or version == self._version:
                return self._pauses
            # What is put between the two questions is read again by its own version.
            fields = await self._client.hgetall(self._keys.pauses)
        self._pauses, self._version = read(fields), version
        return self._pauses


def written(said: Pause | Act) -> bytes:
    return orjson.dumps(asdict(said) | {"target": str(said.target)})


def read(fields: Mapping[bytes, bytes]) -> tuple[Pause, ...]:
    """UnreadablePause for what was not written by this release or one like it."""
    found = (read_pause(target.decode(), value) for target, value in fields.items())
    return tuple(sorted(found, key=lambda pause: pause.target))


def read_pause(target: str, value: bytes) -> Pause:
    try:
        said = orjson.loads(value)
        return Pause(
            Target.read(target),
            said["since"],
            said["until"],
            said["by"],
            said["message"],
            said.get("lingers", False),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadablePause(
            f"the pause of {target} in the store cannot be read; use the release that wrote it, "
            "or restore the store from a backup"
        ) from error


def read_act(value: bytes) -> Act:
    said = orjson.loads(value)
    return Act(
        said["at"],
        Verb(said["verb"]),
        Target.read(said["target"]),
        said["by"],
        said["message"],
        said["until"],
    )
