"""SVG pictures: drawings that are nothing but drawings.

SVG is a language of documents, with scripts, links and loads. What may stand in a picture is listed
here, and everything else is refused: no script, no handler, no HTML inside, no animation, no link,
nothing from elsewhere, no document type (and so no entity). Nodes serve it as a picture only, under
a policy that would run nothing if this list were wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat  # its risk is entities, and whatever declares one is refused

from adserver.core.catalog import Size
from adserver.publishing.findings import Complaint
from adserver.publishing.nodes import quoted

MAX_ELEMENTS = 5_000
MAX_DEPTH = 64
# Elements that a browser draws, each counted as often as it is referred to: ten that use ten that
# use ten … are a bomb of a few lines.
MAX_DRAWN = 50_000
MAX_CHAIN = 100  # of references and elements, one within the other

SVG = "http://www.w3.org/2000/svg"
XML = "http://www.w3.org/XML/1998/namespace"
GRADIENTS = frozenset(("linearGradient", "radialGradient"))
# https://www.w3.org/TR/SVG2/eltindex.html, without what links, loads, runs or moves, and
# https://www.w3.org/TR/filter-effects-1/ without feImage.
ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        """
        circle clipPath defs desc ellipse filter g image line linearGradient marker mask path
        pattern polygon polyline radialGradient rect stop style svg switch symbol text textPath
        title tspan use feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix
        feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB
        feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight
        feSpecularLighting feSpotLight feTile feTurbulence
        """,
    )
)
# The pictures inside the picture: they are in the file.
INLINE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
LOCAL = re.compile(r"#([^\s\"'()<>]+)")
URL = re.compile(r"url\(", re.IGNORECASE)
QUOTES = "\"'"
# What makes a style load or run something, besides `url(`; a backslash can spell any of them.
LOADING_STYLE = re.compile(
    r"\\|@import|@namespace|image-set|(?<![a-z-])(image|src|element|cross-fade|expression)\s*\("
    r"|-moz-binding|behavior\s*:|javascript:",
    re.IGNORECASE,
)
# A name that nothing can refer to, as it has a space.
ROOT = "the root"
LENGTH = re.compile(r"\s*([0-9]{1,6})(?:\.0+)?(?:px)?\s*")
BETWEEN = re.compile(r"[\s,]+")


class Refused(Exception):
    """what: which stands in the file and may not, as it goes on after "holds"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(slots=True)
class Element:
    """refers: names of what is drawn in its place or fills it."""

    name: str
    children: list[Element] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)


def read_svg(data: bytes, relative: str) -> Size | Complaint:
    """The size of a drawing in CSS pixels, or why it is none."""
    drawing = Drawing()
    try:
        drawing.read(data)
        return drawing.size()
    except Refused as refused:
        message = f"{quoted(relative)} is SVG and holds {refused.what}, which a picture may not"
        hint = "export it as plain, optimised SVG, or as PNG or WebP with a @2x beside it"
        return Complaint("svg_refused", message, hint)
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        message = f"{quoted(relative)} is no SVG that can be read: {error}"
        return Complaint("bad_image", message, "open it in a picture editor and export it again")


class Drawing:
    """Reads a file element by element; raises Refused at the first that may not be there."""

    def __init__(self) -> None:
        self.size_said: dict[str, str] = {}
        self.by_id: dict[str, Element] = {}
        self.open: list[Element] = []
        self.count = 0
        self.style = ""
        self.styled_by: list[str] = []

    def read(self, data: bytes) -> None:
        data.decode("utf-8")  # the one encoding that everybody reads alike
        parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction
        parser.Parse(data, True)
        self.check_styles()
        self.drawn(self.by_id[ROOT], MAX_CHAIN, set(), {})

    def doctype(self, *_: object) -> None:
        raise Refused("a document type (`<!DOCTYPE …>`)")

    def instruction(self, target: str, _: str) -> None:
        raise Refused(f"an instruction ({quoted(f'<?{target}')})")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace != SVG or local not in ELEMENTS:
            raise Refused(f"the element {quoted(local)}")
        element = Element(local)
        self.count += 1
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.begin(element, attributes)
        self.open.append(element)
        if self.count > MAX_ELEMENTS or len(self.open) > MAX_DEPTH:
            raise Refused(f"more than {MAX_ELEMENTS:,} elements, or {MAX_DEPTH} in one another")
        for attribute, value in attributes.items():
            self.attribute(element, attribute, value)

    def begin(self, element: Element, attributes: dict[str, str]) -> None:
        if element.name != "svg":
            raise Refused("no drawing")
        self.by_id[ROOT] = element
        self.size_said = attributes

    def end(self, _: str) -> None:
        if self.open.pop().name == "style":
            self.styled_by += check_style(self.style)
            self.style = ""

    def characters(self, text: str) -> None:
        if self.open[-1].name == "style":
            self.style += text

    def attribute(self, element: Element, name: str, value: str) -> None:
        namespace, _, local = name.rpartition(" ")
        if local.lower().startswith("on") or (namespace == XML and local == "base"):
            raise Refused(f"the attribute {quoted(local)}")
        if local == "id" and not namespace:
            self.by_id.setdefault(value, element)
        if local in ("href", "src"):
            element.refers += check_reference(element.name, value)
        else:
            element.refers += check_style(value)

    def check_styles(self) -> None:
        """A rule may fill anything, so what it fills with has to be what refers to nothing."""
        for name in self.styled_by:
            target = self.by_id.get(name)
            if target is not None and target.name not in GRADIENTS:
                raise Refused("a style with a reference that is no gradient's")

    def drawn(self, element: Element, chain: int, within: set[int], known: dict[int, int]) -> int:
        """How many elements this one is when it is drawn."""
        key = id(element)
        if key in known:
            return known[key]
        if key in within or chain == 0:
            raise Refused("a reference to what it stands in, or too long a chain of them")
        within.add(key)
        referred = [self.by_id[name] for name in element.refers if name in self.by_id]
        total = 1
        for one in (*element.children, *referred):
            total += self.drawn(one, chain - 1, within, known)
            if total > MAX_DRAWN:
                raise Refused(f"references that make it more than {MAX_DRAWN:,} elements")
        within.discard(key)
        known[key] = total
        return total

    def size(self) -> Size:
        """By `width` and `height`, in pixels, or else by `viewBox`."""
        sides = [LENGTH.fullmatch(self.size_said.get(side, "")) for side in ("width", "height")]
        if not all(sides):
            box = BETWEEN.split(self.size_said.get("viewBox", "").strip())
            sides = [LENGTH.fullmatch(side) for side in box[2:]] if len(box) == 4 else []
        found = [int(side[1]) for side in sides if side]
        if len(found) != 2 or 0 in found:
            raise ValueError("its `width` and `height`, or `viewBox`, are no whole pixels")
        return Size(*found)


def check_reference(element: str, value: str) -> list[str]:
    """The name that an address refers to; it is in the file, or it is refused."""
    if element == "image" and INLINE.fullmatch(value):
        return []
    found = LOCAL.fullmatch(value.strip())
    if found is None:
        raise Refused(f"an address that leads out of it ({quoted(value[:60])})")
    return [found[1]]


def check_style(text: str) -> list[str]:
    """The names that a style refers to."""
    if found := LOADING_STYLE.search(text):
        raise Refused(f"a style or value with {quoted(found[0])}")
    names = []
    for behind in URL.split(text)[1:]:
        address, end, _ = behind.partition(")")
        local = LOCAL.fullmatch(address.strip().strip(QUOTES).strip())
        if not end or local is None:
            raise Refused(f"a style with an address that leads out of it ({quoted(address[:60])})")
        names.append(local[1])
    return names
