"""Writes small databases in MaxMind's format, as its public specification has it (version 2.0):
a binary tree of networks, the records that it points to, and what the whole is.

https://maxmind.github.io/MaxMind-DB/
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

BUILT = 1_793_000_000
SEPARATOR = bytes(16)
MARKER = b"\xab\xcd\xefMaxMind.com"
STRING, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11

FRANCE, BELGIUM, CANADA = ({"country": {"iso_code": code}} for code in ("FR", "BE", "CA"))
COUNTRIES: Mapping[str, Any] = {
    "203.0.113.0/24": FRANCE,
    "203.0.113.128/25": BELGIUM,
    "198.51.100.0/24": {"registered_country": {"iso_code": "CA"}},
    "2001:db8::/32": BELGIUM,
}


def write_database(path: Path, networks: Mapping[str, Any] = COUNTRIES, **about: Any) -> Path:
    """In place of what is there, at once, as geoipupdate does it."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(database(networks, **about))
    return new.replace(path)


def database(
    networks: Mapping[str, Any] = COUNTRIES,
    *,
    kind: str = "GeoLite2-Country",
    ip_version: int = 6,
    built: int = BUILT,
) -> bytes:
    """networks: the record of each; of two that overlap, the smaller has the addresses."""
    tree = Tree(ip_version)
    for network in sorted(networks, key=lambda one: ip_network(one).prefixlen):
        tree.put(network, networks[network])
    return tree.encoded() + MARKER + encoded(tree.about(kind, built))


class Tree:
    """Nodes of two records each: the number of a node, a Leaf, or None where nothing is known."""

    def __init__(self, ip_version: int) -> None:
        self._ip_version = ip_version
        self._nodes: list[list[Any]] = [[None, None]]
        self._records = bytearray()
        self._leaves: dict[bytes, Leaf] = {}

    def put(self, network: str, record: Any) -> None:
        found = ip_network(network)
        bits, length = int(found.network_address), found.prefixlen
        # Of a tree of both, the addresses of IPv4 are the first 2^32 of IPv6.
        width = 32 if self._ip_version == 4 else 128
        length += width - found.max_prefixlen
        leaf = self._leaf(encoded(record))
        node = 0
        for place in range(length - 1):
            side = bits >> (width - 1 - place) & 1
            there = self._nodes[node][side]
            if not isinstance(there, int):
                self._nodes.append([there, there])
                there = self._nodes[node][side] = len(self._nodes) - 1
            node = there
        self._nodes[node][bits >> (width - length) & 1] = leaf

    def _leaf(self, record: bytes) -> Leaf:
        """Networks with equal records share one."""
        if record not in self._leaves:
            self._leaves[record] = Leaf(len(self._records))
            self._records += record
        return self._leaves[record]

    def encoded(self) -> bytes:
        tree = b"".join(self._number(one).to_bytes(3, "big") for two in self._nodes for one in two)
        return tree + SEPARATOR + self._records

    def _number(self, one: Any) -> int:
        if isinstance(one, Leaf):
            return len(self._nodes) + len(SEPARATOR) + one.offset
        return len(self._nodes) if one is None else one

    def about(self, kind: str, built: int) -> dict[str, Any]:
        return {
            "node_count": (UINT32, len(self._nodes)),
            "record_size": (UINT16, 24),
            "ip_version": (UINT16, self._ip_version),
            "database_type": kind,
            "languages": ["en"],
            "binary_format_major_version": (UINT16, 2),
            "binary_format_minor_version": (UINT16, 0),
            "build_epoch": (UINT64, built),
            "description": {"en": "Written by a test"},
        }


class Leaf:
    def __init__(self, offset: int) -> None:
        self.offset = offset


def encoded(value: Any) -> bytes:
    match value:
        case str():
            text = value.encode()
            return control(STRING, len(text)) + text
        case dict():
            pairs = b"".join(encoded(key) + encoded(one) for key, one in value.items())
            return control(MAP, len(value)) + pairs
        case list():
            return control(ARRAY, len(value)) + b"".join(map(encoded, value))
        case (kind, number):
            body = struct.pack(">Q", number).lstrip(b"\0")
            return control(kind, len(body)) + body
    raise TypeError(value)


def control(kind: int, size: int) -> bytes:
    """Kinds above 7 have a byte of their own; sizes from 29 on one or two more."""
    longer = b""
    if size >= 285:
        size, longer = 30, struct.pack(">H", size - 285)
    elif size >= 29:
        size, longer = 29, bytes([size - 29])
    return (bytes([size, kind - 7]) if kind > 7 else bytes([kind << 5 | size])) + longer
