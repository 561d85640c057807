"""Invalid traffic: events that came with a good ticket and that nobody should pay for.

A rule says of one event whether it holds for it. Each rule has a mode: off, a dry run that counts
what the rule would discard, or discard. Rules are asked in the order of `Rule`; the first in
force that holds discards the event, for one reason. What a rule looks at is not known here.

The rules follow the general ones of MRC, "Invalid Traffic Detection and Filtration Standards
Addendum" (2020): known robots, prefetch and internal traffic, activity-based rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from adserver.core.reasons import Discard

Facts = TypeVar("Facts")


class Mode(StrEnum):
    OFF = "off"
    DRY_RUN = "dry_run"
    DISCARD = "discard"


class Rule(StrEnum):
    """In the order in which they are asked: what says most of an event comes first."""

    PREFETCH = "prefetch"
    INTERNAL = "internal"
    ROBOTS = "robots"
    UNKNOWN_AGENTS = "unknown_agents"
    CONSENT = "consent"
    FOREIGN_PAGE = "foreign_page"
    RATE_LIMITED = "rate_limited"
    CLICKS_MANY_CAMPAIGNS = "clicks_many_campaigns"
    UNMATCHED = "unmatched"


REASON: dict[Rule, Discard] = {
    Rule.PREFETCH: Discard.PREFETCH,
    Rule.INTERNAL: Discard.INTERNAL,
    Rule.ROBOTS: Discard.BOT,
    Rule.UNKNOWN_AGENTS: Discard.BOT,
    Rule.CONSENT: Discard.CONSENT,
    Rule.FOREIGN_PAGE: Discard.FOREIGN_PAGE,
    Rule.RATE_LIMITED: Discard.RATE_LIMITED,
    Rule.CLICKS_MANY_CAMPAIGNS: Discard.RATE_LIMITED,
    Rule.UNMATCHED: Discard.UNMATCHED,
}
# The others are off until the operator sets them.
BY_DEFAULT: dict[Rule, Mode] = {
    Rule.PREFETCH: Mode.DISCARD,
    # It holds for what the operator has named, and for nobody otherwise.
    Rule.INTERNAL: Mode.DISCARD,
    Rule.ROBOTS: Mode.DISCARD,
}


def read_modes(text: str) -> Iterator[tuple[Rule, Mode]]:
    """Of `internal=discard, unknown_agents=dry_run`. ValueError says what cannot be read."""
    seen: set[str] = set()
    for part in filter(None, map(str.strip, text.split(","))):
        name, separator, mode = map(str.strip, part.partition("="))
        if not separator:
            raise ValueError(f"{part!r} is not RULE=MODE, such as {Rule.UNKNOWN_AGENTS}=dry_run")
        if name in seen:
            raise ValueError(f"{name!r} is named twice")
        seen.add(name)
        yield Rule(word(name, "rule", list(Rule))), Mode(word(mode, "mode", list(Mode)))


def word(said: str, what: str, known: Sequence[str]) -> str:
    if said in known:
        return said
    near = get_close_matches(said.lower().replace("-", "_"), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    raise ValueError(f"there is no {what} {said!r}: {hint}")


class Verdict(NamedTuple):
    """discard: why the event does not count; None where no rule in force holds.

    would: of an event that none discards, why rules in dry run would, each reason once.
    """

    discard: Discard | None = None
    would: tuple[Discard, ...] = ()


COUNTS = Verdict()


@dataclass(frozen=True, slots=True)
class Asked(Generic[Facts]):
    """A rule that is not off. holds: whether it holds for an event of which these are the facts."""

    rule: Rule
    mode: Mode
    holds: Callable[[Facts], bool]

    @property
    def reason(self) -> Discard:
        return REASON[self.rule]


def asked(
    modes: dict[Rule, Mode], holds: dict[Rule, Callable[[Facts], bool]]
) -> list[Asked[Facts]]:
    """Those of the rules that `holds` has and that are not off, in order. modes: those that differ
    from the default."""
    chosen = {**BY_DEFAULT, **modes}
    return [
        Asked(rule, chosen[rule], holds[rule])
        for rule in Rule
        if rule in holds and chosen.get(rule, Mode.OFF) is not Mode.OFF
    ]


def judge(rules: Sequence[Asked[Facts]], facts: Facts) -> Verdict:
    """rules: in order, as `asked` has them."""
    would: list[Discard] = []
    for one in rules:
        if one.holds(facts):
            if one.mode is Mode.DISCARD:
                return Verdict(one.reason)
            if one.reason not in would:
                would.append(one.reason)
    return Verdict(None, tuple(would)) if would else COUNTS
