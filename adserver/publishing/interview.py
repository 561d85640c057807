"""A new campaign, answer by answer: each is checked against the folder as soon as it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from adserver.core.booking import covers
from adserver.core.catalog import Creative, Image, Site, Slot, Tier
from adserver.core.fit import fits_anywhere
from adserver.core.problems import Problem, Severity
from adserver.publishing import names
from adserver.publishing.columns import LISTS
from adserver.publishing.drafts import Draft, Given, Value, draft
from adserver.publishing.folder import CAMPAIGNS, ENDINGS, Folder
from adserver.publishing.images import FORMATS, Picture, Pictures
from adserver.publishing.read import Reading, read_folder

IMAGES = "images"
# As many as one looks through; whoever has more names them.
MAX_LISTED_PICTURES = 50
BEFORE = (
    "`adserver validate` checks this file, `serve --dev` shows it, `apply` makes it live.",
    "Every key is explained in docs/campaigns.md.",
)
COMMENTS = {
    "tier": "sponsorship, standard, remnant or house: who comes first",
    "flight.last_day": "included",
    "goal.impressions": "never exceeded",
    "goal.clicks": "never exceeded",
    "goal.share": "of all requests that it may have",
    "price.cpm": "for a thousand impressions",
    "price.cpc": "for a click",
    "price.flat": "for the whole flight",
    "slots": 'names, or patterns such as "post-*"',
    "link": "where a click leads",
    "creative.id": "its name in reports",
    "creative.alt": "in words what the picture says",
}
# What a trial of one answer cannot be blamed for: the other answers are still to come.
OF_OTHERS = frozenset({"missing_key"})


@dataclass(slots=True)
class Interview:
    """The answers so far. site and slots are the folder's."""

    folder: Path
    site: Site
    slots: tuple[Slot, ...]
    values: dict[str, Value] = field(default_factory=dict)

    def take(self, key: str, text: str) -> Problem | None:
        """Keep an answer, or say what is wrong with it. An empty one says nothing."""
        if not (text := text.strip()):
            return None
        value = items_of(text) if key in LISTS else text
        before = self.values.get(key)
        self.values[key] = value
        reading, written = self.trial("new")
        for problem in reading.problems:
            blamed = written.origins.get(problem.line) == key and problem.code not in OF_OTHERS
            if blamed and problem.severity is Severity.ERROR:
                del self.values[key]
                if before is not None:
                    self.values[key] = before
                return problem
        return None

    def says(self, key: str) -> str:
        """What was answered, "" if nothing."""
        value = self.values.get(key, "")
        return value if isinstance(value, str) else ", ".join(value)

    @property
    def tier(self) -> str:
        return self.says("tier")

    @property
    def missing(self) -> list[str]:
        """The keys without which there is no campaign."""
        needed = ["tier", "slots", "link"]
        if self.tier != Tier.HOUSE:
            needed.insert(0, "advertiser")
        if self.tier == Tier.SPONSORSHIP:
            needed.append("goal.share")
        if "creative.images" in self.values:
            needed.append("creative.alt")
        else:
            needed.append("creative.headline")
        return [key for key in needed if key not in self.values]

    def draft(self) -> Draft:
        keys = self.values.keys()
        made = dict(self.values)
        if any(key.startswith("creative.") for key in keys):
            made = {"creative.id": names.creative_id(keys, ()), **made}
        values = [Given(key, value, key) for key, value in made.items()]
        return draft(values, COMMENTS, BEFORE)

    def trial(self, name: str) -> tuple[Reading, Draft]:
        """What the reader of files says of the answers so far, as the campaign of that name."""
        written = self.draft()
        return read_folder(self.folder, {path_of(name): written.text}, alone=True), written

    def whole(self, name: str, now: float) -> tuple[Reading, list[Problem]]:
        """The folder with the new campaign, and what is said because of it. now: UTC seconds."""
        known = set(read_folder(self.folder, now=now).problems)
        reading = read_folder(self.folder, {path_of(name): self.draft().text}, now=now)
        return reading, [problem for problem in reading.problems if problem not in known]

    def proposed_name(self) -> str:
        taken = set(campaign_names(self.folder))
        advertiser = self.says("advertiser") or self.tier
        return names.campaign_name(advertiser, self.says("flight.first_day"), taken)

    def pictures(self) -> list[tuple[str, Image]]:
        """The pictures of the folder that fit one of the chosen slots, with their paths."""
        patterns = items_of(self.says("slots"))
        chosen = [s for s in self.slots if any(covers(pattern, s.name) for pattern in patterns)]
        return list(fitting_pictures(self.folder, chosen))


def begin(folder: Path) -> Interview | Reading:
    """An interview for this folder; the reading with its problems if there can be none."""
    reading = read_folder(folder, alone=True)
    if reading.partial is None:
        return reading
    return Interview(folder, reading.partial.site, reading.partial.slots)


def items_of(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[,;]", text) if part.strip())


def path_of(name: str) -> str:
    return f"{CAMPAIGNS}/{name}{ENDINGS[0]}"


def campaign_names(folder: Path) -> Iterable[str]:
    return (path.stem for ending in ENDINGS for path in (folder / CAMPAIGNS).glob(f"*{ending}"))


def fitting_pictures(folder: Path, slots: Iterable[Slot]) -> Iterable[tuple[str, Image]]:
    places, pictures = list(slots), Pictures(Folder(folder))
    endings = {ending for _, known in FORMATS.values() for ending in known}
    found = (path for path in sorted((folder / IMAGES).glob("*")) if path.suffix in endings)
    for path in list(found)[:MAX_LISTED_PICTURES]:
        picture = pictures.read(f"{IMAGES}/{path.name}")
        if isinstance(picture, Picture):
            alone = Creative("trial", "", images=(picture.image,))
            if any(fits_anywhere(alone, slot) for slot in places):
                yield f"{IMAGES}/{path.name}", picture.image
