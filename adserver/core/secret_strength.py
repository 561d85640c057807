"""Whether a secret can be guessed: it is short, copied from somewhere, or made by leaning on keys.

What a generator of random numbers has made passes, whatever alphabet it is written in; the rules
are about what people put in its place.
"""

from __future__ import annotations

from itertools import pairwise

MIN_SECRET_BYTES = 32
# 32 random decimal digits have fewer than 6 different ones once in ten million times, hexadecimal
# ones never.
MIN_DIFFERENT = 6
# Of random digits, three in ten are followed by themselves or by a neighbour; of letters, fewer.
MAX_STEPS_SHARE = 0.7
# Letters and digits alone, in lower case: what examples, templates and forgotten settings say. Of
# six letters or more, as random text must not contain them.
PLACEHOLDERS = (
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "replacethis",
    "replacewith",
    "placeholder",
    "example",
    "password",
    "passwort",
    "motdepasse",
    "insecure",
    "defaultkey",
    "defaultsecret",
    "secretkey",
    "signingkey",
    "mysecret",
    "yoursecret",
    "yourkey",
    "supersecret",
    "topsecret",
    "notsosecret",
    "admintoken",
    "insertyour",
    "insertkey",
    "loremipsum",
    "qwertyuiop",
    "azertyuiop",
    "correcthorse",
    "deadbeef",
    # UUIDs that are in everybody's hands: of RFC 4122 and 9562 (name spaces, which share their end,
    # and examples), and those of a hundred tutorials.
    "9dad11d180b400c04fd430c8",
    "b3c89f6bdeced846",
    "919108f752d133205bacf847db4148a8",
    "017f22e279b07cc398c4dc0c0c07398f",
    "f81d4fae7dec11d0a76500a0c91e6bf6",
    "550e8400e29b41d4a716446655440000",
    "123e4567e89b12d3a456426",
)


def weakness(secret: bytes) -> str:
    """What is wrong with a secret, as it goes on after "a secret that"; "" for a good one.

    Says nothing of the secret itself.
    """
    if len(secret) < MIN_SECRET_BYTES:
        return f"has fewer than {MIN_SECRET_BYTES} characters"
    if len(set(secret)) < MIN_DIFFERENT:
        return f"has fewer than {MIN_DIFFERENT} different characters"
    if repeats(secret):
        return "says one thing several times"
    # In one go, or two of them in turns: `a1b2c3`.
    if goes_in_steps(secret) or (goes_in_steps(secret[::2]) and goes_in_steps(secret[1::2])):
        return "goes through the alphabet"
    if any(word in bare(secret) for word in PLACEHOLDERS):
        return "is a placeholder, or made of one"
    return ""


def goes_in_steps(secret: bytes) -> bool:
    steps = sum(abs(after - before) <= 1 for before, after in pairwise(secret))
    return steps > MAX_STEPS_SHARE * len(secret)


def repeats(secret: bytes) -> bool:
    """Whether it is nothing but a shorter text, over and over; the last time perhaps not whole."""
    longest = len(secret) // 2
    return any(secret[length:] == secret[:-length] for length in range(1, longest + 1))


def bare(secret: bytes) -> str:
    return "".join(filter(str.isalnum, secret.decode("latin-1").lower()))
