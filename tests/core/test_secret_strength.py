"""Secrets that can be guessed are known by what people do in place of drawing one."""

from __future__ import annotations

from random import Random

import pytest

from adserver.core.secret_strength import MIN_SECRET_BYTES, PLACEHOLDERS, weakness

# Alphabets in which generators write what they have drawn.
ALPHABETS = {
    "decimal": "0123456789",
    "hexadecimal": "0123456789abcdef",
    "base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "base64": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_what_was_drawn_at_random_passes(alphabet: str) -> None:
    drawn = Random(1)
    for _ in range(1_000):
        secret = "".join(drawn.choices(alphabet, k=MIN_SECRET_BYTES)).encode()
        assert weakness(secret) == "", secret


@pytest.mark.parametrize(
    ("secret", "weak"),
    [
        ("", "has fewer than 32 characters"),
        ("FuzoZ13rE8TQq2yGvKgYlM0sWbJc9nX", "has fewer than 32 characters"),
        ("k" * 64, "has fewer than 6 different characters"),
        ("0101100111010101010001111010010101", "has fewer than 6 different characters"),
        ("k3v9Qz0p" * 4, "says one thing several times"),
        ("k3v9Qz0pLm" * 3 + "k3", "says one thing several times"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "goes through the alphabet"),
        ("00112233445566778899aabbccddeeff", "goes through the alphabet"),
        ("9876543210zyxwvutsrqponmlkjihgfed", "goes through the alphabet"),
        ("CHANGE_ME_to_something_of_your_own", "is a placeholder, or made of one"),
        ("<replace-with-32-random-characters>", "is a placeholder, or made of one"),
        ("my very own p.a.s.s.w.o.r.d 1984 !", "is a placeholder, or made of one"),
    ],
)
def test_what_can_be_guessed_is_refused_for_what_it_is(secret: str, weak: str) -> None:
    assert weakness(secret.encode()) == weak


def test_every_placeholder_is_as_it_is_looked_for() -> None:
    for word in PLACEHOLDERS:
        assert word.isalnum(), word
        assert word == word.lower()
        assert len(word) >= 7, "random text would contain it now and then"


def test_a_refusal_says_nothing_of_the_secret() -> None:
    for word in PLACEHOLDERS:
        assert word not in weakness(word.encode())
