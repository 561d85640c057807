"""What `serve --dev` adds to pages: in each place a strip that says its name, what it shows or why
it shows nothing, and leads to all of it. It lies over the reserved space and moves nothing.

Nothing of this module is served otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from urllib.parse import quote, urlencode, urlsplit

from adserver.core.catalog import OnEmpty, Slot
from adserver.core.context import Context
from adserver.core.decision import Decision, explain
from adserver.core.leases import Room
from adserver.core.reasons import REACH, Reason
from adserver.core.targeting import LANGUAGE
from adserver.serving.served import Served

# As many as fit on a line; the page behind the link has all of them.
MAX_NEAREST = 3
END = "</aside>"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def at_home(served: Served, context: Context) -> Context:
    """The context as if the page were of the first site, where it is one of this machine.

    Whoever writes templates looks at http://localhost:1313/2026/harbour, and campaigns want
    pages of https://gazette.example.
    """
    if context.site or not context.url or not served.site.sites:
        return context
    parts = urlsplit(context.url)
    if parts.hostname not in LOOPBACK:
        return context
    name, address = next(iter(served.site.sites.items()))
    return context._replace(site=name, url=f"{address.rstrip('/')}{parts.path}")


def strip(
    served: Served,
    decision: Decision,
    context: Context,
    now: float,
    rooms: Mapping[str, Room],
) -> str:
    """The strip of one decided slot. now: UTC seconds."""
    name = decision.slot
    if decision.reason is Reason.UNKNOWN_SLOT:
        near = served.hint(name)
        said = f"there is no such slot{f'; did you mean {near}?' if near else ''}"
        return marked(served, decision, f"{escape(name)}: {escape(said)}")
    placement = decision.placement
    if placement is not None:
        campaign = placement.campaign
        said = f"{name}: {campaign.name}/{placement.creative.id}, {campaign.tier}"
    else:
        near = ", ".join(nearest(served, decision, context, now, rooms))
        said = f"{name}: empty, {decision.reason}{f' ({near})' if near else ''}"
    address = served.addresses.of(f"/dev/why/{quote(name)}?{query_of(context)}")
    link = f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(said)}</a>'
    return marked(served, decision, link)


def marked(served: Served, decision: Decision, content: str) -> str:
    """With the generation that it is of, for dev.js to see when there is a newer one."""
    return (
        f'<span class="adserver-dev" data-generation="{served.snapshot.generation}"'
        f' data-reason="{decision.reason}" lang="en">{content}</span>'
    )


def nearest(
    served: Served,
    decision: Decision,
    context: Context,
    now: float,
    rooms: Mapping[str, Room],
) -> Iterator[str]:
    """The candidates that came furthest, each with its reason."""
    every = explain(served.snapshot, decision.slot, context, now, None, rooms)
    for one in sorted(every, key=lambda c: (-REACH[c.reason], c.campaign))[:MAX_NEAREST]:
        # Whom this slot alone would have shown was refused by the page, or passed by the draw.
        reason = decision.reason if one.reason is Reason.WON else one.reason
        yield f"{one.campaign} {reason}"


def query_of(context: Context) -> str:
    """The context as a query that reads back as the same."""
    pairs = [
        ("url", context.url),
        ("device", str(context.device)),
        ("exclude", ",".join(sorted(context.excluded))),
        ("capped", ",".join(sorted(context.capped))),
    ]
    for key, values in context.facts:
        # Of a language there are all the ranges that it is in; the longest is the tag itself.
        pairs.append((key, max(values, key=len) if key == LANGUAGE else ",".join(values)))
    return urlencode([(key, value) for key, value in pairs if value])


def inside(html: str, added: str) -> str:
    """A wrapper with something more at its end."""
    return f"{html.removesuffix(END)}{added}{END}"


def empty(slot: Slot, added: str) -> str:
    """An empty place with its strip; one that collapses is no place, its strip takes no room."""
    if slot.on_empty is OnEmpty.COLLAPSE:
        return inside(f'<aside class="adserver-dev-collapsed">{END}', added)
    return inside(f'<aside class="adserver" data-slot="{escape(slot.name)}">{END}', added)


@lru_cache(maxsize=2)
def more_of(name: str) -> bytes:
    """What is added to `slots.css` and `tag.js`. name: `dev.css` or `dev.js`."""
    return resources.files("adserver.serving").joinpath("static", name).read_bytes()
