"""Which pages and readers a campaign wants: clauses about the facts of a context.

A clause is about one fact and says which of its values are wanted: any of these, all of these,
none of these. All clauses of a campaign must hold. A fact that is missing fails `any` and `all`
and passes `none`. Never code, and never an expression that is evaluated.

This is the meaning, one campaign at a time, as `why` tells it; `core.wants` answers for all
campaigns of a slot at once, and tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from unicodedata import normalize

from adserver.core.catalog import Clause
from adserver.core.context import Context
from adserver.core.urls import matches

URL, LANGUAGE, COUNTRY, DEVICE, SITE = "url", "lang", "country", "device", "site"
# What every request may bring; the site's own keys are declared in `site.yaml`.
FACTS = (URL, LANGUAGE, COUNTRY, DEVICE, SITE)
# A language range that every language is in.
ANY_LANGUAGE = "*"

Values = Mapping[str, tuple[str, ...]]
"""What a context has of each fact, folded; a fact without a value may be left out."""


def fold(text: str) -> str:
    """As values compare: in one normal form (NFC), and without regard to case."""
    return normalize("NFC", text.casefold())


class Folded(dict[str, str]):
    """Values, folded: each once, as thousands of campaigns name the same ones."""

    def __missing__(self, text: str) -> str:
        folded = self[text] = fold(text)
        return folded


def ranges_of(tag: str) -> tuple[str, ...]:
    """Every language range that a tag is in, folded: RFC 4647, 3.3.1, basic filtering."""
    folded = fold(tag)
    if not folded:
        return ()
    parts = folded.split("-")
    return (ANY_LANGUAGE, *("-".join(parts[: n + 1]) for n in range(len(parts))))


def values_of(context: Context) -> dict[str, tuple[str, ...]]:
    """The facts of a context by name, but for the page's address: patterns name it, not values."""
    values = dict(context.facts)
    values[DEVICE] = (context.device.value,)
    if context.site:
        values[SITE] = (fold(context.site),)
    return values


def unmet(targeting: Iterable[Clause], context: Context) -> Clause | None:
    """The first clause that does not hold; None if all do."""
    values = values_of(context)
    return next((clause for clause in targeting if not holds(clause, values, context)), None)


def holds(clause: Clause, values: Values, context: Context) -> bool:
    def there(value: str) -> bool:
        if clause.fact == URL:
            return matches(value, context.url, of_site=bool(context.site))
        return fold(value) in values.get(clause.fact, ())

    return (
        (not clause.any or any(map(there, clause.any)))
        and all(map(there, clause.all))
        and not any(map(there, clause.none))
    )
