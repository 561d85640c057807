"""The OpenAPI document says what the public port answers: all of it, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adserver.core.reasons import Discard, Reason
from adserver.core.ticket import Sealer
from adserver.serving import openapi
from adserver.serving.app import ROUTES
from tests.cli.command import adserver
from tests.docs.pages import DOCS
from tests.servers import Running
from tests.serving.attacked import (
    CARD,
    DOCUMENT,
    PICTURE,
    Answer,
    Target,
    attacked,
    digest_of,
)  # fmt: skip
from tests.serving.documented import DOCUMENT as SAID
from tests.serving.documented import complaints
from tests.serving.tickets import ticket


def test_the_published_document_is_that_of_this_release() -> None:
    assert (DOCS / "openapi.json").read_bytes() == openapi.text(), (
        "write it again: adserver schema openapi > docs/openapi.json"
    )


def test_the_command_prints_it_and_writes_it_nowhere() -> None:
    printed = adserver("schema", "openapi")
    assert (printed.exit_code, json.loads(printed.stdout)) == (0, SAID)
    assert adserver("schema", "openapi", "--write").exit_code == 2


def test_every_route_and_method_is_in_it_and_no_other() -> None:
    said = {
        (path.split("/")[1], method.upper())
        for path, item in SAID["paths"].items()
        for method in item
        if method not in {"summary", "parameters"}
    }
    assert said == {
        (route, method)
        for route, (_, methods, *_) in ROUTES.items()
        for method in (*methods, "OPTIONS")
    }


def test_every_reason_is_in_it() -> None:
    headers, schemas = SAID["components"]["headers"], SAID["components"]["schemas"]
    empty = {str(one) for one in Reason} - {"won"}
    assert set(schemas["Empty"]["properties"]["reason"]["enum"]) == empty
    assert set(re.findall(r"\w+", headers["X-Ad-Decision"]["schema"]["pattern"])) >= empty
    event = headers["X-Ad-Event"]["schema"]["pattern"]
    assert set(re.findall(r"\w+", event)) >= {str(one) for one in Discard}


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    text = json.dumps(SAID)
    referred = set(re.findall(r'"#/components/(\w+)/([\w-]+)"', text))
    there = {(kind, name) for kind, named in SAID["components"].items() for name in named}
    assert referred == there


def test_its_schemas_are_json_schemas() -> None:
    for schema in SAID["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


# Each answer, made to happen


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with attacked(tmp_path) as one:
        yield one


PATHS = (
    "/slots/post-top",
    "/slots/post-tpo",
    "/frame/post-top",
    "/frame/none",
    "/decisions",
    "/decisions?slots=post-top,none",
    f"/assets/{digest_of(PICTURE.data)}/b.png",
    "/assets/x/y",
    "/slots.css",
    "/slots.css?frame",
    "/tag.js",
)
Asked = tuple[str, str, Answer]


async def ask(target: Target, paths: Iterable[str], methods: str) -> AsyncIterator[Asked]:
    """(method, path, answer) of each path by each method."""
    for path in paths:
        for method in methods.split():
            first = f"{method} {path} HTTP/1.1".encode()
            yield method, path, await target.send(first, body=b"" if method == "POST" else None)


def tickets(target: Target) -> list[str]:
    """Good ones, one too old, one of another key, and none."""
    stranger = Sealer([b"of another installation altogether"])
    forged = stranger.seal(target.state.sealer.unseal(target.ticket())).decode()
    made = [target.ticket(DOCUMENT), target.ticket(age=10**6), forged, "none"]
    return [f"/{route}/{text}" for route in "ivch" for text in made]


async def every_answer(target: Target) -> AsyncIterator[Asked]:
    paths = [*PATHS, *tickets(target), f"/h/{target.ticket(CARD)}", f"/c/{target.ticket(99)}"]
    async for one in ask(target, paths, "GET HEAD OPTIONS DELETE"):
        yield one
    async for one in ask(target, tickets(target)[:8], "POST"):
        yield one
    for body in (b"", b'{"slots": ["post-top"]}', b" " * 70_000):
        yield "POST", "/decisions", await target.post("/decisions", body)
    for path in ("/slots.css", "/tag.js"):
        held = b"If-None-Match: " + (await target.get(path)).headers["etag"].encode()
        for method in ("GET", "HEAD"):
            yield method, path, await target.send(f"{method} {path} HTTP/1.1".encode(), held)


async def every_answer_in_trouble(target: Target) -> AsyncIterator[Asked]:
    """Of the store and of the disk."""
    target.memory.store.away = True
    of_store = [f"/c/{target.ticket(77)}", f"/h/{target.ticket(77)}", f"/assets/{'a' * 32}/x"]
    async for one in ask(target, of_store, "GET HEAD"):
        yield one
    target.state.counting._journal = None
    async for one in ask(target, [f"/{route}/{target.ticket()}" for route in "iv"], "GET POST"):
        yield one


def documented_answers() -> set[tuple[str, str, str]]:
    return {
        (path.split("/")[1], method.upper(), status)
        for path, item in SAID["paths"].items()
        for method, operation in item.items()
        if method not in {"summary", "parameters"}
        for status in operation["responses"]
        if status != "4XX"
    }


async def test_every_answer_is_as_documented_and_every_documented_one_is_given(
    target: Target,
) -> None:
    given, wrong = set(), []
    for answers in (every_answer(target), every_answer_in_trouble(target)):
        async for method, path, answer in answers:
            wrong += complaints(method, path, answer.response())
            if answer.status != 405 and "x-ad-refused" not in answer.headers:
                given.add((re.split("[/?]", path)[1], method, str(answer.status)))
    assert wrong == []
    assert given == documented_answers()


# schemathesis: a program that reads the document, and tries whatever it does not rule out

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method"
)
SOAK = "SOAK" in os.environ
EXAMPLES = 2_000 if SOAK else 5
OPTIONS = (
    f"--no-color --checks {CHECKS} --phases examples,coverage,fuzzing --max-examples {EXAMPLES} "
    "--seed 1 --generation-deterministic --continue-on-failure"
).split()


def schemathesis(ads: Running, file: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [program, "run", file, "--url", ads.public, *OPTIONS],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
        env={**os.environ, "SCHEMATHESIS_HOOKS": ""},
    )


def about_this_server(ads: Running) -> dict:
    """The document, with names that this server has, so that not all of it is about refusals."""
    said = json.loads(openapi.text())
    parameters = said["components"]["parameters"]
    parameters["slot"]["example"] = "words"
    parameters["ticket"]["example"] = ticket(ads, "rich")
    return said


@pytest.mark.timeout(3_600 if SOAK else 120)
def test_schemathesis_finds_nothing_that_is_not_documented(ads: Running, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(about_this_server(ads)))
    done = schemathesis(ads, file, tmp_path)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_schemathesis_finds_what_is_not_true(ads: Running, tmp_path: Path) -> None:
    said = about_this_server(ads)
    [(name, item)] = [one for one in said["paths"].items() if one[0] == "/tag.js"]
    item["get"]["responses"]["201"] = item["get"]["responses"].pop("200")
    said["paths"] = {name: item}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(said))
    done = schemathesis(ads, file, tmp_path)
    assert done.returncode == 1
    assert "Undocumented status code" in done.stdout, done.stdout
