"""What is answered at once is answered as in the ordinary way, and counted as much."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adserver.core.ticket import FLAG_PREVIEW, Sealer, Ticket
from adserver.serving import patience
from adserver.serving.app import PublicApp
from adserver.serving.http import Later, Prompt, answered
from tests.factories import NOW, campaign, catalog, generation, slot
from tests.serving.memory import SECRET, WRITER, MemoryWorker

AGENT = b"Mozilla/5.0 (X11; Linux x86_64)"
SEALED = re.compile(rb"[A-Za-z0-9_-]{56}")
PIXEL = "https://pixel.example/p?r=%%random%%"


def ticket(serial: int, creative: int = 1, flags: int = 0, age: int = 0) -> str:
    made = Ticket(WRITER, serial, creative, 1, 1, int(NOW) - age, 0, 1, 1, flags)
    return Sealer([SECRET]).seal(made).decode()


@dataclass
class Pair:
    """Two workers alike, one of which is only asked at once and the other in the ordinary way."""

    promptly: MemoryWorker
    ordinarily: MemoryWorker
    app: PublicApp
    client: httpx.AsyncClient

    async def at_once(self, method: str, url: str, headers: dict[str, str]) -> Prompt | None:
        # As a client encodes it.
        target = httpx.Request(method, f"http://ads{url}").url.raw_path
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"headers": sent, "client": ("127.0.0.1", 123)}
        made = self.app.at_once(method.encode(), target, scope)
        return await answered(made) if isinstance(made, Later) else made

    async def both(self, method: str, url: str, **headers: str) -> Prompt | None:
        """What is answered at once; asserts that the ordinary way has the same to say."""
        headers = {"user-agent": AGENT.decode(), **headers}
        prompt = await self.at_once(method, url, headers)
        answer = await self.client.request(method, url, headers=headers)
        if prompt is not None:
            assert prompt.status == answer.status_code
            assert heads(prompt) == dict(answer.headers.raw)
            if method != "HEAD":
                assert SEALED.sub(b"T", prompt.body) == SEALED.sub(b"T", answer.content)
        return prompt

    def counted(self, worker: MemoryWorker) -> dict[str, Any]:
        counts = worker.state.meter.counts
        return {name: dict(series) for name, series in counts.items()}


def heads(prompt: Prompt) -> dict[bytes, bytes]:
    return dict(prompt.head)


async def worker_of(folder: Path, always: bool) -> MemoryWorker:
    worker = MemoryWorker(folder, always=always)
    shown = catalog(
        campaign(slots=("post-top",)),
        campaign("autre", slots=("other",), pixels=(PIXEL,)),
        slots=(slot(), slot("other"), slot("empty")),
    )
    worker.store.publish(generation(shown))
    await worker.state.live.refresh(NOW)
    worker.begin()
    # Nothing tells this worker's overload that time passes.
    worker.state.sheds = False
    return worker


@pytest.fixture(params=[True, False], ids=["always", "interval"])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    # Beside other tests a disk may take longer than a click waits, and it would be pending.
    monkeypatch.setattr(patience, "MAX_CLICK_WAIT_SECONDS", 30.0)
    one = await worker_of(tmp_path / "one", request.param)
    other = await worker_of(tmp_path / "other", request.param)
    asked = PublicApp(other.state, "/ads", lambda _: Starlette())
    transport = httpx.ASGITransport(asked, raise_app_exceptions=False)
    app = PublicApp(one.state, "/ads", lambda _: Starlette())
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        yield Pair(one, other, app, client)
    for worker in (one, other):
        with contextlib.suppress(RuntimeError):  # a test has done so
            await worker.finish()


BAD = ("short", "A" * 56, ticket(4)[::-1])
ASKED = [
    ("GET", "/slots/post-top"),
    ("HEAD", "/slots/post-top"),
    ("GET", "/ads/slots/post-top"),
    ("GET", "/slots/post%2Dtop?section=tech&nobody=knows"),
    ("GET", "/slots/other?consent=1"),
    ("GET", "/slots/empty"),
    ("GET", "/slots/post-tap"),
    ("GET", "/slots/"),
    ("GET", "/slots"),
    ("GET", "/slots/caf%C3%A9"),
    ("GET", "/decisions?slots=post-top,other,empty,nowhere"),
    ("GET", "/decisions?slots=other,other&consent=1"),
    ("HEAD", "/decisions?slots=post-top"),
    ("GET", "/decisions"),
    ("GET", "/decisions?slots="),
    *((method, f"/{kind}/{ticket(1)}") for kind in "iv" for method in ("HEAD", "POST", "GET")),
    *((method, f"/c/{ticket(1)}") for method in ("HEAD", "GET", "GET")),
    ("GET", f"/i/{ticket(2, flags=FLAG_PREVIEW)}"),
    ("POST", f"/i/{ticket(3, age=10**6)}"),
    ("GET", f"/c/{ticket(3, age=10**6)}"),
    *(
        ("GET", f"/{kind}/{text}")
        for kind in "ivc"
        for text in ("short", "A" * 56, ticket(4)[::-1])
    ),
]


async def test_as_in_the_ordinary_way(pair: Pair) -> None:
    for method, url in ASKED:
        prompt = await pair.both(method, url)
        assert prompt is not None, f"{method} {url}"
    for worker in (pair.promptly, pair.ordinarily):
        await worker.state.counting.flush()
        await worker.finish()
    assert pair.counted(pair.promptly) == pair.counted(pair.ordinarily)
    rows = pair.promptly.counts.rows
    assert rows == pair.ordinarily.counts.rows
    assert {what for (_, (what, *_)), count in rows.items() if count} >= {*"rsivc", "i.duplicate"}


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("OPTIONS", "/slots/post-top"),
        ("POST", "/slots/post-top"),
        ("POST", "/decisions"),
        ("GET", "/decisions/more"),
        ("GET", "/frame/post-top"),
        ("GET", "/tag.js"),
        ("GET", "/"),
        ("GET", "/%73lots/post-top"),
        ("GET", f"/c/{ticket(9, creative=999)}"),
    ],
)
async def test_what_takes_a_task_does(pair: Pair, method: str, url: str) -> None:
    assert await pair.both(method, url) is None
    assert not any(pair.counted(pair.promptly)["http_requests_total"].values())


async def test_before_the_first_apply(tmp_path: Path) -> None:
    worker = MemoryWorker(tmp_path)
    app = PublicApp(worker.state, "", lambda _: Starlette())
    for url in (b"/slots/post-top", b"/decisions?slots=post-top"):
        made = app.at_once(b"GET", url, {"headers": [], "client": None})
        assert isinstance(made, Prompt)
        assert made.status == 200
        assert b"no_campaign" in b"".join([made.head.encoded, made.body])


async def test_a_defect_is_answered_and_logged(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    pair.promptly.state.invalid.judge = broken  # type: ignore[method-assign]
    made = await pair.at_once("POST", f"/i/{ticket(1)}", {})
    assert made is not None
    assert made.status == 500
    assert "request_failed" in capsys.readouterr().out


async def test_a_full_disk_refuses_beacons_and_lets_clicks_pass(tmp_path: Path) -> None:
    worker = await worker_of(tmp_path, always=True)
    app = PublicApp(worker.state, "", lambda _: Starlette())
    worker.state.counting.begin(None)  # type: ignore[arg-type]
    scope = {"headers": [(b"user-agent", AGENT)], "client": None}
    for kind, status in ((b"i", 503), (b"c", 302)):
        made = app.at_once(b"GET", b"/%b/%b" % (kind, ticket(1).encode()), dict(scope))
        assert isinstance(made, Later)
        prompt = await answered(made)
        assert prompt.status == status
    assert dict(prompt.head)[b"x-ad-event"] == b"pending"
    for route, status in (("/i", "503"), ("/c", "302")):
        assert worker.state.meter.counts["http_requests_total"][route, "GET", status] == 1
