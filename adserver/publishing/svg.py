"""SVG pictures: drawings that are nothing but drawings.

SVG is a language of documents, with scripts, links and loads. What may stand in a picture is listed
here, and everything else is refused: no script, no handler, no HTML inside, no animation, no link,
nothing from elsewhere, no document type (and so no entity), no picture in the picture, whose pixels
nobody would see here. Nodes serve it as a picture only, under a policy that would run nothing if
this list were wrong. What is left is weighed (svg_weight), as drawing may take for ever as well.
"""

from __future__ import annotations

import re
from xml.parsers import expat  # its risk is entities, and whatever declares one is refused

from adserver.core.catalog import Size
from adserver.publishing.findings import Complaint
from adserver.publishing.nodes import quoted
from adserver.publishing.svg_weight import MAX_STYLE_WORK, TEXTS, Element, Refused, Scales

MAX_ELEMENTS = 5_000
MAX_DEPTH = 64

SVG = "http://www.w3.org/2000/svg"
XML = "http://www.w3.org/XML/1998/namespace"
GRADIENTS = frozenset(("linearGradient", "radialGradient"))
# https://www.w3.org/TR/SVG2/eltindex.html, without what links, loads, runs or moves, and without
# markers, which are drawn at each point of a line;
# https://www.w3.org/TR/filter-effects-1/ without feImage.
ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        """
        circle clipPath defs desc ellipse filter g line linearGradient mask path pattern
        polygon polyline radialGradient rect stop style svg switch symbol text textPath
        title tspan use feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix
        feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB
        feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight
        feSpecularLighting feSpotLight feTile feTurbulence
        """,
    )
)
LOCAL = re.compile(r"#([^\s\"'()<>]+)")
URL = re.compile(r"url\(", re.IGNORECASE)
QUOTES = "\"'"
# What makes a style load, run or move something, besides `url(`, or do to each element what is only
# weighed where an element says it; a backslash can spell any of them.
REFUSED_STYLE = re.compile(
    r"\\|@import|@namespace|image-set|(?<![a-z-])(image|src|element|cross-fade|expression)\s*\("
    r"|-moz-binding|behavior\s*:|javascript:|keyframes|shadow\s*[:/]"
    # Read in one go: none begins within another.
    r"|(?<![a-z-])(?:-[a-z]+-)?animation[a-z-]*\s*[:/]"
    r"|:has\s*\(|(?<![a-z-])(path|polygon|shape|blur|drop-shadow|brightness|contrast|grayscale"
    r"|hue-rotate|invert|opacity|saturate|sepia)\s*\(",
    re.IGNORECASE,
)
# A name that nothing can refer to, as it has a space.
ROOT = "the root"
LENGTH = re.compile(r"\s*([0-9]{1,6})(?:\.0+)?(?:px)?\s*")
BETWEEN = re.compile(r"[\s,]+")


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
        self.style_bytes = 0
        self.styled_by: list[str] = []
        self.scales = Scales(self.by_id)

    def read(self, data: bytes) -> None:
        data.decode("utf-8")  # the one encoding that everybody reads alike
        parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self.declaration
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction
        parser.Parse(data, True)
        self.check_styles()
        self.scales.check(self.by_id[ROOT])

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Browsers believe it, and would read other words than these."""
        if encoding is not None and encoding.lower() != "utf-8":
            raise Refused(f"the encoding {quoted(encoding)}")

    def doctype(self, *_: object) -> None:
        raise Refused("a document type (`<!DOCTYPE …>`)")

    def instruction(self, target: str, _: str) -> None:
        raise Refused(f"an instruction ({quoted(f'<?{target}')})")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace != SVG or local not in ELEMENTS:
            raise Refused(f"the element {quoted(local)}")
        element = Element(local)
        element.weigh_name()
        self.scales.texts = self.scales.texts or local in TEXTS
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
            names = check_style(self.style)
            self.styled_by += names
            self.scales.note_styles(self.style, gradients=bool(names))
            self.style_bytes += len(self.style)
            self.style = ""

    def characters(self, text: str) -> None:
        if self.open[-1].name == "style":
            self.style += text
        else:
            self.open[-1].weigh_text(text)

    def attribute(self, element: Element, name: str, value: str) -> None:
        namespace, _, local = name.rpartition(" ")
        # One turns all addresses around, the other says how long the path is that is dashed.
        if local.lower().startswith("on") or local in ("base", "pathLength"):
            raise Refused(f"the attribute {quoted(local)}")
        if local == "id" and not namespace:
            self.by_id.setdefault(value, element)
        if local in ("href", "src"):
            element.refers += check_reference(value)
        else:
            element.refers += check_style(value)
        if not namespace:
            element.weigh_attribute(local, value)
            self.scales.note(element, local, value)

    def check_styles(self) -> None:
        """A rule may fill anything, so what it fills with has to be what refers to nothing."""
        if self.style_bytes * self.count > MAX_STYLE_WORK:
            raise Refused("more styles than so many elements may have")
        for name in self.styled_by:
            target = self.by_id.get(name)
            if target is not None and target.name not in GRADIENTS:
                raise Refused("a style with a reference that is no gradient's")

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


def check_reference(value: str) -> list[str]:
    """The name that an address refers to; it is in the file, or it is refused."""
    found = LOCAL.fullmatch(value.strip())
    if found is None:
        raise Refused(f"an address that leads out of it ({quoted(value[:60])})")
    return [found[1]]


def check_style(text: str) -> list[str]:
    """The names that a style refers to."""
    if found := REFUSED_STYLE.search(text):
        raise Refused(f"a style or value with {quoted(found[0])}")
    names = []
    for behind in URL.split(text)[1:]:
        address, end, _ = behind.partition(")")
        local = LOCAL.fullmatch(address.strip().strip(QUOTES).strip())
        if not end or local is None:
            raise Refused(f"a style with an address that leads out of it ({quoted(address[:60])})")
        names.append(local[1])
    return names
