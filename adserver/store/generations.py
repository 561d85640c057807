"""What a generation's hash holds: its catalog, the files that it was written in, its history.

`body` and `files` may be gone from an old one (its content is no longer kept); who applied it,
when, why and what that changed stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from adserver.core.catalog import Files, Generation
from adserver.core.errors import UnreadableGeneration
from adserver.core.publication import Entry, Published
from adserver.core.steps import Steps, finish
from adserver.store import codec

# What a worker reads: not the files, of which there may be thousands.
BODY = ("version", "body")
HISTORY = ("created_at", "author", "message", "commit", "kind", "of")

Fields = Mapping[str, bytes | None]


def fields_of(generation: Generation, entry: Entry, now: float) -> dict[str, str | bytes | int]:
    """now: UTC seconds."""
    return {
        "body": codec.write(generation),
        "version": codec.VERSION,
        "files": orjson.dumps(generation.files),
        "created_at": repr(now),
        "author": entry.author,
        "message": entry.message,
        "diff": entry.diff,
        "commit": entry.commit,
        "kind": entry.kind,
        "of": entry.of,
    }


def reading(number: int, fields: Fields) -> Steps[Generation]:
    """UnreadableGeneration where another release wrote it, or something else did since."""
    version = int(fields.get("version") or codec.VERSION)
    if not codec.VERSION - 1 <= version <= codec.VERSION:
        raise UnreadableGeneration(
            f"generation {number} is written in version {version}, this release reads "
            f"{codec.VERSION}; use the release that applied it, or apply again"
        )
    try:
        return (yield from codec.reading(fields["body"] or b"", version))
    except (KeyError, ValueError) as error:
        raise damaged(number) from error


def with_files(generation: Generation, fields: Fields) -> Generation:
    """With the names of its files; a release before this one kept none."""
    try:
        files: Files = orjson.loads(fields.get("files") or b"{}")
    except ValueError as error:
        raise damaged(generation.number) from error
    return replace(generation, files=files)


def whole(number: int, fields: Fields) -> tuple[Generation, Published]:
    return with_files(finish(reading(number, fields)), fields), published(number, fields)


def published(number: int, fields: Fields, *, kept: bool = True) -> Published:
    """A release before this one wrote no commit, kind and of."""
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        return Published(
            number=number,
            created_at=float(said["created_at"]),
            author=said["author"].decode(),
            message=said["message"].decode(),
            commit=said.get("commit", b"").decode(),
            kind=said.get("kind", b"apply").decode(),  # type: ignore[arg-type]
            of=int(said.get("of", 0)),
            kept=kept,
        )
    except (KeyError, ValueError) as error:
        raise damaged(number) from error


def damaged(number: int) -> UnreadableGeneration:
    return UnreadableGeneration(
        f"generation {number} is damaged in the store; restore the store from a backup"
    )


def named(names: Sequence[str], values: Sequence[bytes | None]) -> Fields:
    return dict(zip(names, values, strict=True))


def decoded(fields: Mapping[bytes, bytes]) -> Fields:
    return {name.decode(): value for name, value in fields.items()}
