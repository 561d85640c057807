"""The plan in lines, as it is shown and as the history keeps it.

The first character says what becomes of a thing: `+` created, `~` changed, `-` ended, `>` renamed,
`*` the site or the slots. Lines that begin with spaces belong to the one before. So it is readable
in a terminal, in a mail and in a review's code block of the language `diff`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adserver.core.booking import booked_slots
from adserver.core.catalog import Campaign, Catalog
from adserver.core.plan import Plan
from adserver.core.renames import Rename, under_name
from adserver.publishing.campaign_changes import campaign_changes
from adserver.publishing.change import Change
from adserver.publishing.created_words import created_lines
from adserver.publishing.setting_changes import setting_changes
from adserver.publishing.signs import one_line
from adserver.publishing.spans import span_words

INDENT = "    "
# Some 50 bytes each, in every generation that is kept.
MAX_LINES_RECORDED = 2_000
# What changes when a campaign is shown.
TIMING = frozenset({"flight", "hours", "state", "timezone"})


class Difference:
    """What changes between two catalogs, in words. before: None where nothing is live yet. now:
    UTC seconds."""

    def __init__(self, before: Catalog | None, after: Catalog, plan: Plan, now: float) -> None:
        self.plan = plan
        self._after, self._now = after, now
        self._was = {one.name: one for one in before.campaigns} if before else {}
        self._will = {one.name: one for one in after.campaigns}
        self.settings = setting_changes(before, after) if before else {}
        self.campaigns = {
            name: campaign_changes(
                under_name(self._was[plan.before(name)], name), self._will[name], now
            )
            for name in (*plan.changed, *(rename.new for rename in plan.renamed))
        }

    def lines(self) -> Iterator[str]:
        """Each is one, whatever texts are in it: earlier generations may have some that would not
        be read today."""
        return map(one_line, self._lines())

    def _lines(self) -> Iterator[str]:
        for part in self.plan.settings:
            yield f"* {part}"
            yield from indented(self.settings.get(part, ()))
        for rename in self.plan.renamed:
            yield from self._renamed(rename)
        for name in self.plan.created:
            yield from self._created(self._will[name])
        for name in self.plan.changed:
            yield f"~ {name}"
            yield from self._changes(name)
        for name in self.plan.ended:
            yield f"- {name}"

    def _renamed(self, rename: Rename) -> Iterator[str]:
        yield f"> {rename.new} (was {rename.old}; its counts are carried over)"
        yield from self._changes(rename.new)

    def _created(self, campaign: Campaign) -> Iterator[str]:
        yield f"+ {campaign.name}"
        lines = created_lines(
            campaign, self._places(campaign), self._after.site.timezone, self._now
        )
        yield from (f"{INDENT}{line}" for line in lines)

    def _changes(self, name: str) -> Iterator[str]:
        changes, campaign = self.campaigns[name], self._will[name]
        yield from indented(changes)
        keys = {change.key for change in changes}
        moved = "slots" in keys or "slots" in self.plan.settings
        if moved and any("*" in pattern for pattern in campaign.slots):
            yield f"{INDENT}slots are {self._places(campaign)}"
        if not keys.isdisjoint(TIMING):
            yield f"{INDENT}{span_words(campaign, self._now)}"
        if "timezone" in keys:
            # The same day and hour is another moment.
            before = span_words(self._was[self.plan.before(name)], self._now)
            yield f"{INDENT}before: {before}"

    def _places(self, campaign: Campaign) -> str:
        """Its slots as written, and what its patterns stand for."""
        written = ", ".join(campaign.slots)
        if not any("*" in pattern for pattern in campaign.slots):
            return written
        names = ", ".join(slot.name for slot in booked_slots(campaign, self._after.slots))
        return f"{written} = {names}"


def indented(changes: tuple[Change, ...]) -> Iterator[str]:
    return (f"{INDENT}{change.text}" for change in changes)


def recorded(lines: Sequence[str]) -> list[str]:
    """What the history keeps of a plan: of a very long one what becomes of everything, and no
    more."""
    if len(lines) <= MAX_LINES_RECORDED:
        return list(lines)
    return [line for line in lines if not line.startswith(INDENT)]


def counted(plan: Plan) -> str:
    """`2 created, 1 changed, 1 ended`."""
    counts = {
        "created": len(plan.created),
        "changed": len(plan.changed),
        "renamed": len(plan.renamed),
        "ended": len(plan.ended),
    }
    parts = [f"{count:,} {word}" for word, count in counts.items() if count]
    return ", ".join((*parts, *(f"{part} changed" for part in plan.settings)))
