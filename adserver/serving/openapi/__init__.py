"""The OpenAPI document of the public port (OpenAPI 3.1.0): what may be asked, and every answer.

Routes, methods, reasons and limits are those of the code; tests hold the rest to what a server
answers. It is published as docs/openapi.json and printed by `adserver schema openapi`.
"""

from __future__ import annotations

from typing import Any

import orjson

from adserver import __version__
from adserver.serving.app import ROUTES
from adserver.serving.openapi import answers, decisions, parameters
from adserver.serving.openapi.answers import Answers

DESCRIPTION = (
    "Slots, decisions, beacons and clicks of a self-hosted ad server. Every answer allows any "
    "origin without credentials; none sets a cookie. A path that is not here is 404, "
    "stored by nobody; another method of one that is here 405."
)

# Of each route: how its path goes on, what one does there, parameters by name, answers by method.
# HEAD is GET without a body where nothing else is said.
Operation = tuple[str, str, tuple[str, ...], dict[str, Answers]]
OPERATIONS: dict[str, Operation] = {
    "slots": ("/{slot}", "An ad as HTML", parameters.DECIDING, {"GET": answers.SLOT}),
    "frame": (
        "/{slot}",
        "A page with one ad, for an iframe",
        parameters.DECIDING,
        {"GET": answers.FRAME},
    ),
    "decisions": (
        "",
        "Decisions for all slots of a page",
        parameters.DECIDING,
        {"GET": answers.DECISIONS, "POST": answers.DECISIONS},
    ),
    "i": (
        "/{ticket}",
        "The ad began to render",
        (),
        {"GET": answers.SHOWN, "HEAD": answers.LOOKED, "POST": answers.BEACON},
    ),
    "v": (
        "/{ticket}",
        "The ad was viewable",
        (),
        {"GET": answers.SHOWN, "HEAD": answers.LOOKED, "POST": answers.BEACON},
    ),
    "c": (
        "/{ticket}",
        "The ad was clicked",
        (),
        {"GET": answers.CLICK, "HEAD": answers.LOOKED_AT_CLICK},
    ),
    "h": ("/{ticket}", "An HTML creative's own document", (), {"GET": answers.DOCUMENT}),
    "assets": ("/{digest}/{name}", "A picture, by its content", (), {"GET": answers.PICTURE}),
    "slots.css": (
        "",
        "The reserved space of every slot",
        ("frame", "If-None-Match"),
        {"GET": answers.STYLESHEET},
    ),
    "tag.js": ("", "The browser tag", ("If-None-Match",), {"GET": answers.TAG}),
}


def document() -> dict[str, Any]:
    """The document, a mapping that JSON can hold."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "adserver, public port",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "or `--public-url`"}],
        "paths": {f"/{route}{OPERATIONS[route][0]}": path(route) for route in ROUTES},
        "components": {
            "parameters": parameters.PARAMETERS,
            "headers": answers.HEADERS,
            "schemas": decisions.SCHEMAS,
        },
    }


def text() -> bytes:
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def path(route: str) -> dict[str, Any]:
    rest, summary, names, by_method = OPERATIONS[route]
    methods = ROUTES[route].methods
    shared = [parameter(part.strip("{}")) for part in rest.split("/") if part]
    made: dict[str, Any] = {"summary": summary, **({"parameters": shared} if shared else {})}
    for method in (*sorted(methods), "OPTIONS"):
        described = by_method.get(method) or by_method["GET"]
        if method == "OPTIONS":
            described = answers.PREFLIGHT
        made[method.lower()] = {
            "operationId": f"{method.lower()} /{route}",
            **takes(route, method, names),
            "responses": described.described(with_body=method != "HEAD"),
        }
    return made


def takes(route: str, method: str, names: tuple[str, ...]) -> dict[str, Any]:
    if method == "OPTIONS":
        return {}
    if (route, method) == ("decisions", "POST"):
        return {
            "parameters": [parameter(name) for name in parameters.HEADERS_READ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": decisions.ref("Call")}},
            },
        }
    slots = ("slots",) if route == "decisions" else ()
    given = [parameter(name) for name in (*slots, *names)]
    return {"parameters": given} if given else {}


def parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}
