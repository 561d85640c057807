"""Numbers, dates and amounts as a language writes them, whatever the machine's locale is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from adserver.core.flights import zone
from adserver.publishing import moments
from adserver.publishing.proof.words import DISCARDED, WORDS

# Typographic spaces, so that no number is broken at the end of a line.
NARROW = "\u202f"
WIDE = "\u00a0"
THOUSANDS = {"fr": NARROW, "en": ","}
POINT = {"fr": ",", "en": "."}
MONTHS = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
        *("septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
}
KIBIBYTE = 1_024
LANGUAGES = tuple(WORDS)


@dataclass(frozen=True, slots=True)
class Language:
    """code: one of LANGUAGES."""

    code: str

    def say(self, key: str, /, **values: object) -> str:
        """Plain text: whoever writes it into HTML escapes it."""
        return WORDS[self.code][key].format(**values)

    def many(self, unit: str, number: int) -> str:
        """`1 impression`, `1 234 impressions`. unit: one of `core.goals.Unit`."""
        one, several = WORDS[self.code][f"{unit}_many"].split("|")
        single = number < 2 if self.code == "fr" else number == 1
        return (one if single else several).format(number=self.count(number))

    def discarded(self, reason: str, life: str) -> str:
        """What a reason for discarding an event means. life: a ticket's, in words."""
        return DISCARDED[self.code][reason].format(life=life)

    def count(self, number: int) -> str:
        return f"{number:,}".replace(",", THOUSANDS[self.code])

    def decimal(self, number: Decimal | str) -> str:
        """Exact: as many digits as it has."""
        whole, _, part = f"{Decimal(number):f}".partition(".")
        sign, digits = ("−", whole[1:]) if whole.startswith("-") else ("", whole)
        return sign + self.count(int(digits)) + (POINT[self.code] + part if part else "")

    def money(self, amount: Decimal | str, currency: str) -> str:
        """At least whole cents."""
        exact = Decimal(amount)
        exponent = exact.as_tuple().exponent
        if isinstance(exponent, int) and exponent > -2:
            exact = exact.quantize(Decimal("0.01"))
        number = self.decimal(exact)
        return f"{currency}{WIDE}{number}" if self.code == "en" else f"{number}{WIDE}{currency}"

    def share(self, part: Decimal | str) -> str:
        """Of one, in per cent, with as many decimals as it has."""
        return self._percent((Decimal(part) * 100).normalize())

    def ratio(self, part: float | None) -> str:
        """Of one, in per cent with two decimals; a dash for none."""
        return "–" if part is None else self._percent(Decimal(f"{part * 100:.2f}"))

    def _percent(self, number: Decimal) -> str:
        return f"{self.decimal(number)}{'' if self.code == 'en' else NARROW}%"

    def size(self, size_bytes: int) -> str:
        kibibytes = max(1, round(size_bytes / KIBIBYTE))
        return f"{self.count(kibibytes)}{WIDE}{'Kio' if self.code == 'fr' else 'KiB'}"

    def day(self, day: date) -> str:
        """`30 novembre 2026`, `1er décembre 2026`, `30 November 2026`."""
        number = "1er" if self.code == "fr" and day.day == 1 else str(day.day)
        return f"{number}{WIDE}{MONTHS[self.code][day.month - 1]}{WIDE}{day.year}"

    def day_named(self, name: str) -> str:
        """name: as rows have it, such as 2026-11-30."""
        return self.day(date.fromisoformat(name))

    def moment(self, moment: float, timezone: str) -> str:
        """`30 novembre 2026 à 23:59 (Europe/Paris)`."""
        at = moments.local(moment, zone(timezone))
        return self.say("moment", day=self.day(at.date()), time=f"{at:%H:%M}", zone=timezone)

    def listed(self, words: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        if len(words) < 2:
            return "".join(words)
        return self.say("and", first=", ".join(words[:-1]), last=words[-1])


def language_of(wanted: str) -> Language:
    """The nearest that there is: of `fr-CA`, French; of what is not known, English."""
    base = wanted.lower().partition("-")[0]
    return Language(base if base in WORDS else "en")
