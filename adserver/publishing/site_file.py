"""`site.yaml` and `slots.yaml`: the publisher, and the places in its pages."""

from __future__ import annotations

import re
import unicodedata

from adserver.core.catalog import ContextKey, Device, OnEmpty, Site, Size, Slot
from adserver.publishing.findings import Complaint, Findings
from adserver.publishing.flights import read_timezone
from adserver.publishing.hosts import tell_of_host
from adserver.publishing.links import Address, read_address
from adserver.publishing.lookalikes import twins
from adserver.publishing.nodes import MapNode, Node, Scalar, quoted
from adserver.publishing.schema import Fields, Names, read_text

SITE_KEYS = (
    "name", "sites", "timezone", "currency", "language", "label", "breakpoint", "context",
    "server",
)  # fmt: skip
NEEDED = ("name", "sites", "timezone", "currency", "language")
DEFAULT_LABELS = {"fr": "Publicité", "en": "Advertisement"}
DEFAULT_BREAKPOINT = 1_000
MAX_BREAKPOINT = 10_000
MAX_LABEL = 60

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
CURRENCY = re.compile(r"[A-Z]{3}")
# Facts that every request may bring; a key of the site's own may not mean something else.
BUILT_IN = (
    "url", "lang", "country", "device", "consent", "capped", "exclude", "site", "slots",
)  # fmt: skip


def read_site(node: MapNode, findings: Findings) -> Site | None:
    fields = Fields(node, findings)
    fields.only(SITE_KEYS)
    fields.need(*NEEDED)
    language = read_language(fields)
    site = Site(
        name=fields.text("name") or "",
        sites=read_sites(fields),
        timezone=read_timezone(fields) or "",
        currency=read_matching(fields, "currency", CURRENCY, "three capitals such as EUR"),
        language=language,
        label=read_labels(fields, language),
        breakpoint=read_breakpoint(fields),
        context=read_context(fields),
        server=read_server(fields),
    )
    return None if findings.failed else site


def read_matching(fields: Fields, key: str, pattern: re.Pattern[str], what: str) -> str:
    text = fields.text(key)
    if text is None or pattern.fullmatch(text):
        return text or ""
    fields.expected(key, what)
    return ""


def read_language(fields: Fields) -> str:
    return read_matching(fields, "language", LANGUAGE, "a language tag such as fr or fr-CA")


def read_sites(fields: Fields) -> dict[str, str]:
    names = Names("site", fields.findings)
    sites: dict[str, str] = {}
    for key, value in fields.tables("sites"):
        address = read_site_address(fields, f"sites.{key.text}", value)
        if not names.take(key.text, key) or address is None:
            continue
        if address in sites.values():
            message = f"`sites.{key.text}`: another site has this address"
            fields.findings.error(value, "duplicate_address", message)
        sites[key.text] = address
    return sites


def read_site_address(fields: Fields, name: str, node: Node) -> str | None:
    text = read_text(node, fields.findings, name, longest=2_048)
    address = read_address(text) if text is not None else None
    if isinstance(address, Address) and (address.query or address.fragment):
        address = Complaint("bad_link", "a site's address has no `?` and no `#`", "remove it")
    if isinstance(address, Complaint):
        message = f"`{name}`: {address.message}"
        fields.findings.error(node, address.code, message, address.hint)
        return None
    if address is not None:
        tell_of_host(address, node, fields.findings)
    return without_slash(address) if address else None


def without_slash(address: Address) -> str:
    """The address in the one form in which two of them can be compared."""
    port = {"http": ":80", "https": ":443"}[address.scheme]
    usual = address.port == port
    return f"{address.scheme}://{address.host}{'' if usual else address.port}" + (
        address.path.rstrip("/")
    )


def read_server(fields: Fields) -> str:
    node = fields.get("server")
    return (read_site_address(fields, "server", node) if node else None) or ""


def read_labels(fields: Fields, language: str) -> dict[str, str]:
    """The word above every ad, by language; the site's own language always has one."""
    labels = dict(DEFAULT_LABELS)
    if "label" in fields:
        labels = {}
        for key, value in fields.tables("label"):
            if not LANGUAGE.fullmatch(key.text):
                message = f"{quoted(key.text)} is not a language tag such as fr"
                fields.findings.error(key, "bad_language", message)
            labels[key.text] = (
                read_text(value, fields.findings, f"label.{key.text}", MAX_LABEL) or ""
            )
    if not language or language in labels:
        return labels
    word = label_for(language, labels)
    if word is None:
        message = f"`label` has no word in the site's language, {language}"
        hint = f"write label: {{{language}: …}}"
        fields.findings.error(fields.at("label"), "no_label", message, hint)
    return labels | {language: word or ""}


def label_for(language: str, labels: dict[str, str]) -> str | None:
    """The label of the nearest wider tag: `fr` for `fr-CA`."""
    folded = {tag.lower(): word for tag, word in labels.items()}
    tag = language.lower()
    while tag not in folded and "-" in tag:
        tag = tag.rpartition("-")[0]
    return folded.get(tag)


def read_breakpoint(fields: Fields) -> int:
    if "breakpoint" not in fields:
        return DEFAULT_BREAKPOINT
    node = fields.get("breakpoint")
    match = re.fullmatch(r"([0-9]{1,5})(px)?", node.text) if isinstance(node, Scalar) else None
    if match is None or not 1 <= int(match[1]) <= MAX_BREAKPOINT:
        fields.expected("breakpoint", f"a width such as 1000px, at most {MAX_BREAKPOINT:,}")
        return DEFAULT_BREAKPOINT
    return int(match[1])


def read_context(fields: Fields) -> tuple[ContextKey, ...]:
    if "context" not in fields:
        return ()
    names = Names("context key", fields.findings)
    keys = (
        read_context_key(fields, key, value)
        for key, value in fields.tables("context")
        if names.take(key.text, key)
    )
    return tuple(key for key in keys if key)


def read_context_key(fields: Fields, key: Scalar, value: Node) -> ContextKey | None:
    name = f"context.{key.text}"
    if key.text.casefold() in BUILT_IN:
        message = f"`{name}`: every request brings `{key.text.casefold()}` already"
        fields.findings.error(key, "built_in_key", message, "choose another name")
        return None
    if not isinstance(value, MapNode):
        hint = "write {one_of: [a, b]} or {many: true}"
        Fields(fields.node, fields.findings).expected("context", f"a mapping under {name}", hint)
        return None
    own = Fields(value, fields.findings, f"{name}.")
    own.only(("one_of", "many"))
    many = own.flag("many") if "many" in own else False
    return ContextKey(key.text, read_one_of(own), bool(many))


def read_one_of(fields: Fields) -> tuple[str, ...]:
    """A closed list of values; they compare as targeting compares them, NFC and case-folded."""
    if "one_of" not in fields:
        return ()
    met: dict[str, str] = {}
    for node, text in fields.texts("one_of"):
        same = unicodedata.normalize("NFC", text).casefold()
        if same in met:
            message = f"`{fields.where}one_of`: {quoted(text)} is there already"
            fields.findings.error(node, "duplicate_value", message)
        met[same] = text
    warn_of_twins(fields, tuple(met.values()))
    return tuple(met.values())


def warn_of_twins(fields: Fields, values: tuple[str, ...]) -> None:
    for value, known in twins(values):
        message = f"`{fields.where}one_of`: {quoted(value)} reads like {quoted(known)}"
        hint = "some of their characters are of another alphabet: keep one of the two"
        fields.findings.warning(fields.at("one_of"), "value_twin", message, hint)


SLOT_KEYS = ("title", "sizes", "on_empty")


def read_slots(node: MapNode, findings: Findings) -> tuple[Slot, ...]:
    """Every slot that is well described; an unfinished one is left out and noted."""
    names = Names("slot", findings)
    slots = (
        read_slot(key, value, findings)
        for key, value in node.entries.values()
        if names.take(key.text, key)
    )
    return tuple(slot for slot in slots if slot)


def read_slot(key: Scalar, value: Node, findings: Findings) -> Slot | None:
    if not isinstance(value, MapNode):
        message = f"`{key.text}`: expected a mapping with title and sizes"
        hint = "write {title: Top of the page, sizes: {desktop: 728x90, mobile: 320x100}}"
        findings.error(value, "wrong_value", message, hint)
        return None
    fields = Fields(value, findings, f"{key.text}.")
    fields.only(SLOT_KEYS)
    fields.need("title", "sizes")
    title, sizes = fields.text("title"), read_sizes(fields)
    on_empty = fields.choice("on_empty", OnEmpty) if "on_empty" in fields else OnEmpty.RESERVE
    if title is None or not sizes or on_empty is None:
        return None
    return Slot(key.text, title, sizes, on_empty)


def read_sizes(fields: Fields) -> dict[Device, Size]:
    sizes = fields.table("sizes", "{desktop: 728x90, mobile: 320x100}")
    if sizes is None:
        return {}
    sizes.only([str(device) for device in Device])
    found = {device: sizes.size(device) for device in Device if device in sizes}
    if not found:
        message = f"`{fields.where}sizes` has no size"
        hint = "write {desktop: 728x90, mobile: 320x100}"
        fields.findings.error(sizes.node, "missing_key", message, hint)
    return {device: size for device, size in found.items() if size}
