"""What changes in a campaign's creatives: which come and go, and what each shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adserver.core.catalog import Creative, Html, Image, Text
from adserver.publishing import in_words
from adserver.publishing.change import Change, of_list, of_text, of_value

Pairs = list[tuple[Creative, Creative]]
NO_TEXT = Text("")


def creative_changes(before: tuple[Creative, ...], after: tuple[Creative, ...]) -> Iterator[Change]:
    was = {creative.id: creative for creative in before}
    will = {creative.id: creative for creative in after}
    come = tuple(in_words.creative(one) for name, one in will.items() if name not in was)
    gone = tuple(in_words.creative(one) for name, one in was.items() if name not in will)
    if come or gone:
        yield Change("creatives", added=come, removed=gone)
    pairs = [(was[name], one) for name, one in will.items() if name in was]
    shared = shared_link(pairs)
    yield from shared
    for one, other in pairs:
        yield from changes_of(one, other, told=bool(shared))


def shared_link(pairs: Pairs) -> list[Change]:
    """What is said once of the campaign's own link: that of all its creatives changes alike."""
    links = {
        (in_words.without_utm(one.link), in_words.without_utm(other.link))
        for one, other in pairs
        if one.link != other.link
    }
    if len(links) != 1 or any(one.link == other.link for one, other in pairs):
        return []
    return [link_change("", pairs[0][0].link, pairs[0][1].link)]


def link_change(where: str, before: str, after: str) -> Change:
    """Where the addresses are one, what `utm: true` adds to them has changed."""
    was, will = in_words.without_utm(before), in_words.without_utm(after)
    if was != will:
        return Change(f"{where}link", was, will)
    if (before == was) is (after == will):
        return Change(f"{where}utm", note="is written into the link otherwise")
    return Change(f"{where}utm", *(("false", "true") if before == was else ("true", "false")))


def changes_of(before: Creative, after: Creative, *, told: bool) -> Iterator[Change]:
    """told: what becomes of the link has been said."""
    where = f"creatives.{before.id}."
    if before.link != after.link and not told:
        yield link_change(where, before.link, after.link)
    yield from of_value(
        f"{where}weight", in_words.number(before.weight), in_words.number(after.weight)
    )
    if before.kind != after.kind:
        yield Change(where[:-1], in_words.creative(before), in_words.creative(after))
        return
    yield from of_text(f"{where}alt", before.alt, after.alt)
    yield from image_changes(f"{where}images", before.images, after.images)
    yield from text_changes(where, before.text or NO_TEXT, after.text or NO_TEXT)
    if before.html and after.html:
        yield from html_changes(where, before.html, after.html)


def image_changes(key: str, before: Iterable[Image], after: Iterable[Image]) -> Iterator[Change]:
    was = {image.name: image for image in before}
    will = {image.name: image for image in after}
    come = [in_words.image(one) for name, one in will.items() if name not in was]
    gone = [in_words.image(one) for name, one in was.items() if name not in will]
    if come or gone:
        yield Change(key, added=tuple(come), removed=tuple(gone))
    for name, one in will.items():
        if name in was and one.digest != was[name].digest:
            yield Change(key, note=f"{in_words.image(one)} is another picture")


def text_changes(where: str, before: Text, after: Text) -> Iterator[Change]:
    for word in ("headline", "body", "cta"):
        yield from of_text(f"{where}text.{word}", getattr(before, word), getattr(after, word))


def html_changes(where: str, before: Html, after: Html) -> Iterator[Change]:
    yield from of_value(f"{where}html", before.name, after.name)
    yield from of_value(f"{where}size", str(before.size), str(after.size))
    yield from of_list(f"{where}loads_from", before.loads_from, after.loads_from)
    if before.name == after.name and before.digest != after.digest:
        yield Change(f"{where}html", note=f"{after.name} is another document")
