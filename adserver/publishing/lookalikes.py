"""Names and hosts that read alike and are not the same.

After the skeletons of Unicode Technical Standard 39, section 4: two texts are confusable if they
have one skeleton. Its table has thousands of rows; ours has the Cyrillic and Greek letters, and the
digits, that are drawn like Latin letters in the type of a page. Names of slots, campaigns and
creatives are ASCII, so they need none of this.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from adserver.core.targeting import fold
from adserver.publishing.suggest import listed

if TYPE_CHECKING:
    from adserver.publishing.campaign_file import Read

# Folded letters, and the Latin ones that they, or their capitals, are drawn like.
CYRILLIC = ("авеһікмнорсѕтухјԁӏԛԝг", "abehikmhopcstyxjdlqwr")
GREEK = ("αβεζηικμνορτυχγω", "abezhikmvoptuxyw")
SIGNS = ("01’‘ʼ`´‐‑–—", "ol'''''----")
ALIKE = {
    ord(theirs): ours
    for table in (CYRILLIC, GREEK, SIGNS)
    for theirs, ours in zip(*table, strict=True)
}

# Scripts that are written together (UTS 39, 5.2, highly restrictive); Latin may join each of these.
TOGETHER = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("CJK", "BOPOMOFO")),
    frozenset(("CJK", "HANGUL")),
)


def skeleton(text: str) -> str:
    """What a text looks like: the same for all that are drawn alike."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFC", seen).translate(ALIKE).split())


def scripts(text: str) -> set[str]:
    """The scripts of the letters, by the first word of their names."""
    names = (unicodedata.name(sign, "?") for sign in text if sign.isalpha())
    return {name.replace("-", " ").split()[0] for name in names}


def mixes_scripts(label: str) -> bool:
    """Whether a word is written in scripts that nobody writes together."""
    found = scripts(label)
    return len(found) > 1 and not any(found <= {"LATIN", *group} for group in TOGETHER)


def warn_of_twins(read: Sequence[Read]) -> None:
    """Advertisers that are written in two ways: their campaigns would compete with each other."""
    first: dict[str, Read] = {}
    for one in read:
        name = one.campaign.advertiser
        known = first.setdefault(skeleton(name), one)
        if fold(known.campaign.advertiser) != fold(name):
            other = known.campaign
            message = (
                f"`{name}` reads like the advertiser {listed([other.advertiser])} of the campaign "
                f"`{other.name}`, and is written with other characters"
            )
            hint = "write both in one way, so that they are one advertiser in reports"
            one.warn("advertiser", "advertiser_twin", message, hint)


def twins(values: Iterable[str]) -> list[tuple[str, str]]:
    """Of values that differ, those that read alike: each with the first that it reads like."""
    first: dict[str, str] = {}
    found = ((first.setdefault(skeleton(value), value), value) for value in values)
    return [(value, known) for known, value in found if fold(known) != fold(value)]
