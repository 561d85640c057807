"""A defect of ours is answered in a word: where it is stands in the log, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from adserver.serving.admin import Guard, admin_app
from adserver.serving.collect import Collected
from adserver.serving.state import State
from tests.serving.attacked import attacked

# What is in the text of the error, and of no answer.
INSIDE = "zqjx7-inside"


class Broken:
    """Whatever is asked of it fails, with words that nobody is to see."""

    workers = 1

    def __call__(self, *_: object) -> float:
        raise RuntimeError(INSIDE)

    async def dump(self) -> None:
        raise RuntimeError(INSIDE)


def shows_insides(text: str) -> bool:
    return any(word in text for word in (INSIDE, "Traceback", "RuntimeError", ".py"))


@pytest.mark.parametrize(
    "path", ["/slots/post-top", "/decisions?slots=post-top", "/frame/post-top"]
)
async def test_the_public_port_says_nothing_of_it(tmp_path: Path, path: str) -> None:
    async with attacked(tmp_path) as target:
        break_drawing(target.state)
        answer = await target.get(path)
    assert (answer.status, answer.body) == (500, b"")
    assert not shows_insides(answer.head.decode())


def break_drawing(state: State) -> None:
    state.draw = Broken()


async def of_admin(app: Starlette, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path)


def broken_admin() -> Starlette:
    broken: Collected = Broken()  # type: ignore[assignment]

    async def from_store() -> dict:
        return {}

    return admin_app(broken, Guard(), from_store)


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
async def test_the_admin_port_says_nothing_of_it(path: str) -> None:
    answer = await of_admin(broken_admin(), path)
    assert answer.status_code == 500
    assert not shows_insides(answer.text + str(answer.headers))


async def test_control_with_debugging_on_it_would() -> None:
    app = broken_admin()
    app.debug = True
    assert shows_insides((await of_admin(app, "/readyz")).text)
