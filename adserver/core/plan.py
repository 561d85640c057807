"""The plan: what applying a catalog would change, campaign by campaign."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from adserver.core.catalog import Campaign, Catalog


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of campaigns, each list sorted; `kept` are live ones that the folder does not have.

    settings: what changes outside campaigns (`site`, `slots`).
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.created or self.changed or self.ended or self.settings)


def merge(
    live: Catalog | None, written: Catalog, only: Collection[str] = (), *, prune: bool = False
) -> Catalog:
    """The catalog to publish: what is written, and what is live and not written.

    only: names of campaigns to touch; all others stay as they are live. prune: live campaigns
    that are not written end.
    """
    before = {c.name: c for c in live.campaigns} if live else {}
    after = {c.name: c for c in written.campaigns if not only or c.name in only}
    if only:
        kept = {name: c for name, c in before.items() if name not in only}
    else:
        kept = {} if prune else before
    campaigns = {**kept, **after}
    base = live if only and live else written
    return replace(base, campaigns=tuple(campaigns[name] for name in sorted(campaigns)))


def difference(live: Catalog | None, written: Catalog, after: Catalog) -> Plan:
    before = {c.name: c for c in live.campaigns} if live else {}
    now = {c.name: c for c in after.campaigns}
    in_folder = {c.name for c in written.campaigns}
    return Plan(
        created=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(n for n in now.keys() & before.keys() if now[n] != before[n])),
        ended=tuple(sorted(before.keys() - now.keys())),
        kept=tuple(sorted((now.keys() & before.keys()) - in_folder)),
        settings=tuple(
            part
            for part in ("site", "slots")
            if live is None or getattr(live, part) != getattr(after, part)
        ),
    )


def changed_fields(before: Campaign, after: Campaign) -> tuple[str, ...]:
    return tuple(
        f.name for f in fields(Campaign) if getattr(before, f.name) != getattr(after, f.name)
    )
