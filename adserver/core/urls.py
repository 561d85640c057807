"""Url patterns: which pages a campaign names, in time that grows with the address alone.

A pattern that begins with `/` is about the whole path of a page of any of the sites; any other
is about scheme, host and path. `*` is any run of characters, `/` included. Query and fragment are
none of an address here; the case of a path counts, that of scheme and host does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import quote

from adserver.core.booking import covers

ANY = "*"
ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# RFC 3986: what may stand in a path as it is, and `%`, which begins an escape.
IN_PATHS = "%/:@!$&'()*+,;=~-._"
AUTHORITY = re.compile(r"[^/]*://[^/]*")
MEMO = 1_024  # of addresses and patterns of at most 2,048 characters: some 8 MiB


@lru_cache(maxsize=MEMO)
def in_one_form(address: str) -> str:
    """An address or a pattern, escaped the way browsers escape, its host in small letters."""
    head = AUTHORITY.match(address)
    end = head.end() if head else 0
    path = quote(normalize("NFC", address[end:]), safe=IN_PATHS)
    return address[:end].lower() + ESCAPE.sub(lambda found: found[0].upper(), path)


@lru_cache(maxsize=MEMO)
def path_of(address: str) -> str:
    """The path of an address in its one form; an address without one has `/`."""
    head = AUTHORITY.match(address)
    return address[head.end() :] or "/" if head else address


def matches(pattern: str, address: str, *, of_site: bool) -> bool:
    """Whether a page is one of those that a pattern names. of_site: it is one of our sites'."""
    if not address:
        return False
    page = in_one_form(address)
    if pattern.startswith("/"):
        return of_site and covers(in_one_form(pattern), path_of(page))
    return covers(in_one_form(pattern), page)


class Patterns:
    """Many patterns, asked at once: only those are compared whose beginning or end is right."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._paths, self._addresses = Ends(), Ends()
        for pattern in sorted(set(patterns)):
            side = self._paths if pattern.startswith("/") else self._addresses
            side.add(in_one_form(pattern), pattern)

    def matched(self, address: str, *, of_site: bool) -> list[str]:
        """The patterns, as they were written, that name this page."""
        if not address:
            return []
        page = in_one_form(address)
        found = self._addresses.matched(page)
        return found + self._paths.matched(path_of(page)) if of_site else found


class Ends:
    """Patterns by their beginning up to the first `*`, or where that is empty by their end, or
    where that is empty too by the longest of what stands between."""

    def __init__(self) -> None:
        self._begin: dict[str, list[tuple[str, str]]] = {}
        self._end: dict[str, list[tuple[str, str]]] = {}
        self._within: dict[str, list[tuple[str, str]]] = {}
        self._lengths: tuple[list[int], list[int]] = ([], [])

    def add(self, form: str, pattern: str) -> None:
        begin, end = form.partition(ANY)[0], form.rpartition(ANY)[2]
        if begin or ANY not in form:
            key, by, lengths = begin, self._begin, self._lengths[0]
        elif end:
            key, by, lengths = end, self._end, self._lengths[1]
        else:
            key, by, lengths = max(form.split(ANY), key=len), self._within, []
        by.setdefault(key, []).append((form, pattern))
        if len(key) not in lengths:
            lengths.append(len(key))

    def matched(self, text: str) -> list[str]:
        begins, ends = self._lengths
        near = [self._begin.get(text[:n], ()) for n in begins if n <= len(text)]
        near += [self._end.get(text[len(text) - n :], ()) for n in ends if n <= len(text)]
        near += [some for piece, some in self._within.items() if piece in text]
        return [pattern for some in near for form, pattern in some if covers(form, text)]
