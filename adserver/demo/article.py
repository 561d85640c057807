"""An article of the demonstration's magazine, set as French wants it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Literal

AdMode = Literal["fragment", "tag"]
Section = Literal["tech", "business", "culture"]

SECTION_TITLES: dict[str, str] = {
    "tech": "Technique",
    "business": "Affaires",
    "culture": "Culture",
}

MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)

NO_BREAK = "\u00a0"
THIN_NO_BREAK = "\u202f"

TYPOGRAPHY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("'"), "\u2019"),
    (re.compile(r" ([;!?])"), THIN_NO_BREAK + r"\1"),
    (re.compile(r" ([:»])"), NO_BREAK + r"\1"),
    (re.compile(r"« "), "«" + NO_BREAK),
    (re.compile(r"(?<=\d) (?=\d{3}\b)"), THIN_NO_BREAK),
    (re.compile(r"(?<=\d) h (?=\d)"), f"{NO_BREAK}h{NO_BREAK}"),
    (re.compile(r"(?<=\d) (?=(?:€|%|h|cm|m|km|nœuds)(?!\w))"), NO_BREAK),
)


def typeset(text: str) -> str:
    """Set French text, plain or HTML: curly apostrophes, no-break spaces before : ; ? ! »."""
    for pattern, replacement in TYPOGRAPHY:
        text = pattern.sub(replacement, text)
    return text


@dataclass(frozen=True, slots=True)
class Article:
    """One article; `illustration` is a file name under /demo/, `body` a run of HTML blocks."""

    slug: str
    title: str
    standfirst: str
    section: Section
    tags: tuple[str, ...]
    date: datetime.date
    minutes: int
    illustration: str
    illustration_alt: str
    body: tuple[str, ...]
    ad_mode: AdMode = "fragment"
    author: str = "La rédaction"

    def __post_init__(self) -> None:
        for field in ("title", "standfirst", "illustration_alt"):
            object.__setattr__(self, field, typeset(getattr(self, field)))
        object.__setattr__(self, "body", tuple(typeset(block) for block in self.body))

    @property
    def section_title(self) -> str:
        """The section as readers know it."""
        return SECTION_TITLES[self.section]

    @property
    def date_text(self) -> str:
        """The date in French words, such as « 1er mai 2026 »."""
        day = "1er" if self.date.day == 1 else str(self.date.day)
        return f"{day}{NO_BREAK}{MONTHS[self.date.month - 1]} {self.date.year}"
