"""All words of a proof, by language; every language has the same keys, which a test holds."""

from __future__ import annotations

from collections.abc import Mapping

from adserver.publishing.proof import english, french

Words = Mapping[str, str]

# A French line is never broken before these signs, nor behind an opening quote.
UNBROKEN = {" :": "\u00a0:", " ;": "\u202f;", " %": "\u202f%", " »": "\u00a0»", "« ": "«\u00a0"}


def unbroken(words: Words) -> Words:
    return {key: with_spaces(text) for key, text in words.items()}


def with_spaces(text: str) -> str:
    for written, held in UNBROKEN.items():
        text = text.replace(written, held)
    return text


WORDS: Mapping[str, Words] = {"en": english.WORDS, "fr": unbroken(french.WORDS)}
# What each reason for discarding an event means.
DISCARDED: Mapping[str, Words] = {"en": english.DISCARDED, "fr": unbroken(french.DISCARDED)}
