"""Who reads what: the pages and readers of one day, as their pages tell of them.

Always the same four hundred, so that every row and every run is asked for the same.
"""

from __future__ import annotations

import random
from urllib.parse import quote, urlencode

from benchmarks.publisher import SECTIONS, TOPICS

MANY = 400
SEED = 20261127
FOLDERS = ("2025", "2026", "guides", "travel")
COUNTRIES = ("FR", "FR", "FR", "BE", "CH", "CA", "DE", "NO")
LANGUAGES = ("fr", "fr", "fr-CA", "en")
# Of a real page a reader has seen some campaign to its cap now and then, and most say no device:
# that is read from their headers.
CAPPED, DEVICE_SAID = 0.1, 0.4


def queries() -> list[str]:
    """Query strings of slots and decisions; no two are the same."""
    chance = random.Random(SEED)
    return [query(chance, number) for number in range(MANY)]


def query(chance: random.Random, number: int) -> str:
    section = chance.choice(SECTIONS)
    title = f"{section}-{number}-" + "-".join(chance.choices(("the", "new", "of", "city"), k=4))
    tags = sorted({topic(chance), topic(chance), topic(chance)})
    facts = {
        "url": f"https://bench.example/{chance.choice(FOLDERS)}/{title}",
        "section": section,
        "tags": ",".join(tags),
        "lang": chance.choice(LANGUAGES),
        "country": chance.choice(COUNTRIES),
    }
    if chance.random() < DEVICE_SAID:
        facts["device"] = chance.choice(("desktop", "mobile"))
    if chance.random() < CAPPED:
        facts["capped"] = f"campaign-{chance.choice((4, 7, 13))}"
    return urlencode(facts, quote_via=quote)


def topic(chance: random.Random) -> str:
    """Few topics are written about often, most seldom."""
    return f"topic-{int(TOPICS * chance.random() ** 3)}"
