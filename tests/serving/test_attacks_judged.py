"""What judges the attacks sees each of the harms that it looks for, done by an app that does them.

Without this, attacks that achieve something would look like attacks that do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from adserver.core.events import Event, Kind
from adserver.serving.http import HTML, JSON, NO_STORE, answer, answer_empty, respond
from adserver.serving.slots import decision_header
from adserver.serving.state import State
from tests.serving.attacked import CANARY, attacked, harm

UNKNOWN = decision_header("empty; reason=unknown_slot")
Does = Callable[[State, Any, Any], Any]


async def is_harmless(state: State, scope: Any, send: Any) -> None:
    await answer_empty(send, 404, UNKNOWN)


async def fails(state: State, scope: Any, send: Any) -> None:
    await answer_empty(send, 500)


async def finds_it(state: State, scope: Any, send: Any) -> None:
    await answer(send, 200, HTML, b"", NO_STORE, UNKNOWN)


async def repeats_it_in_the_body(state: State, scope: Any, send: Any) -> None:
    await answer(send, 404, HTML, scope["raw_path"], NO_STORE, UNKNOWN)


async def repeats_it_as_json_that_may_be_sniffed(state: State, scope: Any, send: Any) -> None:
    body = b'{"slot": "%b"}' % scope["raw_path"]
    await respond(send, 404, [(b"content-type", JSON), NO_STORE, UNKNOWN], body)


async def repeats_it_in_the_head(state: State, scope: Any, send: Any) -> None:
    said = unquote_to_bytes(scope["raw_path"]).rpartition(b"/")[2]
    await answer_empty(send, 404, (b"x-ad-decision", b"empty; reason=unknown_slot; hint=" + said))


async def adds_a_header(state: State, scope: Any, send: Any) -> None:
    await answer_empty(send, 404, UNKNOWN, (b"set-cookie", b"a=b"))


async def leaves_a_header_out(state: State, scope: Any, send: Any) -> None:
    await answer_empty(send, 404)


async def counts_it(state: State, scope: Any, send: Any) -> None:
    state.counting.join(Event(Kind.IMPRESSION, 1, 1, 1, 1, 1, 1))
    await answer_empty(send, 404, UNKNOWN)


async def labels_it(state: State, scope: Any, send: Any) -> None:
    state.meter.counts["decisions_total"][scope["path"], "empty"] += 1
    await answer_empty(send, 404, UNKNOWN)


@pytest.mark.parametrize(
    ("does", "seen"),
    [
        (is_harmless, []),
        (fails, ["answered 500, expected (404,)", "GET /slots/{slot}: 500 is not documented"]),
        (finds_it, ["answered 200"]),
        (repeats_it_in_the_body, ["a body of", "the body repeats"]),
        (repeats_it_as_json_that_may_be_sniffed, ["access-control", "the body repeats"]),
        (repeats_it_in_the_head, ["the head repeats"]),
        (adds_a_header, ["header set-cookie is not documented"]),
        (leaves_a_header_out, ["header x-ad-decision is missing"]),
        (counts_it, ["it was counted"]),
        (labels_it, ["the metrics have grown"]),
    ],
)
async def test_each_harm_is_seen(tmp_path: Path, does: Does, seen: list[str]) -> None:
    def stand_in(state: State) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await does(state, scope, send)

        return app

    async with attacked(tmp_path, stand_in) as target:
        before, series = await target.events(), target.series()
        made = await target.get(f"/slots/{CANARY}")
        found = harm(made, "GET", f"/slots/{CANARY}", (404,))
        if await target.events() != before:
            found.append("it was counted")
        if target.series() != series:
            found.append("the metrics have grown")
    assert bool(found) == bool(seen), found
    for one in seen:
        assert any(one in said for said in found), (one, found)
