"""Creatives: what is shown. Each is pictures, words or an HTML document, and leads somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath

from adserver.core.catalog import Creative, Html, Image, Text
from adserver.publishing.documents import Documents, read_source
from adserver.publishing.findings import Complaint, Findings, Placed
from adserver.publishing.hosts import tell_of_host
from adserver.publishing.images import HEAVY_BYTES, Pictures
from adserver.publishing.links import MAX_LINK, Address, read_link, with_query
from adserver.publishing.nodes import Kind, MapNode, Node, Scalar, quoted
from adserver.publishing.schema import Fields, Names, expected

KINDS = ("images", "text", "html")
COMMON_KEYS = ("id", "weight", "link", "utm")
KEYS_OF = {
    "images": ("images", "alt"),
    "text": ("text",),
    "html": ("html", "size", "loads_from"),
}
ALL_KEYS = (*COMMON_KEYS, *(key for keys in KEYS_OF.values() for key in keys))

MAX_HEADLINE = 200
MAX_BODY = 1_000
MAX_CTA = 100
MAX_ALT = 500
MIN_WEIGHT, MAX_WEIGHT = Decimal("0.001"), Decimal(1_000_000)


@dataclass(slots=True)
class Workshop:
    """What reading creatives needs of the rest: the folder's files, and who speaks in utm."""

    pictures: Pictures
    documents: Documents
    utm_source: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A link and whether it takes utm parameters, before a creative gives it its names."""

    address: Address | None
    utm: bool

    def link(self, source: str, campaign: str, creative: str) -> Address | None:
        if self.address is None or not self.utm:
            return self.address
        return with_query(
            self.address,
            {
                "utm_source": source,
                "utm_medium": "display",
                "utm_campaign": campaign,
                "utm_content": creative,
            },
        )


def read_destination(fields: Fields, inherited: Destination) -> Destination:
    """A campaign's or a creative's own `link` and `utm`; what it does not say is inherited."""
    utm = fields.flag("utm") if "utm" in fields else inherited.utm
    if "link" not in fields:
        return Destination(inherited.address, bool(utm))
    return Destination(read_link_at(fields.get("link"), fields, "link"), bool(utm))


def read_link_at(
    node: Node | None, fields: Fields, key: str, schemes: tuple[str, ...] = ("https", "http")
) -> Address | None:
    """An address as written: nothing is trimmed, white space is refused."""
    if not (isinstance(node, Scalar) and node.kind is Kind.TEXT):
        if node is not None:
            expected(node, fields.findings, fields.where + key, "an address such as https://…")
        return None
    address = read_link(node.text, schemes)
    if isinstance(address, Address) and len(str(address)) > MAX_LINK:
        address = Complaint("bad_link", f"an address of more than {MAX_LINK:,} characters")
    if isinstance(address, Complaint):
        message = f"`{fields.where}{key}`: {address.message}"
        fields.findings.error(node, address.code, message, address.hint)
        return None
    tell_of_host(address, node, fields.findings)
    return address


def read_creatives(
    campaign: Fields, name: str, destination: Destination, workshop: Workshop
) -> list[tuple[Placed, Creative]]:
    """The creatives that are well described, each with its place in the file."""
    names = Names("creative", campaign.findings)
    found: list[tuple[Placed, Creative]] = []
    for number, node in enumerate(campaign.items("creatives"), start=1):
        if not isinstance(node, MapNode):
            expected(node, campaign.findings, f"creatives[{number}]", "a creative: {id: …, …}")
            continue
        fields = Fields(node, campaign.findings, f"creatives[{number}].")
        identity = read_id(fields, names)
        if identity:
            fields.where = f"creatives.{identity}."
        creative = read_creative(fields, identity or "", name, destination, workshop)
        fields.need("id", hint="a short name for reports, such as `id: banner`")
        if creative and identity:
            found.append((node, creative))
    return found


def read_id(fields: Fields, names: Names) -> str | None:
    text = fields.text("id")
    return text if text is not None and names.take(text, fields.at("id")) else None


def read_creative(
    fields: Fields, identity: str, campaign: str, inherited: Destination, workshop: Workshop
) -> Creative | None:
    kind = read_kind(fields)
    weight = fields.number_between("weight", MIN_WEIGHT, MAX_WEIGHT) if "weight" in fields else 1
    destination = read_destination(fields, inherited)
    link = destination.link(workshop.utm_source, campaign, identity)
    images = read_images(fields, workshop) if kind == "images" else ()
    alt = read_alt(fields) if kind == "images" else ""
    text = read_words(fields) if kind == "text" else None
    html = read_html(fields, workshop) if kind == "html" else None
    whole = images or text or html
    if not whole or weight is None or link is None or alt is None:
        return None
    return Creative(identity, str(link), float(weight), alt, images, text, html)


def read_kind(fields: Fields) -> str | None:
    """The one kind that a creative is; keys of the other kinds are refused."""
    kinds = [kind for kind in KINDS if kind in fields]
    if len(kinds) != 1:
        fields.only(ALL_KEYS)
        found = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
        message = f"`{fields.where[:-1]}`: expected one of images, text or html, found {found}"
        fields.findings.error(fields.node, "one_kind", message, "make one creative of each")
        return None
    kind = kinds[0]
    fields.only((*COMMON_KEYS, *KEYS_OF[kind]), MISPLACED[kind])
    return kind


def misplaced_hint(key: str, kind: str) -> str:
    if key == "size" and kind == "images":
        return "delete it: the sizes of pictures are read from the files"
    owner = next((owner for owner, keys in KEYS_OF.items() if key in keys), kind)
    return f"`{key}` belongs to a creative with `{owner}`"


MISPLACED = {kind: {key: misplaced_hint(key, kind) for key in ALL_KEYS} for kind in KINDS}


def read_alt(fields: Fields) -> str | None:
    fields.need("alt", hint="say in words what the picture says, for those who cannot see it")
    return fields.text("alt", MAX_ALT)


def read_words(fields: Fields) -> Text | None:
    words = fields.table("text", "{headline: …, body: …, cta: …}")
    if words is None:
        return None
    words.only(("headline", "body", "cta"))
    words.need("headline")
    headline = words.text("headline", MAX_HEADLINE)
    body = words.lines("body", MAX_BODY) if "body" in words else ""
    cta = words.text("cta", MAX_CTA) if "cta" in words else ""
    if headline is None or body is None or cta is None:
        return None
    return Text(headline, body, cta)


def read_images(fields: Fields, workshop: Workshop) -> tuple[Image, ...]:
    """Every picture of the list, or none if one of them was refused."""
    items = list(fields.texts("images"))
    read = [read_image(node, path, fields.findings, workshop) for node, path in items]
    images = tuple(image for image in read if image)
    if len(images) < len(items):
        return ()
    for (node, path), image in zip(items, images, strict=True):
        check_twin(node, path, image, images, fields.findings)
    return images


def read_image(node: Placed, path: str, findings: Findings, workshop: Workshop) -> Image | None:
    picture = workshop.pictures.read(path)
    if isinstance(picture, Complaint):
        findings.refuse(node, picture)
        return None
    if picture.weight_bytes > HEAVY_BYTES:
        message = f"{quoted(path)} has {picture.weight_bytes // 1000} kB"
        hint = f"the IAB advises at most {HEAVY_BYTES // 1000} kB for what loads first"
        findings.warning(node, "heavy_image", message, hint)
    return picture.image


def check_twin(
    node: Placed, path: str, image: Image, images: tuple[Image, ...], findings: Findings
) -> None:
    """A @2x picture is only ever shown in place of its 1x."""
    if image.density == 1 or any(i.density == 1 and i.size == image.size for i in images):
        return
    message = f"{quoted(path)} is a @2x picture without a {image.size} picture beside it"
    findings.error(node, "lonely_double", message, "add the picture in its single size")


def read_html(fields: Fields, workshop: Workshop) -> Html | None:
    fields.need("size", hint="the room that the document needs, such as `size: 728x90`")
    path, size = fields.text("html"), fields.size("size")
    sources = read_sources(fields)
    if path is None:
        return None
    document = workshop.documents.read(path, sources)
    if isinstance(document, Complaint):
        fields.findings.refuse(fields.at("html"), document)
        return None
    fields.findings.problems += document.problems
    if size is None or document.digest is None:
        return None
    return Html(document.digest, PurePosixPath(path).name, size, sources)


def read_sources(fields: Fields) -> tuple[str, ...]:
    if "loads_from" not in fields:
        return ()
    sources: list[str] = []
    for node, text in fields.texts("loads_from"):
        source = read_source(text)
        if isinstance(source, Complaint):
            fields.findings.refuse(node, source)
        else:
            sources.append(source)
    return tuple(sources)


NO_DESTINATION = Destination(None, False)
