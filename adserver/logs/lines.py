"""A line: nothing in it ends it or steers what shows it, and it is no longer than 2 KiB.

JSON escapes whatever is not printable ASCII. Text, for a person, has escapes for controls, line
separators and what turns the direction of writing; a traceback keeps its lines, set in, so that
none of them looks like a line of the log.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any

from structlog.types import EventDict, WrappedLogger

from adserver.publishing.signs import one_line, printable

# What syslog and most collectors take whole (RFC 5424 asks for 2,048 of every receiver).
MAX_LINE_BYTES = 2_048
# Of a text line: what the renderer adds in names, spaces and colours.
RENDERER_BYTES = 512
MARK = "[... {} characters cut ...]"
# Of a traceback the end says what went wrong and where; of all else the beginning does.
KEEP_THE_END = frozenset({"exception"})
# Fields that every event of ours has, however short the line must be.
NEVER_CUT = frozenset({"timestamp", "level", "fields_cut"})


def json_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return json.dumps(fitted(event, MAX_LINE_BYTES - 1))  # a line end is added


def bounded(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return fitted(event, MAX_LINE_BYTES - RENDERER_BYTES)


def seen(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Every text as it may be shown on a terminal."""
    made: EventDict = {}
    for name, value in event.items():
        if name == "exception":
            lines = printable(str(value)).splitlines()
            made[name] = "\n".join(f"    {line}" for line in lines)
        else:
            kept = isinstance(value, bool | int | float)
            made[one_line(name)] = value if kept else one_line(str(value))
    return made


def size(value: Any) -> int:
    """Bytes, as JSON."""
    return len(json.dumps(value))


def fitted(event: EventDict, limit: int) -> EventDict:
    """The event with its longest values cut until it fits."""
    whole = {name: value if as_it_is(value) else str(value) for name, value in event.items()}
    made = {name: at_most(name, value, limit) for name, value in whole.items()}
    while (over := size(made) - limit) > 0:
        longest = max((n for n in made if n not in NEVER_CUT), key=lambda n: size(made[n]))
        before = size(made[longest])
        made[longest] = cut(longest, str(whole[longest]), before - over)
        if size(made[longest]) >= before:
            del made[longest]
            made["fields_cut"] = made.get("fields_cut", 0) + 1
    return made


def as_it_is(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def at_most(name: str, value: Any, limit: int) -> Any:
    """What is far too long is cut before it is measured."""
    return cut(name, value, limit) if isinstance(value, str) and len(value) > limit else value


def cut(name: str, text: str, room: int) -> str:
    """As much of a text as has room when it is written as JSON, with a mark in place of the rest.

    room: bytes, the quotes and the mark included.
    """
    room -= len(MARK.format(len(text))) + 2
    most = min(len(text), max(0, room))
    if name in KEEP_THE_END:
        kept = bisect_right(range(1, most + 1), room, key=lambda n: size(text[-n:]) - 2)
        return MARK.format(len(text) - kept) + (text[-kept:] if kept else "")
    kept = bisect_right(range(1, most + 1), room, key=lambda n: size(text[:n]) - 2)
    return text[:kept] + MARK.format(len(text) - kept)
