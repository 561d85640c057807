"""The plan: what applying a catalog would change, campaign by campaign."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace

from adserver.core.catalog import Campaign, Catalog
from adserver.core.renames import Rename


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of campaigns, each list sorted; `kept` are live ones that the folder does not have.

    renamed: those that go on under another name, and are neither created nor ended nor changed,
    whatever else changes in them. settings: what changes outside campaigns (`site`, `slots`).
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    renamed: tuple[Rename, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.created or self.changed or self.ended or self.settings or self.renamed)

    def before(self, name: str) -> str:
        """The name under which a campaign is live."""
        return next((one.old for one in self.renamed if one.new == name), name)


def merge(
    live: Catalog | None,
    written: Catalog,
    only: Collection[str] = (),
    *,
    prune: bool = False,
    renamed: Sequence[Rename] = (),
) -> Catalog:
    """The catalog to publish: what is written, and what is live and not written.

    only: names of campaigns to touch; all others stay as they are live. prune: live campaigns
    that are not written end. renamed: the old names go.
    """
    before = {c.name: c for c in live.campaigns} if live else {}
    after = {c.name: c for c in written.campaigns if not only or c.name in only}
    if only:
        kept = {name: c for name, c in before.items() if name not in only}
    else:
        kept = {} if prune else before
    gone = {one.old for one in renamed}
    campaigns = {name: c for name, c in {**kept, **after}.items() if name not in gone}
    base = live if only and live else written
    return replace(base, campaigns=tuple(campaigns[name] for name in sorted(campaigns)))


def difference(
    live: Catalog | None, written: Catalog, after: Catalog, renamed: Sequence[Rename] = ()
) -> Plan:
    before = {c.name: c for c in live.campaigns} if live else {}
    now = {c.name: c for c in after.campaigns}
    in_folder = {c.name for c in written.campaigns}
    old, new = {one.old for one in renamed}, {one.new for one in renamed}
    return Plan(
        created=tuple(sorted(now.keys() - before.keys() - new)),
        changed=tuple(sorted(n for n in now.keys() & before.keys() if now[n] != before[n])),
        ended=tuple(sorted(before.keys() - now.keys() - old)),
        kept=tuple(sorted((now.keys() & before.keys()) - in_folder)),
        settings=tuple(
            part
            for part in ("site", "slots")
            if live is None or getattr(live, part) != getattr(after, part)
        ),
        renamed=tuple(sorted(renamed, key=lambda one: one.new)),
    )


def changed_fields(before: Campaign, after: Campaign) -> tuple[str, ...]:
    return tuple(
        f.name
        for f in fields(Campaign)
        if f.compare and getattr(before, f.name) != getattr(after, f.name)
    )
