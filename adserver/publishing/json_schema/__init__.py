"""JSON Schemas of the files, so that editors complete keys and mark mistakes while one types.

They say what one file can be known to say by itself; what takes the others, the pictures or the
calendar is `validate`'s. Nothing that `validate` accepts is marked. The words are those of JSON
Schema 2020-12 that older editors know as well.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson

from adserver.publishing.json_schema.campaign import campaign
from adserver.publishing.json_schema.site import site
from adserver.publishing.json_schema.slots import slots

Kind = Literal["site", "slots", "campaign"]
KINDS: tuple[Kind, ...] = ("site", "slots", "campaign")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

TITLES: dict[Kind, str] = {
    "site": "site.yaml: the publisher",
    "slots": "slots.yaml: the places in its pages",
    "campaign": "campaigns/*.yaml: a campaign",
}
# The folder of the config folder in which files look for their schema.
FOLDER = "schemas"
BODIES = {"site": site, "slots": slots, "campaign": campaign}


def json_schema(kind: Kind) -> dict[str, Any]:
    """The schema of one kind of file, a mapping that JSON can hold."""
    return {"$schema": DIALECT, "title": TITLES[kind], **BODIES[kind]()}


def schema_files(*kinds: Kind) -> dict[str, str]:
    """The texts of the files that editors read, by their path in the config folder; of all kinds
    if none is named. Indented, so that a change can be read in a diff."""
    return {
        f"{FOLDER}/{kind}.json": orjson.dumps(
            json_schema(kind), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        ).decode()
        for kind in kinds or KINDS
    }
