"""Which hosts a port answers to: the public one to any, unless the operator has named them.

A request's Host says nothing else here; no address that we emit is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adserver.serving.peers import address_of
from adserver.serving.refusals import Refusal

# Names that are always this machine's (RFC 6761, section 6.3).
LOCAL = ("localhost", "*.localhost")
# RFC 3986: a registered name or an IPv4 address, or IPv6 in brackets; then a port.
HOST = re.compile(rb"([A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
# Longest of a name (RFC 1035), with a port.
MAX_HOST_BYTES = 261
# Honest readers use a handful; who sends other ones makes us look again.
MAX_REMEMBERED = 256


class Hosts:
    """allowed: names such as `ads.example`, or `*.ads.example` for all below; empty for any.

    addresses: IP addresses are answered, too. A page that has turned its own name to one of ours
    ("DNS rebinding") asks for that name.
    """

    def __init__(self, allowed: Sequence[str] = (), *, addresses: bool = False) -> None:
        self._addresses = addresses
        names = [name.lower() for name in allowed]
        self._exact = frozenset(name for name in names if not name.startswith("*."))
        self._below = tuple(name[1:] for name in names if name.startswith("*."))
        self.open = not names
        self._found: dict[bytes, Refusal | None] = {}

    def refusal(self, host: bytes) -> Refusal | None:
        """Why a request with this Host is refused; None if it is not."""
        try:
            return self._found[host]
        except KeyError:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            found = self._found[host] = self._look(host)
            return found

    def _look(self, host: bytes) -> Refusal | None:
        match = HOST.fullmatch(host) if len(host) <= MAX_HOST_BYTES else None
        if match is None:
            return Refusal.HOST
        name = match[1].decode("ascii").lower().removesuffix(".")
        if self.open or name in self._exact or name.endswith(self._below):
            return None
        if self._addresses and address_of(name.strip("[]")) is not None:
            return None
        return Refusal.MISDIRECTED
