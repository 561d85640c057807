"""The schema of a campaign's targeting: facts of every request, and the site's own."""

from __future__ import annotations

from adserver.core.targeting import COUNTRY, DEVICE, LANGUAGE, SITE, URL
from adserver.publishing.descriptions import CAMPAIGN
from adserver.publishing.json_schema.values import (
    Schema,
    described,
    items,
    mapping,
    matching,
    name,
    text,
)
from adserver.publishing.targeting import (
    COUNTRY_CODE,
    LANGUAGE_RANGE,
    MAX_PATTERN,
    MAX_VALUES,
    WORDS,
)

PATTERN = r"(/|https?://|\*)[^\s?#]*"
# Values compare regardless of case; editors offer the first notation.
DEVICES = {
    "anyOf": [
        {"enum": ["desktop", "mobile"]},
        matching("[Dd][Ee][Ss][Kk][Tt][Oo][Pp]|[Mm][Oo][Bb][Ii][Ll][Ee]"),
    ]
}


def targeting() -> Schema:
    keys = {
        SITE: clause(name()),
        URL: clause(matching(PATTERN) | {"maxLength": MAX_PATTERN}),
        LANGUAGE: clause(matching(LANGUAGE_RANGE)),
        COUNTRY: clause(matching(COUNTRY_CODE)),
        DEVICE: clause(DEVICES),
    }
    return mapping(described(keys, CAMPAIGN, "targeting."), others=clause(text()))


def clause(value: Schema) -> Schema:
    """A list means any; a mapping says any, all or none."""
    values = items(value, MAX_VALUES)
    words = mapping(dict.fromkeys(WORDS, values)) | {"minProperties": 1}
    return {"anyOf": [values, words]}
