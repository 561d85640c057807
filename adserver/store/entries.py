"""Keys with what they hold, as bytes that any store takes: how backups and moves carry them.

An entry is read and written with the ordinary commands of its type, so that it may go from
Valkey to Redis and back, which DUMP and RESTORE of two versions would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from struct import Struct, pack, unpack_from
from typing import Any, NamedTuple

from adserver.core.errors import UnfitStore

COUNT = Struct(">I")
# Fields of one HSET or ZADD: below a millisecond of the server's time.
PARTS_A_COMMAND = 2_000
STRING, HASH, SORTED_SET = b"string", b"hash", b"zset"
NEVER = 0


class Entry(NamedTuple):
    """name: the key behind its namespace and colon. expires: UTC milliseconds, or NEVER.

    body: the parts of the value, packed: the string; each field and its value; each member and
    its score.
    """

    name: str
    type: bytes
    expires: int
    body: bytes

    @property
    def parts(self) -> list[bytes]:
        return unpack_parts(self.body)

    @property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        parts = self.parts
        return list(zip(parts[::2], parts[1::2], strict=True))


def entry_of_pairs(
    name: str, kind: bytes, expires: int, pairs: Iterable[tuple[bytes, bytes]]
) -> Entry:
    """The pairs in an order of their own, so that equal values are equal bytes."""
    return Entry(name, kind, expires, pack_parts(list(chain.from_iterable(sorted(pairs)))))


def pack_parts(parts: Sequence[bytes]) -> bytes:
    lengths = pack(f">{len(parts)}I", *map(len, parts))
    return COUNT.pack(len(parts)) + lengths + b"".join(parts)


def unpack_parts(body: bytes) -> list[bytes]:
    [count] = COUNT.unpack_from(body)
    lengths = unpack_from(f">{count}I", body, COUNT.size)
    ends = list(accumulate(lengths, initial=COUNT.size * (count + 1)))
    return [body[begin:end] for begin, end in pairwise(ends)]


def ask(pipeline: Any, key: bytes | str, kind: bytes) -> None:
    """Queue the two commands whose answers `read` makes an entry of."""
    match kind:
        case b"string":
            pipeline.get(key)
        case b"hash":
            pipeline.hgetall(key)
        case b"zset":
            pipeline.zrange(key, 0, -1, withscores=True)
        case _:
            name = key.decode() if isinstance(key, bytes) else key
            raise UnfitStore(
                f"{name} is a {kind.decode()}, which this release does not know; "
                "use the release that wrote it"
            )
    pipeline.pexpiretime(key)


def read(name: str, kind: bytes, value: Any, expires: int) -> Entry | None:
    """None where the key is gone."""
    if value is None or (kind != STRING and not value):
        return None
    until = max(expires, NEVER)
    match kind:
        case b"string":
            return Entry(name, kind, until, pack_parts([value]))
        case b"hash":
            return entry_of_pairs(name, kind, until, value.items())
        case _:
            scores = ((member, repr(score).encode()) for member, score in value)
            return entry_of_pairs(name, kind, until, scores)


def write(pipeline: Any, key: str, entry: Entry) -> None:
    """Queue what makes the key that is not there the entry."""
    for command in commands(key, entry):
        pipeline.execute_command(*command)
    if entry.expires != NEVER:
        pipeline.pexpireat(key, entry.expires)


def commands(key: str, entry: Entry) -> Iterator[list[Any]]:
    parts = entry.parts
    if entry.type == STRING:
        yield ["SET", key, *parts]
        return
    for at in range(0, len(parts), PARTS_A_COMMAND):
        some = parts[at : at + PARTS_A_COMMAND]
        if entry.type == HASH:
            yield ["HSET", key, *some]
        else:
            yield ["ZADD", key, *chain.from_iterable(zip(some[1::2], some[::2], strict=True))]
