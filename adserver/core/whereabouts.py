"""Where a request comes from, in the four or sixteen bytes of an address: what counts as one
place, and how a place is named in a log.

Of IPv6 one place is a /64, as its last 64 bits are a device's own to choose and change (RFC 4291,
2.5.1; RFC 8981): who counts whole addresses counts nothing. A network is an IPv4 /24, the least
that is routed between providers; of IPv6 a /48, the most that one end site is given (RFC 6177).
"""

from __future__ import annotations

from ipaddress import ip_address

IPV4_BYTES = 4
COUNTED_4, COUNTED_6 = (3, 4), (6, 8)
MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address as an IPv6 socket sees it (RFC 4291, 2.5.5.2)
# By their first two bytes: loopback, private, link-local and shared ones (RFC 6890).
INSIDE = frozenset(
    bytes([first, second])
    for first, seconds in {
        10: range(256),
        100: range(64, 128),
        127: range(256),
        169: (254,),
        172: range(16, 32),
        192: (168,),
        0xFC: range(256),
        0xFD: range(256),
        0xFE: range(0x80, 0xC0),
    }.items()
    for second in seconds
)
LOOPBACK = bytes(15) + b"\x01"


def unmapped(packed: bytes) -> bytes:
    return packed[len(MAPPED) :] if packed.startswith(MAPPED) else packed


def counted_bytes(packed: bytes) -> tuple[int, int]:
    """How many bytes of an address, IPv4 never mapped, are its network and are the place itself."""
    return COUNTED_4 if len(packed) == IPV4_BYTES else COUNTED_6


def is_inside(packed: bytes) -> bool:
    """Whether no reader of a public site has it."""
    return packed[:2] in INSIDE or packed == LOOPBACK


def truncated(packed: bytes) -> str:
    """Its network, as logs may name it; the whole address where it is no reader's."""
    if is_inside(packed):
        return str(ip_address(packed))
    network = packed[: counted_bytes(packed)[0]]
    return f"{ip_address(network.ljust(len(packed), bytes(1)))}/{len(network) * 8}"
