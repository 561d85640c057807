"""Letters of other alphabets that are drawn like Latin ones.

After the skeletons of Unicode Technical Standard 39, section 4: two texts are confusable if they
have one skeleton. Its table has thousands of rows; ours has the Cyrillic and Greek letters, and the
digits, that are drawn like Latin letters in the type of a page.
"""

from __future__ import annotations

import unicodedata

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


def foreign_letter(word: str) -> str:
    """The first letter of a word that only looks Latin, in words; "" where there is none."""
    for sign in word:
        looks = sign.casefold().translate(ALIKE)
        if sign.isalpha() and not sign.isascii() and looks.isascii():
            alphabet = unicodedata.name(sign).split()[0].capitalize()
            return f"`{sign}` in it is a {alphabet} letter (U+{ord(sign):04X})"
    return ""
