"""Who asks: which peers are believed, and what they say of the reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from adserver.serving.http import Scope

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

# Where a context is read from it. No client can send a header of this name.
COUNTRY_SAID = b":country"
FORWARDED_FOR = b"x-forwarded-for"
FORWARDED = b"forwarded"
# Whoever sends one of these asks for somebody else, of whom the peer's address says nothing.
ON_BEHALF = frozenset(
    (
        FORWARDED,
        b"via",
        FORWARDED_FOR,
        b"x-forwarded-host",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
    )
)
# Trusted proxies behind one another that are passed by on the way to the reader.
MAX_HOPS = 16
# IPv6 in brackets, or IPv4, either with a port; or IPv6 as it is.
WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([^:\[\]]+)(?::[0-9]{1,5})?|([^\[\]]+)")
# The longest of IPv6 with a zone, in brackets, with a port.
MAX_ADDRESS_CHARACTERS = 72


def is_among(scope: Scope, networks: Networks) -> bool:
    return bool(networks) and is_in(peer_of(scope), networks)


def asks_for_itself(scope: Scope) -> bool:
    """Whether the peer sends a request of its own, as far as it says, and not somebody else's."""
    return ON_BEHALF.isdisjoint([name for name, _ in scope["headers"]])


def may_speak_for(scope: Scope, trusted: Networks) -> bool:
    """Whether the peer is believed what it says of a visitor in a body.

    What a trusted proxy forwards, its reader has written.
    """
    return is_among(scope, trusted) and asks_for_itself(scope)


def peer_of(scope: Scope) -> Address | None:
    client = scope.get("client")
    return address_of(client[0]) if client else None


def is_in(address: Address | None, networks: Networks) -> bool:
    return address is not None and any(address in network for network in networks)


def within(networks: Networks) -> Callable[[bytes], bool]:
    """Whether a packed address, IPv4 never mapped, is in one of them."""
    # As numbers, since every event is asked: size, mask and network of each.
    masks = [
        (len(one.network_address.packed), int(one.netmask), int(one.network_address))
        for one in networks
    ]

    def holds(packed: bytes) -> bool:
        number, size = int.from_bytes(packed), len(packed)
        return any(size == length and number & mask == of for length, mask, of in masks)

    return holds


def readers_address(scope: Scope, trusted: Networks) -> Address | None:
    """Where the reader asks from, as far as that is known from those who are believed.

    The peer's own address; of a trusted one, the last that it and other trusted ones have added
    to X-Forwarded-For. What stands before that, anybody may have written.
    """
    peer = peer_of(scope)
    return told_address(scope, trusted) if is_in(peer, trusted) else peer


def told_address(scope: Scope, trusted: Networks) -> Address | None:
    """Where the reader is by the word of a peer that is known to be trusted."""
    told = b",".join(value for name, value in scope["headers"] if name == FORWARDED_FOR)
    for hop in reversed(told.rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
        address = address_of(hop.decode("latin-1"))
        if address is None or not is_in(address, trusted):
            return address
    return None


def address_of(text: str) -> Address | None:
    """With a port or without, IPv6 in brackets or not; None for what is no address.

    A zone is dropped: it names an interface of whoever has written it.
    """
    text = text.strip()
    match = WITH_PORT.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARACTERS else None
    if match is None:
        return None
    try:
        address = ip_address(match[2] or (match[1] or match[3]).partition("%")[0])
    except ValueError:
        return None
    return (address.version == 6 and address.ipv4_mapped) or address


class CountryHeader:
    """What a proxy says in a header of its own, such as `CF-IPCountry`; from others, nothing."""

    def __init__(self, name: str, trusted: Networks) -> None:
        self._name = name.lower().encode("ascii")
        self._trusted = trusted

    def note(self, scope: Scope) -> None:
        """Hand it over with the request's headers. The last word is the proxy's: what stands
        before it, the reader may have sent."""
        for name, value in reversed(scope["headers"]):
            if name == self._name and is_among(scope, self._trusted):
                scope["headers"] = [*scope["headers"], (COUNTRY_SAID, value)]
                return
