"""Where readers are, for the rules that go by address; and that it is not known, if it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton

import structlog

from adserver.core.suspension import Sign, Suspension
from adserver.core.whereabouts import is_inside, truncated, unmapped
from adserver.metrics.meter import Meter
from adserver.serving.headers import Headers
from adserver.serving.http import Scope
from adserver.serving.invalid import NOT_ASKED, Facts
from adserver.serving.peers import FORWARDED, FORWARDED_FOR, Networks, told_address, within

log = structlog.get_logger(__name__)

GAUGE = "address_rules_suspended"
WITHOUT_ADDRESS = "events_without_address_total"
# Proxies that are remembered as trusted, so that their requests cost no look at the networks.
MAX_PROXIES = 1_024


class Readers:
    """trusted: whose word of the reader is believed. clock: seconds that do not go back.

    named: networks that the operator has said to be readers', so that an address there is no sign
    of a proxy, however private.
    """

    def __init__(
        self,
        trusted: Networks,
        meter: Meter,
        clock: Callable[[], float] = time.monotonic,
        suspension: Suspension | None = None,
        *,
        named: Networks = (),
    ) -> None:
        self._is_named = within(named)
        self._trusted = trusted
        self._is_trusted = within(trusted)
        self._proxies: set[bytes] = set()
        self._clock = clock
        self._suspension = suspension or Suspension()
        self._suspended = False
        self._gauges = meter.gauges[GAUGE]
        self._gauges[()] = 0
        self._counts = meter.counts[WITHOUT_ADDRESS]
        meter.present(WITHOUT_ADDRESS, ())

    def address(self, facts: Facts) -> bytes | None:
        """The reader's address, packed; None where it is not known, or no rule may go by it."""
        if facts.reader is NOT_ASKED:
            facts.reader = self._find(facts.scope, facts.headers)
        return facts.reader

    def _find(self, scope: Scope, headers: Headers) -> bytes | None:
        client = scope.get("client")
        peer = packed(client[0]) if client else None
        if peer is None:
            return None
        found: bytes | None = peer
        if self._trusted and self._trusts(peer):
            address = told_address(scope, self._trusted)
            found = address.packed if address else None
            if found is None:
                # Not its own address: all of its readers would be one, and be cut as one.
                self._counts[()] += 1
            sign = self._sign_of(found or b"")
        elif FORWARDED_FOR in headers or FORWARDED in headers:
            sign = Sign.FORWARDED
        else:
            sign = self._sign_of(peer)
        suspended = self._suspension.note(found or peer, sign, self._clock())
        if suspended is not self._suspended:
            self._tell(suspended)
        return None if suspended else found

    def _sign_of(self, address: bytes) -> Sign:
        """Of an address that is said to be a reader's, by a trusted peer or by being there."""
        return Sign.INSIDE if is_inside(address) and not self._is_named(address) else Sign.NONE

    def _trusts(self, peer: bytes) -> bool:
        if peer in self._proxies:
            return True
        if not self._is_trusted(peer):
            return False
        if len(self._proxies) < MAX_PROXIES:
            self._proxies.add(peer)
        return True

    def _tell(self, suspended: bool) -> None:
        self._suspended = suspended
        self._gauges[()] = int(suspended)
        if not suspended:
            log.info("address_rules_resumed")
            return
        log.error(
            "address_rules_suspended",
            proxy=truncated(self._suspension.peer),
            why=WHY[self._suspension.sign],
            do="if it is a proxy of yours, name it in --trusted-peers (ADSERVER_TRUSTED_PEERS) "
            "and have it send X-Forwarded-For",
        )


WHY = {
    Sign.FORWARDED: "most events come with forwarded headers from peers that are not trusted",
    Sign.INSIDE: "most events come from one address that no reader has",
}


def packed(text: str) -> bytes | None:
    """An address as bytes, IPv4 never mapped into IPv6; None for what is none (a Unix socket)."""
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        return unmapped(inet_pton(AF_INET6, text.partition("%")[0]))
    except OSError:
        return None
