"""Invalid traffic at the door: the facts of an event, and the rules that are asked about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from adserver.core.events import Kind
from adserver.core.invalid import Mode, Rule, Verdict, asked, judge
from adserver.core.reasons import Discard
from adserver.core.ticket import FLAG_CONSENT, FLAG_PREFETCH, Ticket
from adserver.serving.headers import Headers, is_prefetch, is_unprompted
from adserver.serving.heads import named
from adserver.serving.http import Scope
from adserver.serving.robots import Robots

NOT_ASKED = b""


class Facts:
    """Of one event; what takes time to find out is found out by the rule that asks.

    reader: the address as `Readers` knows it, `NOT_ASKED` until it is asked.
    """

    __slots__ = ("headers", "kind", "reader", "scope", "ticket")

    def __init__(self, scope: Scope, ticket: Ticket, kind: Kind) -> None:
        self.scope = scope
        self.headers: Headers = named(scope)
        self.ticket = ticket
        self.kind = kind
        self.reader: bytes | None = NOT_ASKED


Holds = Callable[[Facts], bool]
OfAgent = Callable[[bytes], bool]


def nobody(_: bytes) -> bool:
    """No agent is a crawler's whose events are discarded."""
    return False


def prefetched(facts: Facts) -> bool:
    return bool(facts.ticket.flags & FLAG_PREFETCH) or is_prefetch(facts.headers)


def without_consent(facts: Facts) -> bool:
    """Its reader had not agreed to third parties when the ad was decided."""
    return not facts.ticket.flags & FLAG_CONSENT


def by_programs(robots: Robots) -> Holds:
    """Events of robots, and clicks that a creative's own script has made."""
    # Beacons are asked most, and a member of an enum is looked up slowly.
    is_robot, click = robots.is_robot, Kind.CLICK

    def holds(facts: Facts) -> bool:
        return is_robot(facts.headers.get(b"user-agent", b"")) or (
            facts.kind is click and is_unprompted(facts.headers)
        )

    return holds


class Invalid:
    """The rules of one worker. modes: those that differ from the default.

    more: what other rules look at, by rule. robots: None where nobody knows any. beside: what rules
    have to do once a second.
    """

    def __init__(
        self,
        modes: Mapping[Rule, Mode] | None = None,
        more: Mapping[Rule, Holds] | None = None,
        robots: Robots | None = None,
        *,
        beside: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.beside = beside
        # Asked for in the store, which alone knows of all impressions.
        self.unmatched = (modes or {}).get(Rule.UNMATCHED, Mode.OFF)
        holds: dict[Rule, Holds] = {
            Rule.PREFETCH: prefetched,
            Rule.CONSENT: without_consent,
            **(more or {}),
        }
        if robots is not None:
            holds[Rule.ROBOTS] = by_programs(robots)
        self._rules = asked(dict(modes or {}), holds)
        discards_robots = any(
            one.rule is Rule.ROBOTS and one.mode is Mode.DISCARD for one in self._rules
        )
        self.is_crawler: OfAgent = robots.is_crawler if robots and discards_robots else nobody

    def judge(self, scope: Scope, ticket: Ticket, kind: Kind) -> Verdict:
        return judge(self._rules, Facts(scope, ticket, kind))

    def reasons(self, mode: Mode) -> tuple[Discard, ...]:
        """Those of the rules in this mode, each once."""
        reasons = {one.reason: None for one in self._rules if one.mode is mode}
        if self.unmatched is mode:
            reasons[Discard.UNMATCHED] = None
        return tuple(reasons)
