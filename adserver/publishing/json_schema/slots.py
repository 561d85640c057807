"""The schema of slots.yaml."""

from __future__ import annotations

from adserver.core.catalog import Device, OnEmpty
from adserver.publishing.descriptions import SLOTS
from adserver.publishing.json_schema.values import (
    Schema,
    described,
    mapping,
    name,
    named,
    size,
    text,
    word,
)


def slots() -> Schema:
    keys = {
        "title": text(),
        "sizes": mapping({str(device): size() for device in Device}) | {"minProperties": 1},
        "on_empty": word(OnEmpty) | {"default": str(OnEmpty.RESERVE)},
    }
    return named(mapping(described(keys, SLOTS), ("title", "sizes")), name())
