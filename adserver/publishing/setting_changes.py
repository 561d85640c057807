"""What changes in `site.yaml` and `slots.yaml`, in their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adserver.core.catalog import Catalog, ContextKey, Site, Slot
from adserver.publishing import in_words
from adserver.publishing.change import NONE, Change, Wording, of_text, of_value

ANOTHER_ORDER = "in another order"


def setting_changes(before: Catalog, after: Catalog) -> dict[str, tuple[Change, ...]]:
    """Under `site` and `slots`; what does not change is left out."""
    found = {}
    if before.site != after.site:
        found["site"] = tuple(site_changes(before.site, after.site)) or reordered("site")
    if before.slots != after.slots:
        found["slots"] = tuple(slot_changes(before.slots, after.slots)) or reordered("slots")
    return found


def reordered(key: str) -> tuple[Change, ...]:
    return (Change(key, note=ANOTHER_ORDER),)


def site_changes(before: Site, after: Site) -> Iterator[Change]:
    yield from of_text("name", before.name, after.name)
    yield from mapping_changes("sites", before.sites, after.sites)
    for key in ("timezone", "currency", "language"):
        yield from of_value(key, getattr(before, key), getattr(after, key))
    yield from mapping_changes("label", before.label, after.label)
    yield from of_value("breakpoint", f"{before.breakpoint}px", f"{after.breakpoint}px")
    yield from mapping_changes("context", context(before), context(after))
    yield from of_value("server", before.server or NONE, after.server or NONE)


def context(site: Site) -> dict[str, str]:
    return {key.name: context_key(key) for key in site.context}


def context_key(key: ContextKey) -> str:
    parts = [f"one of {', '.join(key.one_of)}"] if key.one_of else []
    return ", ".join([*parts, *(["many"] if key.many else [])]) or "any"


def mapping_changes(
    key: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Change]:
    come = tuple(f"{name}: {value}" for name, value in after.items() if name not in before)
    gone = tuple(f"{name}: {value}" for name, value in before.items() if name not in after)
    if come or gone:
        yield Change(key, added=come, removed=gone)
    for name, value in after.items():
        if name in before:
            yield from of_value(f"{key}.{name}", before[name], value)


def slot_changes(before: tuple[Slot, ...], after: tuple[Slot, ...]) -> Iterator[Change]:
    was = {slot.name: slot for slot in before}
    will = {slot.name: slot for slot in after}
    come = tuple(in_words.slot(one) for name, one in will.items() if name not in was)
    gone = tuple(name for name in was if name not in will)
    if come or gone:
        yield Change("slots", added=come, removed=gone)
    for name, one in will.items():
        if name in was and one != was[name]:
            yield from changes_of(was[name], one)


def changes_of(before: Slot, after: Slot) -> Iterator[Change]:
    where = before.name
    yield from of_text(f"{where}.title", before.title, after.title)
    for device in sorted({*before.sizes, *after.sizes}):
        one, other = before.sizes.get(device), after.sizes.get(device)
        yield from of_value(
            f"{where}.sizes",
            Wording(str(one or NONE), device),
            Wording(str(other or NONE), device),
        )
    yield from of_value(f"{where}.on_empty", before.on_empty, after.on_empty)
