"""The schema of a creative, which is one of three kinds."""

from __future__ import annotations

from adserver.publishing.creatives import (
    ALL_KEYS,
    COMMON_KEYS,
    KEYS_OF,
    MAX_ALT,
    MAX_BODY,
    MAX_CTA,
    MAX_HEADLINE,
    MAX_WEIGHT,
    MIN_WEIGHT,
)
from adserver.publishing.descriptions import CAMPAIGN
from adserver.publishing.folder import MAX_PATH
from adserver.publishing.json_schema.values import (
    Schema,
    described,
    flag,
    items,
    lines,
    link,
    mapping,
    matching,
    name,
    number,
    size,
    text,
    without,
)

# Within the folder, without a way out of it.
PATH = r"(?!/)(?![A-Za-z]:)(?!(.*/)?\.\.(/|$))[^\\]+"
SOURCE = r"https://(\*\.)?[^/?#@*\s]+/?"

NEEDED = {"images": ("images", "alt"), "text": ("text",), "html": ("html", "size")}


def creative() -> Schema:
    keys = {
        "id": name(),
        "weight": number(MIN_WEIGHT, MAX_WEIGHT) | {"default": 1},
        "link": link(),
        "utm": flag(),
        "images": items(path(PATH)),
        "alt": text(MAX_ALT),
        "text": words(),
        "html": path(PATH),
        "size": size(),
        "loads_from": items(matching(SOURCE)),
    }
    kinds = [of_kind(kind) for kind in KEYS_OF]
    return mapping(described(keys, CAMPAIGN, "creatives."), ("id",)) | {"oneOf": kinds}


def of_kind(kind: str) -> Schema:
    own = (*COMMON_KEYS, *KEYS_OF[kind])
    return {"required": list(NEEDED[kind]), **without(*(k for k in ALL_KEYS if k not in own))}


def words() -> Schema:
    keys = {"headline": text(MAX_HEADLINE), "body": lines(MAX_BODY), "cta": text(MAX_CTA)}
    return mapping(described(keys, CAMPAIGN, "creatives.text."), ("headline",))


def path(pattern: str) -> Schema:
    return matching(pattern) | {"maxLength": MAX_PATH}
