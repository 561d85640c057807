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
        ("a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6", "goes through the alphabet"),
        ("1a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p", "goes through the alphabet"),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "is a placeholder, or made of one"),
        ("6BA7B8119DAD11D180B400C04FD430C8", "is a placeholder, or made of one"),
        ("550e8400-e29b-41d4-a716-446655440000", "is a placeholder, or made of one"),
        ("123e4567-e89b-12d3-a456-426614174000", "is a placeholder, or made of one"),
        ("C232AB00-9414-11EC-B3C8-9F6BDECED846", "is a placeholder, or made of one"),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "is a placeholder, or made of one"),
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
