"""What is read of a request that is shed: the slots, the device, and what must not be shown."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from adserver.core.catalog import Device
from adserver.serving.calls import (
    EXAMPLE,
    Malformed,
    checked_slots,
    mapping,
    name_and_context,
    pairs,
)
from adserver.serving.headers import Headers, device_of, is_prefetch
from adserver.serving.request import gather, read_query


class Reader(NamedTuple):
    """All that is read of who asks. excluded: names of campaigns that are on the page."""

    device: Device
    prefetch: bool
    excluded: Container[str] = ()


def reader_of(query: bytes, headers: Headers) -> Reader:
    asked = next((device for device in Device if b"device=" + device.encode() in query), "")
    # Rarely said, and worth reading: what stands there must not stand there twice.
    excluded = read_query(query)[0].get("exclude", ()) if b"exclude=" in query else ()
    return Reader(device_of(asked, headers), is_prefetch(headers), excluded)


def names_in(call: Mapping[str, Any]) -> tuple[Sequence[str], Container[str]]:
    """The slots that a POST asks for, and the campaigns that any of them excludes."""
    entries = call.get("slots")
    if not isinstance(entries, list):
        raise Malformed("`slots` is not a list", EXAMPLE)
    named = [name_and_context(entry) for entry in entries]
    contexts = [mapping(call.get("context", {}), "context"), *(own for _, own in named)]
    excluded = [pair for context in contexts for pair in pairs(context, []) if pair[0] == "exclude"]
    return (
        checked_slots([name for name, _ in named], EXAMPLE),
        gather(excluded)[0].get("exclude", ()),
    )
