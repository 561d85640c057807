"""The publisher's own agents: patterns by which staff and monitors are told from readers.

A pattern is looked for anywhere in an agent, whatever the case; `*` is any run of characters.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_PATTERNS = 64
MAX_PATTERN_CHARACTERS = 128
# Of fewer letters, a pattern is in every second browser's agent.
MIN_LETTERS = 4


def read_patterns(text: str) -> Iterator[str]:
    """Of `LeComptoirMonitor, Uptime*probe`. ValueError says what cannot be used."""
    patterns = [part.strip() for part in text.split(",") if part.strip()]
    if len(patterns) > MAX_PATTERNS:
        raise ValueError(f"{len(patterns)} patterns, at most {MAX_PATTERNS}")
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARACTERS:
            raise ValueError(f"{pattern[:20]!r}… has over {MAX_PATTERN_CHARACTERS} characters")
        if not (pattern.isascii() and pattern.isprintable()):
            raise ValueError(f"{pattern!r}: agents are written in ASCII")
        if sum(map(str.isalnum, pattern)) < MIN_LETTERS:
            raise ValueError(
                f"{pattern!r} would be in too many agents; write {MIN_LETTERS} letters at least"
            )
        if pattern.lower() in "mozilla/5.0 (windows nt 10.0; linux android iphone mobile safari":
            raise ValueError(f"{pattern!r} is in the agents of readers; name what is yours alone")
        yield pattern
