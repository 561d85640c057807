"""How much a browser draws for an SVG picture, as far as its file says it, and how much it may be.

A few lines can ask for hours: ten that use ten that use ten, a text of thousands of letters used
thousands of times, a filter on each shape, dashes of a hair's breadth along a mile. So everything
is weighed as often as it is referred to. The unit is about what a byte of a path costs, 100 to
200 ns in a browser of 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_CHAIN = 100  # of references and elements, one within the other
# A file of the largest size, of as many elements as there may be, and nothing multiplied in it.
MAX_WEIGHT = 2_500_000
ELEMENT, LETTER, DASH = 200, 10, 5
EFFECT, BLEND, GRADIENT = 1_000, 1_000, 600
PRIMITIVE, COSTLY_PRIMITIVE = 20_000, 100_000
# Characters of styles times elements, as each rule is held against each element.
MAX_STYLE_WORK = 50_000_000

# Drawn apart from the rest, and so one within the other at a cost that grows by multiplying.
EFFECTS = frozenset(("clipPath", "filter", "mask", "pattern"))
COSTLY = frozenset(
    (
        "feConvolveMatrix",
        "feDiffuseLighting",
        "feDisplacementMap",
        "feMorphology",
        "feSpecularLighting",
        "feTurbulence",
    )
)
SHAPES = frozenset(("circle", "ellipse", "line", "path", "polygon", "polyline", "rect"))
TEXTS = frozenset(("text", "textPath", "tspan"))
# Of shapes, in their own units; and what else says them.
POINTS = frozenset(("d", "points"))
SIDES = re.findall(r"\w+", "cx cy height r rx ry width x x1 x2 y y1 y2")
LENGTHS = POINTS | frozenset(SIDES)
PLAIN_LENGTH = re.compile(r"[0-9.eE+\-\s]*+(?:px|%)?+\s*+")
LENGTH_IN_STYLE = re.compile(r"(?<![\w-])(?:[cr]?[xy]|r|width|height)\s*[:/]", re.IGNORECASE)
LARGEST_BOX = 10_000  # what a percentage is of
NUMBER = re.compile(
    r"[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?", re.IGNORECASE
)
# Whatever stands behind it, so that a comment there is no plain number.
DASHES = re.compile(r"stroke-dasharray(?:\s*:)?([^;}]*)", re.IGNORECASE)
PLAIN_DASHES = re.compile(r"(?:[0-9.]++(?:px)?+|[,\s]++)*+")
NO_DASHES = frozenset(("", "none", "inherit"))
BLENDS = re.compile(r"mix-blend-mode", re.IGNORECASE)


class Refused(Exception):
    """what: which stands in the file and may not, as it goes on after "holds"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(slots=True)
class Element:
    """refers: names of what is drawn in its place or fills it. length: of its outline, or more."""

    name: str
    children: list[Element] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)
    weight: int = ELEMENT
    length: float = 0.0

    def weigh_attribute(self, name: str, value: str) -> None:
        self.weight += len(value)
        if BLENDS.search(name) or (name == "style" and BLENDS.search(value)):
            self.weight += BLEND
        if self.name in SHAPES and name in LENGTHS:
            of = LARGEST_BOX / 100 if "%" in value else 1
            self.length += of * sum(map(float, NUMBER.findall(value)))

    def weigh_text(self, text: str) -> None:
        self.weight += len(text) * (LETTER if self.name in TEXTS else 1)

    def weigh_name(self) -> None:
        if self.name in EFFECTS:
            self.weight += EFFECT
        elif self.name in COSTLY:
            self.weight += COSTLY_PRIMITIVE
        elif self.name.startswith("fe"):
            self.weight += PRIMITIVE


def is_immense(element: Element, name: str, value: str) -> bool:
    """Whether a length may be another than its numbers say."""
    match name:
        case "style":
            return is_immense_style(value)
        case "vector-effect":
            return True
        case "viewBox":
            return max(map(float, NUMBER.findall(value)), default=0) > LARGEST_BOX
        case "d":  # each of these doubles what the ones before it have said
            return "t" in value.lower()
    lengths = element.name in SHAPES and name in LENGTHS - POINTS
    return lengths and not PLAIN_LENGTH.fullmatch(value)


def is_immense_style(text: str) -> bool:
    return "vector-effect" in text.lower() or bool(LENGTH_IN_STYLE.search(text))


@dataclass(slots=True)
class Scales:
    """What is known of a whole drawing. shortest: the shortest dash of all, on average in its
    pattern; loose: dashes that more than one shape may have; immense: lengths that their numbers
    alone do not tell; texts: letters, whose outlines nobody knows here."""

    by_id: dict[str, Element]
    everywhere: int = 0
    shortest: float = 0.0
    loose: bool = False
    immense: bool = False
    texts: bool = False
    known: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def note(self, element: Element, name: str, value: str) -> None:
        if name == "stroke-dasharray":
            self.note_dashes(value, loose=element.name not in SHAPES)
        elif name == "style":
            for said in DASHES.findall(value):
                self.note_dashes(said, loose=element.name not in SHAPES)
        self.immense = self.immense or is_immense(element, name, value)

    def note_styles(self, text: str, *, gradients: bool) -> None:
        """A rule may be about each element."""
        for said in DASHES.findall(text):
            self.note_dashes(said, loose=True)
        self.immense = self.immense or is_immense_style(text)
        self.everywhere = max(
            self.everywhere, BLEND * bool(BLENDS.search(text)) + GRADIENT * gradients
        )

    def note_dashes(self, value: str, *, loose: bool) -> None:
        value = value.replace("!important", "").strip().lower()
        if value in NO_DASHES:
            return
        if not PLAIN_DASHES.fullmatch(value):
            raise Refused("dashes (`stroke-dasharray`) that are no plain numbers")
        dashes = [float(one) for one in NUMBER.findall(value)]
        average = sum(dashes) / max(1, len(dashes))
        if average:
            self.shortest = min(self.shortest or average, average)
            self.loose = self.loose or loose

    def check(self, root: Element) -> None:
        if self.shortest and ((self.loose and self.texts) or self.immense):
            raise Refused("dashes (`stroke-dasharray`) around letters or unknown lengths")
        self.weigh(root, MAX_CHAIN, set())

    def weigh(self, element: Element, chain: int, within: set[int]) -> tuple[int, bool]:
        """An element's weight where it is drawn, and whether an effect is in it."""
        key = id(element)
        if key in self.known:
            return self.known[key]
        if key in within or chain == 0:
            raise Refused("a reference to what it stands in, or too long a chain of them")
        within.add(key)
        referred = [self.by_id[name] for name in element.refers if name in self.by_id]
        total = element.weight + self.everywhere
        if self.shortest:
            total += int(min(element.length / self.shortest, MAX_WEIGHT)) * DASH
        effect = False
        for one in (*element.children, *referred):
            weight, inner = self.weigh(one, chain - 1, within)
            total += weight
            # A pattern that refers to a pattern is it, with other numbers.
            effect = effect or (inner and not (element.name == one.name == "pattern"))
            if total > MAX_WEIGHT:
                raise Refused("so much to draw that a page with it would stand still")
        if effect and element.name in EFFECTS:
            raise Refused(f"a `{element.name}` within which is another effect")
        within.discard(key)
        self.known[key] = total, effect or element.name in EFFECTS
        return self.known[key]
