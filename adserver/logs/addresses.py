"""Addresses of readers are in no line: of those that get there, the network is left.

/24 of IPv4 and /48 of IPv6 are what is usual for making an address name nobody, and still tell a
provider from another. The store's own address, in the `error` of an event, stays as it is.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from structlog.types import EventDict, WrappedLogger

KEPT_BITS = {4: 24, 6: 48}
# Whatever may be one: `ip_address` decides.
CANDIDATE = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"
    r"(?:(?:\.\d{1,3}){3})?)(?![\w.]*\w:?\d*\.\d)"
)
# Fields that speak of readers, and those of which nobody knows of whom they speak.
OF_READERS = ("address", "client", "peer", "reader", "said", "kind", "exception")


def truncated(address: IPv4Address | IPv6Address) -> str:
    """The network that an address is in: 192.0.2.0/24, 2001:db8::/48."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ip_network((int(address), KEPT_BITS[address.version]), strict=False))


def without_addresses(text: str) -> str:
    return CANDIDATE.sub(network_of, text)


def network_of(found: re.Match[str]) -> str:
    try:
        return truncated(ip_address(found[0]))
    except ValueError:
        return found[0]


def without_readers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, IPv4Address | IPv6Address):
            event[name] = truncated(value)
        elif name in OF_READERS:
            event[name] = without_addresses(str(value))
    return event
