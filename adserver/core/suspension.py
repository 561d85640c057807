"""Whether it is known where readers are: rules by address that would take a proxy for its readers
suspend themselves.

A request comes from a peer. Whom the operator trusts says where the reader is; who is not trusted
is taken for the reader. That is wrong for a proxy that was forgotten, and then everybody behind it
is one address. Two signs of it, each in most of the traffic:

- peers that nobody trusts say for whom they forward (X-Forwarded-For, Forwarded);
- one peer on an address that no reader of a public site has (loopback, private) sends it all,
  and does not say: a proxy of connections, or a container's own network.

The second asks for one peer, found by a majority vote (Boyer and Moore, 1981), since in a company's
own network many readers have private addresses. An attacker who sends more than all readers
together, with forged headers, can suspend the rules, too: that is said as loudly, and an operator
who knows all proxies can rule it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

WINDOW_SECONDS = 60.0
# A window lasts until it has so many events, too: nothing is decided by fewer, be it a quiet night
# or the first minute. Less than the least limit that there is by default.
LEAST_EVENTS = 50
SHARE = 0.5


class Sign(IntEnum):
    """What an event says of whether its peer is the reader."""

    NONE = 0
    FORWARDED = 1
    INSIDE = 2


@dataclass(slots=True)
class Suspension:
    """never: whoever runs this knows that there is no proxy. suspended: whether rules by address
    are. peer: of `sign`, the likeliest proxy."""

    never: bool = False
    suspended: bool = False
    peer: bytes = b""
    sign: Sign = Sign.NONE
    _until: float = float("-inf")
    _events: int = 0
    _forwarded: int = 0
    _candidate: bytes = b""
    _votes: int = 0
    _inside: int = 0

    def note(self, peer: bytes, sign: Sign, now: float) -> bool:
        """One more event, at `now` (seconds of a clock that does not go back); whether rules by
        address are suspended as from this one."""
        if self.never:
            return False
        if now >= self._until and (self._events >= LEAST_EVENTS or not self._events):
            self._begin(now)
        self._events += 1
        if sign:
            self._vote(peer, sign)
        elif self._votes:
            self._votes -= 1
        # An event without a sign only lowers the share, but for the first that is enough of them.
        if (sign or self._events == LEAST_EVENTS) and not self.suspended:
            self._decide()
        return self.suspended

    def _vote(self, peer: bytes, sign: Sign) -> None:
        if not self._votes and peer != self._candidate:
            self._candidate, self._inside = peer, 0
        if peer == self._candidate:
            self._votes += 1
            self._inside += sign is Sign.INSIDE
        else:
            self._votes -= 1
        self._forwarded += sign is Sign.FORWARDED

    def _begin(self, now: float) -> None:
        """A new window; the last one says how things stand."""
        self._decide()
        self._until = now + WINDOW_SECONDS
        self._events = self._forwarded = self._votes = self._inside = 0

    def _decide(self) -> None:
        if self._events < LEAST_EVENTS:
            return
        least = self._events * SHARE
        if self._forwarded > least:
            self.suspended, self.sign = True, Sign.FORWARDED
        elif self._inside > least:
            self.suspended, self.sign = True, Sign.INSIDE
        else:
            self.suspended, self.sign = False, Sign.NONE
        self.peer = self._candidate if self.suspended else b""
