"""Contexts of requests, and those that were read before."""

from __future__ import annotations

from typing import NamedTuple

from adserver.core.context import Context
from adserver.serving.headers import COUNTRY_FOUND, Headers
from adserver.serving.http import Scope
from adserver.serving.peers import COUNTRY_SAID
from adserver.serving.request import Pages, context_of, read_query


class Reading(NamedTuple):
    """A context, why parts of the query that it was read from were ignored, and the slots that a
    call asks for."""

    context: Context
    ignored: tuple[str, ...]
    slots: tuple[str, ...]


# All that a context is read from, besides the query.
READ_HEADERS = (
    b"referer",
    b"user-agent",
    b"accept-language",
    b"sec-ch-ua-mobile",
    b"sec-gpc",
    b"dnt",
    b"sec-purpose",
    COUNTRY_SAID,
    COUNTRY_FOUND,
)
# Readers of one page with one browser send the same; 4,096 readings are about 4 MiB.
MAX_READINGS = 4_096
MAX_REMEMBERED_BYTES = 1_024


class Reader:
    """Reads contexts for one generation's pages, and remembers what it has read."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._readings: dict[tuple[bytes | None, ...], Reading] = {}

    def read(self, scope: Scope) -> Reading:
        headers: Headers = dict(scope["headers"])
        key = (scope["query_string"], *map(headers.get, READ_HEADERS))
        found = self._readings.get(key)
        if found is None:
            found = read(scope["query_string"], headers, self._pages)
            if len(self._readings) >= MAX_READINGS:
                self._readings.clear()
            # What is long is rarely sent twice, and would make the bound in bytes a loose one.
            if sum(map(len, filter(None, key))) <= MAX_REMEMBERED_BYTES:
                self._readings[key] = found
        return found


def read(query_string: bytes, headers: Headers, pages: Pages) -> Reading:
    query, ignored = read_query(query_string)
    context = context_of(query, headers, pages, ignored)
    return Reading(context, tuple(ignored), tuple(query.get("slots", ())))
