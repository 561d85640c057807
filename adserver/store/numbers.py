"""Permanent numbers: which one each name has, and what becomes of them when a name changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from adserver.core.catalog import Catalog, names
from adserver.core.errors import SettingsError
from adserver.core.renames import Rename
from adserver.core.ticket import MAX_NUMBERS
from adserver.store import codec
from adserver.store.connect import Client
from adserver.store.keys import Keys
from adserver.store.script import Script


class Moved(NamedTuple):
    """A name whose number another one takes over, in the form of `Generation.numbers`."""

    old: str
    new: str
    number: int


class Numbers:
    """Whoever calls it turns what goes wrong into StoreUnavailable (`answering`)."""

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client: Any = client
        self._keys = keys
        self._number = Script.named("number")

    def moved(self, renamed: Sequence[Rename]) -> list[Moved]:
        """The names of renamed campaigns, and of all creatives that these ever had."""
        if not renamed:
            return []
        new = {one.old: one.new for one in renamed}
        return [
            Moved("/".join(parts), "/".join((parts[0], new[parts[1]], *parts[2:])), number)
            for parts, number in self._every()
            if parts[0] in ("campaign", "creative") and parts[1] in new
        ]

    def give(self, catalog: Catalog, moved: Sequence[Moved]) -> dict[str, int]:
        """As `core.catalog.Generation` documents, once `moved` are: only then nobody else has
        these numbers, so a new name is given one of its own before."""
        carried = {one.new: one.number for one in moved}
        wanted = [name for name in names(catalog) if name not in carried]
        numbers = self._number.run(self._client, [self._keys.numbers], [*wanted]) if wanted else []
        given = dict(zip(wanted, numbers, strict=True))
        refuse_too_many(given)
        gone = self._of_gone_creatives(catalog, {one.old for one in moved})
        return {**gone, **carried, **given}

    def _of_gone_creatives(self, catalog: Catalog, moved: Collection[str]) -> dict[str, int]:
        """What creatives delivered that a campaign has no more counts for its goal as well."""
        campaigns = {campaign.name for campaign in catalog.campaigns}
        return {
            name: number
            for parts, number in self._every()
            if parts[0] == "creative"
            and parts[1] in campaigns
            and (name := "/".join(parts)) not in moved
        }

    def _every(self) -> Iterator[tuple[list[str], int]]:
        every: dict[bytes, bytes] = self._client.hgetall(self._keys.numbers)
        return ((name.decode().split("/"), int(number)) for name, number in every.items())

    def remembered(self, moved: Sequence[Moved]) -> dict[int, bytes]:
        """What is remembered of the creatives among them, under the campaign's new name."""
        creatives = [one for one in moved if one.new.startswith("creative/")]
        if not creatives:
            return {}
        fields = [str(one.number) for one in creatives]
        written = self._client.hmget(self._keys.creatives, fields)
        return {
            one.number: renamed_creative(known, one.new.split("/")[1])
            for one, known in zip(creatives, written, strict=True)
            if known is not None
        }


def renamed_creative(written: bytes, campaign: str) -> bytes:
    known = codec.KNOWN_CREATIVE.validate_json(written)
    return codec.KNOWN_CREATIVE.dump_json(replace(known, campaign=campaign))


def refuse_too_many(given: Mapping[str, int]) -> None:
    """Numbers are never given again, as old tickets and rows still carry them."""
    for kind, most in MAX_NUMBERS.items():
        if max((n for name, n in given.items() if name.startswith(f"{kind}/")), default=0) > most:
            raise SettingsError(
                f"this store has known more than {most:,} names of a {kind}, more than a "
                "ticket can tell apart; begin a new one with another ADSERVER_NAMESPACE"
            )
