"""What the YAML parser says, in words for the person who wrote the file."""

from __future__ import annotations

import re

import yaml

from adserver.publishing.findings import Place

IN_QUOTES = 'put the text in quotes: "…"'
INDENTATION = "compare the indentation with the lines above"
OR_QUOTES = f"{INDENTATION}, or {IN_QUOTES}"

# The parser's words, ours, and what to do; the first that is contained wins.
WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not",
        "a `: ` that does not belong here",
        OR_QUOTES,
    ),
    ("escape c", "a `\\` in double quotes that begins no known escape", "use 'single quotes'"),
    ("expected ':'", "a line above is neither `key: value` nor `- item`", "write `key: value`"),
    ("expected '-'", "a list ends here although its lines do not", INDENTATION),
    (
        "expected key",
        "this does not belong to the lines above it",
        OR_QUOTES,
    ),
    ("sequence entries", "a `-` cannot stand here", "begin the list on a line of its own"),
    ("expected node content", "a value is missing, or begins with a bracket", IN_QUOTES),
    ("tag handle", "a value cannot begin with `!`", IN_QUOTES),
)


# Of these the parser knows where they were opened, which is where to look.
OPENED: tuple[tuple[str, str, str], ...] = (
    ("unexpected end of stream", "a quote opens here and is never closed", "close it"),
    ("document indicator", "a quote opens here and is never closed", "close it"),
    ("or ']'", "a `[` opens here and is not closed, or a comma is missing", "close it with `]`"),
    ("or '}'", "a `{` opens here and is not closed, or a comma is missing", "close it with `}`"),
)


# Spaces that YAML takes for letters, where it needs one that it knows: before or behind a key.
NO_SPACE = re.compile(
    "^[ ]*(?:- +)?(?:[A-Za-z_][A-Za-z0-9_.-]*:)?([\u00a0\u2000-\u200a\u202f\u3000])"
)


def explain(error: yaml.YAMLError, text: str) -> tuple[Place, str, str]:
    """Where, what, and what to do."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Place(1, 1), "this is not YAML", "compare the file with the examples"
    place = Place(error.problem_mark.line + 1, error.problem_mark.column + 1)
    if spaced := no_space(text, place.line):
        return spaced
    said = str(error.problem)
    if "cannot start any token" in said:
        return (place, *cannot_start(text, place))
    opened = error.context_mark or error.problem_mark
    for theirs, ours, hint in OPENED:
        if theirs in said:
            return Place(opened.line + 1, opened.column + 1), ours, hint
    for theirs, ours, hint in WORDS:
        if theirs in said:
            return place, ours, hint
    return place, f"this is not YAML: {said}", ""


def no_space(text: str, last: int) -> tuple[Place, str, str] | None:
    """The last line, up to one, that has another space where a plain one belongs."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:last]
    for number in range(len(lines), 0, -1):
        if match := NO_SPACE.match(lines[number - 1]):
            sign = ord(match[1])
            kind = "a no-break space" if sign in (0xA0, 0x202F) else "no plain space"
            message = f"{kind} (U+{sign:04X}) stands here, which YAML takes for a letter"
            return Place(number, match.start(1) + 1), message, "write a plain space instead"
    return None


def cannot_start(text: str, place: Place) -> tuple[str, str]:
    """A value or a line that begins with a character that means something else to YAML."""
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    found = line[place.column - 1 : place.column]
    if found == "\t":
        return "a tab stands here; YAML is indented with spaces", "write spaces instead"
    return f"a value cannot begin with `{found}`", IN_QUOTES
