"""The schema of site.yaml."""

from __future__ import annotations

from adserver.publishing.descriptions import SITE
from adserver.publishing.json_schema.values import (
    Schema,
    described,
    flag,
    items,
    mapping,
    matching,
    name,
    named,
    site_address,
    text,
)
from adserver.publishing.site_file import (
    BUILT_IN,
    CURRENCY,
    DEFAULT_BREAKPOINT,
    LANGUAGE,
    MAX_BREAKPOINT,
    MAX_LABEL,
    NEEDED,
)

ZONE = r"[A-Za-z0-9_+/-]+"


def site() -> Schema:
    keys = {
        "name": text(),
        "sites": named(site_address(), name()) | {"minProperties": 1},
        "timezone": matching(ZONE),
        "currency": matching(CURRENCY),
        "language": matching(LANGUAGE),
        "label": named(text(MAX_LABEL), matching(LANGUAGE)) | {"minProperties": 1},
        "breakpoint": {
            "type": ["string", "integer"],
            "pattern": "^[0-9]{1,5}(px)?$",
            "minimum": 1,
            "maximum": MAX_BREAKPOINT,
            "default": f"{DEFAULT_BREAKPOINT}px",
        },
        "context": named(fact(), own_name()) | {"minProperties": 1},
        "server": site_address(),
    }
    return mapping(described(keys, SITE), NEEDED)


def fact() -> Schema:
    keys = {"one_of": items(text()), "many": flag() | {"default": False}}
    return mapping(described(keys, SITE, "context."))


def own_name() -> Schema:
    """A name that no request brings already."""
    return {**name(), "not": {"enum": list(BUILT_IN)}}
