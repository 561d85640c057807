"""Who asks: which peers are believed, and what they say of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from adserver.serving.http import Scope

Networks = Sequence[IPv4Network | IPv6Network]

# Where a context is read from it. No client can send a header of this name.
COUNTRY_SAID = b":country"


def is_among(scope: Scope, networks: Networks) -> bool:
    client = scope.get("client")
    if not client or not networks:
        return False
    try:
        peer = ip_address(client[0])
    except ValueError:
        return False
    return any(peer in network for network in networks)


class CountryHeader:
    """What a proxy says in a header of its own, such as `CF-IPCountry`; from others, nothing."""

    def __init__(self, name: str, trusted: Networks) -> None:
        self._name = name.lower().encode("ascii")
        self._trusted = trusted

    def note(self, scope: Scope) -> None:
        """Hand it over with the request's headers."""
        for name, value in scope["headers"]:
            if name == self._name and is_among(scope, self._trusted):
                scope["headers"] = [*scope["headers"], (COUNTRY_SAID, value)]
                return
