"""Whether an answer is one that the OpenAPI document of the public port promises.

    complaints("GET", "/slots/words", answer) == []

Nothing is taken for granted of the document but its form: what it does not say is a complaint.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from adserver.serving.openapi import document
from adserver.serving.refusals import ANSWERED

DOCUMENT = document()
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
# What the server's own library adds, and lengths.
OF_HTTP = {"date", "content-length", "content-type", "connection", "transfer-encoding"}
# What is refused before it is known whose it is.
REFUSED = {status for status, _, _ in ANSWERED.values()}
# (path of the document, method, status) → how often it was held to the document.
SEEN: Counter[tuple[str, str, int]] = Counter()


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        found: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)
    return node


def documented_path(path: str) -> str | None:
    """That of the document which a requested path belongs to."""
    path = path.partition("?")[0]
    for one in DOCUMENT["paths"]:
        pattern = re.sub(r"\\\{(\w+)\\\}", "[^/]*", re.escape(one))
        if re.fullmatch(pattern, path):
            return str(one)
    return None


def complaints(method: str, path: str, answer: httpx.Response) -> list[str]:
    of = documented_path(path)
    if of is None:
        return [] if answer.status_code in {400, 404, 405} else [f"{path} is not documented"]
    operation = DOCUMENT["paths"][of].get(method.lower())
    if operation is None:
        told = answer.status_code == 405 and "allow" in answer.headers
        return [] if told else [f"{method} {of} is not documented: {answer.status_code}"]
    responses = operation["responses"]
    if answer.status_code in REFUSED and "x-ad-refused" in answer.headers:
        response = responses["4XX"]
    else:
        response = responses.get(str(answer.status_code))
    if response is None:
        return [f"{method} {of}: {answer.status_code} is not documented"]
    SEEN[of, method, answer.status_code] += 1
    found = [*of_headers(response, answer), *of_body(method, response, answer)]
    return [f"{method} {of} {answer.status_code}: {one}" for one in found]


def of_headers(response: dict[str, Any], answer: httpx.Response) -> list[str]:
    promised = {name.lower(): resolved(one) for name, one in response["headers"].items()}
    found = [
        f"header {name} is not documented"
        for name in answer.headers
        if name not in promised and name not in OF_HTTP
    ]
    for name, one in promised.items():
        if name in answer.headers:
            errors = Draft202012Validator(one["schema"]).iter_errors(answer.headers[name])
            found += [f"header {name}: {error.message}" for error in errors]
        elif one["required"]:
            found.append(f"header {name} is missing")
    return found


def of_body(method: str, response: dict[str, Any], answer: httpx.Response) -> list[str]:
    content = response.get("content", {})
    kind = answer.headers.get("content-type")
    if method == "HEAD" or not content:
        return [f"a body of {len(answer.content)} bytes"] if answer.content else []
    if kind not in content:
        return [f"content-type {kind} is not documented"]
    if kind != "application/json":
        return []
    schema = {**content[kind]["schema"], "components": DOCUMENT["components"]}
    errors = Draft202012Validator(schema).iter_errors(answer.json())
    return [f"body: {error.message}" for error in errors]


def hold(answer: httpx.Response) -> None:
    """For an event hook of a client: the answer is one that is documented."""
    answer.read()
    path = answer.request.url.raw_path.decode("ascii")
    assert complaints(answer.request.method, path, answer) == []
