"""The context: facts that the page and its request bring to a decision."""

from __future__ import annotations

from typing import NamedTuple

from adserver.core.catalog import Device


class Context(NamedTuple):
    """Facts of one slot's request. A tuple, as one is made for every request.

    site: the name of the site whose page asks, "" for a page of none.
    url: the page's address without query and fragment, "" where unknown.
    language: one of the catalog's languages, for the words around the ad.
    facts: the values of declared keys, of `country`, and of `lang` with every range that it is
    in, by name; folded, in order, and without what is unknown.
    consent: the visitor agreed to third-party pixels, and no GPC or DNT signal says otherwise.
    robot: a crawler asks, whose events are discarded.
    excluded: names of campaigns that are on the page already.
    capped: names of campaigns that the page says this browser has seen to their frequency cap.
    private: the browser says GPC or DNT, so that nobody may keep what it has seen.
    """

    site: str = ""
    url: str = ""
    language: str = ""
    device: Device = Device.DESKTOP
    consent: bool = False
    prefetch: bool = False
    robot: bool = False
    excluded: frozenset[str] = frozenset()
    capped: frozenset[str] = frozenset()
    private: bool = False
    facts: tuple[tuple[str, tuple[str, ...]], ...] = ()
