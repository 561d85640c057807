"""A campaign's file as a command writes it: values by their keys, in the order of the docs.

Every value has a line of its own, so that a problem in the text leads back to where its value
came from: a question, an option, a cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from adserver.publishing.yaml_text import flow_list, scalar

HEADER = "# yaml-language-server: $schema=../schemas/campaign.json"
# As a person would write it; what is not named here comes last.
ORDER = (
    "renamed_from", "advertiser", "paid_by", "order", "state", "tier", "flight", "timezone",
    "hours", "goal", "buffer", "max_per_day", "max_total", "pacing", "frequency", "price",
    "weight", "slots", "competes_in", "roadblock", "targeting", "link", "utm", "pixels",
    "creatives",
)  # fmt: skip
# Numbers and flags; everything else is text, also where it looks like one of them.
PLAIN = frozenset(
    {
        "goal.impressions", "goal.clicks", "max_per_day", "max_total", "frequency.impressions",
        "price.cpm", "price.cpc", "price.flat", "weight", "utm", "roadblock",
        "creative.weight", "creative.utm",
    }
)  # fmt: skip

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One value. key: dotted, such as `flight.first_day`; `creative.…` is about a creative.

    origin: what its writer knows it by, to find it again. creative: which of them, from 0.
    """

    key: str
    value: Value
    origin: str
    creative: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """origins: by the number of a line of `text`, where its value came from."""

    text: str
    origins: Mapping[int, str]


@dataclass(slots=True)
class Lines:
    comments: Mapping[str, str]
    written: list[str] = field(default_factory=list)
    origins: dict[int, str] = field(default_factory=dict)

    def add(self, line: str, key: str, origin: str) -> None:
        comment = self.comments.get(key)
        self.written.append(f"{line} # {comment}" if comment else line)
        self.origins[len(self.written)] = origin


def draft(
    values: list[Given], comments: Mapping[str, str] | None = None, before: tuple[str, ...] = ()
) -> Draft:
    """The text of a campaign file.

    comments: what is said behind a value, by its key. before: lines of comment at the top.
    """
    lines = Lines(comments or {}, [HEADER, *(f"# {line}" for line in before)])
    campaign = [one for one in values if not one.key.startswith("creative.")]
    tops = dict.fromkeys(one.key.partition(".")[0] for one in campaign)
    for top in sorted(tops, key=place):
        write_key(lines, top, [one for one in campaign if one.key.partition(".")[0] == top])
    write_creatives(lines, [one for one in values if one.key.startswith("creative.")])
    return Draft("".join(f"{line}\n" for line in lines.written), lines.origins)


def place(key: str) -> int:
    return ORDER.index(key) if key in ORDER else len(ORDER)


def write_key(lines: Lines, top: str, values: list[Given]) -> None:
    """A value, or a mapping of values."""
    if values[0].key == top:
        lines.add(f"{scalar(top)}: {rendered(values[0])}", top, values[0].origin)
        return
    lines.add(f"{scalar(top)}:", top, values[0].origin)
    write_tree(lines, [(one.key.split(".")[1:], one) for one in values], "  ")


def write_tree(lines: Lines, values: list[tuple[list[str], Given]], indent: str) -> None:
    """Values below a key, each with what is left of its path."""
    for word in dict.fromkeys(path[0] for path, _ in values):
        below = [(path[1:], one) for path, one in values if path[0] == word]
        rest, first = below[0]
        if rest:
            lines.add(f"{indent}{scalar(word)}:", "", first.origin)
            write_tree(lines, below, f"{indent}  ")
        else:
            lines.add(f"{indent}{scalar(word)}: {rendered(first)}", first.key, first.origin)


def write_creatives(lines: Lines, values: list[Given]) -> None:
    if not values:
        return
    lines.add("creatives:", "creatives", values[0].origin)
    for number in dict.fromkeys(one.creative for one in values):
        indent = "  - "
        for words, line, one in creative_lines([v for v in values if v.creative == number]):
            lines.add(f"{indent}{line}", words, one.origin)
            indent = "    "


def creative_lines(values: list[Given]) -> Iterator[tuple[str, str, Given]]:
    """The key for a comment, the line without its indent, and whose it is; id first."""
    words = [one for one in values if name_of(one) in ("headline", "body", "cta")]
    for one in sorted(values, key=lambda one: name_of(one) != "id"):
        if one not in words:
            yield one.key, f"{scalar(name_of(one))}: {rendered(one)}", one
    if words:
        yield "creative.text", "text:", words[0]
        for one in words:
            yield one.key, f"  {name_of(one)}: {rendered(one)}", one


def name_of(one: Given) -> str:
    return one.key.partition(".")[2]


def rendered(one: Given) -> str:
    is_text = one.key not in PLAIN
    if isinstance(one.value, str):
        return scalar(one.value, is_text=is_text)
    return flow_list(one.value, is_text=is_text)
